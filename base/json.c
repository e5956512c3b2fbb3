#include "base/json.h"

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/* Length of the valid UTF-8 sequence at p (at most n bytes), 0 when there is none. */
static size_t
sequence(const unsigned char *p, size_t n)
{
        size_t len;
        unsigned min;
        unsigned c;

        if (p[0] < 0x80)
                return 1;
        if (p[0] >= 0xc2 && p[0] <= 0xdf) {
                len = 2;
                min = 0x80;
                c = p[0] & 0x1fU;
        } else if ((p[0] & 0xf0) == 0xe0) {
                len = 3;
                min = 0x800;
                c = p[0] & 0x0fU;
        } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
                len = 4;
                min = 0x10000;
                c = p[0] & 0x07U;
        } else {
                return 0;
        }
        if (len > n)
                return 0;
        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        return len;
}

static int
put_escaped(struct buf *out, unsigned char c, struct err *e)
{
        switch (c) {
        case '"':
                return buf_append(out, "\\\"", 2, e);
        case '\\':
                return buf_append(out, "\\\\", 2, e);
        case '\n':
                return buf_append(out, "\\n", 2, e);
        case '\t':
                return buf_append(out, "\\t", 2, e);
        case '\r':
                return buf_append(out, "\\r", 2, e);
        default:
                return buf_printf(out, e, "\\u%04x", c);
        }
}

int
json_put_string(struct buf *out, struct view v, struct err *e)
{
        const unsigned char *p = (const unsigned char *)v.p;
        size_t i = 0;
        int rc = buf_putc(out, '"', e);

        while (rc == 0 && i < v.n) {
                size_t n = sequence(p + i, v.n - i);

                if (n == 0) {
                        rc = buf_append(out, "\xef\xbf\xbd", 3, e);
                        n = 1;
                } else if (n == 1 && (p[i] < 0x20 || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f)) {
                        rc = put_escaped(out, p[i], e);
                } else {
                        rc = buf_append(out, p + i, n, e);
                }
                i += n;
        }
        if (rc == 0)
                rc = buf_putc(out, '"', e);
        return rc;
}
