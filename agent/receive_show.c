#include "agent/receive_show.h"

#include "agent/receive_check.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/labels.h"
#include "wal/column.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
put_name(struct view v, struct buf *out, struct err *e)
{
        return name_label_valid(v, NAME_LEGACY) ? buf_append(out, v.p, v.n, e)
                                                : escape_put_quoted(out, v, e);
}

static int
put_pair(const struct label *l, struct buf *out, struct err *e)
{
        int rc = put_name(l->name, out, e);

        if (rc == 0)
                rc = buf_putc(out, '=', e);
        return rc == 0 ? escape_put_quoted(out, l->value, e) : rc;
}

int
receive_show_series(const struct label *labels, size_t n, struct buf *out, struct err *e)
{
        const struct label *name = NULL;
        bool first = true;
        bool plain;
        int rc = 0;

        for (size_t i = 0; i < n && name == NULL; i++) {
                if (view_is(labels[i].name, "__name__"))
                        name = &labels[i];
        }
        plain = name != NULL && name_metric_valid(name->value, NAME_LEGACY);
        if (plain)
                rc = buf_append(out, name->value.p, name->value.n, e);
        if (rc == 0)
                rc = buf_putc(out, '{', e);
        if (rc == 0 && name != NULL && !plain) {
                rc = escape_put_quoted(out, name->value, e);
                first = false;
        }
        for (size_t i = 0; i < n && rc == 0; i++) {
                if (&labels[i] == name)
                        continue;
                if (!first)
                        rc = buf_putc(out, ',', e);
                first = false;
                if (rc == 0)
                        rc = put_pair(&labels[i], out, e);
        }
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

/* The shortest decimal that reads back as the same double. */
static int
put_value(uint64_t bits, struct buf *out, struct err *e)
{
        char text[32];
        double d;

        if (bits == COLUMN_STALE)
                return buf_puts(out, "StaleNaN", e);
        memcpy(&d, &bits, sizeof(d));
        if (isnan(d))
                return buf_puts(out, "NaN", e);
        if (isinf(d))
                return buf_puts(out, d > 0 ? "+Inf" : "-Inf", e);
        for (int digits = 15; digits <= 17; digits++) {
                (void)snprintf(text, sizeof(text), "%.*g", digits, d);
                if (strtod(text, NULL) == d)
                        break;
        }
        return buf_puts(out, text, e);
}

int
receive_show_samples(const struct decode_series *s, struct buf *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < s->n_samples && rc == 0; i++) {
                rc = receive_show_series(s->labels, s->n_labels, out, e);
                if (rc == 0)
                        rc = buf_putc(out, ' ', e);
                if (rc == 0)
                        rc = put_value(s->samples[i].bits, out, e);
                if (rc == 0)
                        rc = buf_printf(out, e, " %" PRId64 "\n", s->samples[i].time_ms);
        }
        return rc;
}

static double
per_second(uint64_t now, uint64_t before, int64_t ms)
{
        return ms > 0 ? (double)(now - before) * 1000 / (double)ms : 0;
}

static double
per_sample(const struct receive_totals *t, uint64_t bytes)
{
        uint64_t samples = t->samples + t->repeated;

        return samples > 0 ? (double)bytes / (double)samples : 0;
}

/* How long ago, in words; the newest sample's age and the last request's. */
static void
put_ago(char *text, size_t cap, int64_t wall_ms, int64_t then_ms)
{
        if (then_ms == 0)
                (void)snprintf(text, cap, "none yet");
        else
                (void)snprintf(text, cap, "%.1f s ago", (double)(wall_ms - then_ms) / 1000);
}

static int
put_tenants(const struct receive_totals *t, struct buf *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < t->n_tenants && rc == 0; i++) {
                const struct receive_tenant *x = &t->tenants[i];

                rc = buf_puts(out, "tenant         ", e);
                if (rc == 0)
                        rc = escape_put_quoted(out, view_of(x->name), e);
                if (rc == 0)
                        rc = buf_printf(out, e, "  requests %" PRIu64 "  samples %" PRIu64 "\n",
                            x->requests, x->samples);
        }
        return rc;
}

int
receive_show_table(const struct receive_view *v, struct buf *out, struct err *e)
{
        const struct receive_totals *t = v->now;
        char last[48];
        char newest[48];
        int rc;

        put_ago(last, sizeof(last), v->wall_ms, t->last_request_ms);
        put_ago(newest, sizeof(newest), v->wall_ms, t->newest_ms);
        rc = buf_printf(out, e,
            "requests       %" PRIu64 "  %.2f/s  last %s\n"
            "samples        %" PRIu64 "  %.1f/s  newest %s\n"
            "               %" PRIu64 " staleness markers, %" PRIu64 " repeated\n"
            "bytes          %" PRIu64 "  %.2f per sample, %.2f decompressed\n"
            "series         %" PRIu64 "  in %" PRIu64 " messages",
            t->requests, per_second(t->requests, v->requests_before, v->since_ms), last, t->samples,
            per_second(t->samples, v->samples_before, v->since_ms), newest, t->stale, t->repeated,
            t->bytes, per_sample(t, t->bytes), per_sample(t, t->bytes_raw), t->series,
            t->time_series);
        if (rc == 0 && t->series_beyond > 0)
                rc = buf_printf(out, e, ", %" PRIu64 " of series beyond the %d that are remembered",
                    t->series_beyond, RECEIVE_MAX_SERIES);
        if (rc == 0)
                rc = buf_putc(out, '\n', e);
        if (rc == 0 && t->requests_2 > 0)
                rc = buf_printf(out, e, "by 2.0         %" PRIu64 " requests\n", t->requests_2);
        if (rc == 0)
                rc = put_tenants(t, out, e);
        if (rc == 0 && t->turned_away > 0)
                rc = buf_printf(
                    out, e, "turned away    %" PRIu64 " requests, as asked\n", t->turned_away);
        if (rc == 0)
                rc = buf_printf(out, e, "faults         %" PRIu64 " in %" PRIu64 " requests\n",
                    t->faults, t->refused);
        if (rc == 0 && t->faults > 0) {
                rc = buf_puts(out, "last fault     ", e);
                if (rc == 0)
                        rc = escape_put(out, view_of(t->last_fault), e);
                if (rc == 0)
                        rc = buf_putc(out, '\n', e);
        }
        return rc;
}

int
receive_show_line(const struct receive_view *v, struct buf *out, struct err *e)
{
        const struct receive_totals *t = v->now;
        char newest[48];

        put_ago(newest, sizeof(newest), v->wall_ms, t->newest_ms);
        return buf_printf(out, e,
            "requests %" PRIu64 " (%.2f/s), samples %" PRIu64
            " (%.1f/s), %.2f bytes per sample, series %" PRIu64 ", faults %" PRIu64
            ", newest sample %s\n",
            t->requests, per_second(t->requests, v->requests_before, v->since_ms), t->samples,
            per_second(t->samples, v->samples_before, v->since_ms), per_sample(t, t->bytes),
            t->series, t->faults, newest);
}
