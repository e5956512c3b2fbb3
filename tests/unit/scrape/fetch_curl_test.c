#include "scrape/fetch_state.h"

#include "tests/unit/scrape/fetch_world.h"

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
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
        w->job.enable_compression = false;
        w->job.protocols = (struct scrape_protocols){{SCRAPE_TEXT_0_0_4}, 1};
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
                struct scrape_protocols protocols;
                const char *escaping;
                const char *want;
        } cases[] = {
            {{{SCRAPE_TEXT_1_0_0, SCRAPE_TEXT_0_0_4}, 2}, "allow-utf-8",
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;"
                "q=0.5,*/*;q=0.4"},
            {{{SCRAPE_TEXT_0_0_4, SCRAPE_OPENMETRICS_1_0_0}, 2}, "underscores",
                "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;"
                "escaping=underscores;q=0.5,*/*;q=0.4"},
            {{{SCRAPE_OPENMETRICS_0_0_1}, 1}, "values",
                "application/openmetrics-text;version=0.0.1;q=0.6,*/*;q=0.5"},
            {{{0}, 0}, "values", "*/*;q=0.6"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct scrape_job job = {
                    .protocols = cases[i].protocols, .escaping = cases[i].escaping};
                struct buf got = BUF_INIT(1024);

                testing_ok(fetch_accept(&job, &got, NULL), NULL);
                testing_ok(buf_putc(&got, '\0', NULL), NULL);
                assert_string_equal(got.ptr, cases[i].want);
                buf_release(&got);
        }
}

/* ---- which connections are kept ---- */

struct keep_case {
        const char *path;
        bool kept;
        bool by_libcurl;
};

static const struct keep_case keep_cases[] = {
    {"/plain", true, false},
    {"/big.gz", true, false},
    {"/empty", true, false},
    {"/close", false, true}, /* says so */
    {"/302", false, true},
    {"/404", false, false}, /* may be well the next time */
    {"/html", false, false},
    {"/cut", false, false},
    {"/gone", false, false},
};

static void
keeps_plain_connections(void **state)
{
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(keep_cases) / sizeof(keep_cases[0]); i++) {
                const struct keep_case *c = &keep_cases[i];
                struct fetch_route route = {.request = NULL};
                struct outcome o = {0};

                print_message("  %s\n", c->path);
                w->route = &route;
                get(w, c->path, &o);
                assert_int_equal(route.request != NULL, c->kept);
                assert_int_equal(route.by_libcurl, c->by_libcurl);
                assert_null(route.user);
                fetch_route_release(&route);
        }
}

static void
secrets_are_not_kept(void **state)
{
        static const struct http_header header = {"X-Token", "secret", NULL};
        struct world *w = *state;
        struct http_options o[] = {w->options, w->options, w->options};

        o[0].username = "u";
        o[1].credentials = "secret";
        o[2].headers = &header;
        o[2].n_headers = 1;
        for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
                struct fetch_route route = {.request = NULL};
                struct outcome got = {0};

                w->options = o[i];
                w->route = &route;
                get(w, "/plain", &got);
                testing_ok(got.result.rc, &got.result.err);
                assert_null(route.request);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(no_redirects, set_up, tear_down),
            cmocka_unit_test_setup_teardown(sends_headers, set_up, tear_down),
            cmocka_unit_test(accepts),
            cmocka_unit_test_setup_teardown(keeps_plain_connections, set_up, tear_down),
            cmocka_unit_test_setup_teardown(secrets_are_not_kept, set_up, tear_down),
        };

        return run_fetch_tests("tests", tests, sizeof(tests) / sizeof(tests[0]));
}
