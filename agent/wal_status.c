#include "agent/wal_status.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "wal/wal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { ENDPOINTS_MAX = 256 };

/* ---- the object ---- */

static json_t *
number(uint64_t n)
{
        return json_integer((json_int_t)n);
}

static json_t *
named(const char *const *names, const uint64_t *values, size_t n)
{
        json_t *o = json_object();

        for (size_t i = 0; i < n; i++)
                (void)json_object_set_new(o, names[i], number(values[i]));
        return o;
}

static json_t *
endpoint_object(const struct wal_endpoint_info *x)
{
        const struct wal_cursor *c = &x->cursor;

        return json_pack("{s:s, s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
            x->name, "configured", (int)x->configured, "settled", number(c->settled), "window_end",
            number(c->window_end), "groups_settled", number(c->groups_settled), "resumed",
            (int)c->resumed, "appended", number(c->appended), "acknowledged",
            number(c->ledger.acknowledged), "unconfirmed", number(c->ledger.unconfirmed),
            "filtered", number(c->ledger.filtered), "pending", number(c->pending), "lost",
            named(wal_lost_names, c->ledger.lost, LOST_REASONS));
}

static json_t *
endpoint_array(struct wal *w)
{
        struct wal_endpoint_info *v = calloc(ENDPOINTS_MAX, sizeof(*v));
        json_t *a = json_array();
        size_t n = v != NULL ? wal_endpoints(w, v, ENDPOINTS_MAX) : 0;

        for (size_t i = 0; i < n && i < ENDPOINTS_MAX; i++)
                (void)json_array_append_new(a, endpoint_object(&v[i]));
        free(v);
        return a;
}

/* At the rate of what the log holds; -1 when that cannot be told. */
static int64_t
seconds_until_full(const struct wal_stats *s)
{
        int64_t span = s->newest_ms - s->oldest_ms;

        if (span < 1000 || s->bytes_used == 0 || s->samples_stored == 0)
                return -1;
        if (s->bytes_used >= s->bytes_max)
                return 0;
        return (int64_t)((double)(s->bytes_max - s->bytes_used) * (double)span / 1000 /
            (double)s->bytes_used);
}

