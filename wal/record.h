/*
 * A record: one scrape's values of one chunk (or of a range of its slots) as deltas against the
 * chunk's keyframe. Pure: bytes in, bytes out. The format is in FORMAT.md.
 *
 * A record decodes from its keyframe alone, never from another record.
 */
#ifndef WAL_RECORD_H
#define WAL_RECORD_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * The raw (not yet compressed) size that one record never passes, so that even an incompressible
 * one fits a block of 4,080 bytes.
 */
enum { RECORD_MAX_BYTES = 3840 };

/* A sample with its own timestamp: explicit ones, and several of one series on a page. */
struct record_extra {
        int64_t time_ms;
        uint64_t bits;
        uint16_t slot; /* within the chunk */
};

struct record_input {
        const uint64_t *keyframe; /* by slot; COLUMN_ABSENT where it has none; NULL: none at all */
        unsigned keyframe_slots; /* slots from here on count as COLUMN_ABSENT in the keyframe */
        const uint64_t *column; /* by slot of the chunk (so column[first] is the first one used) */
        unsigned first; /* first slot of the range */
        unsigned slots; /* length of the range; first + slots <= CHUNK_SLOTS */
        int64_t time_ms; /* the record's time: what extras' times are stored against */
        const struct record_extra *extras; /* sorted by slot, then time; all within the range */
        size_t n_extras;
};

/*
 * Appends the record to out. *out_used is how many slots of the range it covers: fewer than asked
 * when RECORD_MAX_BYTES would be passed (then call again with the rest), at least 1.
 * *out_samples counts values and extras in it (absent slots do not count, markers do).
 * *out_extras is how many extras went in (those of the covered slots). If the extras of one slot
 * alone are too many for a record, as many as fit go in and *out_used is 0: call again with the
 * same first slot, its column value set to COLUMN_ABSENT, and the remaining extras.
 */
int record_encode(const struct record_input *in, struct buf *out, unsigned *out_used,
    unsigned *out_samples, size_t *out_extras, struct err *e);

/* Called for each extra, in stored order. */
typedef int (*record_extra_sink)(void *arg, const struct record_extra *x, struct err *e);

struct record_decode_input {
        struct view bytes;
        const uint64_t *keyframe;
        unsigned keyframe_slots;
        unsigned first;
        unsigned slots;
        int64_t time_ms;
        record_extra_sink extra; /* may be NULL: extras are skipped */
        void *arg;
};

/* Fills column[first .. first + slots). ERR_CORRUPT on anything that record_encode does not write.
 */
int record_decode(const struct record_decode_input *in, uint64_t *column, struct err *e);

#endif
