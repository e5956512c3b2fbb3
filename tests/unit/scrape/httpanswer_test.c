#include "scrape/httpanswer.h"

#include "base/err.h"
#include "tests/testing/testing.h"

#include <stdlib.h>

struct seen {
        char headers[512]; /* one after the other, '|' behind each */
        char body[512];
};

static void
take_header(void *arg, const char *p, size_t n)
{
        struct seen *s = arg;
        size_t len = strlen(s->headers);

        (void)snprintf(s->headers + len, sizeof(s->headers) - len, "%.*s|", (int)n, p);
}

static int
take_body(void *arg, const char *p, size_t n, struct err *e)
{
        struct seen *s = arg;
        size_t len = strlen(s->body);

        if (memchr(p, '!', n) != NULL)
                return err_set(e, ERR_LIMIT, "refused");
        (void)snprintf(s->body + len, sizeof(s->body) - len, "%.*s", (int)n, p);
        return 0;
}

/* Feeds the text in pieces of `step` bytes; each is a copy of its own, so that a sanitizer sees
 * what is read beyond it. */
static int
feed(struct http_answer *a, const char *text, size_t step, struct seen *s, struct err *e)
{
        const struct http_answer_sink sink = {take_header, take_body, s};
        size_t n = strlen(text);
        int rc = 0;

        http_answer_init(a);
        for (size_t i = 0; rc == 0 && i < n; i += step) {
                size_t piece = n - i < step ? n - i : step;
                char *copy = malloc(piece);

                assert_non_null(copy);
                memcpy(copy, text + i, piece);
                rc = http_answer_feed(a, copy, piece, &sink, e);
                free(copy);
        }
        return rc;
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

struct good_case {
        const char *text;
        int status;
        bool done;
        bool closes;
        bool excess;
        const char *headers;
        const char *body;
};

static const struct good_case good_cases[] = {
    {OK "Content-Length: 4\r\n\r\na 1\n", 200, true, false, false, "Content-Length: 4|", "a 1\n"},
    {OK "content-length:  4 \r\n\r\na 1", 200, false, false, false, "content-length:  4 |", "a 1"},
    {OK "Content-Length: 0\r\n\r\n", 200, true, false, false, "Content-Length: 0|", ""},
    {"HTTP/1.1 503\r\nContent-Length: 2\r\n\r\nno", 503, true, false, false, "Content-Length: 2|",
        "no"},
    {OK "X: y\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", 200, true, true, false,
        "X: y|Connection: close|Content-Length: 1|", "a"},
    {OK "Connection: keep-alive\r\nContent-Length: 1\r\n\r\na", 200, true, false, false,
        "Connection: keep-alive|Content-Length: 1|", "a"},
    {OK "Connection: foo, close\r\nContent-Length: 1\r\n\r\na", 200, true, true, false,
        "Connection: foo, close|Content-Length: 1|", "a"},
    {OK "Content-Length: 1\r\n\r\naHTTP", 200, true, false, true, "Content-Length: 1|", "a"},
    {CHUNKED "3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n", 200, true, false, false,
        "Transfer-Encoding: chunked|", "abc0123456789"},
    {CHUNKED "0\r\nX: y\r\nZ\r\n\r\n", 200, true, false, false, "Transfer-Encoding: chunked|", ""},
    {CHUNKED "000\r\n\r\nx", 200, true, false, true, "Transfer-Encoding: chunked|", ""},
    {CHUNKED "3\r\nab", 200, false, false, false, "Transfer-Encoding: chunked|", "ab"},
    {CHUNKED "3\r\nabc", 200, false, false, false, "Transfer-Encoding: chunked|", "abc"},
    {CHUNKED "3\r\nabc\r\n0\r\n", 200, false, false, false, "Transfer-Encoding: chunked|", "abc"},
    {"HTTP/1.1 20", 0, false, false, false, "", ""},
};

static void
plain_answers(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(good_cases) / sizeof(good_cases[0]); i++) {
                const struct good_case *c = &good_cases[i];

                for (size_t step = 1; step <= strlen(c->text); step++) {
                        struct http_answer a;
                        struct seen s = {"", ""};
                        struct err e = ERR_INIT;

                        testing_ok(feed(&a, c->text, step, &s, &e), &e);
                        assert_int_equal(a.status, c->status);
                        assert_int_equal(http_answer_done(&a), c->done);
                        assert_int_equal(a.closes, c->closes);
                        /* bytes behind the end are seen when they come with it, or later */
                        assert_int_equal(a.excess, c->excess);
                        assert_string_equal(s.headers, c->headers);
                        assert_string_equal(s.body, c->body);
                        http_answer_release(&a);
                }
        }
}

