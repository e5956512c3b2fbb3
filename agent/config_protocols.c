/*
 * Scrape protocols and name schemes (Prometheus config/config.go). Only the text formats are asked
 * for: in the place of PrometheusProto its own ones, whose series are named as in protobuf. (Of
 * OpenMetrics that is not so: client_golang puts _total behind counters there.)
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/nearest.h"
#include "base/yaml.h"

enum { LIST_MAX = 1024 };

static const char supported[] = "[OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto "
                                "PrometheusText0.0.4 PrometheusText1.0.0]";

static const struct {
        const char *name;
        enum scrape_protocol protocol; /* SCRAPE_PROTOCOLS: PrometheusProto */
        enum media_type type;
} protocols[] = {
    {"OpenMetricsText0.0.1", SCRAPE_OPENMETRICS_0_0_1, MEDIA_OPENMETRICS},
    {"OpenMetricsText1.0.0", SCRAPE_OPENMETRICS_1_0_0, MEDIA_OPENMETRICS},
    {"PrometheusProto", SCRAPE_PROTOCOLS, MEDIA_PROTOBUF},
    {"PrometheusText0.0.4", SCRAPE_TEXT_0_0_4, MEDIA_TEXT},
    {"PrometheusText1.0.0", SCRAPE_TEXT_1_0_0, MEDIA_TEXT},
};

static const struct scrape_protocols every_text = SCRAPE_PROTOCOLS_DEFAULT;

enum { PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

static size_t
find_protocol(struct view name)
{
        size_t i = 0;

        while (i < PROTOCOLS && !view_is(name, protocols[i].name))
                i++;
        return i;
}

static const char *
nearest_protocol(struct view name)
{
        struct nearest best = NEAREST_INIT(name);

        for (size_t i = 0; i < PROTOCOLS; i++)
                nearest_offer(&best, protocols[i].name);
        return best.name;
}

/* [a b c] */
static void
put_list(struct buf *out, const struct yaml_node *list)
{
        int rc = buf_putc(out, '[', NULL);

        for (size_t i = 0; rc == 0 && i < list->n_items; i++) {
                if (i > 0)
                        rc = buf_putc(out, ' ', NULL);
                if (rc == 0)
                        rc = buf_append(out, list->items[i]->text.p, list->items[i]->text.n, NULL);
        }
        if (rc == 0)
                (void)buf_putc(out, ']', NULL);
}

static bool
is_repeated(const struct yaml_node *list, size_t at)
{
        for (size_t i = 0; i < at; i++) {
                if (config_same_name(list->items[i]->text, list->items[at]->text))
                        return true;
        }
        return false;
}

/* Prometheus stops at the first mistake of a list; so does this. */
static bool
check_item(struct config_reader *r, const struct yaml_node *list, size_t at, const char *where)
{
        const struct yaml_node *item = list->items[at];
        struct buf all = BUF_INIT(LIST_MAX);
        const char *near;

        if (is_repeated(list, at)) {
                put_list(&all, list);
                config_fail(r, CONFIG_STAGE_VALUE, item,
                    "duplicated protocol in scrape_protocols, got %.*s %s", (int)all.len,
                    all.ptr != NULL ? all.ptr : "", where);
                buf_release(&all);
                return false;
        }
        if (find_protocol(item->text) < PROTOCOLS)
                return true;
        near = nearest_protocol(item->text);
        config_fail(r, CONFIG_STAGE_VALUE, item,
            "scrape_protocols: unknown scrape protocol %.64s, supported: %s %s%s%s%s",
            item->text.n > 0 ? item->text.p : "", supported, where,
            near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
            near != NULL ? "\"?" : "");
        return false;
}

/* At the end, unless it is there. */
static void
ask_for(struct scrape_protocols *list, enum scrape_protocol p)
{
        for (size_t i = 0; i < list->n; i++) {
                if (list->v[i] == p)
                        return;
        }
        list->v[list->n++] = p;
}

void
config_protocols(struct config_reader *r, const struct yaml_node *list, const char *where,
    struct scrape_protocols *out)
{
        struct scrape_protocols found = {.n = 0};

