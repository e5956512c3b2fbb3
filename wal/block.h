/*
 * A block: records packed into one LMDB overflow page (page size - 16 bytes): the unit of the log.
 * Pure. A directory that can be read without decompressing, one zstd frame, one checksum, and a
 * magic by which `wal repair` finds blocks without the tree. The format is in FORMAT.md.
 */
#ifndef WAL_BLOCK_H
#define WAL_BLOCK_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct zstd_packer;
struct zstd_unpacker;

enum {
        BLOCK_MAX_RECORDS = 512,
        BLOCK_MAX_PAYLOAD = 128 << 10, /* decompressed records of one block */
        BLOCK_MIN_SIZE = 4080, /* of a block: a page of 4 KiB less LMDB's head of it */
        BLOCK_MAX_SIZE = 65520, /* of one of 64 KiB */
};

/* What a directory says of one record. */
struct block_record {
        uint64_t target;
        uint64_t chunk;
        uint64_t keyframe; /* id; 0: the record refers to none */
        int64_t time_ms;
        uint16_t first; /* slots */
        uint16_t slots;
        uint16_t samples;
        uint16_t reserved;
        uint32_t offset; /* into the decompressed payload */
        uint32_t length;
};

struct block_head {
        uint64_t seq;
        uint64_t samples_before; /* running sample count of the log before this block */
        uint32_t samples; /* in this block */
        uint32_t payload; /* bytes, decompressed */
        uint16_t records;
        bool barrier; /* the log has a barrier right before this block */
};

/* ---- writing ---- */

struct block_builder;

/* size: the exact bytes of a finished block (page size - 16). */
int block_builder_new(size_t size, struct block_builder **out, struct err *e);
void block_builder_free(struct block_builder *b);
/*
 * Appends a record (r->offset is ignored). ERR_LIMIT: it does not fit any more; finish this block,
 * start the next and add it there (it always fits an empty block).
 */
int block_builder_add(struct block_builder *b, const struct block_record *r, struct view bytes,
    struct zstd_packer *z, struct err *e);
bool block_builder_empty(const struct block_builder *b);
/*
 * Writes exactly `size` bytes to dst (padded with zeros) and empties the builder. The head's seq,
 * samples_before and barrier are taken, the rest is the builder's. It cannot fail: what was added
 * fits.
 */
void block_builder_finish(struct block_builder *b, const struct block_head *head, uint8_t *dst);
uint32_t block_builder_samples(const struct block_builder *b);
/* Bytes of the block that are in use so far, its head included. */
size_t block_builder_used(const struct block_builder *b);
/* How often it has compressed since it was made: what filling blocks costs. */
unsigned block_builder_packs(const struct block_builder *b);

/* ---- reading ---- */

/* Checks magic, bounds and (when verify) the checksum. ERR_CORRUPT. */
int block_read_head(struct view bytes, bool verify, struct block_head *out, struct err *e);
/* Fills head.records entries of out, of which cap fit; ERR_CORRUPT, ERR_LIMIT when cap is too
 * small. */
int block_read_directory(struct view bytes, struct block_record *out, size_t cap, struct err *e);
/* Decompresses the records: replaces out's contents by head.payload bytes; its bound must be above
 * BLOCK_MAX_PAYLOAD. */
int block_read_payload(struct view bytes, struct zstd_unpacker *z, struct buf *out, struct err *e);

#endif
