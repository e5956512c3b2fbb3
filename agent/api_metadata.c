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
        PIECE_BYTES = 32 << 10, /* a piece ends with the target that passes it */
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

struct api_target_metadata {
        char *metric; /* owned; NULL: all */
        struct selector *which; /* owned; NULL: all */
        long limit; /* -1: none */
        struct buf found; /* of struct found */
        size_t next; /* of them */
        size_t n; /* entries that were put */
        struct buf *out; /* during a call */
        const struct target *target; /* during a call */
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
        struct api_target_metadata *a = arg;
        int rc;

        if (a->metric != NULL && !view_is(m->metric, a->metric))
                return 0;
        rc = buf_puts(a->out, a->n++ > 0 ? ",{\"target\":" : "{\"target\":", e);
        if (rc == 0)
                rc = api_put_labels(a->out, a->target->labels, a->target->n_labels, e);
        if (rc == 0 && a->metric == NULL)
                rc = put_member(a->out, ",\"metric\":", m->metric, e);
        if (rc == 0)
                rc = put_member(a->out, ",\"type\":", m->type, e);
        if (rc == 0)
                rc = put_member(a->out, ",\"help\":", m->help, e);
        if (rc == 0)
                rc = put_member(a->out, ",\"unit\":", m->unit, e);
        return rc == 0 ? buf_putc(a->out, '}', e) : rc;
}

static int
put_target(struct api_target_metadata *a, const struct found *f, struct err *e)
{
        bool matched = true;
        int rc = 0;

        a->target = f->target;
        if (a->which != NULL)
                rc =
                    selector_matches(a->which, f->target->labels, f->target->n_labels, &matched, e);
        return rc == 0 && matched ? metadata_visit(f->metadata, put_target_entry, a, e) : rc;
}

/* The limit is looked at between targets: the last one is listed whole, as Prometheus does. */
static bool
is_over(const struct api_target_metadata *a, size_t n_found)
{
        return a->next == n_found || (a->limit >= 0 && a->n >= (size_t)a->limit);
}

int
api_target_metadata_more(struct api_target_metadata *a, struct buf *out, struct err *e)
{
        size_t n_found;
        const struct found *v = found_of(&a->found, &n_found);
        int rc = 0;

        a->out = out;
        if (a->next == 0)
                rc = buf_puts(out, "{\"status\":\"success\",\"data\":[", e);
        while (rc == 0 && !is_over(a, n_found) && out->len < PIECE_BYTES)
                rc = put_target(a, &v[a->next++], e);
        if (rc < 0 || !is_over(a, n_found))
                return rc < 0 ? rc : 1;
        return buf_puts(out, "]}", e);
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
api_target_metadata_begin(struct scraper *s, const struct api_metadata_query *q,
    struct api_target_metadata **out, struct err *e)
{
        struct api_target_metadata *a = calloc(1, sizeof(*a));
        int rc;

        if (a == NULL)
                return err_nomem(e, "metadata");
        a->found = (struct buf)BUF_INIT(FOUND_MAX_BYTES);
        rc = read_limit(q->limit, "limit", &a->limit, e);
        if (rc == 0)
                rc = read_selector(q->match_target, &a->which, e);
        if (rc == 0 && given(q->metric) && (a->metric = strdup(q->metric)) == NULL)
                rc = err_nomem(e, "metadata");
        if (rc == 0)
                rc = scraper_visit_active(s, NULL, find_target, &a->found, e);
        if (rc < 0)
                api_target_metadata_end(a);
        else
                *out = a;
        return rc;
}

void
api_target_metadata_end(struct api_target_metadata *a)
{
        selector_free(a->which);
        give_back(&a->found);
        free(a->metric);
        free(a);
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
                rc = scraper_visit_active(s, NULL, find_target, &found, e);
        if (rc == 0)
                rc = keep_sets(&l, &found, e);
        if (rc == 0)
                rc = put_metrics(out, &l.entries, limit, limit_per_metric, e);
        give_back(&found);
        buf_release(&l.entries);
        arena_release(&l.arena);
        return rc;
}
