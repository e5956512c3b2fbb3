#include "tests/unit/agent/config_cases.h"

#include "base/credentials/aws.h"
#include "base/credentials/azure.h"
#include "base/credentials/google.h"

#define ID "00000000-a12b-3cd4-e56f-000000000000"

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
    {"azure by default", "- {url: \"http://a\", azuread: {managed_identity: {}}}\n", NULL, false},
    {"all of azure",
        "- {url: \"http://a\", azuread: {cloud: AzureChina, scope: \"https://x//.default\", oauth: "
        "{client_id: " ID ", client_secret: hush, tenant_id: t}}}\n",
        NULL, false},
    {"no identity", "- {url: \"http://a\", azuread: {cloud: AzurePublic}}\n",
        "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, Azure "
        "Certificate or Azure SDK in the Azure AD config",
        false},
    {"another cloud", "- {url: \"http://a\", azuread: {cloud: x, managed_identity: {}}}\n",
        "must provide a cloud in the Azure AD config", false},
    {"two identities", "- {url: \"http://a\", azuread: {managed_identity: {}, sdk: {}}}\n",
        "cannot provide multiple authentication methods in the Azure AD config", false},
    {"an id that is none", "- {url: \"http://a\", azuread: {managed_identity: {client_id: x}}}\n",
        "the provided Azure Managed Identity client_id is invalid", false},
    {"a workload without an id", "- {url: \"http://a\", azuread: {workload_identity: {}}}\n",
        "must provide an Azure Workload Identity client_id in the Azure AD config", false},
    {"a workload's directory",
        "- {url: \"http://a\", azuread: {workload_identity: {client_id: " ID ", tenant_id: x}}}\n",
        "the provided Azure Workload Identity tenant_id is invalid", false},
    {"no secret",
        "- {url: \"http://a\", azuread: {oauth: {client_id: \"{" ID "}\", tenant_id: t}}}\n",
        "must provide an Azure OAuth client_secret in the Azure AD config", false},
    {"an odd scope", "- {url: \"http://a\", azuread: {managed_identity: {}, scope: \"a?b\"}}\n",
        "the provided scope contains invalid characters", false},
    {"a certificate", "- {url: \"http://a\", azuread: {certificate: {client_id: x}}}\n",
        "certificate is not supported: applications with a certificate are not known", false},
    {"azure and a name", "- {url: \"http://a\", azuread: {sdk: {}}, basic_auth: {username: x}}\n",
        "Currently configured: [basic_auth azuread]", false},
    {"google", "- {url: \"http://a\", google_iam: {credentials_file: x}}\n", NULL, false},
    {"google and azure", "- {url: \"http://a\", google_iam: {}, azuread: {sdk: {}}}\n",
        "Currently configured: [azuread google_iam]", false},
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

static void
what_is_read_of_azure_and_google(void **state)
{
        struct config *c = cases_load(
            "remote_write:\n- {url: \"http://a\", azuread: {cloud: AzureGovernment, "
            "workload_identity: {client_id: " ID ", tenant_id: " ID ", token_file_path: /t}}}\n"
            "- {url: \"http://b\", google_iam: {credentials_file: k}}\n"
            "- {url: \"http://c\", google_iam: {}}\n");
        const struct http_azure_options *a = c->remote->endpoints[0].http.azure;

        (void)state;
        assert_int_equal(a->way, AZURE_WORKLOAD);
        assert_string_equal(a->client_id, ID);
        assert_string_equal(a->token_file, "/t");
        assert_string_equal(a->authority, "https://login.microsoftonline.us");
        assert_string_equal(a->scope, "https://monitor.azure.us//.default");
        assert_string_equal(c->remote->endpoints[1].http.google->credentials_file, "/etc/t/k");
        assert_null(c->remote->endpoints[2].http.google->credentials_file);
        assert_null(c->remote->endpoints[2].http.azure);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(clouds_are_checked_as_prometheus_checks_them),
            cmocka_unit_test(what_is_read),
            cmocka_unit_test(what_is_read_of_azure_and_google),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
