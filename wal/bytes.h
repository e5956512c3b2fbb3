/*
 * Little-endian numbers and a reader that cannot pass its end: what the stored formats are made
 * of. A reader that met its end is bad and gives zeros from then on, so that a decoder may ask
 * once per step instead of once per number.
 */
#ifndef WAL_BYTES_H
#define WAL_BYTES_H

#include "base/varint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void
bytes_put_u16(uint8_t *p, uint16_t v)
{
        p[0] = (uint8_t)v;
        p[1] = (uint8_t)(v >> 8);
}

static inline void
bytes_put_u32(uint8_t *p, uint32_t v)
{
        bytes_put_u16(p, (uint16_t)v);
        bytes_put_u16(p + 2, (uint16_t)(v >> 16));
}

static inline void
bytes_put_u64(uint8_t *p, uint64_t v)
{
        bytes_put_u32(p, (uint32_t)v);
        bytes_put_u32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t
bytes_get_u16(const uint8_t *p)
{
        return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
bytes_get_u32(const uint8_t *p)
{
        return bytes_get_u16(p) | (uint32_t)bytes_get_u16(p + 2) << 16;
}

static inline uint64_t
bytes_get_u64(const uint8_t *p)
{
        return bytes_get_u32(p) | (uint64_t)bytes_get_u32(p + 4) << 32;
}

struct bytes_reader {
        const uint8_t *p;
        const uint8_t *end;
        bool bad;
};

static inline size_t
bytes_left(const struct bytes_reader *r)
{
        return (size_t)(r->end - r->p);
}

/* The next n bytes, NULL when there are fewer. */
static inline const uint8_t *
bytes_take(struct bytes_reader *r, size_t n)
{
        const uint8_t *p = r->p;

        if (n > bytes_left(r)) {
                r->bad = true;
                r->p = r->end;
                return NULL;
        }
        r->p += n;
        return p;
}

static inline uint8_t
bytes_u8(struct bytes_reader *r)
{
        const uint8_t *p = bytes_take(r, 1);

        return p != NULL ? *p : 0;
}

static inline uint16_t
bytes_u16(struct bytes_reader *r)
{
        const uint8_t *p = bytes_take(r, 2);

        return p != NULL ? bytes_get_u16(p) : 0;
}

static inline uint32_t
bytes_u32(struct bytes_reader *r)
{
        const uint8_t *p = bytes_take(r, 4);

        return p != NULL ? bytes_get_u32(p) : 0;
}

static inline uint64_t
bytes_u64(struct bytes_reader *r)
{
        const uint8_t *p = bytes_take(r, 8);

        return p != NULL ? bytes_get_u64(p) : 0;
}

static inline uint64_t
bytes_varint(struct bytes_reader *r)
{
        uint64_t v = 0;
        size_t n = varint_get(r->p, r->end, &v);

        if (n == 0) {
                r->bad = true;
                r->p = r->end;
                return 0;
        }
        r->p += n;
        return v;
}

#endif
