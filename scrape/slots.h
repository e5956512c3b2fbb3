/*
 * A target's slots: per series the hash of its raw text and a byte of flags, in chunks of up to
 * 1,024, so that nothing has to move when a target grows. Pure: knows neither labels nor the log.
 *
 * A slot is named by a number: chunk index × CHUNK_SLOTS + place in the chunk. Numbers stay valid
 * until slots_remove_chunk. Not thread-safe.
 */
#ifndef SCRAPE_SLOTS_H
#define SCRAPE_SLOTS_H

#include "scrape/slotmap.h"
#include "wal/column.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum slot_flag {
        SLOT_ALIVE = 1, /* had a sample at the last scrape that was handed to the log */
        SLOT_SEEN = 2, /* met in the scrape under way */
        SLOT_STORED = 4, /* a sample of it was handed to the log at some time */
        SLOT_MARK = 8, /* its staleness marker did not reach the disk: due again */
        SLOT_COUNTED = 16, /* on the last good page or one since: it does not count as added */
        SLOT_STAMPED = 32, /* comes with its own timestamps: gets no markers */
        SLOT_RECENT = 64, /* seen in a good scrape of this epoch */
        SLOT_BEFORE = 128, /* … of the epoch before; neither: dead */
};

#define SLOT_NONE UINT32_MAX

struct slot_chunk {
        uint64_t id; /* the log's number for it */
        uint64_t keyframe; /* that its next record refers to; 0: write a new one */
        uint64_t retired; /* superseded keyframe that the log has not been told of; 0: none */
        unsigned keyframe_age; /* scrapes */
        unsigned slots; /* given out */
        unsigned cap;
        uint64_t *hash; /* owned; 0: not known (after a restart or a relabel reload) */
        uint8_t *flags; /* owned; enum slot_flag */
};

struct slots {
        struct slot_chunk *chunks; /* owned */
        size_t n_chunks;
        size_t cap_chunks;
        struct slotmap index; /* raw hash → slot, while has_index */
        bool has_index;
        unsigned index_idle; /* scrapes since the index was of use */
        bool index_used; /* in the scrape under way */
        uint32_t next; /* where the next line of the page should be */
        uint32_t resume; /* where it should be if the last one was out of its place */
        bool no_index; /* unknown lines are found by their labels: build no index */
};

void slots_init(struct slots *s);
void slots_release(struct slots *s);

static inline struct slot_chunk *
slots_chunk(const struct slots *s, uint32_t slot)
{
        return &s->chunks[slot / CHUNK_SLOTS];
}

static inline uint8_t *
slots_flags(const struct slots *s, uint32_t slot)
{
        return &s->chunks[slot / CHUNK_SLOTS].flags[slot % CHUNK_SLOTS];
}

static inline uint64_t
slots_hash(const struct slots *s, uint32_t slot)
{
        return s->chunks[slot / CHUNK_SLOTS].hash[slot % CHUNK_SLOTS];
}

/* Adds an empty chunk at the end. */
int slots_add_chunk(struct slots *s, uint64_t id, struct err *e);
/* Gives `more` slots of a chunk out, with hash 0 and the flags given. */
int slots_grow(struct slots *s, size_t chunk, unsigned more, uint8_t flags, struct err *e);
/* Takes a chunk away; the slot numbers of later chunks move down. Drops the index. */
void slots_remove_chunk(struct slots *s, size_t chunk);

/*
 * A page begins: the next line should be slot `first`. no_index: hardly any raw hash is known (a
 * new target, a restart), so that an index over them would be memory for nothing.
 */
void slots_rewind(struct slots *s, uint32_t first, bool no_index);
/*
 * The slot of a raw hash: first where the page's order says, then a few places on, then by the
 * index (built when it is needed). *out is SLOT_NONE when the hash is not known.
 */
int slots_find(struct slots *s, uint64_t hash, uint32_t *out, struct err *e);
/* Does the page's order say that this raw hash comes next? Then slots_take_next is its slot. */
bool slots_is_next(const struct slots *s, uint64_t hash);
uint32_t slots_take_next(struct slots *s);
/* The slot now has this raw hash (also in the index). */
int slots_set_hash(struct slots *s, uint32_t slot, uint64_t hash, struct err *e);
/* The page is over: an index that has not been of use for a while is given back. */
void slots_page_done(struct slots *s);
/* Forgets all raw hashes: every line will be unknown again. */
void slots_forget_hashes(struct slots *s);

uint64_t slots_count(const struct slots *s);
uint64_t slots_count_flag(const struct slots *s, uint8_t flag);
size_t slots_memory(const struct slots *s);

#endif
