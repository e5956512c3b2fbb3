#include "agent/page.h"

#include "agent/page_stats.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/labels.h"
#include "scrape/finalize.h"
#include "scrape/job.h"
#include "scrape/series.h"
#include "scrape/slotmap.h"
#include "scrape/textparse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
        PAGE_ARENA = 64 << 20, /* labels of one line, which has at most 1 MiB of text */
        PAGE_LINE = 32 << 20, /* the same, escaped */
        PAGE_MAX_SERIES = 50000000,
};

struct page {
        struct page_options o;
        struct textparse *parser; /* owned */
        struct arena arena; /* of one sample */
        struct buf line; /* being written */
        struct slotmap seen; /* hashes of the final labels of kept series */
        struct page_counts counts;
        uint64_t limited; /* samples that sample_limit counts */
        bool misplaced; /* the failure has a place on the page */
};

/* ---- printing ---- */

static int
put_value(double d, struct buf *out, struct err *e)
{
        char text[64];
        size_t n = textparse_format_float(d, text, sizeof(text));

        /* Labels spell 1 as "1.0" and -0 as "0.0", values do not. */
        if (d == 0 && signbit(d))
                return buf_puts(out, "-0", e);
        if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0)
                n -= 2;
        return buf_append(out, text, n, e);
}

static double
value_of(const struct text_sample *x)
{
        double d;

        memcpy(&d, &x->bits, sizeof(d));
        return d;
}

static int
put_json(const struct labels *l, const struct text_sample *x, bool stamped, struct buf *out,
    struct err *e)
{
        int rc = buf_puts(out, "{\"labels\":{", e);

        for (size_t i = 0; i < l->n && rc == 0; i++) {
                if (i > 0)
                        rc = buf_putc(out, ',', e);
                if (rc == 0)
                        rc = json_put_string(out, l->v[i].name, e);
                if (rc == 0)
                        rc = buf_putc(out, ':', e);
                if (rc == 0)
                        rc = json_put_string(out, l->v[i].value, e);
        }
        if (rc == 0)
                rc = buf_puts(out, "},\"value\":\"", e);
        if (rc == 0)
                rc = put_value(value_of(x), out, e);
        if (rc == 0)
                rc =
                    buf_printf(out, e, "\",\"bits\":\"%016" PRIx64 "\",\"timestamp_ms\":", x->bits);
        if (rc == 0 && stamped)
                rc = buf_printf(out, e, "%" PRId64 "}\n", x->timestamp_ms);
        else if (rc == 0)
                rc = buf_puts(out, "null}\n", e);
        return rc;
}

static int
put_label(const struct label *x, const char *before, struct buf *out, struct err *e)
{
        int rc = buf_puts(out, before, e);

        if (rc == 0)
                rc = name_label_valid(x->name, NAME_LEGACY)
                    ? buf_append(out, x->name.p, x->name.n, e)
                    : escape_put_quoted(out, x->name, e);
        if (rc == 0)
                rc = buf_putc(out, '=', e);
        return rc < 0 ? rc : escape_put_quoted(out, x->value, e);
}

/* name{labels}, or {"name",labels} where the name needs quotes */
static int
put_series(const struct labels *l, struct buf *out, struct err *e)
{
        struct view metric = labels_get(l, VIEW_LIT("__name__"));
        bool plain = name_metric_valid(metric, NAME_LEGACY);
        const char *before = "{";
        int rc = plain ? buf_append(out, metric.p, metric.n, e) : buf_putc(out, '{', e);

        if (rc == 0 && !plain) {
                rc = escape_put_quoted(out, metric, e);
                before = ",";
        }
        for (size_t i = 0; i < l->n && rc == 0; i++) {
                if (view_is(l->v[i].name, "__name__"))
                        continue;
                rc = put_label(&l->v[i], before, out, e);
                before = ",";
        }
        if (rc == 0 && *before == ',')
                rc = buf_putc(out, '}', e);
        return rc;
}

static int
put_text(const struct labels *l, const struct text_sample *x, bool stamped, struct buf *out,
    struct err *e)
{
        int rc = put_series(l, out, e);

        if (rc == 0)
                rc = buf_putc(out, ' ', e);
        if (rc == 0)
                rc = put_value(value_of(x), out, e);
        if (rc == 0 && stamped)
                rc = buf_printf(out, e, " %" PRId64, x->timestamp_ms);
        return rc < 0 ? rc : buf_putc(out, '\n', e);
}

/* The sample has a time of its own. */
static bool
is_stamped(const struct page *p, const struct text_sample *x)
{
        return x->has_timestamp && p->o.job->honor_timestamps;
}

