#include "base/credentials/google.h"

#include "base/credentials/grant.h"
#include "tests/unit/base/credentials/cloud_world.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static void
start(struct cloud_world *w, const struct http_google_options *o)
{
        cloud_world_init(
            w, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3599}");
        (void)setenv("HOME", w->folder, 1);
        (void)unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
        (void)unsetenv("GOOGLE_CLOUD_QUOTA_PROJECT");
        (void)setenv("GCE_METADATA_HOST", testing_server_url(w->server) + strlen("http://"), 1);
        testing_ok(google_grant(o, &w->grant, NULL), NULL);
}

static void
the_machine_s_account(void **state)
{
        static const struct http_google_options o = {NULL};
        struct cloud_world w;
        struct err e = ERR_INIT;

        (void)state;
        start(&w, &o);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(w.line,
            "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes="
            "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fmonitoring.write");
        cloud_in(w.headers, "Metadata-Flavor: Google\r\n");
        cloud_applies(&w, "Authorization: Bearer t");
        cloud_world_release(&w);
}

/* A PEM key as JSON has it. */
static void
make_key(char *out, size_t cap)
{
        EVP_PKEY *key = EVP_RSA_gen(2048);
        BIO *bio = BIO_new(BIO_s_mem());
        char pem[4096];
        size_t n = 0;
        int len;

        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        len = BIO_read(bio, pem, sizeof(pem));
        for (int i = 0; i < len && n + 3 < cap; i++) {
                if (pem[i] == '\n')
                        out[n++] = '\\';
                out[n++] = (char)(pem[i] == '\n' ? 'n' : pem[i]);
        }
        out[n] = '\0';
        (void)BIO_free(bio);
        EVP_PKEY_free(key);
}

static void
write_file(struct cloud_world *w, const char *text)
{
        testing_write(w->file, text, strlen(text));
        (void)setenv("GOOGLE_APPLICATION_CREDENTIALS", w->file, 1);
}

static void
accounts_and_users_of_files(void **state)
{
        static const struct http_google_options o = {NULL};
        struct cloud_world w;
        struct err e = ERR_INIT;
        char key[4096];
        char text[8192];

        (void)state;
        start(&w, &o);
        make_key(key, sizeof(key));
        (void)snprintf(text, sizeof(text),
            "{\"type\":\"service_account\",\"client_email\":\"me@x\",\"private_key_id\":\"k\","
            "\"private_key\":\"%s\",\"token_uri\":\"%s\"}",
            key, w.url);
        write_file(&w, text);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(w.line, "POST /x");
        cloud_in(w.body,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
            "assertion=eyJ");
        grant_forget(w.grant);
        (void)snprintf(text, sizeof(text),
            "{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"s\","
            "\"refresh_token\":\"r&\",\"quota_project_id\":\"p\",\"token_uri\":\"%s\"}",
            w.url);
        write_file(&w, text);
        testing_ok(cloud_get(&w, &e), &e);
        assert_string_equal(
            w.body, "grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r%26");
        cloud_world_release(&w);
}

static void
files_that_are_no_good(void **state)
{
        static const char *const rows[][2] = {
            {"", "is not a JSON object"},
            {"[1]", "is not a JSON object"},
            {"{}", "of type \"\""},
            {"{\"type\":\"external_account\"}", "of type \"external_account\""},
            {"{\"type\":\"service_account\",\"client_email\":\"a\"}", "has no private_key"},
            {"{\"type\":\"authorized_user\",\"client_id\":\"a\"}", "has no client_secret"},
            {"{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"hush\"}",
                "the key is no RSA key"},
        };
        static const struct http_google_options o = {NULL};
        struct cloud_world w;
        struct err e = ERR_INIT;

        (void)state;
        start(&w, &o);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                write_file(&w, rows[i][0]);
                assert_int_equal(cloud_get(&w, &e), ERR_CONFIG);
                cloud_in(e.msg, rows[i][1]);
                cloud_in(e.msg, "google_iam: ");
                assert_null(strstr(e.msg, "hush"));
        }
        (void)setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file", 1);
        assert_int_equal(cloud_get(&w, &e), ERR_CONFIG);
        cloud_in(e.msg, "/no/such/file");
        cloud_world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_machine_s_account),
            cmocka_unit_test(accounts_and_users_of_files),
            cmocka_unit_test(files_that_are_no_good),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
