/*
 * What became of each discovered target the last time, by a hash of all that it was made of: an
 * assembly takes what is known as it is, and relabels only what is new or has changed. So a
 * target that stays is the same object from one target set to the next.
 *
 * Valid for one configuration. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_MEMO_H
#define SCRAPE_DISCOVERY_MEMO_H

#include "scrape/slotmap.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct target;
struct target_input;

enum memo_verdict {
        MEMO_ACTIVE,
        MEMO_DUPLICATE, /* equal to one that came before it */
        MEMO_DROPPED,
};

struct memo_entry {
        struct target *target; /* a reference; NULL: a duplicate, or dropped and not shown */
        uint64_t identity; /* its hash; 0: dropped */
        enum memo_verdict verdict;
};

/* All zero: nothing is known. */
struct memo {
        struct slotmap index;
        struct memo_entry *v; /* owned */
        size_t n;
        size_t cap;
        uint64_t set_hash; /* of the set that it was made with */
};

/* Of everything that the target is made of, the configuration aside. */
uint64_t memo_key(const struct target_input *in);
/* Valid until the next memo_add; NULL: not known. */
struct memo_entry *memo_find(const struct memo *m, uint64_t key);
/* Takes a reference on the entry's target. */
int memo_add(struct memo *m, uint64_t key, const struct memo_entry *x, struct err *e);
/* Forgets all. */
void memo_release(struct memo *m);

#endif
