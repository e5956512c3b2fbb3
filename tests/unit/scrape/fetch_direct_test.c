#include "scrape/fetch_state.h"

#include "tests/unit/scrape/fetch_world.h"

/* A world whose first request has been made: its connection is kept. */
struct kept {
        struct world *w;
        struct fetch_route route;
        char first_headers[sizeof(seen_headers)];
};

static int
set_up_kept(void **state)
{
        struct kept *k = calloc(1, sizeof(*k));
        struct outcome o = {0};

        assert_non_null(k);
        (void)set_up(state);
        k->w = *state;
        k->w->route = &k->route;
        get(k->w, "/changing", &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_non_null(k->route.request);
        memcpy(k->first_headers, seen_headers, sizeof(seen_headers));
        *state = k;
        return 0;
}

static int
tear_down_kept(void **state)
{
        struct kept *k = *state;
        void *w = k->w;

        if (k->route.user == NULL)
                fetch_route_release(&k->route);
        (void)tear_down(&w);
        free(k);
        set_changing(NULL);
        return 0;
}

static void
repeats_the_request(void **state)
{
        struct kept *k = *state;

        for (int i = 0; i < 3; i++) {
                struct outcome o = {0};

                seen_headers[0] = '\0';
                get(k->w, "/changing", &o);
                testing_ok(o.result.rc, &o.result.err);
                assert_int_equal(o.result.status, 200);
                assert_string_equal(o.text, "a 1\nb 2\n");
                assert_int_equal(o.result.page_bytes, 8);
                assert_true(o.result.wire_bytes > 8);
                assert_int_equal(o.result.connections_opened, 0);
                assert_string_equal(seen_headers, k->first_headers);
        }
        assert_int_equal(testing_server_connections(k->w->server), 1);
        assert_int_equal(testing_server_requests(k->w->server), 4);
}

/* What the second answer is like. */
struct second_case {
        const char *path; /* the page that comes; as it stands in `pages` */
        int want_rc;
        long want_status;
        const char *want; /* the page's beginning, or part of the message */
        unsigned requests; /* both, and those that libcurl made in its place */
        bool kept; /* afterwards */
        bool by_libcurl;
};

static const struct second_case second_cases[] = {
    {"/plain", 0, 200, "a 1\nb 2\n", 2, true, false},
    {"/empty", 0, 200, "", 2, true, false},
    {"/empty.gz", 0, 200, "", 2, true, false},
    {"/big.gz", 0, 200, "s0000000000000\n s0000000000016\n", 2, true, false},
    {"/big", 0, 200, "s0000000000000\n s0000000000016\n", 2, true, false},
    {"/close", 0, 200, "a 1\n", 2, false, false},
    {"/404", ERR_REFUSED, 404, "the server returned HTTP status 404", 2, true, false},
    {"/big-404", ERR_REFUSED, 404, "the server returned HTTP status 404", 2, false, false},
    {"/html", ERR_REFUSED, 200, "\"text/html\", which is not one of metrics", 2, true, false},
    {"/not-gzip", ERR_PARSE, 200, "gzip body is damaged", 2, false, false},
    {"/cut.gz", ERR_PARSE, 200, "gzip body is cut short", 2, true, false},
    {"/cut-big", ERR_AGAIN, 200, "closed the connection in the middle of its answer", 2, false,
        false},
    /* libcurl asks again */
    {"/cut", ERR_AGAIN, 200, "closed the connection in the middle of its answer", 3, false, false},
    {"/302", 0, 200, "a 1\nb 2\n", 4, false, true},
    {"/gone", ERR_AGAIN, 0, "closed the connection without an answer", 3, false, false},
};

static void
second_answers(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(second_cases) / sizeof(second_cases[0]); i++) {
                const struct second_case *c = &second_cases[i];
                struct outcome o = {0};
                struct kept *k;
                void *own = NULL;

                print_message("  %s\n", c->path);
                (void)set_up_kept(&own);
                k = own;
                set_changing(find_page(c->path));
                get(k->w, "/changing", &o);
                if (o.result.rc != c->want_rc)
                        fail_msg("%d: %s", o.result.rc, o.result.err.msg);
                assert_int_equal(o.result.status, c->want_status);
                if (c->want_rc == 0)
                        assert_memory_equal(o.text, c->want, strlen(c->want));
                else if (strstr(o.result.err.msg, c->want) == NULL)
                        fail_msg("message is \"%s\"", o.result.err.msg);
                assert_int_equal(testing_server_requests(k->w->server), c->requests);
                assert_int_equal(k->route.request != NULL, c->kept);
                assert_int_equal(k->route.by_libcurl, c->by_libcurl);
                assert_int_equal(fetcher_in_flight(k->w->fetcher), 0);
                (void)tear_down_kept(&own);
        }
}

