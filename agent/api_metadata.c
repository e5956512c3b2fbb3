#include "agent/api_metadata.h"

#include "agent/api.h"
#include "agent/selector.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "scrape/metadata.h"
#include "scrape/scrape.h"
#include "scrape/target.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        FOUND_MAX_BYTES = 16 << 20, /* of references: a million targets */
        ENTRIES_MAX_BYTES = 64 << 20,
};

/* A target that has metadata; both are references. */
struct found {
        struct target *target;
        struct metadata *metadata;
};

static bool
given(const char *s)
{
        return s != NULL && s[0] != '\0';
}

/* *out is -1 when there is none. */
static int
read_limit(const char *text, const char *name, long *out, struct err *e)
{
        char *end;

        *out = -1;
        if (!given(text))
                return 0;
        errno = 0;
        *out = strtol(text, &end, 10);
        if (errno != 0 || *end != '\0' || text[0] == ' ')
                return err_set(e, ERR_CONFIG, "%s must be a number", name);
        return 0;
}

/* ---- which targets ---- */

static int
find_target(void *found, const struct target_status *s, struct err *e)
{
        struct found x = {s->target, s->metadata};
        int rc;

        if (s->metadata == NULL || s->leaving)
                return 0;
        rc = buf_append(found, &x, sizeof(x), e);
        if (rc == 0) {
                (void)target_ref(x.target);
                (void)metadata_ref(x.metadata);
        }
        return rc;
}

static const struct found *
found_of(const struct buf *found, size_t *n)
{
        *n = found->len / sizeof(struct found);
        return (const struct found *)(const void *)found->ptr;
}

static void
give_back(struct buf *found)
{
        size_t n;
        const struct found *v = found_of(found, &n);

        for (size_t i = 0; i < n; i++) {
                target_unref(v[i].target);
                metadata_return(v[i].metadata);
        }
        buf_release(found);
}

/* ---- /api/v1/targets/metadata ---- */

struct target_listing {
        const struct api_metadata_query *q;
        const struct target *target;
        struct buf *out;
        size_t n;
};

static int
put_member(struct buf *out, const char *before, struct view value, struct err *e)
{
        int rc = buf_puts(out, before, e);

        return rc == 0 ? json_put_string(out, value, e) : rc;
}

static int
put_target_entry(void *arg, const struct metadata_entry *m, struct err *e)
{
        struct target_listing *l = arg;
        bool all = !given(l->q->metric);
        int rc;

        if (!all && !view_is(m->metric, l->q->metric))
                return 0;
        rc = buf_puts(l->out, l->n++ > 0 ? ",{\"target\":" : "{\"target\":", e);
        if (rc == 0)
                rc = api_put_labels(l->out, l->target->labels, l->target->n_labels, e);
        if (rc == 0 && all)
                rc = put_member(l->out, ",\"metric\":", m->metric, e);
        if (rc == 0)
                rc = put_member(l->out, ",\"type\":", m->type, e);
        if (rc == 0)
                rc = put_member(l->out, ",\"help\":", m->help, e);
        if (rc == 0)
                rc = put_member(l->out, ",\"unit\":", m->unit, e);
        return rc == 0 ? buf_putc(l->out, '}', e) : rc;
}

/* The limit is looked at between targets: the last one is listed whole, as Prometheus does. */
static int
put_targets(const struct buf *found, const struct selector *which, long limit,
    struct target_listing *l, struct err *e)
{
        size_t n;
        const struct found *v = found_of(found, &n);
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n && (limit < 0 || l->n < (size_t)limit); i++) {
                bool matched = true;

                l->target = v[i].target;
                if (which != NULL)
                        rc = selector_matches(
                            which, l->target->labels, l->target->n_labels, &matched, e);
                if (rc == 0 && matched)
                        rc = metadata_visit(v[i].metadata, put_target_entry, l, e);
        }
        return rc;
}

static int
read_selector(const char *text, struct selector **out, struct err *e)
{
        struct err why = ERR_INIT;

        if (!given(text) || selector_new(view_of(text), out, &why) == 0)
                return 0;
        return err_set(e, ERR_CONFIG, "invalid parameter \"match_target\": %s", why.msg);
}

int
api_target_metadata(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e)
{
        struct buf found = BUF_INIT(FOUND_MAX_BYTES);
        struct target_listing l = {.q = q, .out = out};
        struct selector *which = NULL;
        long limit;
        int rc = read_limit(q->limit, "limit", &limit, e);

        if (rc == 0)
                rc = read_selector(q->match_target, &which, e);
        if (rc == 0)
                rc = scraper_visit_active(s, find_target, &found, e);
        if (rc == 0)
                rc = buf_puts(out, "{\"status\":\"success\",\"data\":[", e);
        if (rc == 0)
                rc = put_targets(&found, which, limit, &l, e);
        if (rc == 0)
                rc = buf_puts(out, "]}", e);
        selector_free(which);
        give_back(&found);
        return rc;
}

