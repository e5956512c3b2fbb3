/*
 * The write-ahead log: one LMDB environment per tenant, one database, one thread that writes.
 * See FORMAT.md for the bytes and docs/ARCHITECTURE.md for the rules and why.
 *
 * Threads: wal_submit and the wal_read_* family may be called from any thread; readers hold LMDB
 * transactions only inside a call. wal_open and wal_close: the main thread.
 */
#ifndef WAL_WAL_H
#define WAL_WAL_H

#include "base/view.h"
#include "wal/batch.h"
#include "wal/block.h"
#include "wal/target_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct layout_part;
struct wal;

/* Called on the log's thread for every batch that wal_submit took, exactly once, in order. */
typedef void (*wal_answer)(void *arg, uint64_t target, uint64_t serial, bool stored);

struct wal_options {
        const char *dir; /* of this tenant; made (0700) when missing */
        const char *tenant; /* another tenant's directory is refused */
        uint64_t max_size; /* bytes that the log may hold */
        int64_t max_age_ms;
        int64_t sync_interval_ms; /* the oldest queued batch is on disk after this at the latest */
        const struct clock *clock;
        bool read_only_tool; /* no thread, no writing: for tools beside a stopped agent */
        wal_answer answer; /* may be NULL */
        void *answer_arg;
        /* The store seam: called before each commit; nonzero makes it fail with that errno. */
        int (*commit_fault)(void *arg);
        void *commit_fault_arg;
};

/* Locks the directory (flock on LOCK), checks tenant, format, page and word size, starts the
 * thread. */
int wal_open(const struct wal_options *o, struct wal **out, struct err *e);
/* Commits what is queued, marks the log clean, stops the thread. NULL-safe. */
void wal_close(struct wal *w);

/* Takes effect for the next commit and trim; max_size beyond the map only at the next start. */
void wal_set_limits(struct wal *w, uint64_t max_size, int64_t max_age_ms, int64_t sync_interval_ms);

/* ---- the scraper's side ---- */

/* A number never used before: for targets, chunks and keyframes. Starts at 1. */
uint64_t wal_new_id(struct wal *w);

/*
 * Moves *b into the queue and sets it NULL. ERR_LIMIT: the queue is full, ERR_NOMEM; the caller
 * keeps it then. Its samples are offered either way: those of a batch that is not taken count as
 * not stored.
 */
int wal_submit(struct wal *w, struct wal_batch **b, struct err *e);
/* Commits what is queued now, without waiting for the sync interval; returns when that is done. */
void wal_flush(struct wal *w);
/* Counts samples that never got as far as wal_submit: offered and not stored, in one. */
enum wal_not_stored { NOT_STORED_DISK, NOT_STORED_QUEUE, NOT_STORED_MEMORY, NOT_STORED_REASONS };
extern const char *const wal_not_stored_names[NOT_STORED_REASONS];
void wal_count_not_stored(struct wal *w, enum wal_not_stored why, uint64_t samples);

/* Values of a keyframe, queued or stored; column has room for CHUNK_SLOTS. ERR_NOTFOUND,
 * ERR_CORRUPT. */
int wal_read_keyframe(
    struct wal *w, uint64_t keyframe, uint64_t *column, unsigned *out_slots, struct err *e);

/* Called for each part of a chunk's layout in slot order; the part is the callee's to free. Damaged
 * parts are left out and counted. */
typedef int (*wal_layout_sink)(void *arg, struct layout_part *part, struct err *e);
/* Queued and stored parts of a chunk. ERR_NOTFOUND when there are none. */
int wal_read_layout(struct wal *w, uint64_t chunk, wal_layout_sink sink, void *arg, struct err *e);

/* Every target state that is stored; *s is only valid during the call. */
typedef int (*wal_target_sink)(void *arg, const struct target_state *s, struct err *e);
int wal_read_targets(struct wal *w, wal_target_sink sink, void *arg, struct err *e);
/* The stored state of one target number. ERR_NOTFOUND. target_state_release frees it. */
int wal_read_target(struct wal *w, uint64_t target, struct target_state *out, struct err *e);

/* ---- the sender's side ---- */

enum wal_lost {
        LOST_AGE,
        LOST_SIZE,
        LOST_REFUSED,
        LOST_CONFLICT,
        LOST_DAMAGED,
        LOST_CLOCK,
        LOST_REASONS
};
extern const char *const wal_lost_names[LOST_REASONS];

/* The ledger of one endpoint: samples since its start. appended = all of these plus pending. */
struct wal_ledger {
        uint64_t acknowledged;
        uint64_t unconfirmed;
        uint64_t filtered;
        uint64_t lost[LOST_REASONS];
};

