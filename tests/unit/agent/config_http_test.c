#include "tests/unit/agent/config_cases.h"

static const struct config_case bad_cases[] = {
    {"both tokens", "  bearer_token: a\n  bearer_token_file: b\n",
        "at most one of bearer_token & bearer_token_file must be configured", false},
    {"basic_auth and token", "  basic_auth: {username: a}\n  bearer_token: b\n",
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        false},
    {"two user names", "  basic_auth: {username: a, username_file: b}\n",
        "/etc/t/agent.yml:3:15: error: at most one of basic_auth username, username_file & "
        "username_ref must be configured",
        false},
    {"two passwords", "  basic_auth: {password: a, password_file: b}\n",
        "at most one of basic_auth password, password_file & password_ref must be configured",
        false},
    {"a reference", "  basic_auth: {password_ref: a}\n",
        "password_ref is not supported: a secret store has no part in an agent; use password_file",
        false},
    {"authorization and token", "  authorization: {credentials: a}\n  bearer_token: b\n",
        "authorization is not compatible with bearer_token & bearer_token_file", false},
    {"two credentials", "  authorization: {credentials: a, credentials_file: b}\n",
        "at most one of authorization credentials & credentials_file must be configured", false},
    {"type basic", "  authorization: {type: \" bAsic \"}\n",
        "authorization type cannot be set to \"basic\", use \"basic_auth\" instead", false},
    {"two ways", "  authorization: {credentials: a}\n  basic_auth: {username: a}\n",
        "at most one of basic_auth, oauth2 & authorization must be configured", false},
    {"oauth2 and basic_auth",
        "  oauth2: {client_id: a, token_url: b}\n  basic_auth: {username: a}\n",
        "at most one of basic_auth, oauth2 & authorization must be configured", false},
    {"two authorities", "  tls_config: {ca: a, ca_file: b}\n",
        "at most one of ca, ca_file & ca_ref must be configured", false},
    {"two certificates", "  tls_config: {cert: a, cert_file: b, key: c}\n",
        "at most one of cert, cert_file & cert_ref must be configured", false},
    {"two keys", "  tls_config: {cert: a, key: c, key_file: d}\n",
        "at most one of key and key_file must be configured", false},
    {"certificate alone", "  tls_config: {cert_file: a}\n",
        "exactly one of key or key_file must be configured when a client certificate is configured",
        false},
    {"key alone", "  tls_config: {key_file: a}\n",
        "exactly one of cert or cert_file must be configured when a client key is configured",
        false},
    {"versions", "  tls_config: {min_version: TLS12, max_version: TLS11}\n",
        "tls_config.max_version must be greater than or equal to tls_config.min_version if both "
        "are specified",
        false},
    {"unknown version", "  tls_config: {min_version: TLS9}\n",
        "agent.yml:3:29: error: unknown TLS version: TLS9; min_version expects TLS10, TLS11, TLS12 "
        "or TLS13",
        false},
    {"environment and proxy", "  proxy_from_environment: true\n  proxy_url: http://a\n",
        "if proxy_from_environment is configured, proxy_url must not be configured", false},
    {"environment and exceptions", "  proxy_from_environment: true\n  no_proxy: a\n",
        "if proxy_from_environment is configured, no_proxy must not be configured", false},
    {"exceptions alone", "  no_proxy: a\n",
        "if no_proxy is configured, proxy_url must also be configured", false},
    {"headers of a proxy alone", "  proxy_connect_header: {a: [b]}\n",
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be "
        "configured",
        false},
    {"a control character", "  authorization: {type: \"a\\nb\", credentials: c}\n",
        "authorization type holds a control character", false},
};
static const struct config_case good_cases[] = {
    {"empty ones",
        "  basic_auth: {}\n  tls_config: {}\n  proxy_url: \"\"\n  no_proxy: \"\"\n  "
        "proxy_connect_header: {}\n",
        NULL, false},
    {"null ones", "  basic_auth:\n  authorization:\n  oauth2:\n  tls_config:\n  proxy_url:\n", NULL,
        false},
    {"same versions", "  tls_config: {min_version: TLS12, max_version: TLS12}\n", NULL, false},
    {"defaults",
        "  proxy_from_environment: false\n  follow_redirects: true\n  enable_http2: true\n", NULL,
        false},
    {"a proxy", "  proxy_url: http://a\n  no_proxy: b\n  proxy_connect_header: {c: [d]}\n", NULL,
        false},
    {"the environment", "  proxy_from_environment: true\n", NULL, false},
    {"no http2", "  enable_http2: no\n", NULL, false},
};

