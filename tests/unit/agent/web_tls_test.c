#include "agent/web_tls.h"

#include "agent/web_config.h"
#include "tests/testing/certs.h"
#include "tests/testing/testing.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 20 };

static char *dir;

static struct web_config *
config_of(const char *rest, const char *cert, const char *key)
{
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct err e = ERR_INIT;
        char path[512];
        char text[2048];

        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        (void)snprintf(text, sizeof(text),
            "tls_server_config:\n  cert_file: %s\n  key_file: %s\n%s", cert, key, rest);
        testing_ok(web_config_load_text(path, view_of(text), &c, &report, &e), &e);
        config_report_release(&report);
        return c;
}

static void
put_pair(gnutls_certificate_credentials_t c, const char *name)
{
        char cert[512];
        char key[512];

        (void)snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
        (void)snprintf(key, sizeof(key), "%s/%s.key", dir, name);
        assert_int_equal(
            gnutls_certificate_set_x509_key_file(c, cert, key, GNUTLS_X509_FMT_PEM), 0);
}

/* Both sides in turns; true when both are done without an error. */
static bool
shake_hands(gnutls_session_t server, gnutls_session_t client)
{
        int s = GNUTLS_E_AGAIN;
        int c = GNUTLS_E_AGAIN;

        for (int i = 0; i < TURNS; i++) {
                if (c == GNUTLS_E_AGAIN || c == GNUTLS_E_INTERRUPTED)
                        c = gnutls_handshake(client);
                if (s == GNUTLS_E_AGAIN || s == GNUTLS_E_INTERRUPTED)
                        s = gnutls_handshake(server);
        }
        return s == 0 && c == 0;
}

