#include "scrape/fetch.h"

#include "base/clock.h"
#include "base/http.h"
#include "base/memory.h"
#include "scrape/job.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

enum { BIG_PAGE = 3 << 20, TIMEOUT_MS = 20000 };

/* What the server answers, chosen by the request's path. */
struct page {
        const char *path;
        struct testing_reply reply;
};

static char *big; /* BIG_PAGE bytes of lines */
static char *big_gzipped; /* the same ten times over, in two members */
static size_t big_gzipped_bytes;
static char gzipped_empty[64];
static size_t gzipped_empty_bytes;
static char seen_headers[4096]; /* of the last request; read when the server is stopped or idle */

#define TEXT "Content-Type: text/plain; version=0.0.4\r\n"
#define GZIPPED TEXT "Content-Encoding: gzip\r\n"

static struct page pages[] = {
    {"/plain", {.status = 200, .headers = TEXT, .body = "a 1\nb 2\n"}},
    {"/empty", {.status = 200}},
    {"/untyped", {.status = 200, .body = "a 1\n"}},
    {"/html", {.status = 200, .headers = "Content-Type: text/html\r\n", .body = "a 1\n"}},
    {"/broken", {.status = 200, .headers = "Content-Type: text/plain; a\r\n", .body = "a 1\n"}},
    {"/openmetrics",
        {.status = 200,
            .headers = "Content-Type: application/openmetrics-text\r\n",
            .body = "# EOF\n"}},
    {"/404", {.status = 404, .headers = TEXT, .body = "not here"}},
    {"/202", {.status = 202, .headers = TEXT, .body = "a 1\n"}},
    {"/302", {.status = 302, .headers = "Location: /plain\r\n", .body = "moved"}},
    {"/loop", {.status = 302, .headers = "Location: /loop\r\n"}},
    {"/file", {.status = 302, .headers = "Location: file:///etc/passwd\r\n"}},
    {"/deflated",
        {.status = 200, .headers = TEXT "Content-Encoding: deflate\r\n", .body = "a 1\n"}},
    {"/not-gzip", {.status = 200, .headers = GZIPPED, .body = "a 1\n"}},
    {"/hang", {.how = BREAK_HANG}},
    {"/cut",
        {.status = 200,
            .headers = TEXT,
            .body = "a 1\nb 2\nc 3\nd 4\ne 5\nf 6\n"
                    "g 7\nh 8\ni 9\nj 10\n",
            .how = BREAK_MIDDLE}},
    {"/gone", {.how = BREAK_BEFORE}},
    {"/big", {.status = 200, .headers = TEXT}},
    {"/big.gz", {.status = 200, .headers = GZIPPED}},
    {"/empty.gz", {.status = 200, .headers = GZIPPED}},
    {"/big-404", {.status = 404, .headers = TEXT}},
    {"/cut.gz", {.status = 200, .headers = GZIPPED}},
};

static struct page *
find_page(const char *path)
{
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                if (strcmp(pages[i].path, path) == 0)
                        return &pages[i];
        }
        return NULL;
}

static void
serve(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        const struct page *p = find_page(request->target);

        (void)arg;
        (void)snprintf(seen_headers, sizeof(seen_headers), "%s", request->headers);
        if (p != NULL)
                *reply = p->reply;
        else
                reply->status = 500;
}

static size_t
gzip(const char *p, size_t n, char *out, size_t cap)
{
        z_stream z = {0};

        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (unsigned char *)(uintptr_t)p;
        z.avail_in = (unsigned)n;
        z.next_out = (unsigned char *)out;
        z.avail_out = (unsigned)cap;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        n = cap - z.avail_out;
        (void)deflateEnd(&z);
        return n;
}

