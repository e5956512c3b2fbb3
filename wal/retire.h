/*
 * Keyframes and layouts outlive every record that refers to them: when one is superseded, the last
 * block that may use it is written down ('X' keys); when the log begins past that block, it goes.
 *
 * Log's thread (or the opening one).
 */
#ifndef WAL_RETIRE_H
#define WAL_RETIRE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct plan;
struct store_txn;

/*
 * Keyframes of this run that are not retired. Their smallest id is stored with every commit: after
 * a crash only keyframes from there on can lack their 'X' key, so opening looks at those alone.
 */
struct live {
        uint64_t *ids; /* owned, sorted */
        size_t n;
        size_t cap;
};

void live_release(struct live *l);
/* Makes room for what the plan will add: live_apply cannot fail then. */
int live_reserve(struct live *l, const struct plan *p, struct err *e);
/* The plan is on disk. */
void live_apply(struct live *l, const struct plan *p);
/* The smallest id that can be unretired once the plan (or NULL) is on disk. */
uint64_t live_low(const struct live *l, const struct plan *p, uint64_t next_id);

/* Writes the plan's 'X' keys. */
int retire_put(struct store_txn *t, const struct plan *p, struct err *e);
/* Deletes what no block from first_block on can use: at most `max` keyframes and layouts. */
int retire_collect(struct store_txn *t, uint64_t first_block, size_t max, struct err *e);

struct retire_last_run {
        uint64_t keyframe_low;
        uint64_t last_block; /* of the last run */
        const uint64_t *chunks; /* sorted: those that a target state lists, which live on */
        size_t n_chunks;
};
/* At open: retires the keyframes of the last run and the chunks that no target has any more. */
int retire_last_run(struct store_txn *t, const struct retire_last_run *r, struct err *e);

#endif
