/*
 * The rows of metrics_table.h about discovery.
 */
#include "agent/metrics_computed.h"
#include "agent/metrics_snapshot.h"
#include "agent/metrics_table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct metric_row discovered_rows[] = {
    {.name = "prometheus_sd_discovered_targets",
        .offset = offsetof(struct metrics_pool, discovered),
        .help = "Targets discovered, dropped ones included, by job."},
};

const struct metric_table metrics_of_discovered = {
    .title = "Discovery, by job",
    .labels = "name, config",
    .source = METRIC_OF_DISCOVERY,
    .rows = discovered_rows,
    .n_rows = COUNT(discovered_rows),
};

static const struct metric_row feeds_rows[] = {
    {.name = "prometheus_sd_refresh_failures_total",
        .offset = offsetof(struct metrics_feed, failures),
        .help = "Refreshes of a job's sections of that kind that failed."},
    {.name = "gleaner_discovery_refreshes_total",
        .offset = offsetof(struct metrics_feed, refreshes),
        .help = "Refreshes of a job's sections of that kind."},
    {.name = "gleaner_discovery_age_seconds",
        .unit = METRIC_COMPUTED,
        .compute = compute_discovery_age,
        .help = "Time since the source last confirmed the targets in use, from before a restart on "
                "too; absent while no targets are known. Of several sections the oldest."},
    {.name = "gleaner_discovery_kept_in_use",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct metrics_feed, kept_in_use),
        .help = "Whether the targets are those of the run before, as the source has not answered "
                "yet."},
};

const struct metric_table metrics_of_feeds = {
    .title = "Discovery over the network, by kind and job",
    .labels = "mechanism, config",
    .source = METRIC_OF_FEED,
    .rows = feeds_rows,
    .n_rows = COUNT(feeds_rows),
};

static const char *const event_names[KUBERNETES_EVENTS] = {"add", "delete", "update"};

static const struct metric_row kubernetes_rows[] = {
    {.name = "prometheus_sd_kubernetes_events_total",
        .key = "event",
        .names = event_names,
        .n_names = KUBERNETES_EVENTS,
        .help = "Changes of Kubernetes objects that were heard of, by the kind of object."},
};

const struct metric_table metrics_of_kubernetes = {
    .title = "Kubernetes objects, by role",
    .labels = "role",
    .source = METRIC_OF_KUBERNETES,
    .rows = kubernetes_rows,
    .n_rows = COUNT(kubernetes_rows),
};

static const struct metric_row discovery_rows[] = {
    {.name = "gleaner_sd_refreshes_total",
        .offset = offsetof(struct metrics_scraping, stats.sd_refreshes),
        .help = "Times that discovered targets were put together."},
    {.name = "gleaner_sd_failures_total",
        .offset = offsetof(struct metrics_scraping, stats.sd_failures),
        .help = "Discovery sources that could not be read; their targets stayed as they "
                "were."},
    {.name = "prometheus_sd_file_read_errors_total",
        .offset = offsetof(struct metrics_scraping, stats.sd_failures),
        .help = "The same under Prometheus's name: files of file_sd_configs."},
    {.name = "gleaner_sd_first_sync_done",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct metrics_scraping, stats.first_sync_done),
        .help = "Whether every discovery has delivered once."},
    {.name = "prometheus_sd_http_failures_total",
        .offset = offsetof(struct metrics_scraping, stats.net.http_failures),
        .help = "Requests of http_sd_configs that failed or brought no good answer."},
    {.name = "prometheus_sd_dns_lookups_total",
        .offset = offsetof(struct metrics_scraping, stats.net.dns_lookups),
        .help = "Look-ups of dns_sd_configs."},
    {.name = "prometheus_sd_dns_lookup_failures_total",
        .offset = offsetof(struct metrics_scraping, stats.net.dns_lookup_failures),
        .help = "Look-ups of dns_sd_configs without an answer; that a name does not exist is one."},
    {.name = "prometheus_sd_kubernetes_failures_total",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.failures),
        .help = "Lists and watches of kubernetes_sd_configs that failed."},
    {.name = "gleaner_sd_kubernetes_lists_total",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.lists),
        .help = "Requests for a list of Kubernetes objects, or a page of one."},
    {.name = "gleaner_sd_kubernetes_objects_refused_total",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.refused),
        .help = "Kubernetes objects over a bound of size or number: their targets are missing."},
    {.name = "gleaner_sd_kubernetes_watches",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.watches),
        .help = "Lists and watches of Kubernetes objects: one per API server, kind, namespace and "
                "selector."},
    {.name = "gleaner_sd_kubernetes_watches_failing",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.watches_failing),
        .help = "Those of them that fail now; what they knew stays."},
    {.name = "gleaner_sd_kubernetes_objects",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.objects),
        .help = "Kubernetes objects that are known."},
    {.name = "gleaner_sd_kubernetes_bytes",
        .offset = offsetof(struct metrics_scraping, stats.net.kubernetes.bytes),
        .help = "Memory that their fields take."},
};

const struct metric_table metrics_of_discovery = {
    .title = "Discovery",
    .source = METRIC_OF_SCRAPING,
    .rows = discovery_rows,
    .n_rows = COUNT(discovery_rows),
};
