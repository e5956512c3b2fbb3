#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 4096, ARENA_ALIGN = 16 };

struct arena_block {
        struct arena_block *next;
        size_t cap;
        size_t len;
        _Alignas(ARENA_ALIGN) char data[];
};

static struct arena_block *
add_block(struct arena *a, size_t need)
{
        size_t cap = need > ARENA_BLOCK ? need : ARENA_BLOCK;
        struct arena_block *b = malloc(sizeof(*b) + cap);

        if (b == NULL)
                return NULL;
        b->cap = cap;
        b->len = 0;
        b->next = a->head;
        a->head = b;
        return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
        struct arena_block *b = a->head;
        void *p;

        if (n > SIZE_MAX - ARENA_ALIGN)
                return NULL;
        n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
        if (n > a->max || a->used > a->max - n)
                return NULL;
        if (b == NULL || n > b->cap - b->len) {
                b = add_block(a, n);
                if (b == NULL)
                        return NULL;
        }
        p = b->data + b->len;
        b->len += n;
        a->used += n;
        return p;
}

void *
arena_calloc(struct arena *a, size_t count, size_t size)
{
        void *p;

        if (size > 0 && count > SIZE_MAX / size)
                return NULL;
        p = arena_alloc(a, count * size);
        if (p != NULL)
                memset(p, 0, count * size);
        return p;
}

char *
arena_strndup(struct arena *a, const char *p, size_t n)
{
        char *copy = arena_alloc(a, n + 1);

        if (copy == NULL)
                return NULL;
        if (n > 0)
                memcpy(copy, p, n);
        copy[n] = '\0';
        return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
        return arena_strndup(a, s, strlen(s));
}

struct view
arena_view(struct arena *a, struct view v)
{
        char *p = arena_strndup(a, v.p, v.n);

        return (struct view){p, p != NULL ? v.n : 0};
}

void
arena_wipe(struct arena *a)
{
        for (struct arena_block *b = a->head; b != NULL; b = b->next)
                explicit_bzero(b->data, b->len);
}

void
arena_reset(struct arena *a)
{
        struct arena_block *keep = NULL;

        while (a->head != NULL) {
                struct arena_block *next = a->head->next;

                if (next == NULL && a->head->cap == ARENA_BLOCK) {
                        keep = a->head;
                } else {
                        free(a->head);
                }
                a->head = next;
        }
        if (keep != NULL)
                keep->len = 0;
        a->head = keep;
        a->used = 0;
}

void
arena_release(struct arena *a)
{
        while (a->head != NULL) {
                struct arena_block *next = a->head->next;

                free(a->head);
                a->head = next;
        }
        a->used = 0;
}
