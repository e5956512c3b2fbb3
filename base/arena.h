/*
 * An arena: many small allocations that are given back together. One per scrape or per parsed
 * file; reset keeps the first block, so that a steady state allocates nothing.
 *
 * Not thread-safe. Pointers are valid until arena_reset or arena_release.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/view.h"

#include <stddef.h>

struct arena_block;

struct arena {
        struct arena_block *head; /* owned list, newest first */
        size_t used; /* bytes handed out from all blocks */
        size_t max; /* bytes; arena_alloc returns NULL beyond */
};

#define ARENA_INIT(max_bytes) \
        { \
                NULL, 0, (max_bytes) \
        }

/* 16-byte aligned memory, not zeroed; NULL when out of memory or over the bound. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* A copy with a 0 byte behind it. */
char *arena_strndup(struct arena *a, const char *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
/* A copy of v; p is NULL when there is no memory. */
struct view arena_view(struct arena *a, struct view v);
/* Overwrites all that was handed out: for secrets, before their arena is reset or released. */
void arena_wipe(struct arena *a);
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
