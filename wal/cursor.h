/*
 * How far one remote endpoint is, and where its samples went: the arithmetic of the ledger. Pure;
 * the book (book.h) holds these under its lock.
 *
 * The invariant, at every instant and in every value that reaches the disk:
 *
 *      samples of the log since `start` = sum of the ledger + pending
 *
 * Positions come in pairs: a block's number and the running sample count of the log before it.
 */
#ifndef WAL_CURSOR_H
#define WAL_CURSOR_H

#include "base/view.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { CURSOR_NAME_MAX = 255, CURSOR_BYTES_MAX = 12 + 8 * 20 + CURSOR_NAME_MAX };

struct position {
        uint64_t block;
        uint64_t samples; /* of the log before this block */
};

struct cursor {
        uint64_t start; /* running sample count at the endpoint's start */
        struct position settled; /* everything before it is in the ledger */
        bool window; /* one is under way: [settled, end) */
        bool resumed;
        struct position end;
        struct position next; /* where the cursor goes when the window ends: end, or past it when
                                 the blocks behind it were trimmed meanwhile */
        uint64_t groups; /* settled, in order, of the window */
        uint64_t window_settled; /* samples of the window that are in the ledger */
        bool window_trimmed; /* blocks of the window were trimmed, for this reason: */
        enum wal_lost trim_reason;
        struct wal_ledger ledger;
        bool configured; /* when this was written */
        uint64_t age_ms; /* running time of the log at which the endpoint was last configured */
};

void cursor_init(struct cursor *c, struct position at);
/* Does nothing when end is not past the cursor. A window under way is ended first. */
void cursor_window_begin(struct cursor *c, struct position end);
/* Counts beyond what the window still has are cut: returns how many samples were. */
uint64_t cursor_window_settle(struct cursor *c, uint64_t groups, const struct wal_ledger *counts);
void cursor_window_end(struct cursor *c);
/* Blocks before `first` are gone. Returns the samples that this lost at once. */
uint64_t cursor_trim(struct cursor *c, struct position first, enum wal_lost why);
/* total: the log's running sample count. */
uint64_t cursor_pending(const struct cursor *c, uint64_t total);
uint64_t ledger_sum(const struct wal_ledger *l);

/* dst: CURSOR_BYTES_MAX. Returns the bytes written. */
size_t cursor_encode(const struct cursor *c, const char *name, uint8_t *dst);
/* out_name: CURSOR_NAME_MAX + 1 bytes. A window under way comes back as resumed. ERR_CORRUPT. */
int cursor_decode(struct view bytes, struct cursor *out, char *out_name, struct err *e);

#endif
