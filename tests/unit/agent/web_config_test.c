#include "agent/web_config.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

#define HASH "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
#define TLS "tls_server_config:\n  cert: a\n  key: b\n  "

/* Prometheus 3.5 takes or refuses each of them the same way, but for those marked "stricter". */
static const struct {
        const char *text;
        const char *why; /* a part of the report; NULL: it is good */
        unsigned line;
} cases[] = {
    {"", NULL, 0},
    {"# nothing\n", NULL, 0},
    {"---\n---\n", NULL, 0},
    {"{}", NULL, 0},
    {"tls_server_config: {}\n", NULL, 0},
    {"tls_server_config:\n", NULL, 0},
    {"basic_auth_users: {}\n", NULL, 0},
    {"basic_auth_users:\n  a: " HASH "\n", NULL, 0},
    {"basic_auth_users:\n  1: " HASH "\n", NULL, 0},
    {"basic_auth_users:\n  \"\": " HASH "\n", NULL, 0},
    {"basic_auth_users:\n  a:b: " HASH "\n", NULL, 0},
    {"http_server_config:\n  http2: yes\n", NULL, 0},
    {"http_server_config:\n  headers: {X-XSS-Protection: \"\"}\n", NULL, 0},
    {"http_server_config:\n  headers: {X-Frame-Options: sameorigin}\n", NULL, 0},
    {"rate_limit: {burst: 3}\n", NULL, 0},
    {"rate_limit: {burst: 3, interval: 1.5s}\n", NULL, 0},
    {"tls_server_config:\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", NULL, 0},
    {"tls_server_config:\n  client_allowed_sans: [a]\n", NULL, 0},
    {"tls_server_config:\n  min_version:\n", NULL, 0},
    {TLS "client_auth_type: RequireClientCert\n", NULL, 0},
    {TLS "client_auth_type: NoClientCert\n", NULL, 0},
    {TLS "curve_preferences: [X25519, CurveP521, X25519]\n", NULL, 0},

    {"[]\n", "cannot unmarshal !!seq into web.Config", 1},
    {"a: 1\n", "field a not found in type web.Config", 1},
    {"\ttls_server_config:\n", "yaml: ", 1},
    {"tls_server_config:\n  certfile: x\n", "did you mean \"cert_file\"?", 2},
    {"auth_excluded_paths: [/a]\n", "field auth_excluded_paths not found", 1},
    {"tls_server_config:\n  min_version: TLS14\n", "unknown TLS version: TLS14", 2},
    {"tls_server_config:\n  min_version: 1.2\n", "unknown TLS version: 1.2", 2},
    {"tls_server_config:\n  min_version: TLS13\n  max_version: TLS12\n", "above", 2}, /* stricter */
    {"tls_server_config:\n  cipher_suites: TLS_AES_128_GCM_SHA256\n", "cannot unmarshal", 2},
    {"tls_server_config:\n  cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]\n", "unknown cipher",
        2},
    {"tls_server_config:\n  curve_preferences:\n  - X25519\n  - X25519MLKEM768\n", "unknown curve",
        4},
    {"tls_server_config:\n  client_auth_type: NoClientCert\n", "missing one of cert", 2},
    {"tls_server_config:\n  key: abc\n", "missing one of cert or cert_file", 2},
    {"tls_server_config:\n  cert: abc\n", "missing one of key or key_file", 2},
    {"tls_server_config:\n  cert_file: /nowhere/x\n  key: a\n", "cert_file: ", 2},
    {"tls_server_config:\n  cert: a\n  key_file: none\n", "key_file: ", 3},
    {TLS "client_ca_file: none\n  client_auth_type: RequestClientCert\n", "client_ca_file: ", 4},
    {TLS "client_ca: c\n", "without a Client Auth Policy", 2},
    {TLS "client_auth_type: foo\n", "invalid ClientAuth: foo", 4},
    {TLS "cert: c\n", "field cert already set", 4},
    {"basic_auth_users:\n  a: abc\n", "the password of \"a\" is not a bcrypt hash", 2},
    {"basic_auth_users:\n  a:\n", "not a bcrypt hash", 2},
    {"basic_auth_users:\n  a: [" HASH "]\n", "not a bcrypt hash", 2},
    {"basic_auth_users:\n  a: " HASH "xxx\n", "63 characters", 2}, /* stricter */
    {"basic_auth_users: [a]\n", "cannot unmarshal !!seq", 1},
    {"basic_auth_users:\n  a: " HASH "\n  a: " HASH "\n", "already set in map", 3},
    {"http_server_config:\n  http2: maybe\n", "cannot unmarshal !!str `maybe` into bool", 2},
    {"http_server_config:\n  headers:\n    X-Frame-Options: DENY\n", "expected deny or same", 3},
    {"http_server_config:\n  headers:\n    x-frame-options: deny\n", "can not be configured", 3},
    {"http_server_config:\n  headers:\n    X-Content-Type-Options:\n", "expected nosniff", 3},
    {"rate_limit:\n  interval: 1d\n", "is no duration", 2},
    {"rate_limit:\n  interval: -1s\n", "below 0", 2}, /* stricter */
    {"rate_limit:\n  burst: many\n", "cannot unmarshal", 2},
};

