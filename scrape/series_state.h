/*
 * The body of struct series, for the files that share it: series.c (a scrape's lines),
 * series_batch.c (a scrape becomes a batch, and the log's answer), series_restore.c (what the log
 * remembers, and compaction), series_pool.c. Nobody else includes this.
 */
#ifndef SCRAPE_SERIES_STATE_H
#define SCRAPE_SERIES_STATE_H

#include "base/arena.h"
#include "scrape/series.h"
#include "scrape/slotmap.h"
#include "scrape/slots.h"
#include "scrape/stamps.h"
#include "wal/batch.h"
#include "wal/column.h"

struct label;
struct labels;
struct layout_builder;
struct zstd_packer;

enum {
        REPORT_SERIES = 5,
        REPORT_SERIES_MAX = 8, /* with extra_scrape_metrics */
        KEYFRAME_SCRAPES = 16, /* a keyframe serves 16 to 32 scrapes, staggered */
        COMPACT_MIN_SLOTS = 32, /* smaller chunks are not worth a barrier */
        EPOCH_MS = 10 * 60 * 1000, /* unseen for a whole epoch: dead */
        AHEAD_BATCH_BYTES = 128 << 10, /* layout parts go to the log ahead of their scrape */
        SERIES_ARENA_BYTES = 16 << 20, /* labels of one unknown series */
        EXTRAS_MAX = 4 << 20, /* samples with timestamps of their own in one scrape */
        HELD_MAX = 64 << 10, /* samples of a target that wait for their time */
        DROPPED_GENERATION_SCRAPES = 16, /* how coarse the age of a dropped raw series is */
};

struct series_extra {
        uint32_t slot;
        uint32_t order; /* on the page */
        int64_t time_ms;
        uint64_t bits;
};

/* Samples whose time has not come. */
struct series_held {
        struct series_extra *v; /* owned */
        size_t n;
        size_t cap;
        struct stamps newest; /* of their series: what comes at or before it is out of order */
};

/* A batch that the log has not answered yet. */
struct series_pending {
        struct series_pending *next;
        uint64_t serial;
        bool has_layout;
        uint64_t slots_version; /* that the numbers in markers belong to */
        uint32_t *markers; /* owned; slots that get a staleness marker in it */
        size_t n_markers;
};

enum series_phase { SERIES_IDLE, SERIES_READING, SERIES_ENDED };

struct series_pool {
        struct wal *wal; /* borrowed */
        struct zstd_packer *packer;
        struct arena arena; /* labels of the unknown series being looked at */
        uint64_t **columns; /* owned; free staging columns, all absent */
        size_t n_columns;
        size_t cap_columns;
        size_t columns_out; /* borrowed now */
        size_t columns_peak; /* most borrowed since the last trim: what is kept free */
        struct layout_builder *builder; /* a spare one */
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t scratch[CHUNK_SLOTS];
        struct pool_target *known; /* owned; targets that the log remembers, by identity hash */
        size_t n_known;
        size_t cap_known;
        uint64_t next_serial;
};

struct series {
        struct series_pool *pool; /* borrowed */
        struct target *target; /* borrowed */
        uint64_t number;
        uint64_t
            generation; /* an id of the log: a newer one after each batch that was not stored */
        uint64_t slots_version; /* goes up when slots get other numbers */
        struct slots slots;
        struct slotmap dropped; /* raw series that relabeling drops → generation */
        struct slotmap aliases; /* further raw texts of a series that has a slot → slot */
        struct stamps stamps; /* of series with their own timestamps, markers included */
        struct series_held held;
        uint64_t out_of_bounds; /* held samples that were dropped since the last scrape */
        uint32_t report_slot[REPORT_SERIES_MAX]; /* SLOT_NONE until made */
        double body_bytes; /* scrape_body_size_bytes of this scrape */
        bool hashes_known; /* raw hashes are worth an index */
        bool state_dirty; /* the log's target state is behind */
        bool reload; /* a layout was not stored: start from what the log has */
        bool wants_compaction;
        bool open_tail; /* the last chunk may grow */
        int64_t epoch_ms;
        uint64_t scrapes;
        uint64_t alive;
        size_t accounted; /* bytes under MEMORY_SERIES */
        struct series_pending *pending; /* owned list */

