/*
 * A hash table from 64-bit hashes to 32-bit numbers: raw or final label hash → slot, or dropped
 * raw series → generation. The keys are hashes already, so their low bits are the bucket.
 *
 * Linear probing at a load of at most 0.8; 12 bytes per place. Not thread-safe.
 */
#ifndef SCRAPE_SLOTMAP_H
#define SCRAPE_SLOTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { SLOTMAP_NONE = -1 };

struct slotmap {
        uint64_t *keys; /* owned */
        uint32_t *values; /* owned; UINT32_MAX: an empty place */
        size_t places; /* a power of two, 0 before the first put */
        size_t used;
};

#define SLOTMAP_INIT \
        { \
                NULL, NULL, 0, 0 \
        }

/* Makes room for `count` entries in one go. */
int slotmap_reserve(struct slotmap *m, size_t count, struct err *e);
/* Puts or replaces; value < UINT32_MAX. */
int slotmap_put(struct slotmap *m, uint64_t key, uint32_t value, struct err *e);
/* The place of a key, NULL when it is not there; valid until the next put. */
uint32_t *slotmap_find(const struct slotmap *m, uint64_t key);
/* Keeps the entries of which keep(arg, value) is true; gives memory back when many go. */
int slotmap_filter(struct slotmap *m, bool (*keep)(const void *arg, uint32_t value),
    const void *arg, struct err *e);
size_t slotmap_memory(const struct slotmap *m);
void slotmap_release(struct slotmap *m);

#endif
