/*
 * An HTTP/1.1 answer to a GET, fed in pieces: head lines and body bytes are handed on where they
 * lie. Only the plain form is read (RFC 9112: a status line, CRLF, one Content-Length or chunks);
 * all else is refused as a whole, so that nothing is understood in two ways: libcurl is asked then.
 * Memory: a line that came in pieces, at most HTTP_ANSWER_LINES bytes.
 */
#ifndef SCRAPE_HTTPANSWER_H
#define SCRAPE_HTTPANSWER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Bytes of the head, of the trailers, of a chunk's size. */
enum { HTTP_ANSWER_LINES = 64 << 10 };

enum http_answer_state {
        HTTP_ANSWER_STATUS,
        HTTP_ANSWER_HEADERS,
        HTTP_ANSWER_CHUNK_SIZE,
        HTTP_ANSWER_CHUNK_END,
        HTTP_ANSWER_TRAILERS,
        HTTP_ANSWER_BODY, /* `left` bytes of the body or of a chunk */
        HTTP_ANSWER_DONE,
};

struct http_answer {
        enum http_answer_state state;
        int status; /* 200 to 299 or 400 to 599 */
        bool closes; /* "Connection: close" */
        bool excess; /* bytes came behind the end */
        bool chunked;
        bool has_length;
        uint64_t left;
        size_t line_bytes; /* of lines in a row */
        struct buf cut; /* owned; the start of a line whose end has not come */
};

struct http_answer_sink {
        /* A header line without its CRLF; valid during the call. */
        void (*header)(void *arg, const char *p, size_t n);
        /* Bytes of the body; an error ends the feeding with it. */
        int (*body)(void *arg, const char *p, size_t n, struct err *e);
        void *arg;
};

void http_answer_init(struct http_answer *a);
void http_answer_release(struct http_answer *a);
/* ERR_PARSE: not the plain form, or broken; ERR_NOMEM; or what sink->body returned. */
int http_answer_feed(struct http_answer *a, const char *p, size_t n,
    const struct http_answer_sink *sink, struct err *e);

static inline bool
http_answer_done(const struct http_answer *a)
{
        return a->state == HTTP_ANSWER_DONE;
}

#endif
