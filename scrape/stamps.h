/*
 * The newest timestamp that was handed to the log of series that bring their own: what comes at or
 * before it is out of order. By slot number, of series that have such a timestamp only. Pure; not
 * thread-safe.
 */
#ifndef SCRAPE_STAMPS_H
#define SCRAPE_STAMPS_H

#include "scrape/slotmap.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct stamps {
        struct slotmap index; /* slot → place in the two columns */
        uint32_t *slots; /* owned */
        int64_t *times; /* owned; ms */
        size_t n;
        size_t cap;
};

/* The time of a slot, NULL when it has none; valid until the next call that changes something. */
const int64_t *stamps_find(const struct stamps *st, uint32_t slot);
/* Sets or replaces. ERR_NOMEM. */
int stamps_set(struct stamps *st, uint32_t slot, int64_t time_ms, struct err *e);
/* As slots_remove_chunk: the chunk's slots go, those of later chunks move down. ERR_NOMEM: all are
 * forgotten. */
int stamps_remove_chunk(struct stamps *st, size_t chunk, struct err *e);
size_t stamps_memory(const struct stamps *st);
/* Forgets all and gives the memory back. */
void stamps_release(struct stamps *st);

#endif