struct wal_cursor {
        uint64_t settled; /* first block that is not settled as a whole */
        uint64_t window_end; /* first block after the window under way; 0: no window */
        uint64_t groups_settled; /* groups of the window under way settled in order */
        uint64_t appended; /* samples since the endpoint's start, pending ones included */
        uint64_t pending;
        struct wal_ledger ledger;
        bool resumed; /* the window under way is from before a restart */
};

enum wal_start { WAL_START_NOW, WAL_START_OLDEST };

struct wal_endpoint; /* belongs to the wal; valid until wal_close */

/* The endpoint's cursor, from disk or new. The first endpoint that a log ever has starts at the
 * oldest block, a later one where `start` says. */
int wal_endpoint_open(struct wal *w, const char *name, enum wal_start start,
    struct wal_endpoint **out, struct err *e);
/* No longer configured: its cursor is kept for max_age but holds nothing back. */
void wal_endpoint_close(struct wal *w, struct wal_endpoint *ep);
void wal_endpoint_get(struct wal *w, struct wal_endpoint *ep, struct wal_cursor *out);

/*
 * Begins the window [settled, end) and waits until that is on disk (a commit at once, which takes
 * along what is queued; after 5 s it goes on without): a crash then rebuilds exactly this window.
 * Send nothing of it before this returns.
 */
void wal_window_begin(struct wal *w, struct wal_endpoint *ep, uint64_t end);
/* The next `groups` groups in order are settled, with these counts. */
void wal_window_settle(
    struct wal *w, struct wal_endpoint *ep, uint64_t groups, const struct wal_ledger *counts);
/* The window is over: what of its samples was not counted is counted as lost (damaged or trimmed).
 */
void wal_window_end(struct wal *w, struct wal_endpoint *ep);

/*
 * Calls sink for stored blocks from `from` on, in order, until it returns nonzero (a positive
 * value ends the scan without an error), or there are none. Views are valid during the call.
 * Blocks whose checksum fails are skipped, counted and logged.
 */
typedef int (*wal_block_sink)(
    void *arg, const struct block_head *head, struct view bytes, struct err *e);
int wal_scan(struct wal *w, uint64_t from, wal_block_sink sink, void *arg, struct err *e);
/* One block's bytes, copied. ERR_NOTFOUND (trimmed meanwhile), ERR_CORRUPT. */
int wal_read_block(struct wal *w, uint64_t seq, struct buf *out, struct err *e);
/* Gives the map's resident pages back: after each chunk's records. Cheap when little was read. */
void wal_give_back(struct wal *w);

/* ---- for people ---- */

struct wal_stats {
        uint64_t first_block;
        uint64_t next_block;
        /* The agent's ledger since the log began, over restarts. One look at it adds up:
         * offered = appended + the sum of not_stored + queued. */
        uint64_t samples_offered;
        uint64_t samples_appended;
        uint64_t samples_queued; /* handed over, not answered yet; a crash forgets these */
        uint64_t not_stored[NOT_STORED_REASONS];
        uint64_t samples_stored; /* that the log holds now */
        uint64_t bytes_used; /* pages in use */
        uint64_t bytes_max; /* wal.max_size */
        uint64_t bytes_file;
        uint64_t bytes_resident; /* of the file's map */
        uint64_t bytes_block_payload; /* bytes of blocks written since start */
        uint64_t bytes_written; /* by this process to the disk, as /proc/self/io has it */
        uint64_t commits;
        uint64_t commit_failures;
        uint64_t commits_late; /* over after sync_interval since their oldest scrape was queued */
        uint64_t damaged_blocks;
        uint64_t damaged_values;
        uint64_t logs_set_aside; /* damaged ones that lay beside this one when it was opened */
        uint64_t
            trimmed_samples[2]; /* by age, by size: blocks dropped before every endpoint had them */
        uint64_t queue_bytes;
        uint64_t queue_batches;
        int64_t oldest_ms; /* time of the oldest stored record; 0: none */
        int64_t newest_ms; /* of the newest one */
        int64_t last_commit_ms;
        char last_error[256];
};
void wal_stats(struct wal *w, struct wal_stats *out);

struct wal_endpoint_info {
        char name[256];
        bool configured;
        struct wal_cursor cursor;
};
/* Fills up to cap; returns how many there are. */
size_t wal_endpoints(struct wal *w, struct wal_endpoint_info *out, size_t cap);

/* False while nothing can be stored (last commit failed); why goes to e. */
bool wal_usable(struct wal *w, struct err *e);

#endif
