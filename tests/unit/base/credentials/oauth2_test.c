#include "base/credentials/oauth2.h"

#include "base/credentials/grant.h"
#include "base/err.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

/* A server of tokens, and what it was asked. */
struct authority {
        char authorization[256];
        char form[1024];
        int status;
        const char *body;
        bool form_only; /* refuses basic authentication */
        const char *location;
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct authority *a = arg;

        (void)testing_header(r, "Authorization", a->authorization, sizeof(a->authorization));
        (void)snprintf(a->form, sizeof(a->form), "%.*s", (int)r->body.n, r->body.p);
        reply->status = a->status;
        reply->headers = a->location != NULL ? a->location : "Content-Type: application/json\r\n";
        reply->body = a->body;
        if (a->form_only && a->authorization[0] != '\0') {
                reply->status = 401;
                reply->body = "{\"error\":\"invalid_client\"}";
        }
}

struct world {
        struct authority authority;
        struct testing_server *server;
        struct http_options http;
        struct http_oauth2_options options;
        struct grant *oauth2;
        CURL *easy;
};

static void
world_init(struct world *w)
{
        struct err e = ERR_INIT;

        w->server = testing_server_start(
            &(struct testing_server_options){.handler = handle, .arg = &w->authority});
        w->authority.status = 200;
        if (w->authority.body == NULL)
                w->authority.body = "{\"access_token\":\"t1\",\"expires_in\":3600}";
        http_options_init(&w->http);
        w->http.follow_redirects = false;
        w->options.http = &w->http;
        w->options.token_url = testing_server_url(w->server);
        testing_ok(oauth2_grant(&w->options, TLS_1_2, &w->oauth2, &e), &e);
        w->easy = curl_easy_init();
}

static void
world_release(struct world *w)
{
        curl_easy_cleanup(w->easy);
        grant_free(w->oauth2);
        testing_server_stop(w->server);
}

static enum http_token
state_of(struct world *w)
{
        enum http_token token = HTTP_TOKEN_READY;
        struct err e = ERR_INIT;

        testing_ok(grant_state(w->oauth2, &token, &e), &e);
        return token;
}

/* One request for a token. */
static int
ask(struct world *w, struct err *e)
{
        struct curl_slist *headers = NULL;
        CURLcode code;
        int rc;

        curl_easy_reset(w->easy);
        assert_int_equal(state_of(w), HTTP_TOKEN_WANTED);
        rc = grant_ask(w->oauth2, w->easy, &headers, e);
        if (rc == 0) {
                assert_int_equal(state_of(w), HTTP_TOKEN_ASKED);
                code = curl_easy_perform(w->easy);
                rc = grant_take(w->oauth2, w->easy, code, e);
        }
        curl_slist_free_all(headers);
        return rc;
}

static void
assert_header(struct world *w, const char *want)
{
        struct curl_slist *headers = NULL;
        struct err e = ERR_INIT;

        testing_ok(grant_apply(w->oauth2, &headers, &e), &e);
        assert_string_equal(headers->data, want);
        curl_slist_free_all(headers);
}

static void
a_token_is_asked_for_once_and_kept(void **state)
{
        static const struct http_header params[] = {
            {"resource", "a b&c", NULL}, {"audience", "", NULL}};
        struct world w = {.options = {.client_id = "me:1",
                              .client_secret = "s/1",
                              .scope = "read write",
                              .params = params,
                              .n_params = 2}};
        struct curl_slist *headers = NULL;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w);
        assert_int_equal(grant_apply(w.oauth2, &headers, &e), ERR_AGAIN);
        testing_ok(ask(&w, &e), &e);
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        assert_header(&w, "Authorization: Bearer t1");
        /* "me%3A1:s%2F1" */
        assert_string_equal(w.authority.authorization, "Basic bWUlM0ExOnMlMkYx");
        assert_string_equal(w.authority.form,
            "grant_type=client_credentials&scope=read+write&resource=a+b%26c&audience=");
        grant_forget(w.oauth2);
        assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
        world_release(&w);
}

