#include "agent/config.h"

#include "agent/config_contents.h"

#include "agent/config_parts.h"
#include "agent/config_report.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/http_secret.h"
#include "base/yaml.h"
#include "remotewrite/endpoint.h"
#include "scrape/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORAGE_MAX = 64 << 20, MASKED_MAX = 128 << 20, FOLDER_MAX = 8192, JOINED_MAX = 16384 };

static int
make_config(const char *path, struct config **out, struct err *e)
{
        struct config *c = calloc(1, sizeof(*c));
        struct arena *arena = calloc(1, sizeof(*arena));
        int rc = 0;

        if (c == NULL || arena == NULL) {
                free(c);
                free(arena);
                return err_nomem(e, "the configuration");
        }
        *arena = (struct arena)ARENA_INIT(STORAGE_MAX);
        c->storage = arena;
        c->path = strdup(path);
        if (c->path == NULL)
                rc = err_nomem(e, "the configuration");
        if (rc == 0)
                rc = scrape_config_new(&c->scrape, e);
        if (rc == 0)
                rc = remote_config_new(&c->remote, e);
        if (rc < 0)
                config_free(c);
        else
                *out = c;
        return rc;
}

void
config_free(struct config *c)
{
        if (c == NULL)
                return;
        scrape_config_unref(c->scrape);
        remote_config_unref(c->remote);
        if (c->storage != NULL) {
                arena_wipe(c->storage);
                arena_release(c->storage);
        }
        free(c->storage);
        free(c->masked);
        free(c->path);
        free(c);
}

int
config_folder_put(const char *path, struct buf *out, struct err *e)
{
        const char *slash = strrchr(path, '/');
        struct view folder = {path, slash != NULL ? (size_t)(slash - path) : 0};
        char here[FOLDER_MAX];

        if (path[0] == '/')
                return buf_append(out, folder.p, folder.n, e);
        if (getcwd(here, sizeof(here)) == NULL)
                here[0] = '\0';
        return buf_printf(
            out, e, "%s%s%.*s", here, folder.n > 0 ? "/" : "", (int)folder.n, folder.p);
}

static const char *
folder_of(struct config_reader *r, const char *path)
{
        struct buf folder = BUF_INIT(JOINED_MAX);
        const char *absolute = "";

        if (config_folder_put(path, &folder, NULL) == 0 && folder.len > 0)
                absolute = config_copy(r, buf_view(&folder));
        buf_release(&folder);
        return absolute;
}

static void
set_global_times(struct config_reader *r, struct config_global *g)
{
        static const int64_t default_interval_ms = 60000;
        static const int64_t default_timeout_ms = 10000;

        if (g->scrape_interval_ms == 0)
                g->scrape_interval_ms = default_interval_ms;
        if (g->scrape_timeout_ms > g->scrape_interval_ms) {
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(g->node, "scrape_timeout"),
                    "global scrape timeout greater than scrape interval");
                g->scrape_timeout_ms = g->scrape_interval_ms;
        }
        if (g->scrape_timeout_ms == 0)
                g->scrape_timeout_ms = default_timeout_ms < g->scrape_interval_ms
                    ? default_timeout_ms
                    : g->scrape_interval_ms;
}

static void
check_patterns(struct config_reader *r, const struct yaml_node *patterns)
{
        for (size_t i = 0; patterns != NULL && i < patterns->n_items; i++) {
                const struct yaml_node *item = patterns->items[i];

                if (item->kind == YAML_SCALAR && !config_pattern_valid(item->text.p))
                        config_fail(r, CONFIG_STAGE_VALUE, item,
                            "invalid scrape config file path \"%s\"; scrape_config_files expects "
                            "a * in the last part of the path only",
                            item->text.p);
        }
}

/* What Prometheus's agent mode refuses. */
static void
check_mode(struct config_reader *r, const struct config_top *top)
{
        const struct config_alerting *a = &top->alerting;

        if ((a->alertmanagers != NULL && a->alertmanagers->n_items > 0) ||
            (a->alert_relabel_configs != NULL && a->alert_relabel_configs->n_items > 0))
                config_fail(
                    r, CONFIG_STAGE_MODE, a->node, "field alerting is not allowed in agent mode");
        if (top->rule_files != NULL && top->rule_files->n_items > 0)
                config_fail(r, CONFIG_STAGE_MODE, top->rule_files,
                    "field rule_files is not allowed in agent mode");
        if (top->remote_read != NULL && top->remote_read->n_items > 0)
                config_fail(r, CONFIG_STAGE_MODE, top->remote_read,
                    "field remote_read is not allowed in agent mode");
}

/* Each part has its own copy: they live and end on their own. */
static void
set_external_labels(struct config_reader *r, const struct config_global *g)
{
        struct scrape_config *scrape = r->config->scrape;
        struct remote_config *remote = r->config->remote;

        r->arena = &scrape->arena;
        config_external_labels(
            r, g->external_labels, g->scheme, &scrape->external_labels, &scrape->n_external_labels);
        r->arena = &remote->arena;
        config_external_labels(
            r, g->external_labels, g->scheme, &remote->external_labels, &remote->n_external_labels);
}

