/*
 * Packing: batches become one transaction's worth of blocks and puts. One plan is being filled at
 * a time; the log's thread fills it, commits it and answers its batches.
 *
 * Numbers of blocks and running counts are given on from where the log ends; a plan that could not
 * be stored gives them back by being dropped.
 */
#ifndef WAL_PACK_H
#define WAL_PACK_H

#include "base/buf.h"
#include "base/err.h"
#include "wal/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_builder;
struct wal_batch;
struct zstd_packer;

enum { PLAN_MAX_BLOCK_BYTES = 256 << 20 };

struct plan_retired {
        uint64_t last_block;
        uint64_t id;
        bool chunk; /* else a keyframe */
};

struct plan {
        struct wal_batch *head; /* owned list, in order of submission */
        struct wal_batch *tail;
        size_t n_batches;
        struct position start; /* where the log ends without this plan */
        struct buf blocks; /* finished blocks, one behind the other */
        size_t block_size;
        uint64_t n_blocks;
        uint64_t queued; /* samples that its batches have by their own count */
        uint64_t samples; /* in finished blocks */
        uint64_t put_bytes;
        struct plan_retired *retired; /* owned */
        size_t n_retired;
        size_t cap_retired;
        struct block_builder *builder; /* owned; NULL when there was no memory for one */
        struct zstd_packer *z; /* owned */
        bool barrier_due; /* the next block that is finished carries a barrier */
        bool barrier_taken; /* a block of this plan carries one */
        int failed; /* it cannot be stored: why says so */
        struct err why;
};

/* barrier_due is set: a process's first block has a barrier. */
int plan_init(struct plan *p, size_t block_size, struct err *e);
void plan_release(struct plan *p);

/*
 * Takes the batch over and packs its records; its records' memory is given back when no put needs
 * it. A failure is remembered in p->failed. The caller has set p->start before the first batch.
 */
void plan_add(struct plan *p, struct wal_batch *b);
/* Finishes the block under way, so that the plan is whole. */
void plan_close(struct plan *p);
/* Bytes that it will store, as far as they are known; the block under way counts as full. */
uint64_t plan_bytes(const struct plan *p);
bool plan_empty(const struct plan *p);
/* Takes the list of batches away and empties the plan for the next one. */
struct wal_batch *plan_done(struct plan *p, bool stored);
/* A block of the closed plan. */
struct view plan_block(const struct plan *p, uint64_t i);
/* Where the log ends with the closed plan. */
struct position plan_end(const struct plan *p);

#endif
