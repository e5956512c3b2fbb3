/*
 * What recorded pages teach: families in their order, each series' text split where copies of it
 * differ, and how it moves. Immutable once read.
 */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include "base/view.h"
#include "bench/motion.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum { CORPUS_IDS_MAX = 2 };

/* `head` + (what tells copies apart) + `tail` is the series as it stands on the page. */
struct corpus_series {
        struct view head;
        struct view tail; /* empty: the series cannot be copied, all of it is in head */
        size_t rank; /* among those that can be copied */
        bool numbered; /* cpu="0" becomes cpu="1000", not cpu="0-v1" */
        uint64_t object; /* hash of what the series speaks of (a pod): such series live together */
        struct view
            ids[CORPUS_IDS_MAX]; /* in tail: hexadecimal ids that each object has its own of */
        size_t n_ids;
        struct motion motion;
};

struct corpus_family {
        struct view comments; /* the # lines, as they stand */
        size_t first; /* series */
        size_t n;
};

struct corpus {
        struct corpus_family *families;
        size_t n_families;
        struct corpus_series *series;
        size_t n_series;
        size_t n_copyable;
};

/* Reads successive pages (gzip), the first of which says what there is; `a` owns all of it. */
int corpus_read(
    const char *const *paths, size_t n, struct arena *a, struct corpus *out, struct err *e);

#endif
