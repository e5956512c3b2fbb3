/*
 * The file's tree is walked by the rows of its sections, and another tree is made of it: the nodes
 * that stay as they are belong to the first one. What is zero is left out, as Prometheus does,
 * unless its own structures show it (shown[]).
 */
#include "agent/config_effective.h"

#include "agent/config.h"
#include "agent/config_keys.h"
#include "agent/config_read.h"
#include "agent/config_values.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
        TREE_MAX = 64 << 20, /* of one job */
        PATH_BYTES = 16 << 10,
        GLOBAL_INTERVAL_MS = 60000,
        GLOBAL_TIMEOUT_MS = 10000,
};

struct maker {
        struct arena *arena;
        const char *folder; /* that relative paths are in */
        const struct scrape_config *scrape;
        const struct yaml_node *global; /* NULL: not written */
        bool extra_scrape_metrics; /* global's */
        const struct scrape_job *job; /* that is being shown; NULL: none */
        bool no_memory;
};

/* What is there though it is zero, or nobody wrote it. NULL: a section with its defaults. */
static const struct {
        const struct config_section *section;
        const char *key;
        const char *text;
} shown[] = {
    {&config_top_section, "global", NULL},
    {&config_top_section, "wal", NULL},
    {&config_top_section, "agent", NULL},
    {&config_job_section, "track_timestamps_staleness", "false"},
    {&config_job_section, "always_scrape_classic_histograms", "false"},
    {&config_job_section, "convert_classic_histograms_to_nhcb", "false"},
    {&config_dns_sd_section, "port", "0"},
    {&config_kubernetes_sd_section, "kubeconfig_file", ""},
    {&config_kubernetes_namespaces_section, "own_namespace", "false"},
    {&config_remote_section, "queue_config", NULL},
    {&config_remote_section, "metadata_config", NULL},
};

static const char *const every_protocol[] = {
    "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"};

/* ---- nodes ---- */

static void *
allocate(struct maker *m, size_t n, size_t size)
{
        void *p = arena_calloc(m->arena, n > 0 ? n : 1, size);

        m->no_memory = m->no_memory || p == NULL;
        return p;
}

static struct yaml_node *
new_text(struct maker *m, const char *text)
{
        struct yaml_node *node = allocate(m, 1, sizeof(*node));

        if (node == NULL)
                return NULL;
        node->kind = YAML_SCALAR;
        node->quoted = text[0] == '\0';
        node->text = view_of(arena_strdup(m->arena, text));
        m->no_memory = m->no_memory || node->text.p == NULL;
        return node;
}

static struct yaml_node *
new_list(struct maker *m, size_t cap)
{
        struct yaml_node *list = allocate(m, 1, sizeof(*list));

        if (list == NULL)
                return NULL;
        list->kind = YAML_LIST;
        list->items = allocate(m, cap, sizeof(void *));
        return list;
}

static struct yaml_node *
new_map(struct maker *m, size_t cap)
{
        struct yaml_node *map = allocate(m, 1, sizeof(*map));

        if (map == NULL)
                return NULL;
        map->kind = YAML_MAP;
        map->entries = allocate(m, cap, sizeof(*map->entries));
        return map;
}

static void
add_entry(struct maker *m, struct yaml_node *map, const char *key, struct yaml_node *value)
{
        struct yaml_node *name = new_text(m, key);

        if (!m->no_memory)
                map->entries[map->n_entries++] = (struct yaml_entry){.key = name, .value = value};
}

static bool
is_written(const struct yaml_node *node)
{
        return node != NULL && node->kind != YAML_NULL;
}

static bool
is_zero_text(struct view text)
{
        return text.n == 0 || view_is(text, "0") || view_is(text, "0s") || view_is(text, "0B") ||
            view_is(text, "false");
}