static void
make_pages(void)
{
        const size_t cap = BIG_PAGE * 2;

        big = malloc(BIG_PAGE + 1);
        assert_non_null(big);
        for (size_t i = 0; i < BIG_PAGE; i += 16)
                (void)snprintf(big + i, 17, "s%013zu\n ", i % 9999999);
        big[BIG_PAGE] = '\0';
        big_gzipped = malloc(cap);
        assert_non_null(big_gzipped);
        for (int i = 0; i < 10; i++)
                big_gzipped_bytes +=
                    gzip(big, BIG_PAGE, big_gzipped + big_gzipped_bytes, cap - big_gzipped_bytes);
        gzipped_empty_bytes = gzip("", 0, gzipped_empty, sizeof(gzipped_empty));
        find_page("/big")->reply.body = big;
        find_page("/big-404")->reply.body = big;
        find_page("/big.gz")->reply.body = big_gzipped;
        find_page("/big.gz")->reply.body_bytes = big_gzipped_bytes;
        find_page("/cut.gz")->reply.body = big_gzipped;
        find_page("/cut.gz")->reply.body_bytes = big_gzipped_bytes / 2 - 7; /* inside a member */
        find_page("/empty.gz")->reply.body = gzipped_empty;
        find_page("/empty.gz")->reply.body_bytes = gzipped_empty_bytes;
}

/* ---- one fetch ---- */

struct world {
        struct testing_server *server;
        struct fetcher *fetcher;
        struct http_options options;
        struct http_client *client;
        struct scrape_job job;
};

static int
set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        struct testing_server_options o = {.handler = serve};
        struct err e = ERR_INIT;

        w->server = testing_server_start(&o);
        testing_ok(fetcher_new(&w->fetcher, &e), &e);
        http_options_init(&w->options);
        testing_ok(http_client_new(&w->options, TLS_1_2, &w->client, &e), &e);
        w->job = (struct scrape_job){.name = "j",
            .enable_compression = true,
            .accept_text_1_0_0 = true,
            .accept_text_0_0_4 = true,
            .escaping = "allow-utf-8"};
        *state = w;
        return 0;
}

static int
tear_down(void **state)
{
        struct world *w = *state;

        fetcher_free(w->fetcher);
        http_client_free(w->client);
        testing_server_stop(w->server);
        free(w);
        assert_int_equal(memory_of(MEMORY_STAGING), 0);
        return 0;
}

struct outcome {
        struct fetch_result result;
        bool done;
        uint64_t bytes;
        uint64_t largest_turn; /* most bytes between two calls of new_turn */
        uint64_t turn_bytes;
        char text[256]; /* the page's beginning */
        int refuse_at; /* the piece that fails; 0: none */
        int pieces;
};

static int
take_piece(void *arg, const char *p, size_t n, struct err *e)
{
        struct outcome *o = arg;
        size_t room = sizeof(o->text) - 1 - strlen(o->text);

        o->pieces++;
        if (o->refuse_at > 0 && o->pieces >= o->refuse_at)
                return err_set(e, ERR_PARSE, "refused");
        memcpy(o->text + strlen(o->text), p, n < room ? n : room);
        o->bytes += n;
        o->turn_bytes += n;
        if (o->turn_bytes > o->largest_turn)
                o->largest_turn = o->turn_bytes;
        return 0;
}

static void
take_result(void *arg, const struct fetch_result *r)
{
        struct outcome *o = arg;

        assert_false(o->done);
        o->result = *r;
        o->done = true;
}

static struct fetch *
start(struct world *w, const char *path, int64_t timeout_ms, struct outcome *o)
{
        static char urls[8][256];
        static unsigned next;
        char *url = urls[next++ % 8];
        struct fetch_request r = {.client = w->client,
            .job = &w->job,
            .url = url,
            .timeout_ms = timeout_ms,
            .piece = take_piece,
            .done = take_result,
            .arg = o};
        struct fetch *x = NULL;
        struct err e = ERR_INIT;

        (void)snprintf(url, 256, "%s%s", testing_server_url(w->server), path);
        testing_ok(fetch_start(w->fetcher, &r, &x, &e), &e);
        return x;
}

