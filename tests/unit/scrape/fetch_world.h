/*
 * For the tests of fetches: a server with pages of all kinds, a fetcher, one fetch. Each test
 * program includes it once.
 */
#ifndef TESTS_UNIT_SCRAPE_FETCH_WORLD_H
#define TESTS_UNIT_SCRAPE_FETCH_WORLD_H

#include "base/http.h"
#include "base/memory.h"
#include "scrape/fetch.h"
#include "scrape/job.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdlib.h>
#include <zlib.h>

enum { BIG_PAGE = 3 << 20, BOMB_PAGE = 12 << 20, TIMEOUT_MS = 20000 };

/* What the server answers, chosen by the request's path. */
struct page {
        const char *path;
        struct testing_reply reply;
};

static char *big; /* BIG_PAGE bytes of lines */
static char *big_gzipped; /* the same ten times over, in two members */
static size_t big_gzipped_bytes;
static char gzipped_bomb[64 << 10]; /* BOMB_PAGE bytes of one line: a read or two */
static char damaged_bomb[sizeof(gzipped_bomb)]; /* … of which the last turn out to be wrong */
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
    {"/nothing.gz", {.status = 200, .headers = GZIPPED, .body = ""}},
    {"/304", {.status = 304, .headers = "Location: /page\r\n"}},
    {"/close",
        {.status = 200,
            .headers = TEXT "Connection: close\r\n",
            .body = "a 1\n",
            .how = BREAK_AFTER}},
    {"/cut-big", {.status = 200, .headers = TEXT, .how = BREAK_MIDDLE}},
    {"/big-404", {.status = 404, .headers = TEXT}},
    {"/cut.gz", {.status = 200, .headers = GZIPPED}},
    {"/bomb.gz", {.status = 200, .headers = GZIPPED}},
    {"/cut-bomb.gz", {.status = 200, .headers = GZIPPED}},
    {"/damaged-bomb.gz", {.status = 200, .headers = GZIPPED}},
    {"/closing-bomb.gz",
        {.status = 200, .headers = GZIPPED "Connection: close\r\n", .how = BREAK_AFTER}},
};

static inline struct page *
find_page(const char *path)
{
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                if (strcmp(pages[i].path, path) == 0)
                        return &pages[i];
        }
        return NULL;
}

/* What /changing is at the time. */
static const struct page *changing;

static inline void
set_changing(const struct page *p)
{
        changing = p;
}

static inline void
serve(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        const struct page *p = strcmp(request->target, "/changing") == 0
            ? (changing != NULL ? changing : &pages[0])
            : find_page(request->target);

        (void)arg;
        (void)snprintf(seen_headers, sizeof(seen_headers), "%s", request->headers);
        if (p != NULL)
                *reply = p->reply;
        else
                reply->status = 500;
}

static inline size_t
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

static inline void
set_body(const char *path, const char *body, size_t n)
{
        struct page *p = find_page(path);

        assert_non_null(p);
        p->reply.body = body;
        p->reply.body_bytes = n;
}

static inline void
make_bombs(void)
{
        char *page = malloc(BOMB_PAGE);
        size_t n;

        assert_non_null(page);
        for (size_t i = 0; i < BOMB_PAGE; i += 16)
                memcpy(page + i, "a_metric_1234 1\n", 16);
        n = gzip(page, BOMB_PAGE, gzipped_bomb, sizeof(gzipped_bomb));
        free(page);
        memcpy(damaged_bomb, gzipped_bomb, n);
        damaged_bomb[n - 8] ^= 1; /* of the checksum */
        set_body("/bomb.gz", gzipped_bomb, n);
        set_body("/closing-bomb.gz", gzipped_bomb, n);
        set_body("/cut-bomb.gz", gzipped_bomb, n - 9);
        set_body("/damaged-bomb.gz", damaged_bomb, n);
}

static inline void
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
        find_page("/cut-big")->reply.body = big;
        set_body("/big.gz", big_gzipped, big_gzipped_bytes);
        set_body("/cut.gz", big_gzipped, big_gzipped_bytes / 2 - 7); /* inside a member */
        set_body("/empty.gz", gzipped_empty, gzipped_empty_bytes);
        make_bombs();
}

/* ---- one fetch ---- */

struct world {
        struct testing_server *server;
        struct fetcher *fetcher;
        struct http_options options;
        struct http_client *client;
        struct scrape_job job;
        struct fetch_route *route; /* of all requests; NULL: none */
};

static inline int
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
            .protocols = SCRAPE_PROTOCOLS_DEFAULT,
            .escaping = "allow-utf-8"};
        *state = w;
        return 0;
}

static inline int
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
        bool wrong; /* … as a page that is: its rest still comes in */
        int pieces;
};

static inline int
take_piece(void *arg, const char *p, size_t n, struct err *e)
{
        struct outcome *o = arg;
        size_t room = sizeof(o->text) - 1 - strlen(o->text);

        o->pieces++;
        if (o->refuse_at > 0 && o->pieces >= o->refuse_at)
                return err_set(e, o->wrong ? ERR_PARSE : ERR_LIMIT, "refused");
        memcpy(o->text + strlen(o->text), p, n < room ? n : room);
        o->bytes += n;
        o->turn_bytes += n;
        if (o->turn_bytes > o->largest_turn)
                o->largest_turn = o->turn_bytes;
        return 0;
}

static inline void
take_result(void *arg, const struct fetch_result *r)
{
        struct outcome *o = arg;

        assert_false(o->done);
        o->result = *r;
        o->done = true;
}

static inline struct fetch *
start(struct world *w, const char *path, int64_t timeout_ms, struct outcome *o)
{
        static char urls[8][256];
        static unsigned next;
        char *url = urls[next++ % 8];
        struct fetch_request r = {.client = w->client,
            .job = &w->job,
            .url = url,
            .timeout_ms = timeout_ms,
            .route = w->route,
            .piece = take_piece,
            .done = take_result,
            .arg = o};
        struct fetch *x = NULL;
        struct err e = ERR_INIT;

        (void)snprintf(url, 256, "%s%s", testing_server_url(w->server), path);
        testing_ok(fetch_start(w->fetcher, &r, &x, &e), &e);
        return x;
}

static inline void
turn(struct world *w)
{
        struct err e = ERR_INIT;

        testing_ok(fetcher_turn(w->fetcher, 100, &e), &e);
}

static inline void
get(struct world *w, const char *path, struct outcome *o)
{
        (void)start(w, path, TIMEOUT_MS, o);
        while (!o->done) {
                o->turn_bytes = 0;
                turn(w);
        }
}

static inline int
run_fetch_tests(const char *name, const struct CMUnitTest *tests, size_t n)
{
        int rc;

        testing_ok(http_setup(NULL), NULL);
        make_pages();
        rc = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
        free(big);
        free(big_gzipped);
        http_teardown();
        return rc;
}

#endif
