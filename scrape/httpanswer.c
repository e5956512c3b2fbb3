#include "scrape/httpanswer.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
        LENGTH_DIGITS = 18, /* fit 63 bits */
        CHUNK_DIGITS = 15,
        STATUS_BYTES = 12, /* "HTTP/1.1 200" */
};

void
http_answer_init(struct http_answer *a)
{
        *a = (struct http_answer){.cut = BUF_INIT(HTTP_ANSWER_LINES)};
}

void
http_answer_release(struct http_answer *a)
{
        buf_release(&a->cut);
}

static int
refuse(struct err *e, const char *what)
{
        return err_set(e, ERR_PARSE, "the answer is not plain HTTP/1.1: %s", what);
}

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static int
take_status(struct http_answer *a, struct view line, struct err *e)
{
        const char *p = line.p;

        if (line.n < STATUS_BYTES || memcmp(p, "HTTP/1.1 ", 9) != 0 || !is_digit(p[9]) ||
            !is_digit(p[10]) || !is_digit(p[11]) || (line.n > STATUS_BYTES && p[12] != ' '))
                return refuse(e, "its status line");
        a->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
        if (a->status < 200 || (a->status > 299 && a->status < 400) || a->status > 599)
                return refuse(e, "a status that asks for more");
        a->state = HTTP_ANSWER_HEADERS;
        return 0;
}

/* ---- headers ---- */

static int
take_length(struct http_answer *a, struct view v, struct err *e)
{
        if (a->has_length || v.n == 0 || v.n > LENGTH_DIGITS)
                return refuse(e, "its Content-Length");
        for (size_t i = 0; i < v.n; i++) {
                if (!is_digit(v.p[i]))
                        return refuse(e, "its Content-Length");
                a->left = a->left * 10 + (uint64_t)(v.p[i] - '0');
        }
        a->has_length = true;
        return 0;
}

static bool
is_word(struct view v, const char *word)
{
        return v.n == strlen(word) && strncasecmp(v.p, word, v.n) == 0;
}

static int
take_transfer_encoding(struct http_answer *a, struct view v, struct err *e)
{
        if (a->chunked || !is_word(v, "chunked"))
                return refuse(e, "its Transfer-Encoding");
        a->chunked = true;
        return 0;
}

static int
end_head(struct http_answer *a, struct err *e)
{
        if (a->chunked == a->has_length) /* both, or neither */
                return refuse(e, "the length of its body");
        if (a->chunked)
                a->state = HTTP_ANSWER_CHUNK_SIZE;
        else
                a->state = a->left > 0 ? HTTP_ANSWER_BODY : HTTP_ANSWER_DONE;
        return 0;
}

/* The value behind the colon, without the blanks around it. */
static struct view
value_of(struct view line, const char *colon)
{
        struct view v = {colon + 1, line.n - (size_t)(colon + 1 - line.p)};

        while (v.n > 0 && (*v.p == ' ' || *v.p == '\t')) {
                v.p++;
                v.n--;
        }
        while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
                v.n--;
        return v;
}

static int
take_header(
    struct http_answer *a, struct view line, const struct http_answer_sink *sink, struct err *e)
{
        const char *colon = memchr(line.p, ':', line.n);
        struct view name = {line.p, colon != NULL ? (size_t)(colon - line.p) : 0};
        int rc = 0;

        if (name.n == 0 || memchr(name.p, ' ', name.n) != NULL ||
            memchr(name.p, '\t', name.n) != NULL)
                return refuse(e, "a header");
        if (is_word(name, "Content-Length"))
                rc = take_length(a, value_of(line, colon), e);
        else if (is_word(name, "Transfer-Encoding"))
                rc = take_transfer_encoding(a, value_of(line, colon), e);
        else if (is_word(name, "Connection"))
                a->closes = a->closes || !is_word(value_of(line, colon), "keep-alive");
        if (rc == 0)
                sink->header(sink->arg, line.p, line.n);
        return rc;
}

/* ---- chunks ---- */

static int
hex_value(char c)
{
        if (is_digit(c))
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
take_chunk_size(struct http_answer *a, struct view line, struct err *e)
{
        size_t i = 0;

        a->left = 0;
        for (; i < line.n && hex_value(line.p[i]) >= 0; i++) {
                if (i == CHUNK_DIGITS)
                        return refuse(e, "the size of a chunk");
                a->left = a->left * 16 + (uint64_t)hex_value(line.p[i]);
        }
        if (i == 0 || (i < line.n && line.p[i] != ';'))
                return refuse(e, "the size of a chunk");
        a->state = a->left > 0 ? HTTP_ANSWER_BODY : HTTP_ANSWER_TRAILERS;
        return 0;
}

/* ---- lines and bytes ---- */

static int
use_line(
    struct http_answer *a, struct view line, const struct http_answer_sink *sink, struct err *e)
{
        switch (a->state) {
        case HTTP_ANSWER_STATUS:
                return take_status(a, line, e);
        case HTTP_ANSWER_HEADERS:
                return line.n == 0 ? end_head(a, e) : take_header(a, line, sink, e);
        case HTTP_ANSWER_CHUNK_SIZE:
                return take_chunk_size(a, line, e);
        case HTTP_ANSWER_CHUNK_END:
                if (line.n > 0)
                        return refuse(e, "the end of a chunk");
                a->state = HTTP_ANSWER_CHUNK_SIZE;
                return 0;
        default: /* trailers: what they say is not asked for */
                if (line.n == 0)
                        a->state = HTTP_ANSWER_DONE;
                return 0;
        }
}

/* Moves *p behind a line feed, or to the end: then the line is kept until the rest has come. */
static int
take_line(struct http_answer *a, const char **p, const char *end,
    const struct http_answer_sink *sink, struct err *e)
{
        const char *feed = memchr(*p, '\n', (size_t)(end - *p));
        struct view line = {*p, (size_t)((feed != NULL ? feed + 1 : end) - *p)};
        int rc;

        *p += line.n;
        a->line_bytes += line.n;
        if (a->line_bytes > HTTP_ANSWER_LINES)
                return refuse(e, "too many bytes of headers");
        if (feed == NULL || a->cut.len > 0) {
                rc = buf_append(&a->cut, line.p, line.n, e);
                if (rc < 0 || feed == NULL)
                        return rc;
                line = buf_view(&a->cut);
        }
        if (line.n < 2 || line.p[line.n - 2] != '\r' || memchr(line.p, '\0', line.n) != NULL)
                return refuse(e, "the end of a line");
        line.n -= 2;
        rc = use_line(a, line, sink, e);
        buf_reset(&a->cut);
        return rc;
}

static int
take_bytes(struct http_answer *a, const char **p, const char *end,
    const struct http_answer_sink *sink, struct err *e)
{
        size_t n = (size_t)(end - *p);
        const char *from = *p;

        if (n > a->left)
                n = (size_t)a->left;
        *p += n;
        a->left -= n;
        a->line_bytes = 0;
        if (a->left == 0)
                a->state = a->chunked ? HTTP_ANSWER_CHUNK_END : HTTP_ANSWER_DONE;
        return sink->body(sink->arg, from, n, e);
}

int
http_answer_feed(struct http_answer *a, const char *p, size_t n,
    const struct http_answer_sink *sink, struct err *e)
{
        const char *end = p + n;

        while (p < end && a->state != HTTP_ANSWER_DONE) {
                int rc = a->state == HTTP_ANSWER_BODY ? take_bytes(a, &p, end, sink, e)
                                                      : take_line(a, &p, end, sink, e);

                if (rc < 0)
                        return rc;
        }
        a->excess = a->excess || p < end;
        return 0;
}
