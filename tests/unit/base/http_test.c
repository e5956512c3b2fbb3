#include "base/http.h"

#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/testing/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
        char agent[64];
        const char *location; /* when set: every request is redirected there */
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct seen *s = arg;
        static char line[256];

        (void)testing_header(r, "User-Agent", s->agent, sizeof(s->agent));
        if (s->location == NULL)
                return;
        (void)snprintf(line, sizeof(line), "Location: %s\r\n", s->location);
        reply->status = 302;
        reply->headers = line;
}

/* Runs one GET against a server that answers with a redirect to `location` (NULL: 200). */
static void
run(const char *location, bool follow, struct testing_transfer *t, struct seen *seen)
{
        struct http_options o;
        struct http_client *c = NULL;
        struct err e = ERR_INIT;
        struct testing_server *server;

        *seen = (struct seen){.location = location};
        server =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = seen});
        http_options_init(&o);
        o.follow_redirects = follow;
        testing_ok(http_client_new(&o, TLS_1_2, &c, &e), &e);
        testing_transfer_run(t, c, testing_server_url(server), NULL);
        http_client_free(c);
        testing_server_stop(server);
}

static void
request_says_who_we_are_and_ignores_proxies_of_the_environment(void **state)
{
        struct testing_transfer t;
        struct seen seen;

        (void)state;
        (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
        testing_transfer_init(&t);
        run(NULL, true, &t, &seen);
        assert_int_equal(t.code, CURLE_OK);
        assert_int_equal(t.status, 200);
        assert_string_equal(seen.agent, http_user_agent());
        testing_transfer_release(&t);
        (void)unsetenv("http_proxy");
}

static void
redirects_are_bounded_and_stay_on_http(void **state)
{
        static const struct {
                const char *name;
                const char *location;
                bool follow;
                CURLcode want;
                long status;
        } cases[] = {
            {"a circle", "/again", true, CURLE_TOO_MANY_REDIRECTS, 302},
            {"not followed when switched off", "/again", false, CURLE_OK, 302},
            {"another protocol", "file:///etc/passwd", true, CURLE_UNSUPPORTED_PROTOCOL, 302},
            {"ftp", "ftp://127.0.0.1/", true, CURLE_UNSUPPORTED_PROTOCOL, 302},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct testing_transfer t;
                struct seen seen;

                testing_transfer_init(&t);
                run(cases[i].location, cases[i].follow, &t, &seen);
                if (t.code != cases[i].want || t.status != cases[i].status)
                        fail_msg("%s: code %d, status %ld", cases[i].name, t.code, t.status);
                testing_transfer_release(&t);
        }
}

static void
other_protocols_are_refused(void **state)
{
        struct http_options o;
        struct http_client *c = NULL;
        struct testing_transfer t;
        struct err e = ERR_INIT;

        (void)state;
        http_options_init(&o);
        testing_ok(http_client_new(&o, TLS_1_2, &c, &e), &e);
        testing_transfer_init(&t);
        testing_transfer_run(&t, c, "file:///etc/hostname", NULL);
        assert_int_equal(t.code, CURLE_UNSUPPORTED_PROTOCOL);
        testing_transfer_release(&t);
        http_client_free(c);
}

static void
failures_say_what_to_check(void **state)
{
        static const struct {
                CURLcode code;
                const char *buffer;
                const char *want;
        } cases[] = {
            {CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: a.example",
                "Could not resolve host: a.example; check the host name and the DNS"},
            {CURLE_SSL_CONNECT_ERROR,
                "OpenSSL: error:0A00042E:SSL routines::tlsv1 alert protocol version",
                "OpenSSL: error:0A00042E:SSL routines::tlsv1 alert protocol version; the other "
                "side speaks an older TLS: check tls_config.min_version"},
            {CURLE_PEER_FAILED_VERIFICATION,
                "SSL certificate problem: unable to get local issuer certificate",
                "SSL certificate problem: unable to get local issuer certificate; the "
                "certificate's issuer is not trusted: check tls_config.ca_file"},
            {CURLE_RECV_ERROR,
                "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
                "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate "
                "required; the other side wants a client certificate: check "
                "tls_config.cert_file"},
            {CURLE_GOT_NOTHING, "",
                "Server returned nothing (no headers, no data); the other side closed the "
                "connection without an answer"},
            {CURLE_SEND_FAIL_REWIND, NULL, "Send failed since rewinding of the data stream failed"},
            {CURLE_OUT_OF_MEMORY, NULL,
                "Out of memory; there is none, or a line of the answer's head is longer than "
                "libcurl takes (100 KiB)"},
        };
        char text[512];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                http_describe(cases[i].code, cases[i].buffer, text, sizeof(text));
                assert_string_equal(text, cases[i].want);
        }
        http_describe(CURLE_COULDNT_CONNECT, "long text", text, 5);
        assert_string_equal(text, "long");
}

static void
passwords_in_urls_are_masked(void **state)
{
        static const struct {
                const char *url;
                const char *want;
        } cases[] = {
            {"https://a.example/write?x=1", "https://a.example/write?x=1"},
            {"https://me:secret@a.example/write", "https://me:xxxxx@a.example/write"},
            {"https://me@a.example/", "https://me@a.example/"},
            {"secret", "(not a URL)"},
        };
        char text[128];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                http_url_masked(cases[i].url, text, sizeof(text));
                assert_string_equal(text, cases[i].want);
        }
}

static int
set_up(void **state)
{
        (void)state;
        return http_setup(NULL);
}

static int
tear_down(void **state)
{
        (void)state;
        http_teardown();
        return 0;
}

/* Many short lines cost libcurl more than a few long ones. */
static void
test_heads_are_bounded(void **state)
{
        size_t sum = 0;
        size_t lines = 0;

        (void)state;
        assert_true(http_heads_fit(&sum, HTTP_HEADS_MAX - HTTP_HEAD_LINE_COST));
        assert_false(http_heads_fit(&sum, 0));
        for (sum = 0; http_heads_fit(&sum, 8); lines++)
                ;
        assert_in_range(lines, 1000, (uintmax_t)HTTP_HEADS_MAX / HTTP_HEAD_LINE_COST);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_heads_are_bounded),
            cmocka_unit_test(request_says_who_we_are_and_ignores_proxies_of_the_environment),
            cmocka_unit_test(redirects_are_bounded_and_stay_on_http),
            cmocka_unit_test(other_protocols_are_refused),
            cmocka_unit_test(failures_say_what_to_check),
            cmocka_unit_test(passwords_in_urls_are_masked),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
