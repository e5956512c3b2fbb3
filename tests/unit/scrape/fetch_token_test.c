#include "tests/unit/scrape/fetch_world.h"

/* The server of tokens: on a server of its own. */
struct authority {
        int status;
        enum testing_break how;
};

static void
give_token(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        const struct authority *a = arg;

        (void)request;
        reply->status = a->status;
        reply->how = a->how;
        reply->headers = "Content-Type: application/json\r\n";
        reply->body = "{\"access_token\":\"token\",\"expires_in\":3600}";
}

struct rig {
        struct world *w;
        struct authority authority;
        struct testing_server *server;
        struct http_options http;
        struct http_oauth2_options oauth2;
};

static void
rig_init(struct rig *r, struct world *w)
{
        struct err e = ERR_INIT;

        r->w = w;
        if (r->authority.status == 0)
                r->authority.status = 200;
        r->server = testing_server_start(
            &(struct testing_server_options){.handler = give_token, .arg = &r->authority});
        http_options_init(&r->http);
        r->oauth2 = (struct http_oauth2_options){.client_id = "me",
            .client_secret = "hush",
            .token_url = testing_server_url(r->server),
            .http = &r->http};
        w->options.oauth2 = &r->oauth2;
        http_client_free(w->client);
        testing_ok(http_client_new(&w->options, TLS_1_2, &w->client, &e), &e);
}

static void
rig_release(struct rig *r)
{
        testing_server_stop(r->server);
}

static void
wait_for(struct world *w, const struct outcome *o)
{
        while (!o->done)
                turn(w);
}

static void
fetches_of_a_job_share_one_token(void **state)
{
        struct world *w = *state;
        struct rig r = {.w = NULL};
        struct outcome o[4] = {{.done = false}};

        rig_init(&r, w);
        for (size_t i = 0; i < 4; i++)
                (void)start(w, "/plain", TIMEOUT_MS, &o[i]);
        for (size_t i = 0; i < 4; i++) {
                wait_for(w, &o[i]);
                testing_ok(o[i].result.rc, &o[i].result.err);
                assert_string_equal(o[i].text, "a 1\nb 2\n");
        }
        assert_non_null(strstr(seen_headers, "Authorization: Bearer token\r\n"));
        assert_int_equal(testing_server_requests(r.server), 1);
        assert_int_equal(fetcher_in_flight(w->fetcher), 0);
        rig_release(&r);
}

static void
one_refusal_fails_all_that_wait(void **state)
{
        struct world *w = *state;
        struct rig r = {.authority = {.status = 503}};
        struct outcome o[3] = {{.done = false}};

        rig_init(&r, w);
        for (size_t i = 0; i < 3; i++)
                (void)start(w, "/plain", TIMEOUT_MS, &o[i]);
        for (size_t i = 0; i < 3; i++) {
                wait_for(w, &o[i]);
                assert_int_equal(o[i].result.rc, ERR_AGAIN);
                if (strstr(o[i].result.err.msg, "oauth2: cannot get a token from http://") == NULL)
                        fail_msg("%s", o[i].result.err.msg);
        }
        assert_int_equal(testing_server_requests(r.server), 2); /* in both ways */
        assert_int_equal(testing_server_requests(w->server), 0);
        rig_release(&r);
}

static void
those_that_wait_keep_their_own_time_and_others_are_not_held_up(void **state)
{
        struct world *w = *state;
        struct rig r = {.authority = {.how = BREAK_HANG}};
        struct http_client *other = NULL;
        struct http_client *slow;
        struct outcome asks = {.done = false};
        struct outcome waits = {.done = false};
        struct outcome free_one = {.done = false};
        struct http_options plain;
        struct fetch *first;
        struct err e = ERR_INIT;

        rig_init(&r, w);
        first = start(w, "/plain", TIMEOUT_MS, &asks);
        (void)start(w, "/plain", 50, &waits);
        http_options_init(&plain);
        testing_ok(http_client_new(&plain, TLS_1_2, &other, &e), &e);
        slow = w->client;
        w->client = other;
        (void)start(w, "/plain", TIMEOUT_MS, &free_one);
        w->client = slow;
        wait_for(w, &free_one);
        testing_ok(free_one.result.rc, &free_one.result.err);
        wait_for(w, &waits);
        assert_int_equal(waits.result.rc, ERR_AGAIN);
        assert_non_null(strstr(waits.result.err.msg, "timeout"));
        assert_false(asks.done);
        fetch_cancel(w->fetcher, first);
        http_client_free(other);
        rig_release(&r);
}

static void
another_asks_when_the_first_is_cancelled(void **state)
{
        struct world *w = *state;
        struct rig r = {.w = NULL};
        struct outcome cancelled = {.done = false};
        struct outcome o = {.done = false};
        struct fetch *x;

        rig_init(&r, w);
        x = start(w, "/plain", TIMEOUT_MS, &cancelled);
        (void)start(w, "/plain", TIMEOUT_MS, &o);
        fetch_cancel(w->fetcher, x);
        wait_for(w, &o);
        testing_ok(o.result.rc, &o.result.err);
        assert_false(cancelled.done);
        rig_release(&r);
}

static void
the_fetcher_may_end_while_some_wait(void **state)
{
        struct world *w = *state;
        struct rig r = {.authority = {.how = BREAK_HANG}};
        struct outcome o[2] = {{.done = false}};
        struct err e = ERR_INIT;

        rig_init(&r, w);
        (void)start(w, "/plain", TIMEOUT_MS, &o[0]);
        (void)start(w, "/plain", TIMEOUT_MS, &o[1]);
        turn(w);
        fetcher_free(w->fetcher);
        assert_false(o[0].done || o[1].done);
        testing_ok(fetcher_new(&w->fetcher, &e), &e);
        rig_release(&r);
}

static void
an_answer_of_401_gives_the_token_up(void **state)
{
        static const struct page refusal = {
            "/changing", {.status = 401, .headers = TEXT, .body = "no"}};
        struct world *w = *state;
        struct rig r = {.w = NULL};
        struct outcome o[3] = {{.done = false}};

        rig_init(&r, w);
        get(w, "/plain", &o[0]);
        set_changing(&refusal);
        get(w, "/changing", &o[1]);
        assert_int_equal(o[1].result.status, 401);
        set_changing(NULL);
        get(w, "/plain", &o[2]);
        testing_ok(o[2].result.rc, &o[2].result.err);
        assert_int_equal(testing_server_requests(r.server), 2);
        rig_release(&r);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(fetches_of_a_job_share_one_token, set_up, tear_down),
            cmocka_unit_test_setup_teardown(one_refusal_fails_all_that_wait, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                those_that_wait_keep_their_own_time_and_others_are_not_held_up, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                another_asks_when_the_first_is_cancelled, set_up, tear_down),
            cmocka_unit_test_setup_teardown(the_fetcher_may_end_while_some_wait, set_up, tear_down),
            cmocka_unit_test_setup_teardown(an_answer_of_401_gives_the_token_up, set_up, tear_down),
        };

        return run_fetch_tests("fetch_token", tests, sizeof(tests) / sizeof(tests[0]));
}
