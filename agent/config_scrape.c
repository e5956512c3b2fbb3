/*
 * Jobs: a section of scrape_configs becomes a struct scrape_job (Prometheus config/config.go,
 * ScrapeConfig.Validate).
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUOTED_MAX = 1024, JOBS_MAX = 10000 };

static void
set_times(struct config_reader *r, const struct config_global *global, const struct config_job *in,
    struct scrape_job *job)
{
        job->interval_ms =
            in->scrape_interval_ms > 0 ? in->scrape_interval_ms : global->scrape_interval_ms;
        job->timeout_ms = in->scrape_timeout_ms;
        if (job->timeout_ms > job->interval_ms) {
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(in->node, "scrape_timeout"),
                    "scrape timeout greater than scrape interval for scrape config with job name "
                    "\"%s\"",
                    in->job_name);
                job->timeout_ms = job->interval_ms;
        }
        if (job->timeout_ms == 0)
                job->timeout_ms = global->scrape_timeout_ms < job->interval_ms
                    ? global->scrape_timeout_ms
                    : job->interval_ms;
}

static uint64_t
inherit(uint64_t own, uint64_t global)
{
        return own != 0 ? own : global;
}

static void
set_limits(const struct config_common *g, const struct config_common *c, struct scrape_job *job)
{
        job->body_size_limit = inherit(c->body_size_limit, g->body_size_limit);
        job->sample_limit = inherit(c->sample_limit, g->sample_limit);
        job->target_limit = inherit(c->target_limit, g->target_limit);
        job->label_limit = inherit(c->label_limit, g->label_limit);
        job->label_name_length_limit =
            inherit(c->label_name_length_limit, g->label_name_length_limit);
        job->label_value_length_limit =
            inherit(c->label_value_length_limit, g->label_value_length_limit);
        job->keep_dropped_targets = inherit(c->keep_dropped_targets, g->keep_dropped_targets);
        job->failure_log_file =
            c->failure_log_file[0] != '\0' ? c->failure_log_file : g->failure_log_file;
}

/* Not an error: that scrapes fail is told by the log and by /targets, too. */
static void
check_failure_log(
    struct config_reader *r, const struct config_common *g, const struct config_common *c)
{
        const struct config_common *by = c->failure_log_file[0] != '\0' ? c : g;
        const char *path = by->failure_log_file;
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');
        int rc;