/* --enable-feature=extra-scrape-metrics is the default of the key. */
static void
set_global_extra(struct config_reader *r, const struct yaml_tree *tree, struct config_global *g)
{
        if (r->env->extra_scrape_metrics &&
            yaml_node_get(yaml_node_get(tree->root, "global"), "extra_scrape_metrics") == NULL)
                g->common.extra_scrape_metrics = true;
        r->config->extra_scrape_metrics = g->common.extra_scrape_metrics;
}

static void
read_file(struct config_reader *r, const struct yaml_tree *tree)
{
        struct config_top top = {0};

        r->arena = r->config->storage;
        r->folder = folder_of(r, r->config->path);
        if (tree->more_documents)
                config_say(r, CONFIG_WARNING, NULL, "only the first document of the file is read");
        config_read_section(r, &config_top_section, tree->root, &top);
        set_global_times(r, &top.global);
        set_global_extra(r, tree, &top.global);
        config_global_names(r, &top.global);
        config_agent(r, &top);
        check_patterns(r, top.scrape_config_files);
        check_mode(r, &top);
        config_server(r, &top);
        set_external_labels(r, &top.global);
        config_jobs(r, &top.global, top.scrape_configs);
        config_remotes(r, &top.global, top.remote_write);
        r->config->remote->clock_tolerance_ms = r->config->agent.clock_tolerance_ms;
        r->config->scrape->clock_tolerance_ms = r->config->agent.clock_tolerance_ms;
        r->config->remote->catchup_samples_per_second = r->config->agent.catchup_samples_per_second;
        r->arena = r->config->storage;
        if (r->report->errors == 0)
                config_job_files(r, &top.global, top.scrape_config_files);
        config_seen_finish(r);
        if (r->report->errors == 0)
                config_warnings(r, &top);
}

static int
set_masked(struct config *c, const struct yaml_tree *tree, struct err *e)
{
        struct buf text = BUF_INIT(MASKED_MAX);
        int rc = 0;

        if (tree->root != NULL && tree->root->kind != YAML_NULL)
                rc = yaml_node_emit(tree->root, &text, e);
        if (rc == 0)
                rc = buf_putc(&text, '\0', e);
        if (rc < 0) {
                buf_release(&text);
                return rc;
        }
        c->masked = text.ptr;
        return 0;
}

static int
refuse_yaml(struct config_report *report, const char *file, const struct yaml_tree *tree,
    const struct err *why)
{
        const struct config_place place = {file, tree->error_line, tree->error_column};

        return config_report_add(report, CONFIG_ERROR, CONFIG_STAGE_YAML, place, why->msg);
}

/* Reads the tree into *c; the report decides whether it is good. */
static int
read_tree(struct config *c, const struct config_env *env, const struct yaml_tree *tree,
    struct config_report *report, struct err *e)
{
        struct config_reader r = {
            .report = report, .env = env, .file = report->files[0], .config = c};
        int rc;

        assert(c != NULL);
        read_file(&r, tree);
        config_report_sort(report);
        if (r.rc != 0)
                return err_nomem(e, "the configuration");
        if (report->errors > 0)
                return config_report_summary(report, c->path, e);
        rc = set_masked(c, tree, e);
        return rc;
}

int
config_load_text(const char *path, struct view text, const struct config_env *env,
    struct config **out, struct config_report *report, struct err *e)
{
        const char *file = config_report_file(report, path);
        struct config *c = NULL;
        struct yaml_tree tree;
        struct err why = ERR_INIT;
        int rc;

        if (file == NULL)
                return err_nomem(e, "the configuration");
        rc = yaml_tree_parse(&tree, text, &why);
        if (rc == ERR_NOMEM)
                rc = err_nomem(e, "the configuration");
        else if (rc < 0)
                rc = refuse_yaml(report, file, &tree, &why) < 0
                    ? err_nomem(e, "the configuration")
                    : config_report_summary(report, path, e);
        else
                rc = make_config(path, &c, e);
        if (c != NULL) {
                c->contents = config_contents_add(0, path, text);
                rc = read_tree(c, env, &tree, report, e);
        }
        yaml_tree_release(&tree);
        if (rc == 0)
                *out = c;
        else
                config_free(c);
        return rc;
}

int
config_load(const char *path, const struct config_env *env, struct config **out,
    struct config_report *report, struct err *e)
{
        struct buf text = BUF_INIT(YAML_MAX_BYTES);
        struct config_place place = {config_report_file(report, path), 0, 0};
        struct err why = ERR_INIT;
        int rc = file_read_pipe(path, &text, &why);

        if (place.file == NULL || rc == ERR_NOMEM) {
                rc = err_nomem(e, "the configuration");
        } else if (rc < 0) {
                rc = config_report_add(report, CONFIG_ERROR, CONFIG_STAGE_MODE, place, why.msg) < 0
                    ? err_nomem(e, "the configuration")
                    : config_report_summary(report, path, e);
        } else {
                rc = config_load_text(path, buf_view(&text), env, out, report, e);
        }
        http_secret_release(&text);
        return rc;
}
