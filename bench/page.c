#include "bench/page.h"

#include "base/err.h"

#include <math.h>
#include <string.h>

enum {
        VARIANT_MAX = 24,
        NUMBERED_STEP = 100, /* cpu="1" becomes cpu="1001": no two can be alike */
};

/* Primes: a stride must share no factor with the number of lines. */
static const uint64_t STRIDES[] = {1000003, 7368787, 15485863, 32452843};

int
page_plan_init(struct page_plan *p, const struct corpus *c, size_t series, struct err *e)
{
        size_t fixed = c->n_series - c->n_copyable;

        p->corpus = c;
        p->series = series;
        p->copies = 1;
        p->last_copy = series;
        for (size_t i = 0; i < c->n_series; i++) {
                if (c->series[i].head.n + c->series[i].tail.n > PAGE_LINE_MAX / 2)
                        return err_set(
                            e, ERR_LIMIT, "a recorded line is over %d bytes", PAGE_LINE_MAX / 2);
        }
        if (series <= c->n_series)
                return 0;
        if (c->n_copyable == 0)
                return err_set(e, ERR_LIMIT,
                    "a page of %zu series cannot be made of %zu that "
                    "cannot be copied",
                    series, c->n_series);
        p->copies = (series - fixed + c->n_copyable - 1) / c->n_copyable;
        p->last_copy = series - fixed - (p->copies - 1) * c->n_copyable;
        return 0;
}

void
page_begin(struct page *p, const struct page_plan *plan, uint64_t target, int64_t tick)
{
        *p = (struct page){.plan = plan, .target = target, .tick = tick};
}

/* Is the i-th series of the corpus part of this copy? The last copy is thinned out evenly. */
static bool
belongs(const struct page_plan *plan, size_t i, size_t copy)
{
        bool copyable = plan->corpus->series[i].tail.n > 0;
        size_t rank = plan->copies == 1 ? i : plan->corpus->series[i].rank;
        size_t of = plan->copies == 1 ? plan->corpus->n_series : plan->corpus->n_copyable;

        if (copy > 0 && !copyable)
                return false;
        if (copy + 1 < plan->copies || (plan->copies > 1 && !copyable))
                return true;
        return (rank + 1) * plan->last_copy / of > rank * plan->last_copy / of;
}

/* The generation that lives now: each object has a life of its own, all of the same length. */
static uint64_t
generation(const struct page *p, const struct corpus_series *s, size_t copy)
{
        double lives = p->minutes * p->plan->churn_per_minute;
        uint64_t object = motion_mix(s->object + copy, p->target);

        return (uint64_t)floor(lives + (double)(object >> 11) * 0x1p-53);
}

static size_t
print_number(uint64_t v, char *p)
{
        char reversed[VARIANT_MAX];
        size_t n = 0;

        do {
                reversed[n++] = (char)('0' + v % 10);
                v /= 10;
        } while (v > 0);
        for (size_t i = 0; i < n; i++)
                p[i] = reversed[n - 1 - i];
        return n;
}

/* Gives a copy ids of its own. */
static void
renew_ids(const struct corpus_series *s, uint64_t variant, char *tail)
{
        static const char HEX[] = "0123456789abcdef";

        for (size_t i = 0; i < s->n_ids; i++) {
                char *id = tail + (s->ids[i].p - s->tail.p);

                for (size_t k = 0; k < s->ids[i].n; k++) {
                        uint64_t mixed = motion_mix(s->object + variant, i * 100 + k / 16);

                        if (id[k] != '-')
                                id[k] = HEX[(mixed >> (k % 16 * 4)) & 15];
                }
        }
}

static size_t
print_line(const struct page *p, const struct corpus_series *s, size_t copy, char *out)
{
        uint64_t variant = copy;
        size_t n = s->head.n;

        memcpy(out, s->head.p, n);
        if (p->plan->churn_per_minute > 0 && s->tail.n > 0)
                variant += p->plan->copies * generation(p, s, copy);
        if (variant > 0) {
                if (!s->numbered) {
                        out[n++] = '-';
                        out[n++] = 'v';
                }
                n += print_number(s->numbered ? variant * NUMBERED_STEP : variant, out + n);
        }
        if (s->tail.n > 0) {
                memcpy(out + n, s->tail.p, s->tail.n);
                if (variant > 0)
                        renew_ids(s, variant, out + n);
                n += s->tail.n;
        }
        out[n++] = ' ';
        n += motion_print(&s->motion,
            motion_mix(p->target * 31 + variant, (uint64_t)(s - p->plan->corpus->series)), p->tick,
            out + n);
        out[n++] = '\n';
        return n;
}

/* The order of the family's lines on this page. */
static void
begin_family(struct page *p, size_t lines)
{
        uint64_t mixed = motion_mix(p->target * 1000003 + (uint64_t)p->tick, p->family);

        p->stride = 1;
        p->shift = 0;
        if (!p->plan->shuffled)
                return;
        p->shift = mixed % lines;
        for (size_t i = 0; i < sizeof(STRIDES) / sizeof(STRIDES[0]); i++) {
                p->stride = STRIDES[(i + (mixed >> 32)) % 4];
                if (lines % p->stride != 0)
                        return;
        }
        p->stride = 1;
}

static size_t
print_comments(struct page *p, const struct corpus_family *f, size_t lines, char *out)
{
        p->commented = true;
        begin_family(p, lines);
        if (f->comments.n == 0 || f->comments.n > PAGE_LINE_MAX)
                return 0;
        memcpy(out, f->comments.p, f->comments.n);
        return f->comments.n;
}

size_t
page_fill(struct page *p, char *out, size_t cap)
{
        const struct corpus *c = p->plan->corpus;
        size_t n = 0;

        while (p->family < c->n_families && cap - n >= PAGE_LINE_MAX) {
                const struct corpus_family *f = &c->families[p->family];
                size_t lines = f->n * p->plan->copies;
                uint64_t place;
                size_t i;
                size_t copy;

                if (p->line >= lines) {
                        p->family++;
                        p->line = 0;
                        p->commented = false;
                        continue;
                }
                if (!p->commented) {
                        n += print_comments(p, f, lines, out + n);
                        continue;
                }
                place = (p->line * p->stride + p->shift) % lines;
                i = f->first + place % f->n;
                copy = place / f->n;
                p->line++;
                if (!belongs(p->plan, i, copy))
                        continue;
                p->emitted++;
                n += print_line(p, &c->series[i], copy, out + n);
        }
        return n;
}