/* An empty section is none: it may switch something on. */
static bool
is_zero(const struct config_key *key, const struct yaml_node *node)
{
        if (node->kind == YAML_LIST)
                return node->n_items == 0;
        if (node->kind == YAML_MAP)
                return node->n_entries == 0 && key->type != CONFIG_SECTION;
        return node->kind == YAML_SCALAR && is_zero_text(node->text);
}

/* ---- values in one form ---- */

static struct yaml_node *
new_duration(struct maker *m, int64_t ms)
{
        char text[DURATION_MAX_TEXT + 1];

        text[duration_format(ms, text, DURATION_MAX_TEXT)] = '\0';
        return new_text(m, text);
}

/* "1GiB512MiB"; what is below zero stays as it is. */
static struct yaml_node *
new_size(struct maker *m, struct yaml_node *node)
{
        static const char units[] = "EPTGMK";
        char text[128] = "";
        size_t n = 0;
        int64_t bytes = 0;

        if (config_size_parse(node->text, &bytes, NULL) < 0 || bytes < 0)
                return node;
        for (unsigned i = 0; i <= 6; i++) {
                unsigned shift = 10 * (6 - i);
                int64_t count = bytes >> shift;

                bytes -= count << shift;
                if (count > 0 && i < 6)
                        n += (size_t)snprintf(
                            text + n, sizeof(text) - n, "%" PRId64 "%ciB", count, units[i]);
                else if (i == 6 && (count > 0 || n == 0))
                        (void)snprintf(text + n, sizeof(text) - n, "%" PRId64 "B", count);
        }
        return new_text(m, text);
}

static struct yaml_node *
new_path(struct maker *m, struct yaml_node *node)
{
        struct buf path = BUF_INIT(PATH_BYTES);
        struct yaml_node *made = node;

        if (node->kind != YAML_SCALAR || node->text.n == 0 || node->text.p[0] == '/')
                return node;
        if (buf_printf(&path, NULL, "%s/%s", m->folder, node->text.p) == 0 &&
            buf_putc(&path, '\0', NULL) == 0)
                made = new_text(m, path.ptr);
        buf_release(&path);
        return made;
}

static struct yaml_node *
new_paths(struct maker *m, const struct yaml_node *node)
{
        struct yaml_node *list = new_list(m, node->n_items);

        for (size_t i = 0; !m->no_memory && i < node->n_items; i++)
                list->items[list->n_items++] = new_path(m, node->items[i]);
        return list;
}

static struct yaml_node *
new_number(struct maker *m, const struct config_key *key, struct yaml_node *node)
{
        char text[32];
        uint64_t u = 0;
        int64_t i = 0;

        if (key->type == CONFIG_UINT && yaml_node_uint(node, &u))
                (void)snprintf(text, sizeof(text), "%" PRIu64, u);
        else if (key->type == CONFIG_INT && yaml_node_int(node, &i))
                (void)snprintf(text, sizeof(text), "%" PRId64, i);
        else
                return node;
        return new_text(m, text);
}

static struct yaml_node *new_section(
    struct maker *m, const struct config_section *section, const struct yaml_node *map);

static struct yaml_node *
new_sections(struct maker *m, const struct config_key *key, const struct yaml_node *node)
{
        struct yaml_node *list = new_list(m, node->n_items);

        for (size_t i = 0; !m->no_memory && i < node->n_items; i++)
                list->items[list->n_items++] = new_section(m, key->section, node->items[i]);
        return list;
}

static bool
holds_paths(const struct config_section *owner, const struct config_key *key)
{
        return (owner == &config_file_sd_section && strcmp(key->name, "files") == 0) ||
            (owner == &config_top_section && strcmp(key->name, "scrape_config_files") == 0);
}

/* node is written. */
static struct yaml_node *
in_one_form(struct maker *m, const struct config_section *owner, const struct config_key *key,
    struct yaml_node *node)
{
        bool truth = false;
        int64_t ms = 0;

