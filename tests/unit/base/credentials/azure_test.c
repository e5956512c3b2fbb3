#include "base/credentials/azure.h"

#include "base/credentials/grant.h"
#include "tests/unit/base/credentials/cloud_world.h"

#define SCOPE "https://monitor.azure.com//.default"

static const char *const variables[] = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"};

static void
start(struct cloud_world *w, const struct http_azure_options *o)
{
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                (void)unsetenv(variables[i]);
        cloud_world_init(w,
            "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_on\":"
            "\"32503680000\"}");
        (void)setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", testing_server_url(w->server), 1);
        (void)setenv("AZURE_AUTHORITY_HOST", testing_server_url(w->server), 1);
        testing_ok(azure_grant(o, &w->grant, NULL), NULL);
}

static void
an_identity_of_the_machine(void **state)
{
        static const struct http_azure_options o = {
            .way = AZURE_MANAGED, .client_id = "me", .scope = SCOPE};
        struct cloud_world w;
        struct err e = ERR_INIT;

        (void)state;
        start(&w, &o);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(w.line,
            "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
            "https%3A%2F%2Fmonitor.azure.com%2F&client_id=me");
        cloud_in(w.headers, "Metadata: true\r\n");
        cloud_applies(&w, "Authorization: Bearer t");
        grant_forget(w.grant);
        (void)setenv("IDENTITY_ENDPOINT", w.url, 1); /* an App Service */
        (void)setenv("IDENTITY_HEADER", "key", 1);
        testing_ok(cloud_get(&w, &e), &e);
        cloud_in(w.line, "GET /x?api-version=2019-08-01&resource=");
        cloud_in(w.headers, "X-IDENTITY-HEADER: key\r\n");
        grant_forget(w.grant);
        (void)unsetenv("IDENTITY_HEADER");
        assert_int_equal(cloud_get(&w, &e), ERR_CONFIG);
        cloud_in(e.msg, "azuread: identities of Azure Arc are not supported");
        cloud_world_release(&w);
}

static void
a_client_s_secret(void **state)
{
        static const struct http_azure_options o = {.way = AZURE_SECRET,
            .client_id = "me",
            .client_secret = "hush&",
            .tenant_id = "a/b",
            .authority = "https://example.com",
            .scope = SCOPE};
        struct cloud_world w;
        struct err e = ERR_INIT;

        (void)state;
        start(&w, &o);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(w.line, "POST /a%2Fb/oauth2/v2.0/token");
        assert_string_equal(w.body,
            "grant_type=client_credentials&client_id=me&scope=https%3A%2F%2Fmonitor.azure.com%2F%2F"
            ".default&client_secret=hush%26");
        grant_forget(w.grant);
        (void)setenv("AZURE_AUTHORITY_HOST", "http://example.com", 1);
        assert_int_equal(cloud_get(&w, &e), ERR_CONFIG);
        cloud_in(e.msg, "https://");
        cloud_world_release(&w);
}

static void
what_the_environment_has(void **state)
{
        static const struct http_azure_options o = {
            .way = AZURE_SDK, .authority = "https://example.com", .scope = SCOPE};
        struct cloud_world w;
        struct err e = ERR_INIT;

        (void)state;
        start(&w, &o);
        testing_ok(cloud_get(&w, &e), &e);
        cloud_in(w.line, "GET /metadata/");
        grant_forget(w.grant);
        (void)setenv("AZURE_CLIENT_ID", "me", 1);
        (void)setenv("AZURE_TENANT_ID", "there", 1);
        (void)setenv("AZURE_FEDERATED_TOKEN_FILE", w.file, 1);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(w.line, "POST /there/oauth2/v2.0/token");
        cloud_in(w.body,
            "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
            "client-assertion-type%3Ajwt-bearer&client_assertion=in-a-file");
        grant_forget(w.grant);
        (void)setenv("AZURE_CLIENT_SECRET", "hush", 1);
        testing_ok(cloud_get(&w, &e), &e);
        cloud_in(w.body, "&client_secret=hush");
        cloud_world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_identity_of_the_machine),
            cmocka_unit_test(a_client_s_secret),
            cmocka_unit_test(what_the_environment_has),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