        if (path[0] == '\0')
                return;
        (void)snprintf(
            folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
        rc = access(path, W_OK);
        if (rc != 0 && errno == ENOENT)
                rc = access(folder[0] != '\0' ? folder : "/", W_OK | X_OK);
        if (rc != 0)
                config_say(r, CONFIG_WARNING, yaml_node_get(by->node, "scrape_failure_log_file"),
                    "\"%s\" cannot be written (%s): failed scrapes are not logged there", path,
                    strerror(errno));
}

static void
set_protocols(struct config_reader *r, const struct config_global *global,
    const struct config_job *in, struct scrape_job *job)
{
        char where[256];

        (void)snprintf(
            where, sizeof(where), "for scrape config with job name \"%s\"", in->job_name);
        job->protocols = global->protocols;
        if (in->common.scrape_protocols != NULL)
                config_protocols(r, in->common.scrape_protocols, where, &job->protocols);
        job->fallback = config_fallback_protocol(r, in);
        job->name_scheme = config_job_names(r, global, &in->common, &job->escaping);
}

static void
set_params(struct config_reader *r, const struct yaml_node *map, struct scrape_job *job)
{
        if (map == NULL)
                return;
        job->params = config_array(r, map->n_entries, sizeof(*job->params));
        for (size_t i = 0; job->params != NULL && i < map->n_entries; i++) {
                const struct yaml_entry *entry = &map->entries[i];
                struct job_param *p = &job->params[job->n_params];

                if (entry->repeated || entry->key->kind == YAML_LIST ||
                    entry->key->kind == YAML_MAP)
                        continue;
                p->name = config_copy(r, entry->key->text);
                if (entry->value->kind == YAML_LIST)
                        p->values = config_strings(r, "params", entry->value, &p->n_values);
                job->n_params++;
        }
}

static void
set_request(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        struct view scheme = view_of(in->scheme);

        job->metrics_path = in->metrics_path;
        job->scheme = in->scheme;
        set_params(r, in->params, job);
        config_http(r, &in->http, TLS_1_2, &job->http);
        config_headers(r, NULL, in->http.http_headers, &job->http);
        if (!config_same_name(scheme, VIEW_LIT("http")) &&
            !config_same_name(scheme, VIEW_LIT("https")))
                config_say(r, CONFIG_WARNING, yaml_node_get(in->node, "scheme"),
                    "scheme \"%s\" is neither http nor https: no target can be scraped with it",
                    in->scheme);
}

static void
set_rules(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        struct config_rules rules = {in->relabel_configs, job->name_scheme,
            "empty or null target relabeling rule in scrape config"};
        uint64_t targets = 0;
        uint64_t samples = 0;

        config_relabel(r, &rules, &job->relabel, &targets);
        rules.list = in->metric_relabel_configs;
        rules.null_text = "empty or null metric relabeling rule in scrape config";
        config_relabel(r, &rules, &job->metric_relabel, &samples);
        config_hash_job(job, samples);
}

static void
check_name(struct config_reader *r, const struct yaml_node *node, const struct scrape_job *job)
{
        const struct scrape_config *c = r->config->scrape;
        const struct yaml_node *at = yaml_node_get(node, "job_name");
        struct buf quoted = BUF_INIT(QUOTED_MAX);

        if (job->name[0] == '\0') {
                config_fail(r, CONFIG_STAGE_VALUE, at != NULL ? at : node,
                    "job_name is empty; job_name expects a text that no other job has");
                return;
        }
        for (size_t i = 0; i + 1 < c->n_jobs; i++) {
                if (strcmp(c->jobs[i].name, job->name) != 0)
                        continue;
                (void)config_quote(&quoted, view_of(job->name), NULL);
                config_fail(r, CONFIG_STAGE_VALUE, at,
                    "found multiple scrape configs with job name %.*s", (int)quoted.len,
                    quoted.ptr != NULL ? quoted.ptr : "");
                break;
        }
        buf_release(&quoted);
}

/* The array doubles in the arena; what is left behind goes with it. */
static struct scrape_job *
add_job(struct config_reader *r)
{
        struct scrape_config *c = r->config->scrape;
        size_t n = c->n_jobs;

        if (n == JOBS_MAX) {
                config_fail(r, CONFIG_STAGE_VALUE, NULL, "more than %d jobs", JOBS_MAX);
                return NULL;
        }
        if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
                struct scrape_job *larger = config_array(r, n < 8 ? 8 : n * 2, sizeof(*larger));

                if (larger == NULL)
                        return NULL;
                if (n > 0)
                        memcpy(larger, c->jobs, n * sizeof(*larger));
                c->jobs = larger;
        }
        return &c->jobs[c->n_jobs++];
}

static void
read_job(struct config_reader *r, const struct config_global *global, const struct yaml_node *node)
{
        struct config_job in = {0};
        struct scrape_job *job;

        config_read_section(r, &config_job_section, node, &in);
        if (in.node == NULL)
                return; /* no map: told already */
        job = add_job(r);
        if (job == NULL)
                return;
        job->name = in.job_name;
        check_name(r, node, job);
        set_times(r, global, &in, job);
        set_limits(&global->common, &in.common, job);
        check_failure_log(r, &global->common, &in.common);
        set_protocols(r, global, &in, job);
        job->honor_labels = in.honor_labels;
        job->honor_timestamps = in.honor_timestamps;
        job->track_timestamps_staleness = in.track_timestamps_staleness;
        job->enable_compression = in.enable_compression;
        job->extra_scrape_metrics = yaml_node_get(node, "extra_scrape_metrics") != NULL
            ? in.common.extra_scrape_metrics
            : global->common.extra_scrape_metrics;
        set_request(r, &in, job);
        config_targets(r, &in, job);
        config_discovery(r, &in, job);
        set_rules(r, &in, job);
}

void
config_jobs(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *list)
{
        r->arena = &r->config->scrape->arena;
        for (size_t i = 0; list != NULL && r->rc == 0 && i < list->n_items; i++) {
                if (list->items[i]->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty or null scrape config section");
                else
                        read_job(r, global, list->items[i]);
        }
}
