#include "base/json.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stddef.h>
#include <stdint.h>

static int
put_escaped(struct buf *out, uint32_t c, struct err *e)
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
                return buf_printf(out, e, "\\u%04x", (unsigned)c);
        }
}

int
json_put_string(struct buf *out, struct view v, struct err *e)
{
        size_t i = 0;
        int rc = buf_putc(out, '"', e);

        while (rc == 0 && i < v.n) {
                uint32_t c;
                size_t n = utf8_decode(v.p + i, v.n - i, &c);

                if (n == 0) {
                        rc = buf_append(out, "\xef\xbf\xbd", 3, e);
                        n = 1;
                } else if (c == '"' || c == '\\' || utf8_hidden(c)) {
                        rc = put_escaped(out, c, e);
                } else {
                        rc = buf_append(out, v.p + i, n, e);
                }
                i += n;
        }
        if (rc == 0)
                rc = buf_putc(out, '"', e);
        return rc;
}
