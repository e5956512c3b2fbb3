/*
 * A growable byte buffer with an upper bound. The bound is set when the buffer is made, so that
 * nothing that comes from outside can make it grow without limit.
 *
 * The struct is the caller's; buf_release frees what it holds. After a failed call the contents
 * are as before. Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct buf {
        char *ptr; /* owned; NULL until the first byte */
        size_t len;
        size_t cap;
        size_t max; /* bytes; ERR_LIMIT beyond */
};

#define BUF_INIT(max_bytes) \
        { \
                NULL, 0, 0, (max_bytes) \
        }

/* Makes room for `more` bytes after len; *ptr + len is then writable for that many. */
int buf_reserve(struct buf *b, size_t more, struct err *e);
int buf_append(struct buf *b, const void *p, size_t n, struct err *e);
int buf_putc(struct buf *b, char c, struct err *e);
int buf_puts(struct buf *b, const char *s, struct err *e);
int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Empties without giving memory back. */
void buf_reset(struct buf *b);
/* Empties and gives memory back; the buffer may be used again. NULL-safe. */
void buf_release(struct buf *b);
/* Takes the first n bytes away, moving the rest to the front. */
void buf_consume(struct buf *b, size_t n);

static inline struct view
buf_view(const struct buf *b)
{
        return (struct view){b->ptr, b->len};
}

#endif