static int
print(struct page *p, const struct labels *l, const struct text_sample *x, struct err *e)
{
        bool stamped = is_stamped(p, x);
        int rc;

        buf_reset(&p->line);
        rc =
            p->o.json ? put_json(l, x, stamped, &p->line, e) : put_text(l, x, stamped, &p->line, e);
        if (rc == 0 && fwrite(p->line.ptr, 1, p->line.len, p->o.out) != p->line.len)
                rc = err_sys(e, errno, "cannot write");
        return rc;
}

/* ---- taking ---- */

static int
add_series(struct page *p, uint64_t hash, struct err *e)
{
        int rc;

        if (p->counts.series == PAGE_MAX_SERIES)
                return err_set(e, ERR_LIMIT, "the page has more than %d series", PAGE_MAX_SERIES);
        rc = slotmap_put(&p->seen, hash, 1, e);
        p->counts.series += rc == 0;
        return rc;
}

static int
take_sample(void *arg, const struct text_sample *x, struct err *e)
{
        struct page *p = arg;
        int dropped_by = -1;
        const struct finalize_input in = {.job = p->o.job,
            .series = x->series,
            .type = x->type,
            .format = x->format,
            .dropped_by = &dropped_by};
        bool stamped = is_stamped(p, x);
        bool kept = false;
        bool seen;
        uint64_t hash;
        struct labels l;
        size_t offset;
        int rc;

        p->counts.samples++;
        arena_reset(&p->arena);
        labels_init(&l, &p->arena);
        rc = finalize_labels(&in, &l, &kept, &offset, e);
        if (rc < 0)
                return rc;
        if (!kept) {
                p->counts.dropped++;
                return p->o.stats != NULL ? page_stats_drop(p->o.stats, dropped_by, e) : 0;
        }
        hash = labels_hash(&l);
        seen = slotmap_find(&p->seen, hash) != NULL;
        if (seen && !stamped) {
                p->counts.duplicates++;
                return 0;
        }
        p->limited++;
        if (stamped && x->timestamp_ms > p->o.now_ms + SERIES_AHEAD_MS) {
                p->counts.ahead++;
                return 0;
        }
        rc = seen ? 0 : add_series(p, hash, e);
        if (rc == 0 && !seen && p->o.stats != NULL)
                rc = page_stats_keep(p->o.stats, &l, e);
        if (rc < 0)
                return rc;
        p->counts.kept++;
        /* Over the limit the page fails, but only at its end: the counts are of all of it. */
        if (p->o.out == NULL || (p->o.job->sample_limit > 0 && p->limited > p->o.job->sample_limit))
                return 0;
        return print(p, &l, x, e);
}

int
page_new(const struct page_options *o, struct page **out, struct err *e)
{
        struct page *p = calloc(1, sizeof(*p));
        struct textparse_options options = {.sink = take_sample, .arg = p};
        int rc;

        if (p == NULL)
                return err_nomem(e, "a page");
        p->o = *o;
        p->arena = (struct arena)ARENA_INIT(PAGE_ARENA);
        p->line = (struct buf)BUF_INIT(PAGE_LINE);
        p->seen = (struct slotmap)SLOTMAP_INIT;
        rc = textparse_new(&options, &p->parser, e);
        if (rc < 0) {
                page_free(p);
                return rc;
        }
        *out = p;
        return 0;
}

void
page_free(struct page *p)
{
        if (p == NULL)
                return;
        textparse_free(p->parser);
        arena_release(&p->arena);
        buf_release(&p->line);
        slotmap_release(&p->seen);
        free(p);
}

void
page_set_format(struct page *p, enum text_format format)
{
        textparse_set_format(p->parser, format);
}

int
page_feed(void *arg, const char *bytes, size_t n, struct err *e)
{
        struct page *p = arg;
        uint64_t limit = p->o.job->body_size_limit;
        int rc;

        p->counts.bytes += n;
        if (limit > 0 && p->counts.bytes >= limit)
                return err_set(
                    e, ERR_LIMIT, "the page has reached body_size_limit, %" PRIu64 " bytes", limit);
        rc = textparse_feed(p->parser, bytes, n, e);
        p->misplaced = rc < 0;
        return rc;
}

int
page_finish(struct page *p, struct err *e)
{
        uint64_t limit = p->o.job->sample_limit;
        int rc = textparse_finish(p->parser, e);

        p->misplaced = rc < 0;
        if (rc == 0 && limit > 0 && p->limited > limit)
                rc = err_set(e, ERR_LIMIT,
                    "the page has %" PRIu64 " samples after relabeling, sample_limit is %" PRIu64,
                    p->limited, limit);
        return rc;
}

void
page_count(const struct page *p, struct page_counts *out)
{
        *out = p->counts;
        out->exemplars = textparse_exemplars(p->parser);
}

void
page_place(const struct page *p, uint64_t *line, uint64_t *column)
{
        *line = 0;
        *column = 0;
        if (p->misplaced)
                textparse_position(p->parser, line, column);
}
