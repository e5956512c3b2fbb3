#include "base/buf.h"

#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
buf_reserve(struct buf *b, size_t more, struct err *e)
{
        size_t cap = b->cap > 0 ? b->cap : 64;
        char *ptr;

        if (more <= b->cap - b->len)
                return 0;
        if (more > b->max || b->len > b->max - more)
                return err_set(e, ERR_LIMIT, "buffer would pass its limit of %zu bytes", b->max);
        while (cap < b->len + more)
                cap = cap > b->max / 2 ? b->max : cap * 2;
        if (cap > b->max)
                cap = b->max;
        ptr = realloc(b->ptr, cap);
        if (ptr == NULL)
                return err_nomem(e, "a buffer");
        b->ptr = ptr;
        b->cap = cap;
        return 0;
}

int
buf_append(struct buf *b, const void *p, size_t n, struct err *e)
{
        int rc = buf_reserve(b, n, e);

        if (rc < 0)
                return rc;
        if (n > 0)
                memcpy(b->ptr + b->len, p, n);
        b->len += n;
        return 0;
}

int
buf_putc(struct buf *b, char c, struct err *e)
{
        return buf_append(b, &c, 1, e);
}

int
buf_puts(struct buf *b, const char *s, struct err *e)
{
        return buf_append(b, s, strlen(s), e);
}

int
buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
        va_list ap;
        int n;
        int rc;

        va_start(ap, fmt);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0)
                return err_set(e, ERR_SYS, "cannot format text");
        rc = buf_reserve(b, (size_t)n + 1, e);
        if (rc < 0)
                return rc;
        va_start(ap, fmt);
        (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->len += (size_t)n;
        return 0;
}

void
buf_reset(struct buf *b)
{
        b->len = 0;
}

void
buf_release(struct buf *b)
{
        if (b == NULL)
                return;
        free(b->ptr);
        b->ptr = NULL;
        b->len = 0;
        b->cap = 0;
}

void
buf_consume(struct buf *b, size_t n)
{
        assert(n <= b->len);
        if (n < b->len)
                memmove(b->ptr, b->ptr + n, b->len - n);
        b->len -= n;
}
