/*
 * What the log remembers of a target: its identity, its living chunks, and which of their slots
 * were alive at the last stored scrape (alive: it gets a staleness marker when it vanishes), and
 * the newest timestamps of series that bring their own, as far as they are worth remembering. Pure.
 */
#ifndef WAL_TARGET_STATE_H
#define WAL_TARGET_STATE_H

#include "base/view.h"
#include "wal/column.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct target_chunk {
        uint64_t chunk;
        unsigned slots; /* slots given out so far */
        uint8_t alive[(CHUNK_SLOTS + 7) / 8]; /* bit i of byte i/8 */
};

/* A series with timestamps of its own: its newest one. */
struct target_stamp {
        uint32_t slot; /* place of its chunk × CHUNK_SLOTS + its slot there */
        int64_t time_ms;
};

struct target_state {
        uint64_t target; /* the number that blocks name it by */
        char *identity; /* owned; job, final labels and URL */
        int64_t time_ms; /* of the last stored scrape in which this was written */
        int64_t interval_ms; /* its scrape interval */
        struct target_chunk *chunks; /* owned */
        size_t n_chunks;
        struct target_stamp *stamps; /* owned; in any order */
        size_t n_stamps;
};

/* Appends; compressed where it pays (runs of bits), checksummed. */
int target_state_encode(const struct target_state *s, struct buf *out, struct err *e);
/* Fills *out, which target_state_release frees. ERR_CORRUPT. */
int target_state_decode(struct view bytes, struct target_state *out, struct err *e);
void target_state_release(struct target_state *s);

#endif
