/*
 * Variable-length integers (LEB128, as protobuf has them) and zigzag, on bytes in memory.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { VARINT_MAX = 10 };

/* Writes at most VARINT_MAX bytes; returns their number. */
static inline size_t
varint_put(uint8_t *p, uint64_t v)
{
        size_t n = 0;

        while (v >= 0x80) {
                p[n++] = (uint8_t)(v | 0x80);
                v >>= 7;
        }
        p[n++] = (uint8_t)v;
        return n;
}

/* Reads one from [p, end); returns the bytes taken, 0 when it is cut short or too long. */
static inline size_t
varint_get(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
        uint64_t v = 0;
        size_t n = 0;
        unsigned shift = 0;

        while (p + n < end && n < VARINT_MAX) {
                uint8_t b = p[n++];

                v |= (uint64_t)(b & 0x7f) << shift;
                if ((b & 0x80) == 0) {
                        *out = v;
                        return n;
                }
                shift += 7;
        }
        return 0;
}

static inline uint64_t
zigzag(int64_t v)
{
        return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t v)
{
        return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
