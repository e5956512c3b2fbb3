/*
 * Where a job's targets come from: static_configs and file_sd_configs.
 */
#include "agent/config_parts.h"
#include "agent/config_report.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <string.h>

enum { QUOTED_MAX = 1024 };

/* A URL is a common mistake; relabeling may turn it into an address, so only without. */
static void
check_address(struct config_reader *r, const struct yaml_node *at)
{
        struct buf quoted = BUF_INIT(QUOTED_MAX);

        if (at->kind != YAML_SCALAR || memchr(at->text.p, '/', at->text.n) == NULL)
                return;
        (void)config_quote(&quoted, at->text, NULL);
        config_fail(r, CONFIG_STAGE_VALUE, at,
            "%.*s is not a valid hostname; targets expects host:port", (int)quoted.len,
            quoted.ptr != NULL ? quoted.ptr : "");
        buf_release(&quoted);
}

static void
note_places(struct config_reader *r, const struct yaml_node *targets)
{
        for (size_t i = 0; targets != NULL && i < targets->n_items; i++) {
                const struct yaml_node *at = targets->items[i];

                if (config_report_add_target(
                        r->report, (struct config_place){r->file, at->line, at->column}) < 0)
                        r->rc = ERR_NOMEM;
        }
}

static void
read_group(struct config_reader *r, const struct yaml_node *node, const struct config_job *job,
    struct target_group *out)
{
        bool relabeled = job->relabel_configs != NULL && job->relabel_configs->n_items > 0;
        struct config_group in = {0};
        struct config_seen_group group;
        size_t n;

        config_read_section(r, &config_group_section, node, &in);
        note_places(r, in.targets);
        n = in.targets != NULL && !relabeled ? in.targets->n_items : 0;
        for (size_t i = 0; i < n; i++)
                check_address(r, in.targets->items[i]);
        out->targets = config_strings(r, "targets", in.targets, &out->n_targets);
        config_label_map(r, in.labels, &out->labels, &out->n_labels);
        group = (struct config_seen_group){job->job_name, out->labels, out->n_labels};
        for (size_t i = 0; i < n && i < out->n_targets; i++)
                config_seen_add(r, in.targets->items[i], out->targets[i], &group);
}

static void
read_static(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        const struct yaml_node *list = in->static_configs;

        if (list == NULL)
                return;
        job->static_groups = config_array(r, list->n_items, sizeof(*job->static_groups));
        for (size_t i = 0; job->static_groups != NULL && i < list->n_items; i++) {
                if (list->items[i]->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty or null section in static_configs");
                else
                        read_group(
                            r, list->items[i], in, &job->static_groups[job->n_static_groups++]);
        }
}

/* ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$ */
static bool
is_file_pattern(const char *name)
{
        static const char *const endings[] = {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"};
        size_t n = strlen(name);

        for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
                size_t k = strlen(endings[i]);
                const char *star = strchr(name, '*');

                if (n < k || strcmp(name + n - k, endings[i]) != 0)
                        continue;
                return star == NULL || strchr(star, '/') == NULL;
        }
        return false;
}

static void
read_file_sd(struct config_reader *r, const struct yaml_node *node, struct file_sd *out)
{
        struct config_file_sd in = {0};

        config_read_section(r, &config_file_sd_section, node, &in);
        out->files = config_strings(r, "files", in.files, &out->n_files);
        out->refresh_interval_ms = in.refresh_interval_ms;
        if (in.files == NULL || in.files->n_items == 0) {
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "file service discovery config must contain at least one path name");
                return;
        }
        for (size_t i = 0; i < out->n_files; i++) {
                if (!is_file_pattern(out->files[i]))
                        config_fail(r, CONFIG_STAGE_VALUE, in.files->items[i],
                            "path name \"%s\" is not valid for file discovery; files expects "
                            "*.json, *.yml or *.yaml",
                            out->files[i]);
                out->files[i] = config_path(r, out->files[i]);
        }
        if (out->refresh_interval_ms == 0) {
                config_say(r, CONFIG_WARNING, node, "refresh_interval of 0s: 5m is used");
                out->refresh_interval_ms = INT64_C(5) * 60 * 1000;
        }
}

static void
read_file_sds(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        const struct yaml_node *list = in->file_sd_configs;

        if (list == NULL)
                return;
        job->file_sds = config_array(r, list->n_items, sizeof(*job->file_sds));
        for (size_t i = 0; job->file_sds != NULL && i < list->n_items; i++) {
                if (list->items[i]->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty or null section in file_sd_configs");
                else
                        read_file_sd(r, list->items[i], &job->file_sds[job->n_file_sds++]);
        }
}

void
config_targets(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        read_static(r, in, job);
        read_file_sds(r, in, job);
}
