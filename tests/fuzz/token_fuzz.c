/*
 * What a server of tokens may answer: a content type up to a line feed, then the body. No crash;
 * what becomes a header is one line, and what is told of a refusal prints.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/http_token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_line(const struct buf *b)
{
        if (b->len < sizeof("Authorization: ") || b->ptr[b->len - 1] != '\0' ||
            strlen(b->ptr) != b->len - 1 || strpbrk(b->ptr, "\r\n") != NULL)
                abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        const char *text = (const char *)data;
        const char *line = n > 0 ? memchr(text, '\n', n) : NULL;
        struct view type = {text, line != NULL ? (size_t)(line - text) : 0};
        size_t skip = line != NULL ? type.n + 1 : 0;
        struct view body = {text + skip, n - skip};
        struct buf out = BUF_INIT(4096);
        struct err e = ERR_INIT;
        char refusal[512];
        int64_t seconds = -1;

        if (http_token_parse(type, body, &out, &seconds, &e) == 0)
                check_line(&out);
        if (seconds < 0)
                abort();
        buf_release(&out);
        http_token_refusal(body, refusal, sizeof(refusal));
        for (const char *p = refusal; *p != '\0'; p++) {
                if (*p < 0x20 || *p > 0x7e)
                        abort();
        }
        return 0;
}
