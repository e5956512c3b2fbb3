/*
 * A page of any size, made of a corpus while it is sent: families in their order, as many copies of
 * their series as it takes. Nothing is held but a position.
 */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include "base/buf.h"
#include "bench/corpus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_LINE_MAX = 4096 };

/* What all pages of a fleet have in common; immutable. */
struct page_plan {
        const struct corpus *corpus; /* borrowed */
        size_t series; /* of each page */
        size_t copies; /* of what can be copied */
        size_t last_copy; /* series of the last copy: the corpus thinned out evenly */
        bool shuffled; /* another order of lines within a family on each page */
        double churn_per_minute; /* share of the series that is replaced */
};

/* Where a page under way stands. */
struct page {
        const struct page_plan *plan; /* borrowed */
        uint64_t target;
        int64_t tick; /* which page of this target */
        double minutes; /* since the fleet started: what churn goes by */
        size_t family;
        size_t line; /* of the family, over all copies */
        uint64_t stride; /* of a shuffled order */
        uint64_t shift;
        bool commented;
        size_t emitted; /* series so far */
};

int page_plan_init(struct page_plan *p, const struct corpus *c, size_t series, struct err *e);

void page_begin(struct page *p, const struct page_plan *plan, uint64_t target, int64_t tick);
/* Writes whole lines, at most cap (>= PAGE_LINE_MAX) bytes; 0: the page is over. */
size_t page_fill(struct page *p, char *out, size_t cap);

#endif
