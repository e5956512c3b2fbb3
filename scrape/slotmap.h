/*
 * A hash table from 64-bit keys to 32-bit numbers: raw or final label hash → slot, dropped raw
 * series → generation, slot → place of its timestamp.
 *
 * Linear probing at a load of at most 0.8; 12 bytes per place. A large table lies in parts that
 * grow one by one, an eighth at a time: a table that doubled as a whole would take three times
 * what it needs while a page of a million new series is read. Not thread-safe.
 */
#ifndef SCRAPE_SLOTMAP_H
#define SCRAPE_SLOTMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct slotmap_part;

struct slotmap {
        struct slotmap_part *parts; /* owned */
        size_t n_parts; /* 0 before the first put, 1 while it is small */
        size_t used;
        size_t places;
};

#define SLOTMAP_INIT \
        { \
                NULL, 0, 0, 0 \
        }

/* Makes room for `count` entries in one go. */
int slotmap_reserve(struct slotmap *m, size_t count, struct err *e);
/* Puts or replaces; value < UINT32_MAX. */
int slotmap_put(struct slotmap *m, uint64_t key, uint32_t value, struct err *e);
/* The place of a key, NULL when it is not there; valid until the next put. */
uint32_t *slotmap_find(const struct slotmap *m, uint64_t key);
/* Keeps the entries of which keep(arg, value) is true; gives memory back when many go. After an
 * error some that were to go may still be there. */
int slotmap_filter(struct slotmap *m, bool (*keep)(const void *arg, uint32_t value),
    const void *arg, struct err *e);
size_t slotmap_memory(const struct slotmap *m);
void slotmap_release(struct slotmap *m);

#endif
