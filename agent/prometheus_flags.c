#include "agent/prometheus_flags.h"

#include "base/nearest.h"

#include <string.h>

static const char go_runtime[] = "there is no Go runtime to tune; see agent.memory_limit";
static const char no_console[] = "there are no consoles and assets: the status page is built in";
static const char no_receiver[] = "gleaner takes samples by scraping only; send to the receiver "
                                  "directly, or run prometheus --agent for this";
static const char compressed[] = "the log is always compressed by its own format";
static const char queries[] = "there are no queries";
static const char no_checkpoints[] = "the log needs no checkpoints";
static const char no_blocks[] = "there are no blocks";
static const char no_start_times[] = "start timestamps are not sent";
static const char data_path[] = "use --storage.agent.path or --data-dir";
static const char data_age[] = "use wal.max_age in the file, or --storage.agent.retention.max-time";
static const char data_size[] = "use wal.max_size in the file";

const struct prometheus_flag prometheus_flags[] = {
    {"auto-gomaxprocs", true, FLAG_IDLE, go_runtime},
    {"auto-gomemlimit", true, FLAG_IDLE, go_runtime},
    {"auto-gomemlimit.ratio", false, FLAG_IDLE, go_runtime},
    {"auto-gomemlimit.refresh-interval", false, FLAG_IDLE, go_runtime},
    {"web.max-notifications-subscribers", false, FLAG_IDLE, "there are no live notifications"},
    {"web.local-assets", false, FLAG_IDLE, no_console},
    {"web.user-assets", false, FLAG_IDLE, no_console},
    {"web.console.templates", false, FLAG_IDLE, no_console},
    {"web.console.libraries", false, FLAG_IDLE, no_console},
    {"web.enable-admin-api", true, FLAG_IDLE, "it acts on a server's storage only"},
    {"web.enable-remote-write-receiver", true, FLAG_REFUSED, no_receiver},
    {"web.enable-otlp-receiver", true, FLAG_REFUSED, no_receiver},
    {"web.remote-write-receiver.accepted-protobuf-messages", false, FLAG_IDLE, no_receiver},
    {"storage.agent.wal-compression", true, FLAG_IDLE, compressed},
    {"storage.agent.wal-compression-type", false, FLAG_IDLE, compressed},
    {"storage.agent.wal-segment-size", false, FLAG_IDLE, "the log has no segments"},
    {"storage.agent.wal-truncate-frequency", false, FLAG_IDLE,
        "what every endpoint has leaves the log by itself"},
    {"storage.agent.wal-stripe-size", false, FLAG_IDLE, "the log has no stripes"},
    {"storage.agent.checkpoint-from-in-memory-series", true, FLAG_IDLE, no_checkpoints},
    {"storage.agent.checkpoint-batch-size", false, FLAG_IDLE, no_checkpoints},
    {"storage.agent.retention.min-time", false, FLAG_IDLE,
        "samples stay until every endpoint has them, and no longer"},
    {"storage.agent.no-lockfile", true, FLAG_IDLE,
        "the lock is given back by the kernel, also after a crash"},
    {"storage.agent.use-lockfile", true, FLAG_IDLE, "there is always a lock"}, /* Debian's 2.x */
    {"scrape.adjust-timestamps", true, FLAG_IDLE, "timestamps are those of the schedule"},
    {"scrape.timestamp-tolerance", false, FLAG_IDLE, "timestamps are those of the schedule"},
    {"scrape.discovery-reload-interval", false, FLAG_IDLE, "new targets are taken at once"},
    {"scrape.name-escaping-scheme", false, FLAG_WARN,
        "set metric_name_escaping_scheme in the file instead"},
    {"storage.tsdb.path", false, FLAG_SERVER, data_path},
    {"storage.tsdb.retention", false, FLAG_SERVER, data_age},
    {"storage.tsdb.retention.time", false, FLAG_SERVER, data_age},
    {"storage.tsdb.retention.size", false, FLAG_SERVER, data_size},
    {"storage.tsdb.use-lockfile", true, FLAG_SERVER, NULL},
    {"storage.tsdb.no-lockfile", true, FLAG_SERVER, NULL},
    {"storage.tsdb.min-block-duration", false, FLAG_SERVER, NULL},
    {"storage.tsdb.max-block-duration", false, FLAG_SERVER, NULL},
    {"storage.tsdb.max-block-chunk-segment-size", false, FLAG_SERVER, NULL},
    {"storage.tsdb.allow-overlapping-blocks", true, FLAG_SERVER, NULL},
    {"storage.tsdb.allow-overlapping-compaction", true, FLAG_SERVER, NULL},
    {"storage.tsdb.wal-compression", true, FLAG_SERVER, NULL},
    {"storage.tsdb.wal-compression-type", false, FLAG_SERVER, NULL},
    {"storage.tsdb.wal-segment-size", false, FLAG_SERVER, NULL},
    {"storage.tsdb.head-chunks-write-queue-size", false, FLAG_SERVER, NULL},
    {"storage.tsdb.samples-per-chunk", false, FLAG_SERVER, NULL},
    {"storage.tsdb.delayed-compaction.max-percent", false, FLAG_SERVER, NULL},
    {"storage.tsdb.delay-compact-file.path", false, FLAG_SERVER, NULL},
    {"storage.tsdb.block-reload-interval", false, FLAG_SERVER, NULL},
    {"storage.remote.read-sample-limit", false, FLAG_SERVER, NULL},
    {"storage.remote.read-concurrent-limit", false, FLAG_SERVER, NULL},
    {"storage.remote.read-max-bytes-in-frame", false, FLAG_SERVER, NULL},
    {"web.search.max-limit", false, FLAG_SERVER, NULL},
    {"rules.alert.for-outage-tolerance", false, FLAG_SERVER, NULL},
    {"rules.alert.for-grace-period", false, FLAG_SERVER, NULL},
    {"rules.alert.resend-delay", false, FLAG_SERVER, NULL},
    {"rules.max-concurrent-evals", false, FLAG_SERVER, NULL},
    {"alertmanager.timeout", false, FLAG_IDLE, "it has no effect in Prometheus 2, either"},
    {"alertmanager.notification-queue-capacity", false, FLAG_SERVER, NULL},
    {"alertmanager.notification-batch-size", false, FLAG_SERVER, NULL},
    {"alertmanager.drain-notification-queue-on-shutdown", true, FLAG_SERVER, NULL},
    {"query.lookback-delta", false, FLAG_SERVER, NULL},
    {"query.timeout", false, FLAG_SERVER, NULL},
    {"query.max-concurrency", false, FLAG_SERVER, NULL},
    {"query.max-samples", false, FLAG_SERVER, NULL},
};
const size_t prometheus_flags_count = sizeof(prometheus_flags) / sizeof(prometheus_flags[0]);

