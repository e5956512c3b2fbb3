/*
 * Which series stand together in a request (order.h): a hash of the label set without __name__ and
 * instance tells the object, __name__'s added to it the kin. Sums over labels, so that a part can
 * be worked out ahead. Two that collide merely stand together.
 */
#ifndef REMOTEWRITE_KIN_H
#define REMOTEWRITE_KIN_H

#include "base/view.h"

#include <stdint.h>
#include <string.h>

static inline uint64_t
kin_stir(uint64_t hash, uint64_t word)
{
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return hash << 32 | hash >> 32; /* what was spread upwards comes down again */
}

/* In place of base/hash.h's: a call for a dozen bytes costs more than the hash. */
static inline uint64_t
kin_text(struct view v, uint64_t seed)
{
        uint64_t hash = kin_stir(seed, v.n);
        uint64_t word = 0;

        if (v.n < sizeof(word)) {
                for (size_t i = 0; i < v.n; i++)
                        word = word << 8 | (unsigned char)v.p[i];
                return kin_stir(hash, word);
        }
        for (size_t i = 0; i + sizeof(word) < v.n; i += sizeof(word)) {
                memcpy(&word, v.p + i, sizeof(word));
                hash = kin_stir(hash, word);
        }
        memcpy(&word, v.p + v.n - sizeof(word), sizeof(word));
        return kin_stir(hash, word);
}

/* A label's part of the sums; a name's hash may be kept. */
static inline uint64_t
kin_label(uint64_t name_hash, struct view value)
{
        uint64_t hash = kin_text(value, name_hash);

        return hash ^ hash >> 29;
}

#endif
