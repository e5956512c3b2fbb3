/*
 * Commits: one LMDB transaction with everything that is due: a plan's blocks and puts, cursors,
 * deletes of what is settled, the book record. Log's thread (or the opening and closing one).
 */
#ifndef WAL_COMMIT_H
#define WAL_COMMIT_H

#include "wal/book.h"
#include "wal/cursor.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct plan;
struct store_txn;
struct wal;

enum {
        COMMIT_DELETES = 4096, /* settled blocks, at most, in one transaction */
        COMMIT_COLLECTS = 1024, /* retired keyframes and layouts */
};

/* What a transaction will have changed when it is committed. */
struct change {
        bool trimmed;
        struct book_trim trim;
        struct position next; /* where the log ends */
        uint64_t used_bytes;
        uint64_t trimmed_samples[2]; /* by age, by size: to be added */
        bool clean; /* the log is being closed */
};

/* Deletes at most max blocks below `below`; c->trim says where the log begins then. *out_deleted
 * counts the blocks. */
int commit_delete_blocks(struct wal *w, struct store_txn *t, uint64_t below, uint64_t max,
    struct change *c, uint64_t *out_deleted, struct err *e);
/* Collects what no block can use any more, writes cursors and book record, commits, and brings the
 * log's state in memory up to date. */
int commit_finish(
    struct wal *w, struct store_txn *t, struct change *c, const struct plan *p, struct err *e);

/*
 * Stores a closed plan (NULL: cursors and deletes alone), after making room where the log is at its
 * size. When the map or the disk is full: makes room and tries again. ERR_*: nothing of it is
 * stored.
 */
int commit_plan(struct wal *w, const struct plan *p, bool clean, struct err *e);

#endif
