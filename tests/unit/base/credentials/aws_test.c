#include "base/credentials/aws.h"

#include "base/credentials/grant.h"
#include "base/err.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

#define JSON(id) \
        "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s\",\"Token\":" \
        "\"t\",\"Expiration\":\"2999-01-01T00:00:00Z\"}"
#define XML(id) \
        "<R><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" \
        "<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>" \
        "</Credentials></R>"

/* What was asked, one line each, and headers and body of the last. */
static char asked[4096];
static char headers[4096];
static char body[4096];
static bool refuse;

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        size_t n = strlen(asked);

        (void)arg;
        (void)snprintf(asked + n, sizeof(asked) - n, "%s %s\n", r->method, r->target);
        (void)snprintf(headers, sizeof(headers), "%s", r->headers);
        (void)snprintf(body, sizeof(body), "%.*s", (int)r->body.n, r->body.p);
        reply->status = refuse ? 403 : 200;
        if (refuse)
                reply->body =
                    "<E><Error><Code>AccessDenied</Code><Message>no</Message></Error></E>";
        else if (strcmp(r->method, "PUT") == 0)
                reply->body = "metadata-token";
        else if (strcmp(r->target, "/latest/meta-data/iam/security-credentials/") == 0)
                reply->body = "my-role\n";
        else if (strcmp(r->method, "GET") == 0)
                reply->body = JSON("from-metadata");
        else
                reply->body = strstr(body, "Action=AssumeRoleWithWebIdentity&") != NULL
                    ? XML("from-web")
                    : XML("from-role");
}

struct world {
        struct testing_server *server;
        char *folder;
        struct grant *grant;
};

static void
world_init(struct world *w, const struct http_sigv4_options *o)
{
        char path[512];

        w->server = testing_server_start(&(struct testing_server_options){.handler = handle});
        w->folder = testing_directory();
        (void)snprintf(path, sizeof(path), "%s/token", w->folder);
        testing_write(path, "web-token\n", 10);
        asked[0] = '\0';
        refuse = false;
        (void)setenv("HOME", w->folder, 1);
        (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", testing_server_url(w->server), 1);
        (void)setenv("AWS_ENDPOINT_URL_STS", testing_server_url(w->server), 1);
        testing_ok(aws_grant(o, &w->grant, NULL), NULL);
}

static void
world_release(struct world *w)
{
        grant_free(w->grant);
        testing_server_stop(w->server);
        testing_remove(w->folder);
}

/* All requests of a round. */
static int
get(struct world *w, struct err *e)
{
        enum http_token token = HTTP_TOKEN_WANTED;
        CURL *easy = curl_easy_init();
        int rc = grant_state(w->grant, &token, e);

        while (rc == 0 && token == HTTP_TOKEN_WANTED) {
                struct curl_slist *list = NULL;

                curl_easy_reset(easy);
                rc = grant_ask(w->grant, easy, &list, e);
                if (rc == 0)
                        rc = grant_take(w->grant, easy, curl_easy_perform(easy), e);
                if (rc == 0)
                        rc = grant_state(w->grant, &token, e);
                curl_slist_free_all(list);
        }
        curl_easy_cleanup(easy);
        return rc;
}

static void
assert_in(const char *text, const char *part)
{
        if (strstr(text, part) == NULL)
                fail_msg("no \"%s\" in\n%s", part, text);
}

static void
keys_of_the_instance(void **state)
{
        static const struct http_sigv4_options o = {.region = "eu-west-1"};
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w, &o);
        assert_null(aws_grant_keys(w.grant));
        testing_ok(get(&w, &e), &e);
        assert_string_equal(asked,
            "PUT /latest/api/token\n"
            "GET /latest/meta-data/iam/security-credentials/\n"
            "GET /latest/meta-data/iam/security-credentials/my-role\n");
        assert_in(headers, "X-aws-ec2-metadata-token: metadata-token\r\n");
        assert_string_equal(aws_grant_keys(w.grant)->id, "from-metadata");
        assert_string_equal(aws_grant_keys(w.grant)->session, "t");
        assert_string_equal(aws_grant_keys(w.grant)->region, "eu-west-1");
        testing_ok(get(&w, &e), &e);
        assert_int_equal(testing_server_requests(w.server), 3);
        world_release(&w);
}

