/*
 * A keyframe: the values of a chunk's first slots at one instant; what records refer to. Pure.
 * The encoded form carries magic, id, chunk, target, checksum: it can be found without the tree.
 */
#ifndef WAL_KEYFRAME_H
#define WAL_KEYFRAME_H

#include "base/view.h"

#include <stdint.h>

struct buf;
struct err;
struct zstd_packer;
struct zstd_unpacker;

struct keyframe_head {
        uint64_t id;
        uint64_t chunk;
        uint64_t target;
        unsigned slots; /* values that follow, 1 to CHUNK_SLOTS */
};

/* Appends the encoded keyframe. Values may be COLUMN_ABSENT (and never COLUMN_STALE: pass ABSENT).
 */
int keyframe_encode(const struct keyframe_head *head, const uint64_t *column, struct zstd_packer *z,
    struct buf *out, struct err *e);

/* Checks magic, length and checksum; fills head and column[0 .. head->slots). ERR_CORRUPT. */
int keyframe_decode(struct view bytes, struct zstd_unpacker *z, struct keyframe_head *head,
    uint64_t *column, struct err *e);

#endif
