#include "tests/unit/agent/config_cases.h"

#include "base/credentials/aws.h"

static const struct config_case cases[] = {
    {"signatures", "- {url: \"http://a\", sigv4: {region: x, access_key: k, secret_key: s}}\n",
        NULL, false},
    {"signatures by default", "- {url: \"http://a\", sigv4: {}}\n", NULL, false},
    {"half a key", "- {url: \"http://a\", sigv4: {region: x, access_key: k}}\n",
        "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the "
        "SigV4 config",
        false},
    {"an id without a role", "- {url: \"http://a\", sigv4: {external_id: x}}\n",
        "external_id can only be used with role_arn", false},
    {"signatures and a token", "- {url: \"http://a\", sigv4: {}, bearer_token: x}\n",
        "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be "
        "configured. Currently configured: [authorization sigv4]",
        false},
    {"signatures and a name", "- {url: \"http://a\", sigv4: {}, basic_auth: {username: x}}\n",
        "Currently configured: [basic_auth sigv4]", false},
    {"another key", "- {url: \"http://a\", sigv4: {role: x}}\n",
        "field role not found in type sigv4.plain", false},
};

static void
clouds_are_checked_as_prometheus_checks_them(void **state)
{
        (void)state;
        cases_run(CASES(cases), "remote_write:\n");
}

static void
what_is_read(void **state)
{
        struct config *c = cases_load("remote_write:\n- {url: \"http://a\", sigv4: {profile: p, "
                                      "role_arn: r, external_id: e, use_fips_sts_endpoint: true}}\n"
                                      "- {url: \"http://b\"}\n");
        const struct http_sigv4_options *s = c->remote->endpoints[0].http.sigv4;

        (void)state;
        assert_string_equal(s->profile, "p");
        assert_string_equal(s->role_arn, "r");
        assert_string_equal(s->external_id, "e");
        assert_string_equal(s->service, "aps");
        assert_true(s->use_fips_sts_endpoint);
        assert_null(s->region);
        assert_null(s->access_key);
        assert_null(c->remote->endpoints[1].http.sigv4);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(clouds_are_checked_as_prometheus_checks_them),
            cmocka_unit_test(what_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