        switch (key->type) {
        case CONFIG_BOOL:
                return yaml_node_bool(node, &truth) ? new_text(m, truth ? "true" : "false") : node;
        case CONFIG_UINT:
        case CONFIG_INT:
                return new_number(m, key, node);
        case CONFIG_DURATION:
                return duration_parse(node->text, &ms, NULL) == 0 ? new_duration(m, ms) : node;
        case CONFIG_SIZE:
                return new_size(m, node);
        case CONFIG_PATH:
                return new_path(m, node);
        case CONFIG_SECTION:
                return new_section(m, key->section, node);
        case CONFIG_SECTIONS:
                return new_sections(m, key, node);
        case CONFIG_STRINGS:
                return holds_paths(owner, key) ? new_paths(m, node) : node;
        default:
                return node;
        }
}

/* ---- what follows from other keys; NULL: nothing does ---- */

/* The global times, as config.c sets them. */
static void
global_times(const struct yaml_node *global, int64_t *interval_ms, int64_t *timeout_ms)
{
        const struct yaml_node *interval = yaml_node_get(global, "scrape_interval");
        const struct yaml_node *timeout = yaml_node_get(global, "scrape_timeout");

        if (!is_written(interval) || duration_parse(interval->text, interval_ms, NULL) < 0 ||
            *interval_ms == 0)
                *interval_ms = GLOBAL_INTERVAL_MS;
        if (!is_written(timeout) || duration_parse(timeout->text, timeout_ms, NULL) < 0 ||
            *timeout_ms == 0)
                *timeout_ms = GLOBAL_TIMEOUT_MS < *interval_ms ? GLOBAL_TIMEOUT_MS : *interval_ms;
}

static struct yaml_node *
new_protocols(struct maker *m)
{
        struct yaml_node *list = new_list(m, COUNT(every_protocol));

        for (size_t i = 0; !m->no_memory && i < COUNT(every_protocol); i++)
                list->items[list->n_items++] = new_text(m, every_protocol[i]);
        return list;
}

/* ${NAME} is replaced in them; they are texts, whatever they look like. */
static struct yaml_node *
new_external_labels(struct maker *m)
{
        const struct scrape_config *c = m->scrape;
        struct yaml_node *map = new_map(m, c->n_external_labels);

        for (size_t i = 0; !m->no_memory && i < c->n_external_labels; i++) {
                const struct label *l = &c->external_labels[i];
                struct yaml_node *value = allocate(m, 1, sizeof(*value));

                if (value == NULL)
                        break;
                value->kind = YAML_SCALAR;
                value->quoted = true;
                value->text = l->value; /* both are followed by a 0: config_labels.c */
                add_entry(m, map, l->name.p, value);
                if (!m->no_memory)
                        map->entries[i].key->quoted = true; /* a name may be "yes" */
        }
        return map;
}

static struct yaml_node *
of_global(struct maker *m, const char *key)
{
        int64_t interval_ms;
        int64_t timeout_ms;

        global_times(m->global, &interval_ms, &timeout_ms);
        if (strcmp(key, "scrape_interval") == 0)
                return new_duration(m, interval_ms);
        if (strcmp(key, "scrape_timeout") == 0)
                return new_duration(m, timeout_ms);
        if (strcmp(key, "extra_scrape_metrics") == 0 && m->extra_scrape_metrics)
                return new_text(m, "true");
        if (strcmp(key, "external_labels") == 0 && m->scrape->n_external_labels > 0)
                return new_external_labels(m);
        if (strcmp(key, "scrape_protocols") == 0 &&
            !is_written(yaml_node_get(m->global, "scrape_protocols")))
                return new_protocols(m);
        return NULL;
}