static void
what_may_not_stand_together_is_refused_in_jobs(void **state)
{
        (void)state;
        cases_run(CASES(bad_cases), "scrape_configs:\n- job_name: x\n");
}

static void
and_in_endpoints(void **state)
{
        (void)state;
        cases_run(CASES(bad_cases), "remote_write:\n- url: http://h/p\n");
}

static void
the_rest_is_accepted_in_jobs(void **state)
{
        (void)state;
        cases_run(CASES(good_cases), "scrape_configs:\n- job_name: x\n");
}

static void
and_in_endpoints_too(void **state)
{
        (void)state;
        cases_run(CASES(good_cases), "remote_write:\n- url: http://h/p\n");
}

static void
basic_auth_becomes_options(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n"
                                      "  basic_auth: {username: u, password_file: p}\n"
                                      "- job_name: y\n  basic_auth: {}\n");
        const struct http_options *o = &c->scrape->jobs[0].http;

        (void)state;
        assert_string_equal(o->username, "u");
        assert_null(o->password);
        assert_string_equal(o->password_file, "/etc/t/p");
        assert_null(o->credentials);
        assert_true(o->follow_redirects);
        assert_true(o->enable_http2);
        assert_string_equal(c->scrape->jobs[1].http.username, "");
        config_free(c);
}

static void
authorization_and_its_old_form_become_options(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n"
                                      "  authorization: {type: ' Token ', credentials: c}\n"
                                      "- job_name: y\n  bearer_token_file: /abs/t\n");
        const struct http_options *o = &c->scrape->jobs[0].http;

        (void)state;
        assert_string_equal(o->auth_type, "Token");
        assert_string_equal(o->credentials, "c");
        assert_null(o->username);
        o = &c->scrape->jobs[1].http;
        assert_null(o->auth_type);
        assert_string_equal(o->credentials_file, "/abs/t");
        config_free(c);
}

static void
tls_becomes_options_and_an_explicit_maximum_wins_over_the_floor(void **state)
{
        struct config *c = cases_load("remote_write:\n- url: https://a\n"
                                      "  tls_config: {ca_file: ca, cert_file: c, key_file: k, "
                                      "server_name: s, min_version: TLS12}\n"
                                      "- url: https://b\n  tls_config: {max_version: TLS12}\n"
                                      "- url: https://c\n  tls_config: {max_version: TLS13, "
                                      "insecure_skip_verify: true}\n");
        const struct http_options *o = &c->remote->endpoints[0].http;

        (void)state;
        assert_string_equal(o->ca_file, "/etc/t/ca");
        assert_string_equal(o->cert_file, "/etc/t/c");
        assert_string_equal(o->key_file, "/etc/t/k");
        assert_string_equal(o->server_name, "s");
        assert_int_equal(o->min_version, TLS_1_2);
        assert_false(o->insecure_skip_verify);
        o = &c->remote->endpoints[1].http;
        assert_int_equal(o->min_version, TLS_1_2);
        assert_int_equal(o->max_version, TLS_1_2);
        o = &c->remote->endpoints[2].http;
        assert_int_equal(o->min_version, TLS_DEFAULT);
        assert_true(o->insecure_skip_verify);
        config_free(c);
}

static void
proxies_become_options(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n"
                                      "  proxy_url: http://u:p@a:3128\n  no_proxy: b,c\n"
                                      "  proxy_connect_header: {d: [e, f]}\n"
                                      "- job_name: y\n  proxy_from_environment: true\n");
        const struct http_proxy_options *o = &c->scrape->jobs[0].http.proxy;

        (void)state;
        assert_string_equal(o->url, "http://u:p@a:3128");
        assert_string_equal(o->no_proxy, "b,c");
        assert_int_equal(o->n_connect_headers, 2);
        assert_string_equal(o->connect_headers[1].name, "d");
        assert_string_equal(o->connect_headers[1].value, "f");
        assert_false(o->from_environment);
        o = &c->scrape->jobs[1].http.proxy;
        assert_null(o->url);
        assert_true(o->from_environment);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_may_not_stand_together_is_refused_in_jobs),
            cmocka_unit_test(and_in_endpoints),
            cmocka_unit_test(the_rest_is_accepted_in_jobs),
            cmocka_unit_test(and_in_endpoints_too),
            cmocka_unit_test(proxies_become_options),
            cmocka_unit_test(basic_auth_becomes_options),
            cmocka_unit_test(authorization_and_its_old_form_become_options),
            cmocka_unit_test(tls_becomes_options_and_an_explicit_maximum_wins_over_the_floor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
