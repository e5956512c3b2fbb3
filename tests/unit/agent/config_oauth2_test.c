#include "tests/unit/agent/config_cases.h"

#define JWT "grant_type: \"urn:ietf:params:oauth:grant-type:jwt-bearer\""

static const struct config_case cases[] = {
    {"no id", "  oauth2: {token_url: b}\n", "oauth2 client_id must be configured", false},
    {"no url", "  oauth2: {client_id: b}\n", "oauth2 token_url must be configured", false},
    {"two secrets",
        "  oauth2: {client_id: a, token_url: b, client_secret: c, client_secret_file: d}\n",
        "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be "
        "configured using grant-type=client_credentials",
        false},
    {"two keys",
        "  oauth2: {client_id: a, token_url: b, " JWT ", client_certificate_key: c, "
        "client_certificate_key_file: d}\n",
        "at most one of oauth2 client_certificate_key", false},
    {"another algorithm",
        "  oauth2: {client_id: a, token_url: b, " JWT ", signature_algorithm: x}\n",
        "valid signature algorithms are RS256, RS384 and RS512", false},
    {"a signed token", "  oauth2: {client_id: a, token_url: b, " JWT "}\n", NULL, false},
    {"a signed token without two secrets",
        "  oauth2: {client_id: a, token_url: b, " JWT
        ", client_secret: c, client_secret_file: d}\n",
        NULL, false},
    {"claims that are none", "  oauth2: {client_id: a, token_url: b, " JWT ", claims: [a]}\n",
        "cannot unmarshal !!seq into map[string]interface {}; claims expects a map", false},
    {"claims without a token", "  oauth2: {client_id: a, token_url: b, claims: x}\n",
        "into map[string]interface {}; claims expects a map", false},
    {"claims that JSON has no word for",
        "  oauth2: {client_id: a, token_url: b, " JWT ", claims: {a: .inf}}\n",
        "claims: JSON has no word for an infinite number", false},
    {"a reference", "  oauth2: {client_id: a, token_url: b, client_secret_ref: c}\n",
        "client_secret_ref is not supported: a secret store has no part in an agent; use "
        "client_secret_file",
        false},
    {"its TLS", "  oauth2: {client_id: a, token_url: b, tls_config: {key: x}}\n",
        "exactly one of cert or cert_file must be configured", false},
    {"its proxy", "  oauth2: {client_id: a, token_url: b, no_proxy: x}\n",
        "if no_proxy is configured, proxy_url must also be configured", false},
    {"a parameter that is no text",
        "  oauth2: {client_id: a, token_url: b, "
        "endpoint_params: {c: [d]}}\n",
        "cannot unmarshal !!seq into string", false},
    {"good", "  oauth2: {client_id: a, token_url: b, grant_type: client_credentials}\n", NULL,
        false},
};

static void
oauth2_is_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
        cases_run(CASES(cases), "remote_write:\n- url: http://h/p\n");
}

static void
oauth2_becomes_options(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n  oauth2:\n"
                                      "    client_id: id\n    client_secret_file: s\n"
                                      "    token_url: http://a/t\n    scopes: [r, w]\n"
                                      "    endpoint_params: {p: q}\n    proxy_url: http://p\n"
                                      "    tls_config: {ca_file: ca}\n"
                                      "- job_name: y\n");
        const struct http_oauth2_options *o = c->scrape->jobs[0].http.oauth2;

        (void)state;
        assert_string_equal(o->client_id, "id");
        assert_null(o->client_secret);
        assert_string_equal(o->client_secret_file, "/etc/t/s");
        assert_string_equal(o->token_url, "http://a/t");
        assert_string_equal(o->scope, "r w");
        assert_int_equal(o->n_params, 1);
        assert_string_equal(o->params[0].name, "p");
        assert_string_equal(o->params[0].value, "q");
        assert_string_equal(o->http->proxy.url, "http://p");
        assert_string_equal(o->http->ca_file, "/etc/t/ca");
        assert_false(o->http->follow_redirects);
        assert_null(c->scrape->jobs[0].http.proxy.url);
        assert_null(c->scrape->jobs[1].http.oauth2);
        config_free(c);
}

static void
what_a_token_is_made_of(void **state)
{
        struct config *c = cases_load(
            "scrape_configs: [{job_name: x, oauth2: {client_id: me, token_url: \"http://t\", " JWT
            ", client_certificate_key_file: k, client_certificate_key_id: id, iss: i, audience: a, "
            "signature_algorithm: RS512, claims: {n: 1, l: [x]}}}]\n");
        const struct http_jwt_options *jwt = c->scrape->jobs[0].http.oauth2->jwt;

        (void)state;
        assert_string_equal(jwt->key_file, "/etc/t/k");
        assert_null(jwt->key);
        assert_string_equal(jwt->key_id, "id");
        assert_string_equal(jwt->issuer, "i");
        assert_string_equal(jwt->audience, "a");
        assert_string_equal(jwt->algorithm, "RS512");
        assert_string_equal(jwt->claims, "{\"n\":1,\"l\":[\"x\"]}");
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(oauth2_is_checked),
            cmocka_unit_test(oauth2_becomes_options),
            cmocka_unit_test(what_a_token_is_made_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
