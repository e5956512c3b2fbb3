#include "agent/arguments.h"

#include "agent/agent.h"
#include "agent/config_url.h"
#include "agent/httpd.h"
#include "agent/options.h"
#include "agent/prometheus_flags.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        OWN_MAX = 32,
        ROWS_MAX = 128,
        CONNECTIONS_MAX = 4096,
        AUTO_RELOAD_MIN_MS = 1000, /* as in Prometheus */
};

/* Options whose values are texts until all of them are there. */
struct raw {
        const char *auto_reload_interval;
        const char *shutdown_timeout;
        const char *flush_deadline;
        const char *read_timeout;
        const char *max_connections;
        const char *max_age;
        const char *route_prefix;
        const char *idle_value; /* of a flag that has no effect */
        bool agent;
        bool auto_reload;
        bool no_auto_reload;
        bool idle_switch;
};

struct parser {
        struct arguments *a;
        struct raw *raw;
        const struct option_row *own; /* the rows before those of prometheus_flags */
        size_t n_own;
};

static size_t
own_rows(struct arguments *a, struct raw *raw, struct option_row out[OWN_MAX])
{
        const struct option_row rows[] = {
            {"tenant", &a->tenant, NULL, "NAME",
                "whose metrics: names directories and the tenant header"},
            {"config-dir", &a->config_dir, NULL, "DIR",
                "reads DIR/<tenant>/agent.yml (/etc/gleaner)"},
            {"config.file", &a->config_file, NULL, "FILE", "reads this file instead"},
            {"config.auto-reload", NULL, &raw->auto_reload, NULL,
                "looks every 30s whether the configuration changed, and reloads it"},
            {"config.auto-reload-interval", &raw->auto_reload_interval, NULL, "DURATION",
                "the same, this often"},
            {"data-dir", &a->data_dir, NULL, "DIR",
                "keeps the log in DIR/<tenant> (/var/lib/gleaner)"},
            {"storage.agent.path", &a->storage_path, NULL, "DIR", "keeps the log in DIR itself"},
            {"storage.agent.retention.max-time", &raw->max_age, NULL, "DURATION",
                "wal.max_age where the file has none (48h)"},
            {"web.listen-address", &a->listen_address, NULL, "ADDRESS",
                "HTTP endpoints (127.0.0.1:9095); may be given several times"},
            {"web.config.file", &a->web_config, NULL, "FILE",
                "TLS, passwords and headers of the HTTP endpoints"},
            {"web.enable-lifecycle", NULL, &a->lifecycle, NULL,
                "allows POST /-/reload and /-/quit"},
            {"web.external-url", &a->external_url, NULL, "URL",
                "under which a proxy shows the HTTP endpoints"},
            {"web.route-prefix", &raw->route_prefix, NULL, "PATH",
                "stands before every path (the path of web.external-url)"},
            {"web.page-title", &a->page_title, NULL, "TEXT", "of the status page (gleaner)"},
            {"web.cors.origin", &a->cors_origin, NULL, "REGEX",
                "pages of which other origins may read the API (.*)"},
            {"web.read-timeout", &raw->read_timeout, NULL, "DURATION",
                "closes idle HTTP connections (1m)"},
            {"web.max-connections", &raw->max_connections, NULL, "N", "HTTP connections (32)"},
            {"log.level", &a->log_level, NULL, "LEVEL", "debug, info, warn or error (info)"},
            {"log.format", &a->log_format, NULL, "FORMAT", "logfmt or json (logfmt)"},
            {"shutdown-timeout", &raw->shutdown_timeout, NULL, "DURATION",
                "how long to send what is pending at the end (10s)"},
            {"storage.remote.flush-deadline", &raw->flush_deadline, NULL, "DURATION",
                "the same, as Prometheus calls it"},
            {"enable-feature", &a->features, NULL, "NAMES",
                "Prometheus's names, such as extra-scrape-metrics"},
            {"agent", NULL, &raw->agent, NULL, "is always on"},
            {"version", NULL, &a->version, NULL, "prints the version and ends"},
            {"help", NULL, &a->help, NULL, "prints this and ends"},
        };

        _Static_assert(sizeof(rows) / sizeof(rows[0]) <= OWN_MAX, "OWN_MAX is too small");
        memcpy(out, rows, sizeof(rows));
        return sizeof(rows) / sizeof(rows[0]);
}

static void
remark(struct arguments *a, const char *option, struct view name, const struct prometheus_flag *f)
{
        struct arguments_remark *r = &a->remarks[a->n_remarks];

        if (a->n_remarks == ARGUMENTS_REMARKS_MAX)
                return;
        (void)snprintf(r->flag, sizeof(r->flag), "--%s%.*s", option, (int)name.n, name.p);
        r->why = f->why;
        r->warn = f->answer == FLAG_WARN;
        a->n_remarks++;
}

