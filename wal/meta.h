/*
 * What the log says of itself: the format record, written once, and the book record, written with
 * every commit. Pure: bytes in, bytes out (FORMAT.md).
 */
#ifndef WAL_META_H
#define WAL_META_H

#include "base/view.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
        META_FORMAT_VERSION = 1,
        META_TENANT_MAX = 64,
        META_FORMAT_BYTES = 16 + META_TENANT_MAX,
        META_BOOK_BYTES = 12 + 8 * 14, /* envelope, fields */
};

/* dst: META_FORMAT_BYTES. Returns the bytes written. */
size_t meta_format_encode(const char *tenant, size_t page_size, uint8_t *dst);
/* Whether it begins as ours do. */
bool meta_format_is_ours(struct view bytes);
/* ERR_CONFIG, with a sentence for the operator, when this process may not use the log. */
int meta_format_check(
    struct view bytes, const char *tenant, size_t page_size, const char *dir, struct err *e);

struct meta_book {
        uint64_t next_id; /* every id on disk is smaller */
        uint64_t next_block;
        uint64_t samples; /* appended since the log began */
        uint64_t age_ms; /* running time since the log began */
        uint64_t offered; /* samples + not_stored, counted by those who offered them */
        uint64_t not_stored[NOT_STORED_REASONS];
        uint64_t trimmed[2]; /* by age, by size */
        uint64_t keyframe_low; /* keyframes with a smaller id are retired */
        uint64_t max_size; /* wal.max_size, for tools */
        int64_t last_commit_ms;
        bool clean; /* closed in order */
        bool had_endpoint;
};

/* dst: META_BOOK_BYTES. Returns the bytes written. */
size_t meta_book_encode(const struct meta_book *b, uint8_t *dst);
/* ERR_CORRUPT. */
int meta_book_decode(struct view bytes, struct meta_book *out, struct err *e);

#endif
