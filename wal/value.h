/*
 * One value against another: the smallest piece of records and keyframes. Pure.
 *
 * A value is 64 bits that are mostly a double. What is stored is a tag, saying how, and a varint:
 * the difference to the base in a unit in which both are whole numbers. Every tag but BITS is only
 * used when decoding gives back the same 64 bits, so any pattern survives (-0, subnormals, NaNs).
 * Decoding needs only IEEE arithmetic that rounds once per operation. Bytes: see FORMAT.md.
 */
#ifndef WAL_VALUE_H
#define WAL_VALUE_H

#include <stddef.h>
#include <stdint.h>

enum value_tag {
        VALUE_SAME, /* the base itself */
        VALUE_ABSENT, /* COLUMN_ABSENT */
        VALUE_STALE, /* COLUMN_STALE */
        VALUE_BITS, /* difference of the bit patterns */
        VALUE_INT, /* whole numbers */
        VALUE_INT_4096, /* whole numbers, the difference is a multiple of 4,096 (pages, MiB) */
        VALUE_DIV, /* + 0..3: n / 10^2, 10^3, 10^6, 10^9 */
        VALUE_MUL = VALUE_DIV + 4, /* + 0..3: n * 10^-2, … (disk times are made so) */
        VALUE_TAGS = VALUE_MUL + 4,
};

enum { VALUE_MAX = 10 }; /* bytes that a value takes beside its tag */

/* Writes the bytes of bits against base to p (VALUE_MAX of room), their number to *n. */
enum value_tag value_put(uint64_t bits, uint64_t base, uint8_t *p, size_t *n);

/*
 * The way back. Returns the bytes taken from [p, end), or -1 when they are cut short or tag is
 * none. Any bytes give some value.
 */
int value_get(uint8_t tag, const uint8_t *p, const uint8_t *end, uint64_t base, uint64_t *out);

#endif