static void
roles_are_assumed(void **state)
{
        static const struct http_sigv4_options o = {.region = "eu-west-1",
            .access_key = "own",
            .secret_key = "hush",
            .role_arn = "arn:aws:iam::1:role/x",
            .external_id = "a&b"};
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w, &o);
        testing_ok(get(&w, &e), &e);
        assert_string_equal(asked, "POST /\n");
        assert_in(headers, "Credential=own/");
        assert_in(headers, "/eu-west-1/sts/aws4_request");
        assert_in(body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
            "role%2Fx&RoleSessionName=gleaner-");
        assert_in(body, "&DurationSeconds=900&ExternalId=a%26b");
        assert_string_equal(aws_grant_keys(w.grant)->id, "from-role");
        assert_string_equal(aws_grant_keys(w.grant)->service, "aps");
        grant_forget(w.grant);
        assert_null(aws_grant_keys(w.grant));
        refuse = true;
        assert_int_equal(get(&w, &e), ERR_AGAIN);
        assert_in(e.msg, "sigv4: cannot get a token from http://127.0.0.1:");
        assert_in(e.msg, "the server answered 403: AccessDenied: no");
        assert_null(strstr(e.msg, "hush"));
        world_release(&w);
}

/* IRSA, and another role behind it. */
static void
a_web_identity_and_a_role(void **state)
{
        static const struct http_sigv4_options o = {
            .region = "eu-west-1", .role_arn = "arn:next", .service = "other"};
        struct world w;
        struct err e = ERR_INIT;
        char path[512];

        (void)state;
        world_init(&w, &o);
        (void)snprintf(path, sizeof(path), "%s/token", w.folder);
        (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
        (void)setenv("AWS_ROLE_ARN", "arn:web", 1);
        (void)setenv("AWS_ROLE_SESSION_NAME", "me", 1);
        testing_ok(get(&w, &e), &e);
        assert_string_equal(asked, "POST /\nPOST /\n");
        assert_in(headers, "Credential=from-web/");
        assert_in(headers, "x-amz-security-token: t\r\n");
        assert_string_equal(aws_grant_keys(w.grant)->service, "other");
        (void)unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
        (void)unsetenv("AWS_ROLE_ARN");
        (void)unsetenv("AWS_ROLE_SESSION_NAME");
        world_release(&w);
}

static void
keys_of_a_container(void **state)
{
        static const struct http_sigv4_options o = {.region = "eu-west-1"};
        struct world w;
        struct err e = ERR_INIT;
        char url[512];
        char path[512];

        (void)state;
        world_init(&w, &o);
        (void)snprintf(url, sizeof(url), "%s/v1/credentials", testing_server_url(w.server));
        (void)snprintf(path, sizeof(path), "%s/token", w.folder);
        (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
        (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
        testing_ok(get(&w, &e), &e);
        assert_string_equal(asked, "GET /v1/credentials\n");
        assert_in(headers, "Authorization: web-token\r\n");
        assert_string_equal(aws_grant_keys(w.grant)->id, "from-metadata");
        (void)unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        (void)unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        world_release(&w);
}

static void
keys_at_hand(void **state)
{
        static const struct http_sigv4_options o = {
            .region = "eu-west-1", .access_key = "own", .secret_key = "hush"};
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w, &o);
        testing_ok(get(&w, &e), &e);
        assert_string_equal(aws_grant_keys(w.grant)->id, "own");
        assert_null(aws_grant_keys(w.grant)->session);
        assert_int_equal(testing_server_requests(w.server), 0);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(keys_of_the_instance),
            cmocka_unit_test(roles_are_assumed),
            cmocka_unit_test(a_web_identity_and_a_role),
            cmocka_unit_test(keys_of_a_container),
            cmocka_unit_test(keys_at_hand),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