static struct yaml_node *
of_job(struct maker *m, const char *key)
{
        const struct scrape_job *job = m->job;

        if (job == NULL)
                return NULL;
        if (strcmp(key, "scrape_interval") == 0)
                return new_duration(m, job->interval_ms);
        if (strcmp(key, "scrape_timeout") == 0)
                return new_duration(m, job->timeout_ms);
        if (strcmp(key, "extra_scrape_metrics") == 0 && job->extra_scrape_metrics)
                return new_text(m, "true");
        if (strcmp(key, "metric_name_validation_scheme") == 0)
                return new_text(m, job->name_scheme == NAME_LEGACY ? "legacy" : "utf8");
        if (strcmp(key, "metric_name_escaping_scheme") == 0)
                return new_text(m, job->escaping);
        return NULL;
}

/* The global value of a key that jobs have, too. */
static struct yaml_node *
inherited(struct maker *m, const struct config_key *key)
{
        struct yaml_node *node = yaml_node_get(m->global, key->name);
        size_t offset;

        if (config_key_find(&config_common_section, key->name, &offset) != key)
                return NULL;
        if (is_written(node) && !is_zero(key, node))
                return in_one_form(m, &config_global_section, key, node);
        return strcmp(key->name, "scrape_protocols") == 0 ? new_protocols(m) : NULL;
}

/* authorization, as the old bearer_token and bearer_token_file say it. */
static struct yaml_node *
of_bearer(struct maker *m, const struct yaml_node *map)
{
        struct yaml_node *token = yaml_node_get(map, "bearer_token");
        struct yaml_node *file = yaml_node_get(map, "bearer_token_file");
        struct yaml_node *made;

        if (!is_written(token) && !is_written(file))
                return NULL;
        made = new_map(m, 3);
        if (made == NULL)
                return NULL;
        add_entry(m, made, "type", new_text(m, "Bearer"));
        if (is_written(token))
                add_entry(m, made, "credentials", token);
        if (is_written(file))
                add_entry(m, made, "credentials_file", new_path(m, file));
        return made;
}

static struct yaml_node *
follows(struct maker *m, const struct config_section *owner, const struct yaml_node *map,
    const struct config_key *key)
{
        if (owner == &config_global_section)
                return of_global(m, key->name);
        if (strcmp(key->name, "authorization") == 0 && !is_written(yaml_node_get(map, key->name)))
                return of_bearer(m, map);
        return owner == &config_job_section ? of_job(m, key->name) : NULL;
}

/* ---- sections ---- */

static bool
is_shown(const struct config_section *owner, const struct config_key *key, const char **out_text)
{
        for (size_t i = 0; i < COUNT(shown); i++) {
                if (shown[i].section == owner && strcmp(shown[i].key, key->name) == 0) {
                        *out_text = shown[i].text;
                        return true;
                }
        }
        return false;
}

static bool
has_default(const struct config_key *key)
{
        return key->fallback != NULL && !is_zero_text(view_of(key->fallback));
}

/* NULL: it is left out. */
static struct yaml_node *
effective(struct maker *m, const struct config_section *owner, const struct yaml_node *map,
    const struct config_key *key)
{
        struct yaml_node *node = yaml_node_get(map, key->name);
        struct yaml_node *made = follows(m, owner, map, key);
        struct yaml_node *global;
        const char *text = NULL;
        bool always = is_shown(owner, key, &text);

        if (made != NULL || strncmp(key->name, "bearer_token", 12) == 0)
                return made;
        if (is_written(node)) {
                made = in_one_form(m, owner, key, node);
                if (made != NULL && (!is_zero(key, made) || has_default(key)))
                        return made;
        }
        /* a job may say no to what global says yes to; its 0 says nothing */
        if (owner == &config_job_section && (global = inherited(m, key)) != NULL)
                return is_written(node) && key->type == CONFIG_BOOL ? made : global;
        if (always)
                return text != NULL ? new_text(m, text) : new_section(m, key->section, NULL);
        return has_default(key) ? in_one_form(m, owner, key, new_text(m, key->fallback)) : NULL;
}