struct bad_case {
        const char *text;
        const char *want; /* part of the sentence */
};

static const struct bad_case bad_cases[] = {
    {"HTTP/1.0 200 OK\r\n", "status line"},
    {"HTTP/1.1 2x0 OK\r\n", "status line"},
    {"HTTP/1.1 2000\r\n", "status line"},
    {"ICY 200 OK\r\n", "status line"},
    {"HTTP/1.1 200 OK\n", "the end of a line"},
    {"\r\n", "status line"},
    {"HTTP/1.1 100 Continue\r\n", "asks for more"},
    {"HTTP/1.1 302 Found\r\n", "asks for more"},
    {"HTTP/1.1 600 What\r\n", "asks for more"},
    {OK "\r\n", "the length of its body"},
    {OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "the length of its body"},
    {OK "Content-Length: 1\r\nContent-Length: 1\r\n", "its Content-Length"},
    {OK "Content-Length: \r\n", "its Content-Length"},
    {OK "Content-Length: -1\r\n", "its Content-Length"},
    {OK "Content-Length: 1,1\r\n", "its Content-Length"},
    {OK "Content-Length: 1234567890123456789\r\n", "its Content-Length"},
    {OK "Transfer-Encoding: gzip, chunked\r\n", "its Transfer-Encoding"},
    {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "its Transfer-Encoding"},
    {OK " folded: line\r\n", "a header"},
    {OK "no colon\r\n", "a header"},
    {OK ": no name\r\n", "a header"},
    {OK "Content-Length : 1\r\n", "a header"},
    {OK "a: b\n", "the end of a line"},
    {CHUNKED "\r\n", "the size of a chunk"},
    {CHUNKED "x\r\n", "the size of a chunk"},
    {CHUNKED "3 \r\n", "the size of a chunk"},
    {CHUNKED "-3\r\n", "the size of a chunk"},
    {CHUNKED "1000000000000000\r\n", "the size of a chunk"},
    {CHUNKED "3\r\nabcd\r\n", "the end of a chunk"},
    {CHUNKED "3\r\nabc\n", "the end of a line"},
};

static void
other_answers_are_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
                const struct bad_case *c = &bad_cases[i];

                print_message("  %s\n", c->want);
                for (size_t step = 1; step <= strlen(c->text); step++) {
                        struct http_answer a;
                        struct seen s = {"", ""};
                        struct err e = ERR_INIT;

                        assert_int_equal(feed(&a, c->text, step, &s, &e), ERR_PARSE);
                        if (strstr(e.msg, c->want) == NULL)
                                fail_msg("message is \"%s\"", e.msg);
                        http_answer_release(&a);
                }
        }
}

static void
zero_bytes_in_the_head_are_refused(void **state)
{
        static const char text[] = "HTTP/1.1 200 OK\r\nX: \0y\r\n";
        struct seen s = {"", ""};
        const struct http_answer_sink sink = {take_header, take_body, &s};
        struct http_answer a;

        (void)state;
        http_answer_init(&a);
        assert_int_equal(http_answer_feed(&a, text, sizeof(text) - 1, &sink, NULL), ERR_PARSE);
        http_answer_release(&a);
}

static void
heads_have_a_bound(void **state)
{
        struct seen s = {"", ""};
        const struct http_answer_sink sink = {take_header, take_body, &s};
        struct http_answer a;
        struct err e = ERR_INIT;
        int rc = 0;

        (void)state;
        http_answer_init(&a);
        assert_int_equal(http_answer_feed(&a, OK, strlen(OK), &sink, &e), 0);
        for (int i = 0; rc == 0 && i < HTTP_ANSWER_LINES; i++)
                rc = http_answer_feed(&a, "a:b\r\n", 5, &sink, &e);
        assert_int_equal(rc, ERR_PARSE);
        assert_non_null(strstr(e.msg, "too many bytes"));
        http_answer_release(&a);
        http_answer_init(&a);
        for (rc = 0; rc == 0;)
                rc = http_answer_feed(&a, "HTTP/1.1", 8, &sink, &e);
        assert_int_equal(rc, ERR_PARSE);
        http_answer_release(&a);
}

static void
what_the_sink_returns_ends_it(void **state)
{
        struct http_answer a;
        struct seen s = {"", ""};
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(feed(&a, CHUNKED "3\r\nab!\r\n", 1000, &s, &e), ERR_LIMIT);
        assert_string_equal(e.msg, "refused");
        http_answer_release(&a);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(plain_answers),
            cmocka_unit_test(other_answers_are_refused),
            cmocka_unit_test(zero_bytes_in_the_head_are_refused),
            cmocka_unit_test(heads_have_a_bound),
            cmocka_unit_test(what_the_sink_returns_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