        /* the scrape under way */
        enum series_phase phase;
        int64_t tick_ms;
        int64_t last_tick_ms; /* of the last scrape that went to the log; INT64_MIN: none */
        uint64_t scrape_generation; /* when it began: its batches refer to what was there then */
        struct series_report report;
        uint64_t kept; /* samples of the page that were taken */
        uint64_t limited; /* what counts for sample_limit, where there is one */
        uint64_t kept_stamped; /* … of these: with timestamps of their own */
        uint64_t offered; /* samples that the log is to get, counted apart from its records */
        uint64_t **columns; /* owned array; by chunk, borrowed from the pool or NULL */
        size_t cap_columns;
        struct series_extra *extras; /* owned */
        size_t n_extras;
        size_t cap_extras;
        size_t next_extra; /* of series_encode */
        struct slotmap finals; /* final label hash → slot, while has_finals */
        bool has_finals;
        struct layout_builder *builder; /* label sets of new slots, borrowed from the pool */
        unsigned builder_first;
        struct wal_batch *batch; /* owned until it is handed to the log */
        bool batch_has_layout;
        uint32_t *markers; /* owned; staged markers of this scrape */
        size_t n_markers;
        size_t cap_markers;
        size_t next_chunk; /* of series_encode */
};

/* ---- series_pool.c ---- */

/* A column of absent values; NULL without memory. */
uint64_t *pool_borrow_column(struct series_pool *p);
/* Back, with its first `slots` values made absent again. */
void pool_return_column(struct series_pool *p, uint64_t *column, unsigned slots);
/* Frees what is above the recent need; at the end of a scrape. */
void pool_trim(struct series_pool *p);
struct layout_builder *pool_borrow_builder(struct series_pool *p, struct err *e);
void pool_return_builder(struct series_pool *p, struct layout_builder *b);
/* The log's number of a target with this identity, 0 when there is none. */
uint64_t pool_known_target(const struct series_pool *p, const char *identity);
int pool_remember_target(
    struct series_pool *p, const char *identity, uint64_t number, struct err *e);
void pool_forget_target(struct series_pool *p, uint64_t number);

/* ---- series_sample.c ---- */

/* What dropped raw series that are met now are marked with. */
uint32_t series_dropped_generation(const struct series *s);
/* Stages bits at a slot; the column is borrowed when it is the chunk's first. */
int series_stage(struct series *s, uint32_t slot, uint64_t bits, struct err *e);
/* Gives a new slot with this sorted label set out at the tail. */
int series_add_slot(
    struct series *s, const struct labels *l, uint8_t flags, uint32_t *out, struct err *e);

/* ---- series.c ---- */

/* Gives back all that the scrape under way holds. */
void series_drop_scrape(struct series *s);
void series_account(struct series *s);

/* ---- series_batch.c ---- */

/* The scrape's batch, made when there is none. */
int series_batch(struct series *s, struct err *e);
/* Encodes the label sets of the builder into the batch and gives the builder back. */
int series_flush_layout(struct series *s, struct err *e);
/* Hands the batch to the log; a full queue counts its samples as not stored. */
int series_submit(struct series *s, struct err *e);
/* Puts a record of the target's state into the batch. */
int series_put_state(struct series *s, struct err *e);
/* Tells the log that a chunk (and its keyframe) is used no more. */
int series_retire_chunk(struct series *s, const struct slot_chunk *c, struct err *e);
int series_note_marker(struct series *s, uint32_t slot, struct err *e);

/* ---- series_held.c ---- */

/* Room for n extras. */
int series_reserve_extras(struct series *s, size_t n, struct err *e);
/* Extras of the scrape that are ahead of their time are put by, those whose time has come join it.
 * They are sorted by slot and time then; of equal ones the first is kept. */
int series_pass_held(struct series *s, struct err *e);
/* Does a sample of this slot wait that is as late or later? */
bool series_is_held(const struct series *s, uint32_t slot, int64_t time_ms);
/* Has the series a sample that is as late as the tick or later, stored or waiting? */
bool series_is_late(const struct series *s, uint32_t slot);
/* Their slots or their target are gone; counted. */
void series_drop_held(struct series *s);

/* ---- series_restore.c ---- */

/* Chunks and alive slots as the log remembers them; a target it does not know is left empty. */
int series_restore(struct series *s, struct err *e);
/* Builds s->finals from the layouts of all chunks. */
int series_build_finals(struct series *s, struct err *e);

#endif
