/*
 * What a target may answer to a GET: fed whole and in pieces whose length the first byte gives. No
 * crash; both ways find the same status, body and end; the body is never longer than the input.
 */
#include "base/err.h"
#include "scrape/httpanswer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct seen {
        uint64_t sum; /* of all bytes, by place */
        size_t headers;
        size_t bytes;
};

static void
take_header(void *arg, const char *p, size_t n)
{
        struct seen *s = arg;

        s->headers++;
        for (size_t i = 0; i < n; i++)
                s->sum = s->sum * 31 + (uint8_t)p[i];
}

static int
take_body(void *arg, const char *p, size_t n, struct err *e)
{
        struct seen *s = arg;

        (void)e;
        for (size_t i = 0; i < n; i++)
                s->sum = s->sum * 31 + (uint8_t)p[i];
        s->bytes += n;
        return 0;
}

static int
feed(struct http_answer *a, const char *p, size_t n, size_t step, struct seen *s)
{
        const struct http_answer_sink sink = {take_header, take_body, s};
        int rc = 0;

        http_answer_init(a);
        for (size_t i = 0; rc == 0 && i < n; i += step)
                rc = http_answer_feed(a, p + i, n - i < step ? n - i : step, &sink, NULL);
        http_answer_release(a);
        return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct http_answer whole;
        struct http_answer cut;
        struct seen a = {0, 0, 0};
        struct seen b = {0, 0, 0};
        const char *text = (const char *)data + 1;
        int rc;

        if (n < 2)
                return 0;
        rc = feed(&whole, text, n - 1, n, &a);
        if (feed(&cut, text, n - 1, (size_t)data[0] + 1, &b) != rc)
                abort();
        if (a.bytes >= n || memcmp(&a, &b, sizeof(a)) != 0)
                abort();
        if (rc == 0 && (whole.state != cut.state || whole.status != cut.status))
                abort();
        return 0;
}
