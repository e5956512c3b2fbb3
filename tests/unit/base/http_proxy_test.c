#include "base/http_proxy.h"

#include "base/err.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/testing/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* golang.org/x/net/http/httpproxy: what needs no proxy. */
static void
hosts_without_a_proxy_are_those_of_go(void **state)
{
        static const struct {
                const char *list;
                const char *host;
                const char *port;
                bool want;
        } cases[] = {
            {NULL, "example.com", "80", false},
            {"", "localhost", "80", true},
            {"", "LOCALHOST", "80", true},
            {"", "127.0.0.1", "80", true},
            {"", "127.9.0.1", "80", true},
            {"", "[::1]", "80", true},
            {"", "128.0.0.1", "80", false},
            {"*", "example.com", "80", true},
            {"example.com", "example.com", "80", true},
            {"example.com", "EXAMPLE.com", "80", true},
            {"Example.com", "a.example.com", "80", true},
            {"example.com", "badexample.com", "80", false},
            {"example.com", "example.com.org", "80", false},
            {".example.com", "example.com", "80", false},
            {".example.com", "a.example.com", "80", true},
            {"*.example.com", "a.example.com", "80", true},
            {"*.example.com", "example.com", "80", false},
            {"a, b ,example.com", "example.com", "80", true},
            {",,", "example.com", "80", false},
            {"example.com:80", "example.com", "80", true},
            {"example.com:80", "example.com", "443", false},
            {"10.0.0.1", "10.0.0.1", "80", true},
            {"10.0.0.1:81", "10.0.0.1", "80", false},
            {"10.0.0.1:80", "10.0.0.1", "80", true},
            {"10.0.0.1", "10.0.0.10", "80", false},
            {"10.0.0.0/8", "10.255.3.4", "9100", true},
            {"10.0.0.0/8", "11.0.0.1", "80", false},
            {"10.0.0.0/9", "10.128.0.1", "80", false},
            {"10.0.0.0/9", "10.127.0.1", "80", true},
            {"10.0.0.0/33", "10.0.0.0", "80", false},
            {"0.0.0.0/0", "1.2.3.4", "80", true},
            {"0.0.0.0/0", "[2001:db8::1]", "80", false},
            {"2001:db8::/32", "[2001:db8:1::2]", "443", true},
            {"2001:db8::/32", "[2001:db9::1]", "443", false},
            {"2001:db8::1", "[2001:db8::1]", "443", true},
            {"[2001:db8::1]:443", "[2001:db8::1]", "443", true},
            {"[2001:db8::1]:443", "[2001:db8::1]", "80", false},
            {"10.0.0.0/x", "10.0.0.0", "80", false},
            {".", "example.com", "80", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                if (http_proxy_bypassed(cases[i].list, cases[i].host, cases[i].port) !=
                    cases[i].want)
                        fail_msg("%s of \"%s\"", cases[i].host,
                            cases[i].list != NULL ? cases[i].list : "(none)");
        }
}

/* ---- requests: the server is the proxy, and is asked for an absolute URL ---- */

struct seen {
        char method[16];
        char target[256];
        char headers[1024];
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct seen *s = arg;

        (void)snprintf(s->method, sizeof(s->method), "%s", r->method);
        (void)snprintf(s->target, sizeof(s->target), "%s", r->target);
        (void)snprintf(s->headers, sizeof(s->headers), "%s", r->headers);
        if (strcmp(r->method, "CONNECT") == 0)
                reply->status = 403; /* seen enough */
}

static void
get(const struct http_options *o, const char *url, struct testing_transfer *t)
{
        struct http_client *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(http_client_new(o, TLS_1_2, &c, &e), &e);
        testing_transfer_init(t);
        testing_transfer_run(t, c, url, NULL);
        testing_transfer_release(t);
        http_client_free(c);
}

static void
requests_go_through_the_proxy_that_is_named(void **state)
{
        static const struct http_header connect[] = {{"X-Proxy", "for-connect", NULL}};
        static const struct http_header custom[] = {{"X-Custom", "for-the-target", NULL}};
        struct seen seen = {.method = ""};
        struct testing_server *proxy =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        struct testing_transfer t;
        struct http_options o;

        (void)state;
        http_options_init(&o);
        o.proxy.url = testing_server_url(proxy);
        o.proxy.connect_headers = connect;
        o.proxy.n_connect_headers = 1;
        o.headers = custom;
        o.n_headers = 1;
        o.credentials = "token";

        get(&o, "http://target.test:9100/metrics", &t);
        assert_int_equal(t.status, 200);
        assert_string_equal(seen.target, "http://target.test:9100/metrics");
        assert_non_null(strstr(seen.headers, "X-Custom: for-the-target"));
        assert_null(strstr(seen.headers, "X-Proxy"));

        /* what is for the target stays in the tunnel */
        get(&o, "https://target.test/metrics", &t);
        assert_int_not_equal(t.code, CURLE_OK);
        assert_string_equal(seen.method, "CONNECT");
        assert_string_equal(seen.target, "target.test:443");
        assert_non_null(strstr(seen.headers, "X-Proxy: for-connect"));
        assert_null(strstr(seen.headers, "X-Custom"));
        assert_null(strstr(seen.headers, "Authorization"));
        testing_server_stop(proxy);
}

static void
hosts_of_no_proxy_are_asked_directly(void **state)
{
        struct seen at_proxy = {.method = ""};
        struct seen at_target = {.method = ""};
        struct testing_server *proxy = testing_server_start(
            &(struct testing_server_options){.handler = handle, .arg = &at_proxy});
        struct testing_server *target = testing_server_start(
            &(struct testing_server_options){.handler = handle, .arg = &at_target});
        struct testing_transfer t;
        struct http_options o;

        (void)state;
        http_options_init(&o);
        o.proxy.url = testing_server_url(proxy);
        /* proxy_url alone takes this machine's addresses, too */
        get(&o, testing_server_url(target), &t);
        assert_int_equal(testing_server_requests(target), 0);
        assert_int_equal(testing_server_requests(proxy), 1);
        o.proxy.no_proxy = "other.test";
        get(&o, testing_server_url(target), &t);
        assert_int_equal(testing_server_requests(target), 1);
        get(&o, "http://a.other.test.org/", &t);
        assert_int_equal(testing_server_requests(proxy), 2);
        testing_server_stop(target);
        testing_server_stop(proxy);
}

static void
the_environment_names_a_proxy_only_when_it_is_asked(void **state)
{
        struct seen seen = {.method = ""};
        struct testing_server *proxy =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        struct testing_transfer t;
        struct http_options o;

        (void)state;
        http_options_init(&o);
        (void)setenv("HTTP_PROXY", testing_server_url(proxy), 1);
        (void)setenv("https_proxy", testing_server_url(proxy), 1);
        (void)setenv("NO_PROXY", "direct.invalid", 1);
        get(&o, "http://target.invalid/", &t);
        assert_int_equal(t.code, CURLE_COULDNT_RESOLVE_HOST);
        get(&o, "https://target.invalid/", &t);
        assert_int_equal(t.code, CURLE_COULDNT_RESOLVE_HOST);
        o.proxy.from_environment = true;
        get(&o, "http://target.invalid/", &t);
        assert_int_equal(t.status, 200);
        get(&o, "https://target.invalid/", &t);
        assert_string_equal(seen.method, "CONNECT");
        get(&o, "http://direct.invalid/", &t);
        assert_int_equal(t.code, CURLE_COULDNT_RESOLVE_HOST);
        assert_int_equal(testing_server_requests(proxy), 2);
        (void)unsetenv("HTTP_PROXY");
        (void)unsetenv("https_proxy");
        (void)unsetenv("NO_PROXY");
        testing_server_stop(proxy);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(hosts_without_a_proxy_are_those_of_go),
            cmocka_unit_test(requests_go_through_the_proxy_that_is_named),
            cmocka_unit_test(hosts_of_no_proxy_are_asked_directly),
            cmocka_unit_test(the_environment_names_a_proxy_only_when_it_is_asked),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