static void
turn(struct world *w)
{
        struct err e = ERR_INIT;

        testing_ok(fetcher_turn(w->fetcher, 100, &e), &e);
}

static void
get(struct world *w, const char *path, struct outcome *o)
{
        (void)start(w, path, TIMEOUT_MS, o);
        while (!o->done) {
                o->turn_bytes = 0;
                turn(w);
        }
}

struct get_case {
        const char *path;
        bool fallback;
        int want_rc;
        long want_status;
        const char *want; /* the page, or part of the message */
};

static const struct get_case get_cases[] = {
    {"/plain", false, 0, 200, "a 1\nb 2\n"},
    {"/empty", false, 0, 200, ""},
    {"/empty.gz", false, 0, 200, ""},
    {"/untyped", true, 0, 200, "a 1\n"},
    {"/untyped", false, ERR_REFUSED, 200, "sent no Content-Type"},
    {"/html", true, 0, 200, "a 1\n"},
    {"/html", false, ERR_REFUSED, 200, "\"text/html\", which is not one of metrics"},
    {"/broken", true, 0, 200, "a 1\n"},
    {"/broken", false, ERR_REFUSED, 200, "cannot parse Content-Type \"text/plain; a\""},
    {"/openmetrics", true, ERR_REFUSED, 200, "which is not supported yet"},
    {"/404", false, ERR_REFUSED, 404, "the server returned HTTP status 404"},
    {"/202", false, ERR_REFUSED, 202, "the server returned HTTP status 202"},
    {"/big-404", false, ERR_REFUSED, 404, "the server returned HTTP status 404"},
    {"/302", false, 0, 200, "a 1\nb 2\n"},
    {"/loop", false, ERR_AGAIN, 302, "redirect"},
    {"/file", false, ERR_AGAIN, 302, "file"},
    {"/deflated", false, 0, 200, "a 1\n"},
    {"/not-gzip", false, ERR_PARSE, 200, "gzip body is damaged"},
    {"/cut.gz", false, ERR_PARSE, 200, "gzip body is cut short"},
    {"/cut", false, ERR_AGAIN, 200, ""},
    {"/gone", false, ERR_AGAIN, 0, ""},
};

static void
gets(void **state)
{
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(get_cases) / sizeof(get_cases[0]); i++) {
                const struct get_case *c = &get_cases[i];
                struct outcome o = {0};

                print_message("  %s%s\n", c->path, c->fallback ? " with fallback" : "");
                w->job.fallback_text = c->fallback;
                get(w, c->path, &o);
                if (o.result.rc != c->want_rc)
                        fail_msg("%d: %s", o.result.rc, o.result.err.msg);
                assert_int_equal(o.result.status, c->want_status);
                if (c->want_rc == 0) {
                        assert_string_equal(o.text, c->want);
                        assert_int_equal(o.result.page_bytes, strlen(c->want));
                } else if (strstr(o.result.err.msg, c->want) == NULL) {
                        fail_msg("message is \"%s\"", o.result.err.msg);
                }
        }
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
}

static void
no_redirects(void **state)
{
        struct world *w = *state;
        struct outcome o = {0};

        w->options.follow_redirects = false;
        get(w, "/302", &o);
        assert_int_equal(o.result.rc, ERR_REFUSED);
        assert_string_equal(o.result.err.msg, "the server returned HTTP status 302");
}

/* ---- headers ---- */

static void
check_header(const char *name, const char *want)
{
        struct testing_request r = {.headers = seen_headers};
        char got[512];

        assert_string_equal(testing_header(&r, name, got, sizeof(got)), want);
}

