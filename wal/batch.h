/*
 * A batch: what the scraper hands to the log in one go and the log answers as a whole: stored or
 * not. The records of a batch, its layout parts, keyframes and target state are one transaction.
 *
 * A batch is made and filled by one thread, then moved to the log with wal_submit. Its bytes are
 * accounted under MEMORY_QUEUE from the submission to the answer.
 */
#ifndef WAL_BATCH_H
#define WAL_BATCH_H

#include "base/buf.h"
#include "wal/block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum batch_put_kind {
        BATCH_LAYOUT, /* id: chunk, first: slot; a layout part */
        BATCH_KEYFRAME, /* id: keyframe, chunk, first: slots */
        BATCH_TARGET, /* id: target; its state, replacing the one before */
        BATCH_RETIRE_KEYFRAME, /* id: no record after this batch uses this keyframe; no bytes */
        BATCH_RETIRE_CHUNK, /* id: no record after this batch is of this chunk; no bytes */
        BATCH_FORGET_TARGET, /* id: its state is deleted; no bytes */
};

struct batch_put {
        enum batch_put_kind kind;
        uint64_t id;
        uint64_t chunk;
        unsigned first;
        size_t offset; /* into bytes */
        size_t length;
};

struct wal_batch {
        uint64_t target; /* comes back in the answer */
        uint64_t serial; /* comes back in the answer */
        /*
         * A batch may refer to keyframes and layouts of batches queued before it. So once a batch
         * of a target was not stored, those of the same generation that follow are not stored
         * either; the scraper takes a newer generation (wal_new_id) when it has heard the answer.
         */
        uint64_t generation;
        bool barrier; /* a barrier stands before this batch's records (also when it has none) */
        uint64_t offered; /* samples, as the batch's maker counts them: the check on `samples` */
        uint64_t samples; /* of its records */
        struct buf bytes;
        struct block_record *records; /* owned; offset and length are into bytes */
        size_t n_records;
        size_t cap_records;
        struct batch_put *puts; /* owned */
        size_t n_puts;
        size_t cap_puts;
        struct wal_batch *next; /* the queue's */
};

enum { BATCH_MAX_BYTES = 64 << 20 };

int wal_batch_new(uint64_t target, uint64_t serial, struct wal_batch **out, struct err *e);
void wal_batch_free(struct wal_batch *b);
/* Adds a record whose bytes stand at b->bytes[from ..]. Counts its samples. */
int wal_batch_record(struct wal_batch *b, const struct block_record *r, size_t from, struct err *e);
/* Adds a put whose bytes stand at b->bytes[from ..] (none for retire and forget). */
int wal_batch_put(struct wal_batch *b, const struct batch_put *p, size_t from, struct err *e);
size_t wal_batch_memory(const struct wal_batch *b);

#endif
