#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"reserved", "  headers: {HOST: b}\n",
        "agent.yml:3:13: error: HOST is a reserved header. It must not be changed", false},
    {"reserved by signatures", "  headers: {x-amz-date: b}\n",
        "x-amz-date is a reserved header. It must not be changed", false},
    {"authorization", "  headers: {Authorization: b}\n",
        "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, "
        "azuread or google_iam parameter",
        false},
    {"no token", "  headers: {\"a b\": c}\n", "\"a b\" is not a valid header name", false},
    {"empty name", "  headers: {\"\": c}\n", "is not a valid header name", false},
    {"line end", "  headers: {a: \"b\\r\\nc: d\"}\n",
        "the value of header a holds a control character", false},
    {"twice", "  headers: {a: b, a: c}\n", "key \"a\" already set in map", false},
    {"no map", "  headers: [a]\n",
        "cannot unmarshal !!seq into map[string]string; headers expects a map of names to texts",
        false},
    {"no text", "  headers: {a: [b]}\n", "cannot unmarshal !!seq into string", false},
    {"full: reserved", "  http_headers: {user-agent: {values: [b]}}\n",
        "setting header \"User-Agent\" is not allowed", false},
    {"full: authorization", "  http_headers: {authorization: {values: [b]}}\n",
        "setting header \"Authorization\" is not allowed", false},
    {"full: timeout", "  http_headers: {x-prometheus-scrape-timeout-seconds: {values: [b]}}\n",
        "setting header \"X-Prometheus-Scrape-Timeout-Seconds\" is not allowed", false},
    {"full: files", "  http_headers: {a: {files: [b]}}\n", NULL, false},
    {"connect: no token", "  proxy_url: http://p\n  proxy_connect_header: {\"a b\": [c]}\n",
        "\"a b\" is not a valid header name", false},
    {"connect: line end", "  proxy_url: http://p\n  proxy_connect_header: {a: [\"b\\n\"]}\n",
        "the value of header a holds a control character", false},
    {"full: unknown", "  http_headers: {a: {value: [b]}}\n",
        "field value not found in type config.Header; did you mean \"values\"?", false},
    {"full: no list", "  http_headers: {a: {values: b}}\n",
        "cannot unmarshal !!str `b` into []string", false},
    {"full: twice", "  http_headers: {a: {}, a: {}}\n", "key \"a\" already set in map", false},
    {"full: no map", "  http_headers: [a]\n", "cannot unmarshal !!seq into config.Headers", false},
    {"full: line end", "  http_headers: {a: {secrets: [\"b\\n\"]}}\n",
        "the value of header a holds a control character", false},
    {"empty", "  headers: {}\n  http_headers:\n", NULL, false},
    {"good",
        "  headers: {X-Scope: 1, c: true}\n  http_headers: {d: {values: [e, f], secrets: [g]}}\n",
        NULL, false},
};

static void
headers_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "remote_write:\n- url: http://h/p\n");
}

static void
headers_become_options_in_order(void **state)
{
        static const char *const want[][2] = {
            {"X-Scope", "1"}, {"c", ""}, {"d", "e"}, {"d", "f"}, {"d", "g"}};
        struct config *c =
            cases_load("remote_write:\n- url: http://h/p\n  headers: {X-Scope: 1, c: ~}\n"
                       "  http_headers: {d: {values: [e, f], secrets: [g]}}\n");
        const struct http_options *o = &c->remote->endpoints[0].http;

        (void)state;
        assert_int_equal(o->n_headers, 5);
        for (size_t i = 0; i < 5; i++) {
                assert_string_equal(o->headers[i].name, want[i][0]);
                assert_string_equal(o->headers[i].value, want[i][1]);
        }
        config_free(c);
}

static void
values_are_masked(void **state)
{
        struct config *c =
            cases_load("remote_write:\n- url: http://h/p\n"
                       "  headers: {X-Scope: hidden1, X-Api-Token: hidden2}\n"
                       "  http_headers: {d: {values: [hidden3], secrets: [hidden4]}}\n"
                       "scrape_configs:\n- job_name: a\n"
                       "  http_headers: {e: {values: [hidden5]}}\n");

        (void)state;
        assert_non_null(strstr(c->masked, "X-Scope: <secret>"));
        assert_non_null(strstr(c->masked, "X-Api-Token: <secret>"));
        assert_null(strstr(c->masked, "hidden"));
        config_free(c);
}

static void
their_number_is_bounded(void **state)
{
        struct config_case x = {"many headers", NULL, "more than 100 headers", false};
        struct buf text = BUF_INIT(1 << 16);

        (void)state;
        testing_ok(buf_puts(&text, "remote_write:\n- url: http://h/p\n  headers:\n", NULL), NULL);
        for (int i = 0; i < 101; i++)
                testing_ok(buf_printf(&text, NULL, "    h%d: x\n", i), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        cases_run_one(&x, text.ptr);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(headers_are_checked),
            cmocka_unit_test(headers_become_options_in_order),
            cmocka_unit_test(values_are_masked),
            cmocka_unit_test(their_number_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