/* ---- /api/v1/metadata ---- */

struct metric_listing {
        const struct api_metadata_query *q;
        struct arena arena; /* the entries' texts */
        struct buf entries; /* of struct metadata_entry */
};

static int
keep_entry(void *arg, const struct metadata_entry *m, struct err *e)
{
        struct metric_listing *l = arg;
        struct metadata_entry copy;

        if (given(l->q->metric) && !view_is(m->metric, l->q->metric))
                return 0;
        copy = (struct metadata_entry){arena_view(&l->arena, m->metric),
            arena_view(&l->arena, m->type), arena_view(&l->arena, m->help),
            arena_view(&l->arena, m->unit)};
        if (copy.metric.p == NULL || copy.type.p == NULL || copy.help.p == NULL ||
            copy.unit.p == NULL)
                return err_nomem(e, "metadata");
        return buf_append(&l->entries, &copy, sizeof(copy), e);
}

static int
compare_entries(const void *a, const void *b)
{
        const struct metadata_entry *x = a;
        const struct metadata_entry *y = b;
        int c = view_cmp(x->metric, y->metric);

        c = c != 0 ? c : view_cmp(x->type, y->type);
        c = c != 0 ? c : view_cmp(x->unit, y->unit);
        return c != 0 ? c : view_cmp(x->help, y->help);
}

static int
compare_sets(const void *a, const void *b)
{
        const struct metadata *x = ((const struct found *)a)->metadata;
        const struct metadata *y = ((const struct found *)b)->metadata;

        return (x > y) - (x < y);
}

/* Each set once, however many targets share it. */
static int
keep_sets(struct metric_listing *l, struct buf *found, struct err *e)
{
        size_t n;
        const struct found *v = found_of(found, &n);
        int rc = 0;

        if (n > 0)
                qsort(found->ptr, n, sizeof(*v), compare_sets);
        for (size_t i = 0; rc == 0 && i < n; i++) {
                if (i == 0 || v[i].metadata != v[i - 1].metadata)
                        rc = metadata_visit(v[i].metadata, keep_entry, l, e);
        }
        return rc;
}

/* The different entries of the metric at *v, at most limit; moves *v behind them all. */
static int
put_metric(struct buf *out, const struct metadata_entry **v, const struct metadata_entry *end,
    long limit, struct err *e)
{
        const struct metadata_entry *first = *v;
        long n = 0;
        int rc = json_put_string(out, first->metric, e);

        if (rc == 0)
                rc = buf_puts(out, ":[", e);
        for (; rc == 0 && *v < end && view_eq((*v)->metric, first->metric); ++*v) {
                const struct metadata_entry *m = *v;

                if ((m > first && compare_entries(m - 1, m) == 0) || (limit > 0 && n >= limit))
                        continue;
                rc = put_member(out, n++ > 0 ? ",{\"type\":" : "{\"type\":", m->type, e);
                if (rc == 0)
                        rc = put_member(out, ",\"unit\":", m->unit, e);
                if (rc == 0)
                        rc = put_member(out, ",\"help\":", m->help, e);
                if (rc == 0)
                        rc = buf_putc(out, '}', e);
        }
        return rc == 0 ? buf_putc(out, ']', e) : rc;
}

static int
put_metrics(
    struct buf *out, const struct buf *entries, long limit, long limit_per_metric, struct err *e)
{
        const struct metadata_entry *v = (const struct metadata_entry *)(const void *)entries->ptr;
        size_t n_entries = entries->len / sizeof(*v);
        const struct metadata_entry *end = v + n_entries;
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{", e);

        if (n_entries > 0)
                qsort(entries->ptr, n_entries, sizeof(*v), compare_entries);
        for (long n = 0; rc == 0 && v < end && (limit < 0 || n < limit); n++) {
                if (n > 0)
                        rc = buf_putc(out, ',', e);
                if (rc == 0)
                        rc = put_metric(out, &v, end, limit_per_metric, e);
        }
        return rc == 0 ? buf_puts(out, "}}", e) : rc;
}

int
api_metadata(struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e)
{
        struct buf found = BUF_INIT(FOUND_MAX_BYTES);
        struct metric_listing l = {
            .q = q, .arena = ARENA_INIT(ENTRIES_MAX_BYTES), .entries = BUF_INIT(ENTRIES_MAX_BYTES)};
        long limit;
        long limit_per_metric;
        int rc = read_limit(q->limit, "limit", &limit, e);

        if (rc == 0)
                rc = read_limit(q->limit_per_metric, "limit_per_metric", &limit_per_metric, e);
        if (rc == 0)
                rc = scraper_visit_active(s, find_target, &found, e);
        if (rc == 0)
                rc = keep_sets(&l, &found, e);
        if (rc == 0)
                rc = put_metrics(out, &l.entries, limit, limit_per_metric, e);
        give_back(&found);
        buf_release(&l.entries);
        arena_release(&l.arena);
        return rc;
}
