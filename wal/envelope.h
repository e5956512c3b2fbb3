/*
 * What every stored value begins with, so that it can be recognised and checked without the tree:
 *
 *      0  4  magic: "gle" and a letter for the kind
 *      4  4  checksum of the bytes from 8 to the end (the low half of XXH3)
 *      8  4  length of the whole, this head included
 *     12     body
 *
 * Numbers are little-endian. Pure.
 */
#ifndef WAL_ENVELOPE_H
#define WAL_ENVELOPE_H

#include "base/view.h"
#include "wal/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum { ENVELOPE_BYTES = 12 };

/* The letter of the magic. */
enum envelope_kind {
        ENVELOPE_BLOCK = 'B',
        ENVELOPE_KEYFRAME = 'K',
        ENVELOPE_LAYOUT = 'L',
        ENVELOPE_TARGET = 'T',
        ENVELOPE_CURSOR = 'C',
        ENVELOPE_BOOK = 'M',
};

/* Appends room for the head; *out_start is where it stands. */
int envelope_begin(struct buf *out, size_t *out_start, struct err *e);
/* Fills the head of what stands in out from `start` to its end. */
void envelope_end(struct buf *out, size_t start, enum envelope_kind kind);
/* Fills the head of the n bytes at p (at least ENVELOPE_BYTES). */
void envelope_seal(uint8_t *p, size_t n, enum envelope_kind kind);

/*
 * Checks magic, length and (when verify) the checksum; *body reads what follows the head.
 * ERR_CORRUPT.
 */
int envelope_open(struct view bytes, enum envelope_kind kind, bool verify,
    struct bytes_reader *body, struct err *e);

#endif