static void
sends_headers(void **state)
{
        struct world *w = *state;
        struct outcome o = {0};

        get(w, "/plain", &o);
        check_header("User-Agent", http_user_agent());
        check_header("Accept-Encoding", "gzip");
        check_header("X-Prometheus-Scrape-Timeout-Seconds", "20");
        check_header("Accept",
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.4");
        w->job.enable_compression = false;
        w->job.accept_text_1_0_0 = false;
        o = (struct outcome){0};
        (void)start(w, "/plain", 2500, &o);
        while (!o.done)
                turn(w);
        check_header("Accept-Encoding", "identity");
        check_header("X-Prometheus-Scrape-Timeout-Seconds", "2.5");
        check_header("Accept", "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
}

static void
accepts(void **state)
{
        static const struct {
                bool v1;
                bool v0;
                const char *escaping;
                const char *want;
        } cases[] = {
            {true, true, "allow-utf-8",
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;"
                "q=0.5,*/*;q=0.4"},
            {true, false, "underscores",
                "text/plain;version=1.0.0;escaping=underscores;q=0.6,"
                "*/*;q=0.5"},
            {false, true, "values", "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"},
            {false, false, "values", "*/*;q=0.6"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct scrape_job job = {.accept_text_1_0_0 = cases[i].v1,
                    .accept_text_0_0_4 = cases[i].v0,
                    .escaping = cases[i].escaping};
                struct buf got = BUF_INIT(1024);

                testing_ok(fetch_accept(&job, &got, NULL), NULL);
                testing_ok(buf_putc(&got, '\0', NULL), NULL);
                assert_string_equal(got.ptr, cases[i].want);
                buf_release(&got);
        }
}

/* ---- size, time, fairness ---- */

static void
body_limit_counts_decompressed_bytes(void **state)
{
        struct world *w = *state;
        struct outcome fits = {0};
        struct outcome reaches = {0};
        struct outcome bomb = {0};

        w->job.body_size_limit = 9;
        get(w, "/plain", &fits);
        testing_ok(fits.result.rc, &fits.result.err);
        assert_false(fits.result.over_body_limit);
        w->job.body_size_limit = 8;
        get(w, "/plain", &reaches);
        assert_int_equal(reaches.result.rc, ERR_LIMIT);
        assert_true(reaches.result.over_body_limit);
        w->job.body_size_limit = BIG_PAGE * 4;
        assert_true(big_gzipped_bytes < BIG_PAGE * 4);
        get(w, "/big.gz", &bomb);
        assert_int_equal(bomb.result.rc, ERR_LIMIT);
        assert_true(bomb.bytes < BIG_PAGE * 4);
}

static void
big_pages_come_in_turns(void **state)
{
        static const struct {
                const char *path;
                uint64_t bytes;
                uint64_t turn;
        } cases[] = {
            {"/big", BIG_PAGE, (256 << 10) + (32 << 10)},
            /* one piece from the wire may be any number of decompressed bytes */
            {"/big.gz", BIG_PAGE * UINT64_C(10), (256 << 10) + (16 << 10) * 40},
        };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct outcome o = {0};

                get(w, cases[i].path, &o);
                testing_ok(o.result.rc, &o.result.err);
                assert_int_equal(o.bytes, cases[i].bytes);
                assert_int_equal(o.result.page_bytes, cases[i].bytes);
                assert_in_range(o.largest_turn, 1, cases[i].turn);
        }
}

/* A piece that fails after a pause: libcurl tells that elsewhere than other failures. */
static void
piece_fails(void **state)
{
        struct world *w = *state;

        for (int at = 1; at < 190; at += 3) {
                struct outcome o = {.refuse_at = at};

                get(w, "/big", &o);
                assert_int_equal(o.result.rc, ERR_PARSE);
                assert_string_equal(o.result.err.msg, "refused");
                assert_int_equal(o.pieces, at);
        }
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
}

static void
times_out(void **state)
{
        struct world *w = *state;
        struct outcome o = {0};

        (void)start(w, "/hang", 50, &o);
        while (!o.done)
                turn(w);
        assert_int_equal(o.result.rc, ERR_AGAIN);
        assert_string_equal(o.result.err.msg, "the scrape took longer than its timeout of 50 ms");
        assert_int_equal(o.result.status, 0);
}

static void
slow_target_delays_no_other(void **state)
{
        struct world *w = *state;
        struct outcome slow = {0};
        struct outcome fast = {0};
        struct fetch *x = start(w, "/hang", TIMEOUT_MS, &slow);

        get(w, "/plain", &fast);
        testing_ok(fast.result.rc, &fast.result.err);
        assert_false(slow.done);
        fetch_cancel(w->fetcher, x);
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
        turn(w);
        assert_false(slow.done);
}

static void
given_up_in_flight(void **state)
{
        struct world *w = *state;
        struct outcome o[4] = {0};

        for (int i = 0; i < 4; i++)
                (void)start(w, i % 2 == 0 ? "/hang" : "/big", TIMEOUT_MS, &o[i]);
        turn(w);
        turn(w);
        /* tear_down frees the fetcher: nothing is called, nothing leaks */
}

/* ---- connections ---- */

static void
keeps_connections(void **state)
{
        struct world *w = *state;
        struct outcome first = {0};

        fetcher_expect(w->fetcher, 1, 15000);
        get(w, "/plain", &first);
        assert_int_equal(first.result.connections_opened, 1);
        for (int i = 0; i < 5; i++) {
                struct outcome o = {0};

                get(w, i == 2 ? "/404" : "/plain", &o);
                assert_int_equal(o.result.connections_opened, 0);
        }
        assert_int_equal(testing_server_connections(w->server), 1);
}

static void
connection_closed_by_the_target(void **state)
{
        struct world *w = *state;
        struct outcome first = {0};
        struct outcome second = {0};

        get(w, "/plain", &first);
        testing_server_drop(w->server);
        get(w, "/plain", &second);
        testing_ok(second.result.rc, &second.result.err);
        assert_string_equal(second.text, "a 1\nb 2\n");
}

static void
refuses_what_is_not_http(void **state)
{
        static const char *const urls[] = {"//host/metrics", "file:///etc/passwd", "ftp://h/", ""};
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
                struct fetch_request r = {
                    .client = w->client, .job = &w->job, .url = urls[i], .timeout_ms = 1000};
                struct fetch *x = NULL;
                struct err e = ERR_INIT;

                assert_int_equal(fetch_start(w->fetcher, &r, &x, &e), ERR_CONFIG);
                assert_non_null(strstr(e.msg, "http or https is expected"));
        }
}

static void *
wake_it(void *arg)
{
        fetcher_wake(arg);
        return NULL;
}

static void
wakes_up(void **state)
{
        struct world *w = *state;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, wake_it, w->fetcher), 0);
        /* without the wake-up this would run into the test's timeout */
        testing_ok(fetcher_turn(w->fetcher, 3600 * 1000, NULL), NULL);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(gets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(no_redirects, set_up, tear_down),
            cmocka_unit_test_setup_teardown(sends_headers, set_up, tear_down),
            cmocka_unit_test(accepts),
            cmocka_unit_test_setup_teardown(
                body_limit_counts_decompressed_bytes, set_up, tear_down),
            cmocka_unit_test_setup_teardown(big_pages_come_in_turns, set_up, tear_down),
            cmocka_unit_test_setup_teardown(piece_fails, set_up, tear_down),
            cmocka_unit_test_setup_teardown(times_out, set_up, tear_down),
            cmocka_unit_test_setup_teardown(slow_target_delays_no_other, set_up, tear_down),
            cmocka_unit_test_setup_teardown(given_up_in_flight, set_up, tear_down),
            cmocka_unit_test_setup_teardown(keeps_connections, set_up, tear_down),
            cmocka_unit_test_setup_teardown(connection_closed_by_the_target, set_up, tear_down),
            cmocka_unit_test_setup_teardown(refuses_what_is_not_http, set_up, tear_down),
            cmocka_unit_test_setup_teardown(wakes_up, set_up, tear_down),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        make_pages();
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        free(big);
        free(big_gzipped);
        http_teardown();
        return rc;
}