/* Libcurl opens another connection, and that one is kept from then on. */
static void
closed_while_idle(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};

        testing_server_drop(k->w->server);
        turn(k->w); /* sees it */
        assert_null(k->route.request);
        get(k->w, "/changing", &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_string_equal(o.text, "a 1\nb 2\n");
        assert_int_equal(o.result.connections_opened, 1);
        assert_non_null(k->route.request);
}

static void
closed_unseen(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};

        testing_server_drop(k->w->server);
        get(k->w, "/changing", &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_string_equal(o.text, "a 1\nb 2\n");
        assert_non_null(k->route.request);
}

static void
idle_for_too_long(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};

        fetcher_expect(k->w->fetcher, 1, 100 * 1000);
        k->route.idle_since_ms -= 150 * 1000 + 1;
        get(k->w, "/changing", &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_int_equal(o.result.connections_opened, 1);
        assert_int_equal(testing_server_connections(k->w->server), 2);
}

static void
times_out(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};

        set_changing(find_page("/hang"));
        (void)start(k->w, "/changing", 50, &o);
        assert_non_null(k->route.user);
        while (!o.done)
                testing_ok(fetcher_turn(k->w->fetcher, 3600 * 1000, NULL), NULL);
        assert_int_equal(o.result.rc, ERR_AGAIN);
        assert_string_equal(o.result.err.msg, "the scrape took longer than its timeout of 50 ms");
        assert_null(k->route.request);
}

static void
cancelled(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};
        struct outcome after = {0};
        struct fetch *x = start(k->w, "/changing", TIMEOUT_MS, &o);

        fetch_cancel(k->w->fetcher, x);
        assert_null(k->route.user);
        turn(k->w);
        assert_false(o.done);
        get(k->w, "/changing", &after);
        testing_ok(after.result.rc, &after.result.err);
}

/* A second request while the first is in flight goes through libcurl; nothing leaks at the end. */
static void
given_up_in_flight(void **state)
{
        struct kept *k = *state;
        struct outcome o[2] = {0};

        set_changing(find_page("/hang"));
        (void)start(k->w, "/changing", TIMEOUT_MS, &o[0]);
        (void)start(k->w, "/changing", TIMEOUT_MS, &o[1]);
        turn(k->w);
        assert_int_equal(fetcher_in_flight(k->w->fetcher), 2);
}

static void
big_pages_come_in_turns(void **state)
{
        struct kept *k = *state;
        struct outcome o = {0};

        set_changing(find_page("/big"));
        get(k->w, "/changing", &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_int_equal(o.bytes, BIG_PAGE);
        assert_in_range(o.largest_turn, 1, (256 << 10) + (32 << 10));
}

static void
piece_fails(void **state)
{
        struct kept *k = *state;
        struct outcome o = {.refuse_at = 3};

        set_changing(find_page("/big"));
        get(k->w, "/changing", &o);
        assert_int_equal(o.result.rc, ERR_LIMIT);
        assert_string_equal(o.result.err.msg, "refused");
        assert_int_equal(o.pieces, 3);
        assert_null(k->route.request);
}

static void
page_is_wrong(void **state)
{
        struct kept *k = *state;
        struct outcome o = {.refuse_at = 3, .wrong = true};

        set_changing(find_page("/big"));
        get(k->w, "/changing", &o);
        assert_int_equal(o.result.rc, ERR_PARSE);
        assert_string_equal(o.result.err.msg, "refused");
        assert_int_equal(o.pieces, 3);
        assert_int_equal(o.result.page_bytes, BIG_PAGE);
        assert_non_null(k->route.request);
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, set_up_kept, tear_down_kept)

int
main(void)
{
        const struct CMUnitTest tests[] = {
            KEPT(repeats_the_request),
            cmocka_unit_test(second_answers),
            KEPT(closed_while_idle),
            KEPT(closed_unseen),
            KEPT(idle_for_too_long),
            KEPT(times_out),
            KEPT(cancelled),
            KEPT(given_up_in_flight),
            KEPT(big_pages_come_in_turns),
            KEPT(piece_fails),
            KEPT(page_is_wrong),
        };

        return run_fetch_tests("tests", tests, sizeof(tests) / sizeof(tests[0]));
}