static void
a_server_that_wants_the_secret_in_the_form_gets_it_there(void **state)
{
        struct world w = {.authority = {.form_only = true},
            .options = {.client_id = "me", .client_secret = "s&1"}};
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w);
        testing_ok(ask(&w, &e), &e);
        testing_ok(ask(&w, &e), &e); /* wanted again, the other way */
        assert_string_equal(
            w.authority.form, "grant_type=client_credentials&client_id=me&client_secret=s%261");
        assert_header(&w, "Authorization: Bearer t1");
        grant_forget(w.oauth2);
        testing_ok(ask(&w, &e), &e); /* and at once the next time */
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        assert_int_equal(testing_server_requests(w.server), 3);
        world_release(&w);
}

static void
failures_are_told_without_secrets(void **state)
{
        static const struct {
                int status;
                const char *body;
                const char *location;
                const char *why;
        } cases[] = {
            {500, "oops", NULL, "500: oops"},
            {400, "{\"error\":\"invalid_scope\"}", NULL, "invalid_scope"},
            {200, "{}", NULL, "no access_token"},
            {307, "", "Location: http://127.0.0.1:1/\r\n", "307"}, /* the secret stays here */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w = {.options = {.client_id = "me", .client_secret = "hush"}};
                struct err e = ERR_INIT;
                int rc;

                world_init(&w);
                w.authority.status = cases[i].status;
                w.authority.body = cases[i].body;
                w.authority.location = cases[i].location;
                rc = ask(&w, &e);
                if (rc == 0)
                        rc = ask(&w, &e); /* both ways were tried */
                assert_int_equal(rc, ERR_AGAIN);
                if (strstr(e.msg, cases[i].why) == NULL || strstr(e.msg, "hush") != NULL ||
                    strstr(e.msg, testing_server_url(w.server)) == NULL)
                        fail_msg("%s", e.msg);
                assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
                world_release(&w);
        }
}

static void
a_short_life_is_long_enough_for_those_that_wait(void **state)
{
        struct world w = {.authority = {.body = "{\"access_token\":\"t\",\"expires_in\":1}"},
            .options = {.client_id = "me"}};
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w);
        testing_ok(ask(&w, &e), &e);
        assert_header(&w, "Authorization: Bearer t");
        world_release(&w);
}

static void
another_secret_in_the_file_wants_another_token(void **state)
{
        char *dir = testing_directory();
        char file[600];
        struct world w = {.options = {.client_id = "me", .client_secret_file = file}};
        enum http_token token = HTTP_TOKEN_READY;
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(file, sizeof(file), "%s/secret", dir);
        testing_write(file, "one\n", 4);
        world_init(&w);
        testing_ok(ask(&w, &e), &e);
        assert_int_equal(state_of(&w), HTTP_TOKEN_READY);
        testing_write(file, "two\n", 4);
        testing_ok(ask(&w, &e), &e);
        assert_string_equal(w.authority.authorization, "Basic bWU6dHdv");
        testing_remove(dir);
        assert_int_equal(grant_state(w.oauth2, &token, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "oauth2: client_secret"));
        world_release(&w);
}

static void
a_handle_that_is_given_up_leaves_the_token_wanted(void **state)
{
        struct world w = {.options = {.client_id = "me"}};
        struct curl_slist *headers = NULL;
        struct err e = ERR_INIT;
        char other;

        (void)state;
        world_init(&w);
        assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
        testing_ok(grant_ask(w.oauth2, w.easy, &headers, &e), &e);
        grant_cancel(w.oauth2, (CURL *)&other);
        assert_int_equal(state_of(&w), HTTP_TOKEN_ASKED);
        grant_cancel(w.oauth2, w.easy);
        assert_int_equal(state_of(&w), HTTP_TOKEN_WANTED);
        curl_slist_free_all(headers);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_token_is_asked_for_once_and_kept),
            cmocka_unit_test(a_server_that_wants_the_secret_in_the_form_gets_it_there),
            cmocka_unit_test(failures_are_told_without_secrets),
            cmocka_unit_test(a_short_life_is_long_enough_for_those_that_wait),
            cmocka_unit_test(another_secret_in_the_file_wants_another_token),
            cmocka_unit_test(a_handle_that_is_given_up_leaves_the_token_wanted),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
