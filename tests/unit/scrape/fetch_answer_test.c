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

/* ---- more in a read than a turn's share ---- */

enum { SHARE = FETCH_TURN_BYTES + (1 << 20) }; /* with the piece that went over it */

struct bomb_case {
        const char *path;
        int want_rc;
        const char *why;
};

static const struct bomb_case bomb_cases[] = {
    {"/bomb.gz", 0, ""},
    {"/closing-bomb.gz", 0, ""},
    {"/cut-bomb.gz", ERR_PARSE, "gzip body is cut short"},
    {"/damaged-bomb.gz", ERR_PARSE, "gzip body is damaged"},
};

/* The way that a page comes by: through libcurl, with its connection kept, on that connection. */
enum bomb_way { BY_LIBCURL, TO_BE_KEPT, KEPT, BOMB_WAYS };

static void
make_way(struct world *w, enum bomb_way way, struct fetch_route *route)
{
        struct outcome first = {0};

        w->route = way != BY_LIBCURL ? route : NULL;
        if (way != KEPT)
                return;
        get(w, "/changing", &first);
        assert_non_null(route->request);
}

static void
end_way(struct world *w, struct fetch_route *route)
{
        fetch_route_release(route);
        w->route = NULL;
        assert_int_equal(w->fetcher->n_rest, 0);
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
}

static void
bombs_take_turns(void **state)
{
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(bomb_cases) / sizeof(bomb_cases[0]) * BOMB_WAYS; i++) {
                const struct bomb_case *c = &bomb_cases[i / BOMB_WAYS];
                struct fetch_route route = {0};
                struct outcome o = {0};

                print_message("  %s, way %zu\n", c->path, i % BOMB_WAYS);
                set_changing(NULL);
                make_way(w, (enum bomb_way)(i % BOMB_WAYS), &route);
                set_changing(find_page(c->path));
                get(w, "/changing", &o);
                assert_int_equal(o.result.rc, c->want_rc);
                if (c->want_rc == 0)
                        assert_int_equal(o.bytes, BOMB_PAGE);
                else
                        assert_non_null(strstr(o.result.err.msg, c->why));
                assert_true(o.largest_turn <= SHARE);
                end_way(w, &route);
        }
        set_changing(NULL);
}

/* One that is being read: some of the page is there, and some is left. */
static struct fetch *
half_read(struct world *w, struct outcome *o)
{
        struct fetch *x = start(w, "/changing", TIMEOUT_MS, o);
        struct err e = ERR_INIT;

        while (x->rest.len == 0) {
                turn(w);
                assert_false(o->done);
        }
        /* waits for nothing, or it would for as long as the fetch may take */
        testing_ok(fetcher_turn(w->fetcher, 10 * TIMEOUT_MS, &e), &e);
        assert_false(o->done);
        assert_true(o->bytes > 0 && x->rest.len > 0);
        return x;
}

static void
bombs_end_early(void **state)
{
        struct world *w = *state;

        for (size_t i = 0; i < 2 * BOMB_WAYS; i++) {
                struct fetch_route route = {0};
                struct outcome o = {0};
                struct fetch *x;

                set_changing(NULL);
                make_way(w, (enum bomb_way)(i % BOMB_WAYS), &route);
                set_changing(find_page("/bomb.gz"));
                x = half_read(w, &o);
                if (i < BOMB_WAYS) {
                        fetch_cancel(w->fetcher, x);
                        assert_false(o.done);
                } else {
                        while (x->in_curl)
                                turn(w); /* from then on its time is ours to look after */
                        x->deadline_ms = 0;
                        turn(w);
                        assert_true(o.done);
                        assert_int_equal(o.result.rc, ERR_AGAIN);
                        assert_non_null(strstr(o.result.err.msg, "took longer than its timeout"));
                }
                end_way(w, &route);
        }
        set_changing(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(gets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                body_limit_counts_decompressed_bytes, set_up, tear_down),
            cmocka_unit_test_setup_teardown(bombs_take_turns, set_up, tear_down),
            cmocka_unit_test_setup_teardown(bombs_end_early, set_up, tear_down),
        };

        return run_fetch_tests("tests", tests, sizeof(tests) / sizeof(tests[0]));
}
