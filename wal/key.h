/*
 * Keys of the log's one database: the first byte is the kind, then big-endian numbers (FORMAT.md).
 * LMDB orders them by bytes, so the kinds lie one after the other and blocks come last: appending
 * them fills their leaf pages.
 *
 *      'A' age mark     running time (8)
 *      'B' book         0 (8)
 *      'C' cursor       hash of the endpoint's name (8)
 *      'K' keyframe     id (8)
 *      'L' layout part  chunk (8), first slot (2)
 *      'M' meta         name (7)
 *      'T' target       number (8)
 *      'X' retired      last block that may use it (8), kind (1), id (8)
 *      'Z' block        sequence (8)
 */
#ifndef WAL_KEY_H
#define WAL_KEY_H

#include "base/view.h"

#include <stdint.h>

enum key_kind {
        KEY_AGE = 'A',
        KEY_BOOK = 'B',
        KEY_CURSOR = 'C',
        KEY_KEYFRAME = 'K',
        KEY_LAYOUT = 'L',
        KEY_META = 'M',
        KEY_TARGET = 'T',
        KEY_RETIRED = 'X',
        KEY_BLOCK = 'Z',
};

enum { KEY_MAX_BYTES = 18 };

struct key {
        uint8_t bytes[KEY_MAX_BYTES];
        uint8_t n;
};

static inline void
be64_put(uint8_t *p, uint64_t v)
{
        for (int i = 0; i < 8; i++)
                p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static inline uint64_t
be64_get(const uint8_t *p)
{
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
                v = v << 8 | p[i];
        return v;
}

/* Every kind but layout, meta and retired. */
static inline struct key
key_of(enum key_kind kind, uint64_t number)
{
        struct key k = {{(uint8_t)kind}, 9};

        be64_put(k.bytes + 1, number);
        return k;
}

static inline struct key
key_layout(uint64_t chunk, unsigned first)
{
        struct key k = key_of(KEY_LAYOUT, chunk);

        k.bytes[9] = (uint8_t)(first >> 8);
        k.bytes[10] = (uint8_t)first;
        k.n = 11;
        return k;
}

static inline struct key
key_retired(uint64_t last_block, enum key_kind kind, uint64_t id)
{
        struct key k = key_of(KEY_RETIRED, last_block);

        k.bytes[9] = (uint8_t)kind;
        be64_put(k.bytes + 10, id);
        k.n = 18;
        return k;
}

static inline struct key
key_format(void)
{
        return (struct key){"Mformat ", 8};
}

/* The number behind the kind; 0 when the key is too short to have one. */
static inline uint64_t
key_number(struct view key)
{
        return key.n >= 9 ? be64_get((const uint8_t *)key.p + 1) : 0;
}

#endif
