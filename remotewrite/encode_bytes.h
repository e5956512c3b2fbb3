/*
 * The bytes of protobuf fields: what encode.c, plan.c and the files of 2.0 share. Nothing here
 * checks for room.
 */
#ifndef REMOTEWRITE_ENCODE_BYTES_H
#define REMOTEWRITE_ENCODE_BYTES_H

#include "base/varint.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
        TAG_FIRST_BYTES = 0x0a, /* field 1, a length follows */
        TAG_SECOND_BYTES = 0x12,
        TAG_VALUE = 0x09, /* field 1, 8 bytes */
        TAG_TIMESTAMP = 0x10, /* field 2, varint */
        /* of a 2.0 request */
        TAG_SYMBOL = 0x22, /* Request.symbols, field 4 */
        TAG_SERIES_2 = 0x2a, /* Request.timeseries, field 5 */
};

static inline size_t
varint_size(uint64_t v)
{
        unsigned highest = 63 - (unsigned)__builtin_clzll(v | 1);

        return (highest * 9 + 73) / 64; /* highest / 7 + 1 */
}

static inline uint8_t *
put_length(uint8_t *p, uint8_t tag, size_t bytes)
{
        *p++ = tag;
        return p + varint_put(p, bytes);
}

/* memcpy for texts that mostly have 4 to 32 bytes: no call, moves that may overlap. */
static inline uint8_t *
put_text(uint8_t *p, const char *from, size_t n)
{
        if (n > 32) {
                memcpy(p, from, n);
        } else if (n >= 16) {
                memcpy(p, from, 16);
                memcpy(p + n - 16, from + n - 16, 16);
        } else if (n >= 8) {
                memcpy(p, from, 8);
                memcpy(p + n - 8, from + n - 8, 8);
        } else if (n >= 4) {
                memcpy(p, from, 4);
                memcpy(p + n - 4, from + n - 4, 4);
        } else {
                for (size_t i = 0; i < n; i++)
                        p[i] = (uint8_t)from[i];
        }
        return p + n;
}

#endif
