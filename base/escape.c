#include "base/escape.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* The n bytes at p are the character c; n is 0 when there is none. */
static int
put_one(struct buf *out, const char *p, size_t n, uint32_t c, struct err *e)
{
        if (n == 0 || (c != '\n' && utf8_hidden(c) && c < 0x80))
                return buf_printf(out, e, "\\x%02x", (unsigned)(unsigned char)*p);
        if (c == '\n')
                return buf_puts(out, "\\n", e);
        if (utf8_hidden(c))
                return buf_printf(out, e, "\\u%04x", (unsigned)c);
        return buf_append(out, p, n, e);
}

static int
put_text(struct buf *out, struct view v, bool quoted, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < v.n;) {
                uint32_t c = 0;
                size_t n = utf8_decode(v.p + i, v.n - i, &c);

                if (quoted && n == 1 && (c == '"' || c == '\\'))
                        rc = buf_putc(out, '\\', e);
                if (rc == 0)
                        rc = put_one(out, v.p + i, n, c, e);
                i += n > 0 ? n : 1;
        }
        return rc;
}

int
escape_put(struct buf *out, struct view v, struct err *e)
{
        return put_text(out, v, false, e);
}

int
escape_put_quoted(struct buf *out, struct view v, struct err *e)
{
        int rc = buf_putc(out, '"', e);

        if (rc == 0)
                rc = put_text(out, v, true, e);
        return rc == 0 ? buf_putc(out, '"', e) : rc;
}
