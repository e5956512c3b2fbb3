#include "scrape/fetch_state.h"

#include "tests/unit/scrape/fetch_world.h"

struct get_case {
        const char *path;
        enum media_type fallback;
        int want_rc;
        long want_status;
        const char *want; /* the page, or part of the message */
};

static const struct get_case get_cases[] = {
    {"/plain", MEDIA_MISSING, 0, 200, "a 1\nb 2\n"},
    {"/empty", MEDIA_MISSING, 0, 200, ""},
    {"/empty.gz", MEDIA_MISSING, 0, 200, ""},
    {"/nothing.gz", MEDIA_MISSING, ERR_PARSE, 200, "the gzip body is empty"},
    {"/untyped", MEDIA_TEXT, 0, 200, "a 1\n"},
    {"/untyped", MEDIA_MISSING, ERR_REFUSED, 200, "sent no Content-Type"},
    {"/html", MEDIA_TEXT, 0, 200, "a 1\n"},
    {"/html", MEDIA_MISSING, ERR_REFUSED, 200, "\"text/html\", which is not one of metrics"},
    {"/broken", MEDIA_TEXT, 0, 200, "a 1\n"},
    {"/broken", MEDIA_MISSING, ERR_REFUSED, 200, "cannot parse Content-Type \"text/plain; a\""},
    {"/openmetrics", MEDIA_MISSING, 0, 200, "# EOF\n"},
    {"/404", MEDIA_MISSING, ERR_REFUSED, 404, "the server returned HTTP status 404"},
    {"/202", MEDIA_MISSING, ERR_REFUSED, 202, "the server returned HTTP status 202"},
    {"/big-404", MEDIA_MISSING, ERR_REFUSED, 404, "the server returned HTTP status 404"},
    {"/302", MEDIA_MISSING, 0, 200, "a 1\nb 2\n"},
    {"/loop", MEDIA_MISSING, ERR_AGAIN, 302, "redirect"},
    {"/304", MEDIA_MISSING, ERR_AGAIN, 304, "a redirect was not followed"},
    {"/file", MEDIA_MISSING, ERR_AGAIN, 302, "file"},
    {"/deflated", MEDIA_MISSING, 0, 200, "a 1\n"},
    {"/not-gzip", MEDIA_MISSING, ERR_PARSE, 200, "gzip body is damaged"},
    {"/cut.gz", MEDIA_MISSING, ERR_PARSE, 200, "gzip body is cut short"},
    {"/cut", MEDIA_MISSING, ERR_AGAIN, 200, ""},
    {"/gone", MEDIA_MISSING, ERR_AGAIN, 0, ""},
};

static void
gets(void **state)
{
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(get_cases) / sizeof(get_cases[0]); i++) {
                const struct get_case *c = &get_cases[i];
                struct outcome o = {0};

                print_message(
                    "  %s%s\n", c->path, c->fallback != MEDIA_MISSING ? " with fallback" : "");
                w->job.fallback = c->fallback;
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

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(gets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                body_limit_counts_decompressed_bytes, set_up, tear_down),
        };

        return run_fetch_tests("tests", tests, sizeof(tests) / sizeof(tests[0]));
}