static size_t
count_keys(const struct config_section *section)
{
        size_t n = section->n_keys;

        for (size_t i = 0; i < COUNT(section->inlined); i++)
                n += section->inlined[i].section != NULL ? count_keys(section->inlined[i].section)
                                                         : 0;
        return n;
}

/* The keys of a section that may be inlined into its owner. */
static void
add_keys(struct maker *m, const struct config_section *owner, const struct config_section *section,
    const struct yaml_node *map, struct yaml_node *out)
{
        for (size_t i = 0; !m->no_memory && i < section->n_keys; i++) {
                struct yaml_node *value = effective(m, owner, map, &section->keys[i]);

                if (value != NULL)
                        add_entry(m, out, section->keys[i].name, value);
        }
        for (size_t i = 0; !m->no_memory && i < COUNT(section->inlined); i++) {
                if (section->inlined[i].section != NULL)
                        add_keys(m, owner, section->inlined[i].section, map, out);
        }
}

static struct yaml_node *
new_section(struct maker *m, const struct config_section *section, const struct yaml_node *map)
{
        struct yaml_node *out = new_map(m, count_keys(section));

        if (!m->no_memory)
                add_keys(m, section, section, map, out);
        return out;
}

/* ---- the whole, a key at a time: no more than a job's nodes are there at once ---- */

static int
emit(struct maker *m, const struct yaml_node *made, struct buf *out, struct err *e)
{
        int rc = m->no_memory ? err_nomem(e, "the configuration") : yaml_node_emit(made, out, e);

        arena_reset(m->arena);
        return rc;
}

/* The items of a list stand below their key as they do alone. */
static int
put_jobs(struct maker *m, const struct yaml_node *jobs, struct buf *out, struct err *e)
{
        int rc = 0;

        if (!is_written(jobs) || jobs->n_items == 0)
                return 0;
        rc = buf_puts(out, "scrape_configs:\n", e);
        for (size_t i = 0; rc == 0 && i < jobs->n_items; i++) {
                struct yaml_node *list = new_list(m, 1);

                m->job = i < m->scrape->n_jobs ? &m->scrape->jobs[i] : NULL;
                if (!m->no_memory)
                        list->items[list->n_items++] =
                            new_section(m, &config_job_section, jobs->items[i]);
                rc = emit(m, list, out, e);
        }
        return rc;
}

static int
put_key(struct maker *m, const struct yaml_node *root, const struct config_key *key,
    struct buf *out, struct err *e)
{
        struct yaml_node *value;
        struct yaml_node *map;

        if (key->section == &config_job_section)
                return put_jobs(m, yaml_node_get(root, key->name), out, e);
        value = effective(m, &config_top_section, root, key);
        if (value == NULL && !m->no_memory)
                return 0;
        map = new_map(m, 1);
        if (!m->no_memory)
                add_entry(m, map, key->name, value);
        return emit(m, map, out, e);
}

int
config_effective_put(const struct config *c, struct buf *out, struct err *e)
{
        struct arena arena = ARENA_INIT(TREE_MAX);
        struct buf folder = BUF_INIT(PATH_BYTES);
        struct maker m = {
            .arena = &arena, .scrape = c->scrape, .extra_scrape_metrics = c->extra_scrape_metrics};
        struct yaml_tree tree;
        int rc = yaml_tree_parse(&tree, view_of(c->masked), e);

        if (rc == 0)
                rc = config_folder_put(c->path, &folder, e);
        if (rc == 0)
                rc = buf_putc(&folder, '\0', e);
        m.folder = folder.ptr;
        m.global = rc == 0 ? yaml_node_get(tree.root, "global") : NULL;
        for (size_t i = 0; rc == 0 && i < config_top_section.n_keys; i++)
                rc = put_key(&m, tree.root, &config_top_section.keys[i], out, e);
        yaml_tree_release(&tree);
        buf_release(&folder);
        arena_release(&arena);
        return rc;
}
