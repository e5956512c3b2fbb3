/*
 * The book: where the log begins and ends, what scrapes offered, and the cursors of all endpoints,
 * under one lock, so that every look at them adds up. Holds no data; the store keeps what
 * book_collect gives.
 *
 * Any thread; the functions of the last group are the log's thread's.
 */
#ifndef WAL_BOOK_H
#define WAL_BOOK_H

#include "base/view.h"
#include "wal/cursor.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct book;
struct err;

enum { BOOK_ENDPOINTS_MAX = 256 };

/*
 * Samples since the log began. At every look: offered = appended + the sum of not_stored + queued.
 * What is queued is not on disk: the book record leaves it out of `offered`, as a crash does.
 */
struct tally {
        uint64_t offered; /* as the batches' makers count them */
        uint64_t appended; /* as the blocks count them: where the log ends */
        uint64_t queued; /* of batches that are not answered */
        uint64_t not_stored[NOT_STORED_REASONS];
};

struct book_options {
        struct position first; /* of the first stored block */
        struct position next; /* of the block that comes next */
        struct tally tally; /* offered and not stored */
        bool had_endpoint; /* the log has had one */
};

int book_new(const struct book_options *o, struct book **out, struct err *e);
void book_free(struct book *b);
/* A stored cursor, before threads start. ERR_CORRUPT: it is not used, and endpoints that are not
 * known start at the oldest block: better sent twice than not at all. */
int book_load(struct book *b, struct view value, struct err *e);

void book_positions(struct book *b, struct position *first, struct position *next);

void book_tally(struct book *b, struct tally *out);
/* A batch is handed over: what its maker counts, and what its records have. */
void book_offered(struct book *b, uint64_t offered, uint64_t queued);
/* It was not stored after all. */
void book_refused(struct book *b, enum wal_not_stored why, uint64_t queued);
/* Samples that were offered and did not get as far as the queue. */
void book_not_stored(struct book *b, enum wal_not_stored why, uint64_t samples);

int book_endpoint_open(struct book *b, const char *name, enum wal_start start,
    struct wal_endpoint **out, struct err *e);
void book_endpoint_close(struct book *b, struct wal_endpoint *ep);
void book_endpoint_get(struct book *b, const struct wal_endpoint *ep, struct wal_cursor *out);
size_t book_endpoints(struct book *b, struct wal_endpoint_info *out, size_t cap);

/* Returns a number for book_wait. */
uint64_t book_window_begin(struct book *b, struct wal_endpoint *ep, struct position end);
void book_window_settle(
    struct book *b, struct wal_endpoint *ep, uint64_t groups, const struct wal_ledger *counts);
void book_window_end(struct book *b, struct wal_endpoint *ep);
/* Waits until what `version` stands for is on disk; false after timeout_ms. */
bool book_wait(struct book *b, const struct wal_endpoint *ep, uint64_t version, int64_t timeout_ms);

/* ---- the log's thread ---- */

/* True when a cursor has moved that is not on disk yet. */
bool book_dirty(struct book *b);
bool book_had_endpoint(struct book *b);
/* The first block that an endpoint still needs; false: no endpoint, everything is kept. */
bool book_floor(struct book *b, uint64_t *out_block);
/* From now on stored cursors that no endpoint has claimed hold nothing back. */
void book_release_unclaimed(struct book *b);

struct book_trim {
        struct position first; /* the first block that is left */
        enum wal_lost why;
};
/* key: KEY_CURSOR number. */
typedef int (*book_sink)(void *arg, uint64_t key, struct view value, struct err *e);
/*
 * Gives every cursor that is not on disk, as it will be after the trim (NULL: none). After the
 * commit: book_saved, then book_trimmed. The sink may not call the book.
 */
int book_collect(struct book *b, const struct book_trim *trim, uint64_t age_ms, book_sink sink,
    void *arg, struct err *e);
void book_saved(struct book *b);
/* Samples before `first` that not every endpoint has settled. */
uint64_t book_unsettled(struct book *b, struct position first);
void book_trimmed(struct book *b, const struct book_trim *trim);
/* The log ends at `next` now; so many samples left the queue for it. */
void book_appended(struct book *b, struct position next, uint64_t queued);
/* The log was found to end at `next`: what it has more than was known was offered, too. */
void book_found_end(struct book *b, struct position next);
/* Gives the keys of cursors that nobody has claimed for max_age_ms, and forgets them. */
int book_expire(
    struct book *b, uint64_t age_ms, uint64_t max_age_ms, book_sink sink, void *arg, struct err *e);

#endif