        if (list->n_items == 0)
                config_fail(
                    r, CONFIG_STAGE_VALUE, list, "scrape_protocols cannot be empty %s", where);
        for (size_t i = 0; i < list->n_items; i++) {
                enum scrape_protocol p;

                if (list->items[i]->kind == YAML_LIST || list->items[i]->kind == YAML_MAP ||
                    !check_item(r, list, i, where))
                        return;
                p = protocols[find_protocol(list->items[i]->text)].protocol;
                if (p != SCRAPE_PROTOCOLS) {
                        ask_for(&found, p);
                        continue;
                }
                ask_for(&found, SCRAPE_TEXT_1_0_0);
                ask_for(&found, SCRAPE_TEXT_0_0_4);
                config_say(r, CONFIG_WARNING, list,
                    "PrometheusProto is not asked for, PrometheusText1.0.0 and PrometheusText0.0.4 "
                    "are in its place: native histograms come as classic ones");
        }
        *out = found;
}

enum media_type
config_fallback_protocol(struct config_reader *r, const struct config_job *job)
{
        const struct yaml_node *at = yaml_node_get(job->node, "fallback_scrape_protocol");
        struct view name = view_of(job->fallback_scrape_protocol);
        size_t found = find_protocol(name);

        if (name.n == 0)
                return MEDIA_MISSING;
        if (found == PROTOCOLS) {
                config_fail(r, CONFIG_STAGE_VALUE, at,
                    "invalid fallback_scrape_protocol for scrape config with job name \"%s\": "
                    "unknown scrape protocol %s, supported: %s",
                    job->job_name, name.p, supported);
                return MEDIA_MISSING;
        }
        if (protocols[found].type == MEDIA_PROTOBUF)
                config_fail(r, CONFIG_STAGE_LATER, at,
                    "fallback_scrape_protocol: %s is not supported; fallback_scrape_protocol "
                    "expects one of the text formats",
                    name.p);
        return protocols[found].type;
}

/* "" leaves *out alone and returns false. */
static bool
read_scheme(struct config_reader *r, const struct config_common *c, enum name_scheme *out)
{
        if (c->name_scheme[0] == '\0')
                return false;
        if (view_is(view_of(c->name_scheme), "legacy")) {
                *out = NAME_LEGACY;
                return true;
        }
        *out = NAME_UTF8;
        if (!view_is(view_of(c->name_scheme), "utf8"))
                config_fail(r, CONFIG_STAGE_VALUE,
                    yaml_node_get(c->node, "metric_name_validation_scheme"),
                    "unrecognized ValidationScheme: \"%s\"; metric_name_validation_scheme expects "
                    "utf8 or legacy",
                    c->name_scheme);
        return true;
}

static const char *
default_escaping(enum name_scheme scheme)
{
        return scheme == NAME_LEGACY ? "underscores" : "allow-utf-8";
}

/* NULL when it was not written, or is not good. whose: "global" or "scrape config". */
static const char *
read_escaping(struct config_reader *r, const struct config_common *c, const char *whose)
{
        static const char *const names[] = {"allow-utf-8", "underscores", "dots", "values"};

        if (c->escaping[0] == '\0')
                return NULL;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (view_is(view_of(c->escaping), names[i]))
                        return names[i];
        }
        config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(c->node, "metric_name_escaping_scheme"),
            "unknown %s name escaping method specified, must be one of 'allow-utf-8', "
            "'underscores', 'dots', or 'values', got \"%s\"",
            whose, c->escaping);
        return NULL;
}

void
config_global_names(struct config_reader *r, struct config_global *global)
{
        const char *escaping;

        global->scheme = NAME_UTF8;
        (void)read_scheme(r, &global->common, &global->scheme);
        escaping = read_escaping(r, &global->common, "global");
        global->effective_escaping = escaping != NULL ? escaping : default_escaping(global->scheme);
        global->protocols = every_text;
        if (global->common.scrape_protocols != NULL)
                config_protocols(
                    r, global->common.scrape_protocols, "for global config", &global->protocols);
}

enum name_scheme
config_job_names(struct config_reader *r, const struct config_global *global,
    const struct config_common *common, const char **out_escaping)
{
        enum name_scheme scheme = global->scheme;
        bool own = read_scheme(r, common, &scheme);
        const char *escaping = read_escaping(r, common, "scrape config");

        if (escaping == NULL)
                escaping = own ? default_escaping(scheme) : global->effective_escaping;
        if (scheme == NAME_LEGACY && view_is(view_of(escaping), "allow-utf-8")) {
                config_fail(r, CONFIG_STAGE_VALUE, common->node,
                    "utf8 metric names requested but validation scheme is not set to UTF8; "
                    "metric_name_escaping_scheme expects underscores, dots or values");
                escaping = default_escaping(scheme);
        }
        *out_escaping = escaping;
        return scheme;
}
