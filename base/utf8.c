#include "base/utf8.h"

static int
is_continuation(unsigned char c)
{
        return (c & 0xc0) == 0x80;
}

/* Bytes of the sequence that starts with c, 0 when none does. */
static size_t
length_of(unsigned char c)
{
        if (c < 0x80)
                return 1;
        if (c >= 0xc2 && c <= 0xdf)
                return 2;
        if (c >= 0xe0 && c <= 0xef)
                return 3;
        if (c >= 0xf0 && c <= 0xf4)
                return 4;
        return 0;
}

size_t
utf8_decode(const char *p, size_t n, uint32_t *out)
{
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        const unsigned char *u = (const unsigned char *)p;
        size_t len = length_of(u[0]);
        uint32_t c;

        if (len <= 1) {
                *out = u[0];
                return len;
        }
        if (len > n)
                return 0;
        c = u[0] & (0x7fU >> len);
        for (size_t i = 1; i < len; i++) {
                if (!is_continuation(u[i]))
                        return 0;
                c = c << 6 | (u[i] & 0x3fU);
        }
        if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *out = c;
        return len;
}

size_t
utf8_cut(const char *p, size_t n, size_t max)
{
        size_t at = n < max ? n : max;

        for (size_t back = 1; at < n && back < UTF8_MAX && back <= at; back++) {
                size_t len = length_of((unsigned char)p[at - back]);

                if (len > 0)
                        return len > back ? at - back : at;
        }
        return at;
}

size_t
utf8_encode(uint32_t c, char *out)
{
        size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

        if (len == 1) {
                out[0] = (char)c;
                return 1;
        }
        for (size_t i = len - 1; i > 0; i--) {
                out[i] = (char)(0x80 | (c & 0x3f));
                c >>= 6;
        }
        out[0] = (char)((0xf00U >> len & 0xf0U) | c);
        return len;
}

bool
utf8_hidden(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
            (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}
