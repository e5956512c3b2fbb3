/*
 * Layouts: the label sets of a chunk's slots. A chunk's layout is stored as one or more parts, each
 * with the label sets of a run of consecutive slots (a tail chunk grows by further parts; a slot is
 * never given to another series). Pure.
 *
 * The encoded part carries magic, chunk, target, first slot, checksum: it can be found without
 * the tree. Inside: a symbol table and label references, in one zstd frame.
 */
#ifndef WAL_LAYOUT_H
#define WAL_LAYOUT_H

#include "base/labels.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct zstd_packer;
struct zstd_unpacker;

enum {
        LAYOUT_MAX_BYTES = 64 << 20, /* of one part, decompressed: 1,024 label sets of 64 KiB */
};

struct layout_head {
        uint64_t chunk;
        uint64_t target;
        unsigned first; /* slot of the first label set */
        unsigned slots; /* label sets */
};

/* ---- writing: add label sets in slot order, then encode ---- */

struct layout_builder;

int layout_builder_new(struct layout_builder **out, struct err *e);
void layout_builder_free(struct layout_builder *b);
/*
 * Copies a sorted label set. ERR_LIMIT over CHUNK_SLOTS sets or LAYOUT_MAX_BYTES: nothing was
 * added. After ERR_NOMEM the builder may only be reset or freed.
 */
int layout_builder_add(
    struct layout_builder *b, const struct label *labels, size_t n, struct err *e);
unsigned layout_builder_count(const struct layout_builder *b);
size_t layout_builder_bytes(const struct layout_builder *b); /* memory held, for the accounts */
/* head->slots must be the count. Does not empty the builder. */
int layout_builder_encode(struct layout_builder *b, const struct layout_head *head,
    struct zstd_packer *z, struct buf *out, struct err *e);
/* Empties, keeps the memory up to a sensible size. */
void layout_builder_reset(struct layout_builder *b);

/* ---- reading ---- */

struct layout_part; /* decoded; owns its text */

/* Checks magic, length, checksum, and that every reference is in range. ERR_CORRUPT. */
int layout_part_decode(
    struct view bytes, struct zstd_unpacker *z, struct layout_part **out, struct err *e);
void layout_part_free(struct layout_part *p);
const struct layout_head *layout_part_head(const struct layout_part *p);
/*
 * The label set of slot first + i, sorted by name, into at most `cap` labels. Views are valid until
 * layout_part_free. Returns the number of labels; when it is larger than cap nothing was written
 * past cap: call again with more room.
 */
size_t layout_part_labels(const struct layout_part *p, unsigned i, struct label *out, size_t cap);
/*
 * The shape of slot first + i, a number below layout_part_shapes: sets of one shape have the same
 * label names.
 */
uint32_t layout_part_shape(const struct layout_part *p, unsigned i);
uint32_t layout_part_shapes(const struct layout_part *p);
/* Memory held, for the accounts. */
size_t layout_part_bytes(const struct layout_part *p);
/* The most labels that any set of this part has. */
size_t layout_part_max_labels(const struct layout_part *p);

#endif
