#include "scrape/discovery/net.h"

#include "base/http.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

static void
answer(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        (void)arg;
        (void)r;
        reply->status = 200;
        reply->body = "";
}

struct seen {
        unsigned calls;
        CURLcode code;
};

static void
on_done(void *arg, CURLcode code)
{
        struct seen *s = arg;

        s->calls++;
        s->code = code;
}

static void
wait_for(struct source_net *n, const struct seen *s, unsigned calls)
{
        while (s->calls < calls) {
                (void)curl_multi_poll(n->multi, NULL, 0, 1000, NULL);
                net_turn(n);
        }
}

/* A handle may be started again when done was called, and stopped without a call. */
static void
tells_of_the_end_of_a_transfer(void **state)
{
        const struct testing_server_options o = {.handler = answer};
        struct testing_server *server = testing_server_start(&o);
        struct seen seen = {0, CURLE_OK};
        struct net_transfer t = {on_done, &seen};
        struct source_net *n = NULL;
        CURL *easy = curl_easy_init();

        (void)state;
        testing_ok(net_new(&n, NULL), NULL);
        (void)curl_easy_setopt(easy, CURLOPT_URL, testing_server_url(server));
        for (unsigned i = 1; i <= 2; i++) {
                testing_ok(net_start(n, easy, &t, NULL), NULL);
                wait_for(n, &seen, i);
                assert_int_equal(seen.code, CURLE_OK);
        }
        (void)curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:1/");
        testing_ok(net_start(n, easy, &t, NULL), NULL);
        wait_for(n, &seen, 3);
        assert_int_equal(seen.code, CURLE_COULDNT_CONNECT);
        testing_ok(net_start(n, easy, &t, NULL), NULL);
        net_stop(n, easy);
        net_turn(n);
        assert_int_equal(seen.calls, 3);
        curl_easy_cleanup(easy);
        net_free(n);
        net_free(NULL);
        testing_server_stop(server);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(tells_of_the_end_of_a_transfer)};

        testing_ok(http_setup(NULL), NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