static int
take_feature(struct arguments *a, struct view name, struct err *e)
{
        static const struct prometheus_flag unknown = {
            "", true, FLAG_WARN, "neither gleaner nor Prometheus knows this feature"};
        const struct prometheus_flag *f = prometheus_feature_find(name);

        if (name.n == 0)
                return 0;
        if (view_is(name, "auto-reload-config"))
                a->auto_reload = true;
        else if (view_is(name, "extra-scrape-metrics"))
                a->extra_scrape_metrics = true;
        else if (f != NULL && f->answer == FLAG_REFUSED)
                return err_set(e, ERR_CONFIG, "--enable-feature=%s: %s", f->name, f->why);
        else
                remark(a, "enable-feature=", name, f != NULL ? f : &unknown);
        return 0;
}

static int
take_features(struct arguments *a, const char *names, struct err *e)
{
        int rc = 0;

        while (rc == 0 && *names != '\0') {
                size_t n = strcspn(names, ",");

                rc = take_feature(a, (struct view){names, n}, e);
                names += n + (names[n] == ',');
        }
        return rc;
}

static int
take_foreign(struct parser *p, const struct prometheus_flag *f, const char *value, struct err *e)
{
        if (f->answer == FLAG_SERVER)
                return err_set(e, ERR_CONFIG,
                    "the following flag(s) can not be used in agent mode: [\"--%s\"]%s%s", f->name,
                    f->why != NULL ? "; " : "", f->why != NULL ? f->why : "");
        p->a->foreign[f - prometheus_flags] = value;
        if (f->is_switch && strcmp(value, "false") == 0)
                return 0;
        if (f->answer == FLAG_REFUSED && value[0] != '\0')
                return err_set(e, ERR_CONFIG, "--%s: %s", f->name, f->why);
        remark(p->a, "", view_of(f->name), f);
        return 0;
}

static int
add_address(struct arguments *a, const char *address, struct err *e)
{
        size_t n = strlen(a->listen_addresses);
        size_t left = sizeof(a->listen_addresses) - n;
        int written = snprintf(a->listen_addresses + n, left, "%s%s", n > 0 ? "," : "", address);

        if (written < 0 || (size_t)written >= left)
                return err_set(e, ERR_CONFIG, "--web.listen-address: more than fits");
        a->listen_address = a->listen_addresses;
        return 0;
}

static int
on_option(void *arg, const struct option_row *row, const char *value, struct err *e)
{
        struct parser *p = arg;
        size_t i = (size_t)(row - p->own);

        if (i >= p->n_own)
                return take_foreign(p, &prometheus_flags[i - p->n_own], value, e);
        if (row->value == &p->a->features)
                return take_features(p->a, value, e);
        if (row->flag == &p->raw->agent && strcmp(value, "false") == 0)
                return err_set(e, ERR_CONFIG, "--no-agent: gleaner is an agent only");
        if (row->flag == &p->raw->auto_reload)
                p->raw->no_auto_reload = strcmp(value, "false") == 0;
        if (row->value == &p->a->listen_address)
                return add_address(p->a, value, e);
        return 0;
}

/* ---- values ---- */

static int
take_duration(const char *text, const char *option, int64_t *out_ms, struct err *e)
{
        if (text == NULL)
                return 0;
        return duration_parse(view_of(text), out_ms, e) < 0 ? err_prefix(e, "%s", option) : 0;
}

static int
take_times(struct arguments *a, const struct raw *raw, struct err *e)
{
        int rc = take_duration(
            raw->auto_reload_interval, "--config.auto-reload-interval", &a->auto_reload_ms, e);

        if (a->auto_reload_ms < AUTO_RELOAD_MIN_MS)
                a->auto_reload_ms = AUTO_RELOAD_MIN_MS;
        if (rc == 0)
                rc = take_duration(raw->flush_deadline, "--storage.remote.flush-deadline",
                    &a->shutdown_timeout_ms, e);
        if (rc == 0)
                rc = take_duration(
                    raw->shutdown_timeout, "--shutdown-timeout", &a->shutdown_timeout_ms, e);
        if (rc == 0)
                rc = take_duration(raw->read_timeout, "--web.read-timeout", &a->read_timeout_ms, e);
        if (rc == 0)
                rc = take_duration(
                    raw->max_age, "--storage.agent.retention.max-time", &a->max_age_ms, e);
        return rc;
}

static int
take_connections(struct arguments *a, const char *text, struct err *e)
{
        char *end;

        if (text == NULL)
                return 0;
        errno = 0;
        a->max_connections = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || a->max_connections == 0)
                return err_set(
                    e, ERR_CONFIG, "--web.max-connections=%s: it is a number from 1 on", text);
        if (a->max_connections > CONNECTIONS_MAX)
                a->max_connections = CONNECTIONS_MAX;
        return 0;
}

