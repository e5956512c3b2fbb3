#include "base/http_sigv4.h"

#include "base/err.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>

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
post(const struct sigv4_keys *k)
{
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle});
        struct curl_slist *headers = curl_slist_append(NULL, "Content-Encoding: snappy");
        CURL *easy = curl_easy_init();
        const struct http_request r = {easy, NULL, &headers};
        struct err e = ERR_INIT;

        testing_ok(http_sigv4_sign(k, &r, VIEW_LIT("abc"), &e), &e);
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

/* That the signature is right is e2e/credentials' matter. */
static void
requests_are_signed(void **state)
{
        struct sigv4_keys k = {"aps", "eu-west-1", "id", "hush", NULL};

        (void)state;
        post(&k);
        assert_seen("x-amz-content-sha256: " HASH "\r\n");
        assert_seen("Authorization: AWS4-HMAC-SHA256 Credential=id/");
        assert_seen("/eu-west-1/aps/aws4_request, "
                    "SignedHeaders=content-encoding;");
        assert_null(strstr(headers_seen, "hush"));
        assert_null(strstr(headers_seen, "x-amz-security-token"));
        k.session = "session";
        k.service = "sts";
        post(&k);
        assert_seen("/eu-west-1/sts/aws4_request, ");
        assert_seen("x-amz-security-token: session\r\n");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(requests_are_signed)};
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
