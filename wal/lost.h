/*
 * Which targets lost a batch that later ones may refer to (batch.h: generation). One entry per
 * target, from its lost batch to the first batch of a newer generation. The log's thread only.
 */
#ifndef WAL_LOST_H
#define WAL_LOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lost_target {
        uint64_t target;
        uint64_t generation; /* the newest that was lost */
};

struct lost {
        struct lost_target *v; /* owned */
        size_t n;
        size_t cap;
        bool all; /* there was no memory for an entry: every target counts as having lost one */
        uint64_t all_generation;
};

/* A batch of this target and generation was not stored. Target 0 (barriers) loses nothing. */
void lost_add(struct lost *l, uint64_t target, uint64_t generation);
/* May this batch refer to a lost one? A newer generation ends the target's entry. */
bool lost_refuses(struct lost *l, uint64_t target, uint64_t generation);
void lost_release(struct lost *l);

#endif
