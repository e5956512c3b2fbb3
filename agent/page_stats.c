#include "agent/page_stats.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/labels.h"
#include "base/relabel.h"
#include "scrape/job.h"
#include "scrape/slotmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1 << 20, VALUES_MAX = 50000000 };

/* A metric and its series, or a label and its values. */
struct entry {
        char *name; /* owned; n bytes */
        size_t n;
        uint64_t count;
};

struct table {
        struct slotmap index; /* hash of the name → place in v */
        struct entry *v; /* owned */
        size_t n;
        size_t cap;
};

struct page_stats {
        struct table metrics;
        struct table labels;
        struct slotmap values; /* hashes of name and value */
        uint64_t *dropped; /* owned, by rule + 1 */
        size_t n_dropped;
        bool cut; /* a bound was passed */
};

static void
release_table(struct table *t)
{
        for (size_t i = 0; i < t->n; i++)
                free(t->v[i].name);
        free(t->v);
        slotmap_release(&t->index);
}

int
page_stats_new(struct page_stats **out, struct err *e)
{
        struct page_stats *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "the page's figures");
        s->metrics.index = (struct slotmap)SLOTMAP_INIT;
        s->labels.index = (struct slotmap)SLOTMAP_INIT;
        s->values = (struct slotmap)SLOTMAP_INIT;
        *out = s;
        return 0;
}

void
page_stats_free(struct page_stats *s)
{
        if (s == NULL)
                return;
        release_table(&s->metrics);
        release_table(&s->labels);
        slotmap_release(&s->values);
        free(s->dropped);
        free(s);
}

static int
add_entry(struct table *t, struct view name, uint64_t hash, struct err *e)
{
        if (t->n == t->cap) {
                size_t cap = t->cap == 0 ? 64 : t->cap * 2;
                struct entry *v = realloc(t->v, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "the page's figures");
                t->v = v;
                t->cap = cap;
        }
        t->v[t->n] = (struct entry){.name = malloc(name.n + 1), .n = name.n};
        if (t->v[t->n].name == NULL)
                return err_nomem(e, "the page's figures");
        memcpy(t->v[t->n].name, name.p, name.n);
        t->n++;
        return slotmap_put(&t->index, hash, (uint32_t)(t->n - 1), e);
}

static int
count_name(struct page_stats *s, struct table *t, struct view name, struct err *e)
{
        uint64_t hash = hash_seeded(name.p, name.n);
        const uint32_t *at = slotmap_find(&t->index, hash);
        int rc = 0;

        if (at == NULL && t->n == NAMES_MAX) {
                s->cut = true;
                return 0;
        }
        if (at == NULL)
                rc = add_entry(t, name, hash, e);
        if (rc == 0)
                t->v[at != NULL ? *at : t->n - 1].count++;
        return rc;
}

static int
count_value(struct page_stats *s, const struct label *l, struct err *e)
{
        uint64_t hash = hash_stable(l->value.p, l->value.n, hash_seeded(l->name.p, l->name.n));
        int rc;

        if (slotmap_find(&s->values, hash) != NULL)
                return 0;
        if (s->values.used == VALUES_MAX) {
                s->cut = true;
                return 0;
        }
        rc = slotmap_put(&s->values, hash, 0, e);
        return rc == 0 ? count_name(s, &s->labels, l->name, e) : rc;
}

int
page_stats_keep(struct page_stats *s, const struct labels *l, struct err *e)
{
        int rc = count_name(s, &s->metrics, labels_get(l, VIEW_LIT("__name__")), e);

        for (size_t i = 0; rc == 0 && i < l->n; i++) {
                if (!view_is(l->v[i].name, "__name__"))
                        rc = count_value(s, &l->v[i], e);
        }
        return rc;
}

int
page_stats_drop(struct page_stats *s, int rule, struct err *e)
{
        size_t place = rule < 0 ? 0 : (size_t)rule + 1;

        if (place >= s->n_dropped) {
                uint64_t *v = realloc(s->dropped, (place + 1) * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "the page's figures");
                memset(v + s->n_dropped, 0, (place + 1 - s->n_dropped) * sizeof(*v));
                s->dropped = v;
                s->n_dropped = place + 1;
        }
        s->dropped[place]++;
        return 0;
}

/* ---- printing ---- */

/* The largest first, equal ones by name. */
static int
compare(const void *x, const void *y)
{
        const struct entry *a = x;
        const struct entry *b = y;
        size_t n = a->n < b->n ? a->n : b->n;
        int order;

        if (a->count != b->count)
                return a->count > b->count ? -1 : 1;
        order = memcmp(a->name, b->name, n);
        return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

/* Sorts: nothing is counted afterwards. */
static int
print_table(struct table *t, const char *title, size_t top, struct buf *out, struct err *e)
{
        int rc = buf_printf(out, e, "%s: %zu\n", title, t->n);

        if (t->n > 0)
                qsort(t->v, t->n, sizeof(*t->v), compare);
        for (size_t i = 0; rc == 0 && i < t->n && i < top; i++) {
                rc = buf_printf(out, e, "%10" PRIu64 "  ", t->v[i].count);
                if (rc == 0)
                        rc = escape_put(out, (struct view){t->v[i].name, t->v[i].n}, e);
                if (rc == 0)
                        rc = buf_putc(out, '\n', e);
        }
        return rc;
}

static int
print_rule(const struct scrape_job *job, size_t rule, struct buf *out, struct err *e)
{
        struct relabel_options o;
        int rc;

        relabel_rule_describe(job->metric_relabel.v[rule], &o);
        rc = buf_printf(out, e, "metric_relabel_configs %zu: %s, regex ", rule + 1,
            relabel_action_name(o.action));
        return rc == 0 ? escape_put_quoted(out, o.regex, e) : rc;
}

static int
print_dropped(
    const struct page_stats *s, const struct scrape_job *job, struct buf *out, struct err *e)
{
        int rc = s->n_dropped > 0 ? buf_puts(out, "samples dropped\n", e) : 0;

        for (size_t i = 0; rc == 0 && i < s->n_dropped; i++) {
                if (s->dropped[i] == 0)
                        continue;
                rc = buf_printf(out, e, "%10" PRIu64 "  by ", s->dropped[i]);
                if (rc == 0 && i == 0)
                        rc = buf_puts(out, "losing every label", e);
                else if (rc == 0 && i - 1 < job->metric_relabel.n)
                        rc = print_rule(job, i - 1, out, e);
                if (rc == 0)
                        rc = buf_putc(out, '\n', e);
        }
        return rc;
}

int
page_stats_print(
    struct page_stats *s, const struct scrape_job *job, size_t top, struct buf *out, struct err *e)
{
        int rc = print_table(&s->metrics, "metrics, by series", top, out, e);

        if (rc == 0)
                rc = print_table(&s->labels, "labels, by values", top, out, e);
        if (rc == 0)
                rc = print_dropped(s, job, out, e);
        if (rc == 0 && s->cut)
                rc = buf_puts(out, "there are more names or values than are counted\n", e);
        return rc;
}