/* "/" + what is between the outer slashes; nothing when there is nothing. */
static int
take_prefix(struct arguments *a, const char *given, struct err *e)
{
        struct config_url url = {0};
        struct view path = given != NULL ? view_of(given) : view_of("");
        int n;

        if (a->external_url != NULL) {
                if (config_url_parse(view_of(a->external_url), &url, e) < 0)
                        return err_prefix(e, "--web.external-url");
                if (url.host.n == 0)
                        return err_set(e, ERR_CONFIG,
                            "--web.external-url=%s: it is a URL with a host", a->external_url);
        }
        if (given == NULL)
                path = url.path;
        while (path.n > 0 && path.p[0] == '/') {
                path.p++;
                path.n--;
        }
        while (path.n > 0 && path.p[path.n - 1] == '/')
                path.n--;
        n = snprintf(a->route_prefix, sizeof(a->route_prefix), "%s%.*s", path.n > 0 ? "/" : "",
            (int)path.n, path.p);
        if (n < 0 || (size_t)n >= sizeof(a->route_prefix))
                return err_set(e, ERR_CONFIG, "the prefix of the HTTP endpoints is too long");
        return 0;
}

static int
check_paths(struct arguments *a, bool data_dir_given, struct err *e)
{
        int n;

        if (a->data_dir[0] == '\0' || a->config_dir[0] == '\0' ||
            (a->config_file != NULL && a->config_file[0] == '\0') ||
            (a->storage_path != NULL && a->storage_path[0] == '\0'))
                return err_set(e, ERR_CONFIG, "%s is empty: it takes a path",
                    a->data_dir[0] == '\0'         ? "--data-dir"
                        : a->config_dir[0] == '\0' ? "--config-dir"
                        : a->config_file != NULL && a->config_file[0] == '\0'
                        ? "--config.file"
                        : "--storage.agent.path");
        if (data_dir_given && a->storage_path != NULL)
                return err_set(e, ERR_CONFIG,
                    "--data-dir and --storage.agent.path both say where the log is: give one");
        if (a->config_file != NULL)
                n = snprintf(a->config_path, sizeof(a->config_path), "%s", a->config_file);
        else
                n = snprintf(a->config_path, sizeof(a->config_path), "%s/%s/agent.yml",
                    a->config_dir, a->tenant);
        if (n < 0 || (size_t)n >= sizeof(a->config_path))
                return err_set(e, ERR_CONFIG, "the path of the configuration is too long");
        return 0;
}

static int
check_log(const struct arguments *a, struct err *e)
{
        if (log_level_of(a->log_level) < 0)
                return err_set(e, ERR_CONFIG, "--log.level=%s: it is debug, info, warn or error",
                    a->log_level);
        if (log_format_of(a->log_format) < 0)
                return err_set(
                    e, ERR_CONFIG, "--log.format=%s: it is logfmt or json", a->log_format);
        return 0;
}

static int
check(struct arguments *a, const struct raw *raw, struct err *e)
{
        static const char default_data[] = "/var/lib/gleaner";
        bool data_dir_given = a->data_dir != NULL;
        int rc = check_log(a, e);

        if (!data_dir_given)
                a->data_dir = default_data;
        if (rc == 0 && a->tenant == NULL && a->config_file == NULL)
                rc = err_set(e, ERR_CONFIG,
                    "--tenant is missing (or --config.file, then the tenant is \"default\"); "
                    "see --help");
        if (rc == 0)
                rc = take_times(a, raw, e);
        if (rc == 0 && a->tenant != NULL && agent_tenant_check(a->tenant, e) < 0)
                rc = err_prefix(e, "--tenant");
        if (rc == 0)
                rc = take_connections(a, raw->max_connections, e);
        if (rc == 0)
                rc = take_prefix(a, raw->route_prefix, e);
        if (a->web_config != NULL && a->web_config[0] == '\0')
                a->web_config = NULL; /* as if it were not given */
        return rc == 0 ? check_paths(a, data_dir_given, e) : rc;
}

