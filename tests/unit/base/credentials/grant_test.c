#include "base/credentials/grant.h"

#include "base/err.h"
#include "base/http_secret.h"
#include "base/log.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A provider in two steps, scripted. */
struct provider {
        char url[128];
        int asked;
        int64_t seconds;
        bool ready;
        bool has;
        int begin_rc;
};

static int
begin(void *p, bool *out_ready, int64_t *out_seconds, struct err *e)
{
        struct provider *x = p;

        *out_ready = x->ready;
        *out_seconds = x->seconds;
        return x->begin_rc < 0 ? err_set(e, ERR_CONFIG, "no such thing") : 0;
}

static int
ask(void *p, struct grant_request *r, struct err *e)
{
        struct provider *x = p;

        r->url = x->url;
        r->direct = true;
        x->asked++;
        return http_secret_append(r->headers, "X-Step: 1", e);
}

static int
take(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e)
{
        struct provider *x = p;

        if (!view_is(a->body, "good"))
                return err_set(e, ERR_AGAIN, "it is not good");
        out->more = x->asked % 2 == 1;
        out->seconds = x->seconds;
        x->has = true;
        return 0;
}

static void
forget(void *p)
{
        ((struct provider *)p)->has = false;
}

static int
apply(const void *p, struct curl_slist **headers, struct err *e)
{
        assert_true(((const struct provider *)p)->has);
        return http_secret_append(headers, "Authorization: x", e);
}

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        (void)r;
        *reply = *(struct testing_reply *)arg;
}

struct world {
        struct testing_reply reply;
        struct testing_server *server;
        struct provider *provider; /* the grant's */
        struct grant *grant;
        CURL *easy;
};

static const struct grant_class class_of_test = {.name = "test",
    .early_ms = 10000,
    .begin = begin,
    .ask = ask,
    .take = take,
    .forget = forget,
    .apply = apply,
    .free = free};

static void
world_init(struct world *w, const struct grant_class *class)
{
        w->reply = (struct testing_reply){.status = 200, .body = "good"};
        w->server = testing_server_start(
            &(struct testing_server_options){.handler = handle, .arg = &w->reply});
        w->provider = calloc(1, sizeof(*w->provider));
        assert_non_null(w->provider);
        (void)snprintf(
            w->provider->url, sizeof(w->provider->url), "%s/x", testing_server_url(w->server));
        testing_ok(
            grant_new(&(struct grant_options){class, w->provider, NULL, TLS_1_2}, &w->grant, NULL),
            NULL);
        w->easy = curl_easy_init();
}

static void
world_release(struct world *w)
{
        curl_easy_cleanup(w->easy);
        grant_free(w->grant);
        testing_server_stop(w->server);
}

static enum http_token
state_of(struct world *w)
{
        enum http_token token = HTTP_TOKEN_READY;
        struct err e = ERR_INIT;

        testing_ok(grant_state(w->grant, &token, &e), &e);
        return token;
}

static int
request(struct world *w, struct err *e)
{
        struct curl_slist *headers = NULL;
        int rc;

        assert_int_equal(state_of(w), HTTP_TOKEN_WANTED);
        curl_easy_reset(w->easy);
        testing_ok(grant_ask(w->grant, w->easy, &headers, e), e);
        assert_int_equal(state_of(w), HTTP_TOKEN_ASKED);
        rc = grant_take(w->grant, w->easy, curl_easy_perform(w->easy), e);
        curl_slist_free_all(headers);
        return rc;
}

static void
rounds_of_two_requests(void **state)
{
        struct curl_slist *headers = NULL;
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w, &class_of_test);
        assert_int_equal(grant_apply(w.grant, &headers, &e), ERR_AGAIN);
        assert_null(grant_provider(w.grant));
        w.provider->seconds = 3600;
        testing_ok(request(&w, &e), &e);
        assert_null(grant_provider(w.grant));
        assert_int_equal(grant_number(w.grant), 0);
        testing_ok(request(&w, &e), &e);
        assert_int_equal(grant_number(w.grant), 1);
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        testing_ok(grant_apply(w.grant, &headers, &e), &e);
        assert_string_equal(headers->data, "Authorization: x");
        grant_forget(w.grant);
        assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
        curl_slist_free_all(headers);
        world_release(&w);
}

static void
what_is_at_hand_needs_no_request(void **state)
{
        struct world w;
        enum http_token token;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w, &class_of_test);
        w.provider->begin_rc = -1;
        assert_int_equal(grant_state(w.grant, &token, &e), ERR_CONFIG);
        assert_string_equal(e.msg, "test: no such thing");
        w.provider->begin_rc = 0;
        w.provider->ready = w.provider->has = true;
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        assert_int_equal(testing_server_requests(w.server), 0);
        world_release(&w);
}

/* It is asked for before it expires, and used on while that fails. */
static void
a_failed_refresh_does_not_hurt_yet(void **state)
{
        struct grant_class early = class_of_test;
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        early.early_ms = INT64_C(3600) * 1000 - 1000; /* wanted again after LEAST_MS */
        world_init(&w, &early);
        w.provider->seconds = 3600;
        testing_ok(request(&w, &e), &e);
        testing_ok(request(&w, &e), &e);
        while (state_of(&w) == HTTP_TOKEN_READY)
                (void)usleep(10000);
        w.reply.status = 500;
        testing_ok(request(&w, &e), &e);
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        assert_non_null(grant_provider(w.grant));
        grant_forget(w.grant); /* it was refused: then it counts */
        assert_int_equal(request(&w, &e), ERR_AGAIN);
        assert_non_null(strstr(e.msg, "test: cannot get a token from http://"));
        assert_non_null(strstr(e.msg, "the server answered 500"));
        world_release(&w);
}

static void
answers_are_bounded(void **state)
{
        struct world w;
        struct err e = ERR_INIT;
        char *much = calloc(1, GRANT_ANSWER_MAX + 2);

        (void)state;
        assert_non_null(much);
        memset(much, 'x', GRANT_ANSWER_MAX + 1);
        world_init(&w, &class_of_test);
        w.reply.body = much;
        assert_int_equal(request(&w, &e), ERR_AGAIN);
        assert_non_null(strstr(e.msg, "longer than"));
        w.reply.body = "bad";
        assert_int_equal(request(&w, &e), ERR_AGAIN);
        assert_non_null(strstr(e.msg, "it is not good"));
        w.reply.how = BREAK_BEFORE;
        assert_int_equal(request(&w, &e), ERR_AGAIN);
        assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
        world_release(&w);
        free(much);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(rounds_of_two_requests),
            cmocka_unit_test(what_is_at_hand_needs_no_request),
            cmocka_unit_test(a_failed_refresh_does_not_hurt_yet),
            cmocka_unit_test(answers_are_bounded),
        };
        int rc;

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
