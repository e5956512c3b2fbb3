#include "scrape/fetch.h"

#include "tests/unit/scrape/fetch_world.h"

#include <pthread.h>

/* ---- size, time, fairness ---- */

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
                assert_int_equal(o.result.rc, ERR_LIMIT);
                assert_string_equal(o.result.err.msg, "refused");
                assert_int_equal(o.pieces, at);
                assert_false(o.result.whole);
        }
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
}

static void
a_wrong_page_comes_in_whole(void **state)
{
        static const struct {
                const char *path;
                uint64_t body_limit;
                int want_rc;
                uint64_t whole; /* bytes; 0: it did not */
        } cases[] = {
            {"/big", 0, ERR_PARSE, BIG_PAGE},
            {"/big.gz", 0, ERR_PARSE, BIG_PAGE * UINT64_C(10)},
            {"/cut-big", 0, ERR_AGAIN, 0}, /* it is cut first of all */
            {"/big", BIG_PAGE, ERR_LIMIT, 0},
        };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct outcome o = {.refuse_at = 2, .wrong = true};

                w->job.body_size_limit = cases[i].body_limit;
                get(w, cases[i].path, &o);
                assert_int_equal(o.result.rc, cases[i].want_rc);
                assert_int_equal(o.result.whole, cases[i].whole > 0);
                assert_int_equal(o.pieces, 2);
                if (cases[i].whole > 0) {
                        assert_string_equal(o.result.err.msg, "refused");
                        assert_int_equal(o.result.page_bytes, cases[i].whole);
                }
        }
        w->job.body_size_limit = 0;
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
            cmocka_unit_test_setup_teardown(big_pages_come_in_turns, set_up, tear_down),
            cmocka_unit_test_setup_teardown(piece_fails, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_wrong_page_comes_in_whole, set_up, tear_down),
            cmocka_unit_test_setup_teardown(times_out, set_up, tear_down),
            cmocka_unit_test_setup_teardown(slow_target_delays_no_other, set_up, tear_down),
            cmocka_unit_test_setup_teardown(given_up_in_flight, set_up, tear_down),
            cmocka_unit_test_setup_teardown(keeps_connections, set_up, tear_down),
            cmocka_unit_test_setup_teardown(connection_closed_by_the_target, set_up, tear_down),
            cmocka_unit_test_setup_teardown(refuses_what_is_not_http, set_up, tear_down),
            cmocka_unit_test_setup_teardown(wakes_up, set_up, tear_down),
        };

        return run_fetch_tests("tests", tests, sizeof(tests) / sizeof(tests[0]));
}