static bool
report_has(const struct config_report *r, const char *why, unsigned line)
{
        for (size_t i = 0; why != NULL && i < r->n; i++) {
                if (r->v[i].severity == CONFIG_ERROR && strstr(r->v[i].text, why) != NULL)
                        return r->v[i].line == line && r->v[i].column > 0;
        }
        return false;
}

static void
test_files(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct config_report report = {0};
                struct web_config *c = NULL;
                struct err e = ERR_INIT;
                struct buf lines = BUF_INIT(1 << 16);
                int rc = web_config_load_text(
                    "/nowhere/web.yml", view_of(cases[i].text), &c, &report, &e);

                testing_ok(config_report_print(&report, &lines, NULL), NULL);
                testing_ok(buf_putc(&lines, '\0', NULL), NULL);
                if ((rc == 0) != (cases[i].why == NULL))
                        fail_msg("%s\n: %d %s", cases[i].text, rc, lines.ptr);
                if (rc < 0 && !report_has(&report, cases[i].why, cases[i].line))
                        fail_msg("%s\nwants %u: %s\nhas %s", cases[i].text, cases[i].line,
                            cases[i].why, lines.ptr);
                assert_null(strstr(lines.ptr, "X0h1gDsPsz")); /* no hash in what is said */
                buf_release(&lines);
                web_config_free(c);
                config_report_release(&report);
        }
}

static void
test_values(void **state)
{
        static const char text[] =
            "tls_server_config:\n  cert: CERT\n  key: KEY\n  client_ca: CA\n"
            "  client_auth_type: VerifyClientCertIfGiven\n  client_allowed_sans: [a, b]\n"
            "  min_version: TLS11\n  max_version: TLS12\n"
            "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, TLS_AES_128_GCM_SHA256]\n"
            "  curve_preferences: [CurveP384, X25519]\n"
            "http_server_config:\n  http2: false\n"
            "  headers: {Content-Security-Policy: \"a\\nb\", X-XSS-Protection: \"\"}\n"
            "basic_auth_users: {alice: " HASH ", \"a:b\": " HASH "}\n"
            "rate_limit: {interval: 2s, burst: 5}\n";
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(web_config_load_text("web.yml", view_of(text), &c, &report, &e), &e);
        assert_true(c->tls);
        assert_string_equal(c->cert.text.p, "CERT");
        assert_string_equal(c->key.text.p, "KEY");
        assert_string_equal(c->client_ca.text.p, "CA");
        assert_int_equal(c->client_auth, WEB_CLIENT_VERIFY_IF_GIVEN);
        assert_true(c->checks_sans);
        assert_int_equal(c->n_client_sans, 2);
        assert_int_equal(c->min_version, 11);
        assert_int_equal(c->max_version, 12);
        assert_int_equal(c->ciphers, WEB_CIPHER_RSA_AES256_CBC | WEB_CIPHER_TLS13);
        assert_int_equal(c->n_curves, 2);
        assert_int_equal(c->curves[0], WEB_CURVE_P384);
        assert_false(c->http2);
        assert_int_equal(c->n_headers, 1); /* an empty one is none */
        assert_string_equal(c->headers[0].value, "a b");
        assert_int_equal(c->n_users, 1); /* nobody can be a:b */
        assert_string_equal(c->users[0].name, "alice");
        assert_string_equal(c->users[0].hash, HASH);
        assert_int_equal(c->rate_interval_ns, 2000000000);
        assert_int_equal(c->rate_burst, 5);
        web_config_free(c);
        web_config_free(NULL);
        config_report_release(&report);
}

static void
test_changes_are_seen(void **state)
{
        char *dir = testing_directory();
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct err e = ERR_INIT;
        char path[512];
        char key[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        (void)snprintf(key, sizeof(key), "%s/k", dir);
        testing_write(path, "tls_server_config: {cert: a, key_file: k}", 41);
        assert_int_equal(web_config_load(path, &c, &report, &e), ERR_CONFIG);
        testing_write(key, "1", 1);
        config_report_release(&report);
        report = (struct config_report){0};
        testing_ok(web_config_load(path, &c, &report, &e), &e);
        assert_true(web_config_is_current(c, path));
        testing_write(key, "2", 1);
        assert_false(web_config_is_current(c, path));
        testing_write(key, "1", 1);
        assert_true(web_config_is_current(c, path));
        testing_write(path, "tls_server_config: {cert: b, key_file: k}", 41);
        assert_false(web_config_is_current(c, path));
        (void)remove(path);
        assert_false(web_config_is_current(c, path));
        web_config_free(c);
        config_report_release(&report);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_files),
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_changes_are_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