static void
put_numbers(json_t *o, const struct wal_stats *s)
{
        const struct {
                const char *name;
                uint64_t value;
        } rows[] = {
            {"first_block", s->first_block},
            {"next_block", s->next_block},
            {"blocks", s->next_block - s->first_block},
            {"samples_stored", s->samples_stored},
            {"samples_offered", s->samples_offered},
            {"samples_appended", s->samples_appended},
            {"samples_queued", s->samples_queued},
            {"bytes_used", s->bytes_used},
            {"bytes_max", s->bytes_max},
            {"bytes_file", s->bytes_file},
            {"bytes_written", s->bytes_written},
            {"oldest_ms", (uint64_t)s->oldest_ms},
            {"newest_ms", (uint64_t)s->newest_ms},
            {"last_commit_ms", (uint64_t)s->last_commit_ms},
            {"queue_bytes", s->queue_bytes},
            {"queue_batches", s->queue_batches},
            {"commits", s->commits},
            {"commit_failures", s->commit_failures},
            {"commits_late", s->commits_late},
            {"damaged_blocks", s->damaged_blocks},
            {"damaged_values", s->damaged_values},
            {"logs_set_aside", s->logs_set_aside},
            {"seconds_until_full", (uint64_t)seconds_until_full(s)},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                (void)json_object_set_new(o, rows[i].name, number(rows[i].value));
}

int
wal_status_json(void *arg, struct buf *out, struct err *e)
{
        static const char *const trim_names[] = {"age", "size"};
        struct wal *w = arg;
        struct wal_stats s;
        json_t *o = json_object();
        char *text;
        int rc;

        wal_stats(w, &s);
        put_numbers(o, &s);
        (void)json_object_set_new(o, "usable", json_boolean(wal_usable(w, NULL)));
        (void)json_object_set_new(o, "last_error", json_string(s.last_error));
        (void)json_object_set_new(
            o, "not_stored", named(wal_not_stored_names, s.not_stored, NOT_STORED_REASONS));
        (void)json_object_set_new(o, "trimmed", named(trim_names, s.trimmed_samples, 2));
        (void)json_object_set_new(o, "endpoints", endpoint_array(w));
        text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        json_decref(o);
        if (text == NULL)
                return err_nomem(e, "the log's status");
        rc = buf_printf(out, e, "%s\n", text);
        free(text);
        return rc;
}

/* ---- for people ---- */

static int64_t
get(const json_t *o, const char *name)
{
        return json_integer_value(json_object_get(o, name));
}

static int
put_time(struct buf *out, const char *what, int64_t ms, struct err *e)
{
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char text[64];

        if (ms <= 0 || gmtime_r(&seconds, &tm) == NULL)
                return buf_printf(out, e, "%-16s -\n", what);
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
        return buf_printf(out, e, "%-16s %s\n", what, text);
}

static int
put_full(struct buf *out, int64_t seconds, struct err *e)
{
        if (seconds < 0)
                return 0;
        return buf_printf(out, e,
            "%-16s %" PRId64 " h %" PRId64 " min at the rate of what is stored\n", "full in",
            seconds / 3600, seconds / 60 % 60);
}

/* " name n" for those that are not 0, " 0" when all are. */
static int
put_reasons(struct buf *out, const json_t *reasons, struct err *e)
{
        json_t *o = json_incref((json_t *)(uintptr_t)reasons);
        const char *name;
        json_t *value;
        bool any = false;
        int rc = 0;

        json_object_foreach(o, name, value)
        {
                if (rc == 0 && json_integer_value(value) != 0) {
                        rc = buf_printf(
                            out, e, " %s %" JSON_INTEGER_FORMAT, name, json_integer_value(value));
                        any = true;
                }
        }
        json_decref(o);
        if (rc == 0 && !any)
                rc = buf_puts(out, " 0", e);
        return rc == 0 ? buf_putc(out, '\n', e) : rc;
}

static int
put_endpoint(struct buf *out, const json_t *x, struct err *e)
{
        const char *name = json_string_value(json_object_get(x, "name"));
        const char *note =
            json_is_true(json_object_get(x, "configured")) ? "" : " (nobody sends to it now)";
        int rc = buf_puts(out, "\nendpoint ", e);

        if (rc == 0)
                rc = escape_put(out, view_of(name != NULL ? name : "?"), e);
        if (rc == 0)
                rc = buf_printf(out, e, "%s\n", note);

        if (rc == 0)
                rc = buf_printf(out, e,
                    "  settled up to block %" PRId64 ", %s\n"
                    "  appended %" PRId64 " = acknowledged %" PRId64 " + unconfirmed %" PRId64
                    " + filtered %" PRId64 " + pending %" PRId64 " + lost:",
                    get(x, "settled"),
                    get(x, "window_end") == 0 ? "no window under way" : "a window is under way",
                    get(x, "appended"), get(x, "acknowledged"), get(x, "unconfirmed"),
                    get(x, "filtered"), get(x, "pending"));
        return rc == 0 ? put_reasons(out, json_object_get(x, "lost"), e) : rc;
}

static int
put_log(struct buf *out, const json_t *o, struct err *e)
{
        double used = (double)get(o, "bytes_used");
        double max = (double)get(o, "bytes_max");
        int rc = buf_printf(out, e,
            "%-16s %" PRId64 " (%" PRId64 " to %" PRId64 ")\n"
            "%-16s %" PRId64 " stored, %" PRId64 " since the log began\n"
            "%-16s %.1f of %.1f MiB in use (%.1f %%), file %.1f MiB\n",
            "blocks", get(o, "blocks"), get(o, "first_block"), get(o, "next_block"), "samples",
            get(o, "samples_stored"), get(o, "samples_appended"), "size", used / 1048576,
            max / 1048576, max > 0 ? used / max * 100 : 0, (double)get(o, "bytes_file") / 1048576);

        if (rc == 0)
                rc = put_time(out, "oldest record", get(o, "oldest_ms"), e);
        if (rc == 0)
                rc = put_time(out, "newest record", get(o, "newest_ms"), e);
        if (rc == 0)
                rc = put_time(out, "last commit", get(o, "last_commit_ms"), e);
        if (rc == 0)
                rc = put_full(out, get(o, "seconds_until_full"), e);
        if (rc == 0)
                rc = buf_printf(out, e, "%-16s", "not stored");
        if (rc == 0)
                rc = put_reasons(out, json_object_get(o, "not_stored"), e);
        if (rc == 0)
                rc = buf_printf(out, e,
                    "%-16s %" PRId64 " blocks, %" PRId64 " other values; %" PRId64
                    " logs set aside\n",
                    "damaged", get(o, "damaged_blocks"), get(o, "damaged_values"),
                    get(o, "logs_set_aside"));
        return rc;
}

int
wal_status_text(struct view json, struct buf *out, struct err *e)
{
        json_t *o = json_loadb(json.p, json.n, 0, NULL);
        const char *error = json_string_value(json_object_get(o, "error"));
        const json_t *endpoints = json_object_get(o, "endpoints");
        int rc = 0;

        if (error != NULL) {
                rc = err_set(e, ERR_AGAIN, "the agent says: %s", error);
        } else if (!json_is_array(endpoints)) {
                rc = err_set(e, ERR_PARSE, "the agent's answer is not a log's status");
        } else {
                rc = put_log(out, o, e);
                for (size_t i = 0; i < json_array_size(endpoints) && rc == 0; i++)
                        rc = put_endpoint(out, json_array_get(endpoints, i), e);
        }
        json_decref(o);
        return rc;
}