/* name: the client's certificate, NULL: none. What was agreed on, "" for nothing. */
static const char *
connect_with(struct web_tls *t, const char *priority, const char *name)
{
        static char agreed[128];
        gnutls_certificate_credentials_t credentials;
        gnutls_session_t server;
        gnutls_session_t client;
        struct err e = ERR_INIT;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
        if (name != NULL)
                put_pair(credentials, name);
        assert_int_equal(gnutls_init(&client, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
        assert_int_equal(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
        assert_int_equal(gnutls_priority_set_direct(client, priority, NULL), 0);
        assert_int_equal(gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, credentials), 0);
        gnutls_transport_set_int(client, fds[0]);
        gnutls_transport_set_int(server, fds[1]);
        testing_ok(web_tls_begin(t, server, &e), &e);
        agreed[0] = '\0';
        if (shake_hands(server, client))
                (void)snprintf(agreed, sizeof(agreed), "%s %s %s", web_tls_protocol(server),
                    gnutls_cipher_get_name(gnutls_cipher_get(server)),
                    gnutls_group_get_name(gnutls_group_get(server)));
        gnutls_deinit(server);
        gnutls_deinit(client);
        gnutls_certificate_free_credentials(credentials);
        (void)close(fds[0]);
        (void)close(fds[1]);
        return agreed;
}

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS11 "NORMAL:-VERS-ALL:+VERS-TLS1.1"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define VERIFY "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"

static void
test_handshakes(void **state)
{
        static const struct {
                const char *rest;
                const char *client;
                const char *certificate;
                const char *want; /* the beginning; "" alone: refused */
        } cases[] = {
            {"", "NORMAL", NULL, "TLS1.3 AES-128-GCM X25519"},
            {"", TLS12, NULL, "TLS1.2 AES-128-GCM X25519"},
            {"", TLS11, NULL, ""},
            {"  min_version: TLS13\n", TLS12, NULL, ""},
            {"  max_version: TLS12\n", "NORMAL", NULL, "TLS1.2"},
            {"  max_version: TLS12\n", TLS13, NULL, ""},
            {"  curve_preferences: [CurveP384]\n", "NORMAL", NULL, "TLS1.3 AES-128-GCM SECP384R1"},
            {"  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA]\n", TLS12, NULL,
                "TLS1.2 AES-256-CBC"},
            {"  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA]\n", "NORMAL", NULL,
                "TLS1.3 AES-128-GCM"},
            {"  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n", TLS12, NULL, ""},
            {"  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", TLS12, NULL, ""},
            {VERIFY, TLS12, NULL, ""},
            {VERIFY, TLS12, "client", "TLS1.2"},
            {VERIFY, TLS13, "client", "TLS1.3"},
            {VERIFY, TLS12, "other", ""},
            {"  client_auth_type: RequireAnyClientCert\n", TLS12, NULL, ""},
            {"  client_auth_type: RequireAnyClientCert\n", TLS12, "other", "TLS1.2"},
            {"  client_auth_type: RequestClientCert\n", TLS12, NULL, "TLS1.2"},
            {"  client_auth_type: RequestClientCert\n", TLS12, "other", "TLS1.2"},
            {"  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n", TLS12, NULL,
                "TLS1.2"},
            {"  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n", TLS12,
                "client", "TLS1.2"},
            {VERIFY "  client_allowed_sans: [x, client.example]\n", TLS12, "client", "TLS1.2"},
            {VERIFY "  client_allowed_sans: [127.0.0.1]\n", TLS12, "client", "TLS1.2"},
            {VERIFY "  client_allowed_sans: [CLIENT.example, client.exampl]\n", TLS12, "client",
                ""},
            {VERIFY "  client_allowed_sans: []\n", TLS12, "client", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct web_config *c = config_of(cases[i].rest, "server.pem", "server.key");
                const struct web_pem *what = NULL;
                struct web_tls *t = NULL;
                struct err e = ERR_INIT;
                const char *got;

                testing_ok(web_tls_new(c, &t, &what, &e), &e);
                web_config_free(c);
                got = connect_with(t, cases[i].client, cases[i].certificate);
                if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0 ||
                    (cases[i].want[0] == '\0' && got[0] != '\0'))
                        fail_msg("%s with %s, %s: \"%s\", not \"%s\"", cases[i].rest,
                            cases[i].client, cases[i].certificate ? cases[i].certificate : "none",
                            got, cases[i].want);
                web_tls_unref(t);
        }
}

static void
test_bad_certificates(void **state)
{
        static const struct {
                const char *rest;
                const char *cert;
                const char *key;
                bool authorities; /* are to blame */
        } cases[] = {
            {"", "server.pem", "client.key", false},
            {"", "server.key", "server.key", false},
            {"", "server.pem", "server.pem", false},
            {"", "web.yml", "server.key", false},
            {"  client_ca_file: server.key\n  client_auth_type: RequestClientCert\n", "server.pem",
                "server.key", true},
        };
        char path[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        testing_write(path, "no certificate", 14);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct web_config *c = config_of(cases[i].rest, cases[i].cert, cases[i].key);
                const struct web_pem *what = NULL;
                struct web_tls *t = NULL;
                struct err e = ERR_INIT;

                assert_int_equal(web_tls_new(c, &t, &what, &e), ERR_CONFIG);
                assert_ptr_equal(what, cases[i].authorities ? &c->client_ca : &c->cert);
                assert_null(t);
                web_config_free(c);
        }
}

static void
test_references(void **state)
{
        struct web_config *c = config_of("", "server.pem", "server.key");
        const struct web_pem *what = NULL;
        struct web_tls *t = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(web_tls_new(c, &t, &what, &e), &e);
        web_config_free(c);
        assert_ptr_equal(web_tls_ref(t), t);
        web_tls_unref(t);
        assert_string_not_equal(connect_with(t, "NORMAL", NULL), "");
        web_tls_unref(t);
        web_tls_unref(NULL);
}

static void
issue(const struct testing_ca *ca, const char *name)
{
        char cert[512];
        char key[512];
        char names[128];

        (void)snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
        (void)snprintf(key, sizeof(key), "%s/%s.key", dir, name);
        (void)snprintf(names, sizeof(names), "DNS:%s.example,IP:127.0.0.1", name);
        testing_ca_issue(ca, names, 3600, cert, key);
}

/* The other one's authority is not known. */
static void
issue_all(void)
{
        struct testing_ca *ca = testing_ca_new("ca");
        struct testing_ca *other = testing_ca_new("other");
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/ca.pem", dir);
        testing_ca_write(ca, path);
        issue(ca, "server");
        issue(ca, "client");
        issue(other, "other");
        testing_ca_free(ca);
        testing_ca_free(other);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_handshakes),
            cmocka_unit_test(test_bad_certificates),
            cmocka_unit_test(test_references),
        };
        int failed;

        dir = testing_directory();
        issue_all();
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        testing_remove(dir);
        return failed;
}
