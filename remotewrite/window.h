/*
 * A window: the run of blocks that the sender drains in one go, as an index of records by chunk,
 * made from block directories alone.
 *
 * It spans at most ten minutes of sample time (receivers refuse what is older than an hour before
 * the newest of the tenant, C3), 64 Ki records and 16 MiB of blocks; a block behind a barrier only
 * stands at its begin. All records of one chunk are a group; groups are in the order in which they
 * first appear, so a window rebuilt after a crash has the same groups in the same order.
 *
 * One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_WINDOW_H
#define REMOTEWRITE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct wal;
struct window;

enum {
        WINDOW_SPAN_MS = 10 * 60 * 1000,
        WINDOW_MAX_RECORDS = 64 << 10,
        WINDOW_MAX_BYTES = 16 << 20,
        WINDOW_MAX_GROUP = 256, /* records of one chunk: they are decoded side by side */
};

struct window_bounds {
        uint64_t from; /* first block */
        uint64_t end; /* a resumed window ends exactly there; 0: where the bounds above say */
        /* Blocks with a record later than hold_after_ms, but not later than give_up_after_ms, stay
         * outside (receiver_clock.h). INT64_MAX: no such bound. */
        int64_t hold_after_ms;
        int64_t give_up_after_ms;
};

struct window_info {
        uint64_t first; /* first block found, which is not bounds.from when that was trimmed */
        uint64_t end; /* first block after the window; bounds.from when it is empty */
        uint64_t samples;
        uint32_t records;
        uint32_t groups;
        int64_t oldest_ms; /* of the records */
        bool at_end; /* the log had no more */
        bool held; /* it ends before a block that has to wait */
};

struct window_record {
        uint64_t keyframe;
        int64_t time_ms;
        uint32_t block; /* counted from window_info.first */
        uint32_t next; /* of the same group; UINT32_MAX: the last */
        uint16_t index; /* in the block's directory */
        uint16_t first;
        uint16_t slots;
        uint16_t samples;
};

struct window_group {
        uint64_t chunk;
        uint32_t head; /* number of its first record */
        uint32_t tail;
        uint32_t records;
};

int window_new(struct wal *wal, struct window **out, struct err *e);
void window_free(struct window *w);
/* Scans the log. An empty window is not an error. */
int window_fill(struct window *w, const struct window_bounds *b, struct err *e);
/* Empties it and gives its memory back. */
void window_reset(struct window *w);

const struct window_info *window_info(const struct window *w);
const struct window_group *window_group(const struct window *w, uint32_t group);
const struct window_record *window_record(const struct window *w, uint32_t record);

#endif