static const struct prometheus_flag features[] = {
    {"agent", true, FLAG_IDLE, "gleaner is always an agent"},
    {"expand-external-labels", true, FLAG_IDLE, "${NAME} is always expanded"},
    {"auto-reload-config", true, FLAG_IDLE, NULL}, /* arguments.c does what these two say */
    {"extra-scrape-metrics", true, FLAG_IDLE, NULL},
    {"auto-gomaxprocs", true, FLAG_IDLE, go_runtime},
    {"auto-gomemlimit", true, FLAG_IDLE, go_runtime},
    {"new-service-discovery-manager", true, FLAG_IDLE, "there is one discovery only"},
    {"no-default-scrape-port", true, FLAG_IDLE, "no port is added, as in Prometheus 3"},
    {"utf8-names", true, FLAG_IDLE, "UTF-8 names are on, as in Prometheus 3"},
    {"otlp-write-receiver", true, FLAG_REFUSED, no_receiver},
    {"remote-write-receiver", true, FLAG_REFUSED, no_receiver},
    {"otlp-deltatocumulative", true, FLAG_IDLE, no_receiver},
    {"otlp-native-delta-ingestion", true, FLAG_IDLE, no_receiver},
    {"memory-snapshot-on-shutdown", true, FLAG_IDLE, "nothing has to be replayed at a start"},
    {"delayed-compaction", true, FLAG_IDLE, no_blocks},
    {"use-uncached-io", true, FLAG_IDLE, no_blocks},
    {"fast-startup", true, FLAG_IDLE, no_blocks},
    {"xor2-encoding", true, FLAG_IDLE, no_blocks},
    {"histograms-st-encoding", true, FLAG_IDLE, no_blocks},
    {"ooo-native-histograms", true, FLAG_IDLE, no_blocks},
    {"concurrent-rule-eval", true, FLAG_IDLE, "there are no rules"},
    {"old-ui", true, FLAG_IDLE, no_console},
    {"promql-at-modifier", true, FLAG_IDLE, queries},
    {"promql-negative-offset", true, FLAG_IDLE, queries},
    {"promql-per-step-stats", true, FLAG_IDLE, queries},
    {"promql-experimental-functions", true, FLAG_IDLE, queries},
    {"promql-duration-expr", true, FLAG_IDLE, queries},
    {"promql-delayed-name-removal", true, FLAG_IDLE, queries},
    {"promql-extended-range-selectors", true, FLAG_IDLE, queries},
    {"promql-binop-fill-modifiers", true, FLAG_IDLE, queries},
    {"use-start-timestamps", true, FLAG_IDLE, queries},
    {"search-api", true, FLAG_IDLE, queries},
    {"exemplar-storage", true, FLAG_WARN, "exemplars are not sent"},
    {"native-histograms", true, FLAG_WARN, "native histograms are not scraped, their text form is"},
    {"created-timestamp-zero-ingestion", true, FLAG_WARN,
        "no zero sample is added to a new series"},
    {"st-storage", true, FLAG_WARN, no_start_times},
    {"st-synthesis", true, FLAG_WARN, no_start_times},
    {"type-and-unit-labels", true, FLAG_WARN, "__type__ and __unit__ are not added"},
    {"metadata-wal-records", true, FLAG_WARN, "metadata is not kept in the log"},
};

enum { N_FEATURES = sizeof(features) / sizeof(features[0]) };

const struct prometheus_flag *
prometheus_feature_find(struct view name)
{
        for (size_t i = 0; i < N_FEATURES; i++) {
                if (view_is(name, features[i].name))
                        return &features[i];
        }
        return NULL;
}

const char *
prometheus_feature_nearest(struct view name)
{
        struct nearest best = NEAREST_INIT(name);

        for (size_t i = 0; i < N_FEATURES; i++)
                nearest_offer(&best, features[i].name);
        return best.name;
}