int
arguments_parse(int argc, char **argv, struct arguments *a, struct err *e)
{
        struct raw raw = {0};
        struct option_row rows[ROWS_MAX];
        size_t n_own = own_rows(a, &raw, rows);
        struct parser p = {a, &raw, rows, n_own};
        struct option_table table = {rows, n_own + prometheus_flags_count, on_option, &p};
        int rc;

        assert(prometheus_flags_count <= ARGUMENTS_FOREIGN_MAX);
        *a = (struct arguments){.config_dir = "/etc/gleaner",
            .page_title = "gleaner",
            .cors_origin = ".*",
            .log_level = "info",
            .log_format = "logfmt",
            .auto_reload_ms = 30000,
            .shutdown_timeout_ms = 10000};
        for (size_t i = 0; i < prometheus_flags_count; i++) {
                const struct prometheus_flag *f = &prometheus_flags[i];

                rows[n_own + i] =
                    (struct option_row){f->name, f->is_switch ? NULL : &raw.idle_value,
                        f->is_switch ? &raw.idle_switch : NULL, "VALUE", ""};
        }
        rc = options_parse_table(argc, argv, &table, e);
        if (rc < 0)
                return rc;
        a->n_rest = rc;
        if (raw.auto_reload || (raw.auto_reload_interval != NULL && !raw.no_auto_reload))
                a->auto_reload = true;
        return a->help || a->version || a->n_rest > 0 ? 0 : check(a, &raw, e);
}

void
arguments_print(void)
{
        struct arguments unused;
        struct raw raw;
        struct option_row rows[OWN_MAX];

        options_print(rows, own_rows(&unused, &raw, rows));
        (void)printf("\nOther flags of a prometheus --agent are taken, too; what has no effect is "
                     "named in the log.\n");
}

/* ---- as JSON ---- */

struct shown {
        const char *name;
        const char *text; /* NULL: ms */
        int64_t ms;
};

static int
compare_shown(const void *a, const void *b)
{
        return strcmp(((const struct shown *)a)->name, ((const struct shown *)b)->name);
}

static int
put_shown(struct buf *out, const struct shown *s, struct err *e)
{
        char text[DURATION_MAX_TEXT + 1];
        const char *value = s->text;
        int rc = buf_printf(out, e, "%s\"%s\":", out->ptr[out->len - 1] == '{' ? "" : ",", s->name);

        if (value == NULL) {
                text[duration_format(s->ms, text, DURATION_MAX_TEXT)] = '\0';
                value = text;
        }
        return rc == 0 ? json_put_string(out, view_of(value), e) : rc;
}

static const char *
or_empty(const char *text)
{
        return text != NULL ? text : "";
}

static size_t
show_own(const struct arguments *a, const char *connections, struct shown out[OWN_MAX])
{
        int64_t read_timeout_ms =
            a->read_timeout_ms > 0 ? a->read_timeout_ms : (int64_t)HTTPD_IDLE_SECONDS * 1000;
        const struct shown rows[] = {
            {"agent", "true", 0},
            {"config-dir", a->config_dir, 0},
            {"config.auto-reload", a->auto_reload ? "true" : "false", 0},
            {"config.auto-reload-interval", NULL, a->auto_reload_ms},
            {"config.file", a->config_path, 0},
            {"data-dir", a->data_dir, 0},
            {"enable-feature", or_empty(a->features), 0},
            {"log.format", a->log_format, 0},
            {"log.level", a->log_level, 0},
            {"shutdown-timeout", NULL, a->shutdown_timeout_ms},
            {"storage.agent.path", or_empty(a->storage_path), 0},
            {"storage.agent.retention.max-time", NULL, a->max_age_ms},
            {"storage.remote.flush-deadline", NULL, a->shutdown_timeout_ms},
            {"tenant", or_empty(a->tenant), 0},
            {"web.config.file", or_empty(a->web_config), 0},
            {"web.cors.origin", a->cors_origin, 0},
            {"web.enable-lifecycle", a->lifecycle ? "true" : "false", 0},
            {"web.external-url", or_empty(a->external_url), 0},
            {"web.listen-address", or_empty(a->listen_address), 0},
            {"web.max-connections", connections, 0},
            {"web.page-title", a->page_title, 0},
            {"web.read-timeout", NULL, read_timeout_ms},
            {"web.route-prefix", a->route_prefix[0] != '\0' ? a->route_prefix : "/", 0},
        };

        memcpy(out, rows, sizeof(rows));
        return sizeof(rows) / sizeof(rows[0]);
}

int
arguments_put_json(const struct arguments *a, struct buf *out, struct err *e)
{
        struct shown rows[ROWS_MAX];
        char connections[32];
        size_t n;
        int rc = buf_putc(out, '{', e);

        (void)snprintf(connections, sizeof(connections), "%llu",
            (unsigned long long)(a->max_connections > 0 ? a->max_connections : HTTPD_CONNECTIONS));
        n = show_own(a, connections, rows);
        for (size_t i = 0; i < prometheus_flags_count; i++) {
                const struct prometheus_flag *f = &prometheus_flags[i];
                const char *unset = f->is_switch ? "false" : "";

                rows[n++] =
                    (struct shown){f->name, a->foreign[i] != NULL ? a->foreign[i] : unset, 0};
        }
        qsort(rows, n, sizeof(rows[0]), compare_shown);
        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = put_shown(out, &rows[i], e);
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}
