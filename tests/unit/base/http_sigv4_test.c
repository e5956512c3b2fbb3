#include "base/http_sigv4.h"

#include "base/err.h"
#include "base/http.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

/* sha256 of "abc" (FIPS 180-2) */
#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char headers_seen[2048];

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        (void)arg;
        (void)snprintf(headers_seen, sizeof(headers_seen), "%s", r->headers);
        reply->status = 200;
}

static void
post(const struct http_sigv4_options *o)
{
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle});
        struct curl_slist *headers = curl_slist_append(NULL, "Content-Encoding: snappy");
        CURL *easy = curl_easy_init();
        struct err e = ERR_INIT;

        testing_ok(http_sigv4_apply(o, easy, VIEW_LIT("abc"), &headers, &e), &e);
        (void)curl_easy_setopt(easy, CURLOPT_URL, testing_server_url(server));
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "abc");
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        assert_int_equal(curl_easy_perform(easy), CURLE_OK);
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
        testing_server_stop(server);
}

static void
assert_seen(const char *text)
{
        if (strstr(headers_seen, text) == NULL)
                fail_msg("no \"%s\" in\n%s", text, headers_seen);
}

/* That the signature is right is e2e/http_client's matter. */
static void
requests_are_signed_with_the_keys_of_the_file(void **state)
{
        static const struct http_sigv4_options o = {"eu-west-1", "id", "hush"};

        (void)state;
        (void)setenv("AWS_SESSION_TOKEN", "other", 1);
        post(&o);
        assert_seen("x-amz-content-sha256: " HASH "\r\n");
        assert_seen("Authorization: AWS4-HMAC-SHA256 Credential=id/");
        assert_seen("/eu-west-1/aps/aws4_request, "
                    "SignedHeaders=content-encoding;");
        assert_null(strstr(headers_seen, "hush"));
        assert_null(strstr(headers_seen, "x-amz-security-token"));
        (void)unsetenv("AWS_SESSION_TOKEN");
}

static void
or_with_those_of_the_environment(void **state)
{
        static const struct http_sigv4_options o = {NULL, NULL, NULL};
        static const char *const names[] = {
            "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"};
        struct curl_slist *headers = NULL;
        CURL *easy = curl_easy_init();
        struct err e = ERR_INIT;

        (void)state;
        (void)unsetenv("AWS_REGION");
        for (size_t i = 0; i < 3; i++)
                (void)unsetenv(names[i]);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(
                    http_sigv4_apply(&o, easy, VIEW_LIT("abc"), &headers, &e), ERR_CONFIG);
                assert_non_null(strstr(e.msg, i == 0 ? "no region" : "no access_key"));
                (void)setenv(names[i], "from-environment", 1);
        }
        (void)setenv("AWS_SESSION_TOKEN", "session", 1);
        post(&o);
        assert_seen("Credential=from-environment/");
        assert_seen("/from-environment/aps/");
        assert_seen("x-amz-security-token: session\r\n");
        (void)unsetenv("AWS_SESSION_TOKEN");
        for (size_t i = 0; i < 3; i++)
                (void)unsetenv(names[i]);
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(requests_are_signed_with_the_keys_of_the_file),
            cmocka_unit_test(or_with_those_of_the_environment),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
