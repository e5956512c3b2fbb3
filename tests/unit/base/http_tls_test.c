#include "base/http_tls.h"

#include "tests/testing/certs.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/testing/transfer.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A directory with two authorities and what they issued. */
struct world {
        char *dir;
        struct testing_ca *ca;
        struct testing_ca *other;
        char ca_file[600];
        char other_file[600];
        char cert[600]; /* of the server: for 127.0.0.1 and tls.example */
        char key[600];
        char sni[128]; /* as the server saw it last */
        bool client_certificate;
        struct testing_server *server;
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct world *w = arg;

        (void)reply;
        (void)snprintf(w->sni, sizeof(w->sni), "%s", r->sni);
        w->client_certificate = r->client_certificate;
}

static void
name_file(const struct world *w, const char *name, char path[600])
{
        (void)snprintf(path, 600, "%s/%s", w->dir, name);
}

static void
world_init(struct world *w, const char *names, const char *client_ca, int max_tls)
{
        *w = (struct world){.dir = testing_directory()};
        w->ca = testing_ca_new("gleaner test authority");
        w->other = testing_ca_new("another authority");
        name_file(w, "ca.pem", w->ca_file);
        name_file(w, "other.pem", w->other_file);
        name_file(w, "server.pem", w->cert);
        name_file(w, "server.key", w->key);
        testing_ca_write(w->ca, w->ca_file);
        testing_ca_write(w->other, w->other_file);
        testing_ca_issue(w->ca, names, 3600, w->cert, w->key);
        w->server = testing_server_start(&(struct testing_server_options){
            .handler = handle,
            .arg = w,
            .cert = w->cert,
            .key = w->key,
            .client_ca = client_ca != NULL ? w->ca_file : NULL,
            .max_tls = max_tls,
        });
}

static void
world_release(struct world *w)
{
        testing_server_stop(w->server);
        testing_ca_free(w->ca);
        testing_ca_free(w->other);
        testing_remove(w->dir);
}

/* One GET with these options; t keeps code and status. */
static void
run(struct world *w, const struct http_options *o, enum tls_version floor,
    struct testing_transfer *t)
{
        struct http_client *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(http_client_new(o, floor, &c, &e), &e);
        testing_transfer_init(t);
        testing_transfer_run(t, c, testing_server_url(w->server), NULL);
        testing_transfer_release(t);
        http_client_free(c);
}

static void
only_the_configured_authority_is_trusted(void **state)
{
        struct world w;
        struct buf inline_ca = BUF_INIT(65536);

        (void)state;
        world_init(&w, "IP:127.0.0.1", NULL, 0);
        testing_ok(buf_puts(&inline_ca, "", NULL), NULL);
        {
                FILE *f = fopen(w.ca_file, "rb");
                char text[8192];
                size_t n;

                assert_non_null(f);
                n = fread(text, 1, sizeof(text), f);
                assert_int_equal(fclose(f), 0);
                testing_ok(buf_append(&inline_ca, text, n, NULL), NULL);
                testing_ok(buf_putc(&inline_ca, '\0', NULL), NULL);
        }
        {
                const struct {
                        const char *name;
                        struct http_options o;
                        CURLcode want;
                } cases[] = {
                    {"the machine's authorities", {0}, CURLE_PEER_FAILED_VERIFICATION},
                    {"CA file", {.ca_file = w.ca_file}, CURLE_OK},
                    {"inline CA", {.ca = inline_ca.ptr}, CURLE_OK},
                    {"another CA", {.ca_file = w.other_file}, CURLE_PEER_FAILED_VERIFICATION},
                    {"verification off", {.insecure_skip_verify = true}, CURLE_OK},
                    {"verification off, another CA",
                        {.insecure_skip_verify = true, .ca_file = w.other_file}, CURLE_OK},
                };

                for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                        struct testing_transfer t;

                        run(&w, &cases[i].o, TLS_1_3, &t);
                        if (t.code != cases[i].want)
                                fail_msg("%s: code %d (%s)", cases[i].name, t.code, t.error);
                }
        }
        buf_release(&inline_ca);
        world_release(&w);
}

static void
server_name_is_asked_for_and_verified(void **state)
{
        static const struct {
                const char *name;
                const char *names; /* in the server's certificate */
                const char *server_name;
                bool skip;
                CURLcode want;
                const char *sni;
        } cases[] = {
            {"another name than the URL's", "DNS:tls.example", "tls.example", false, CURLE_OK,
                "tls.example"},
            {"not in the certificate", "DNS:tls.example,IP:127.0.0.1", "x.example", false,
                CURLE_PEER_FAILED_VERIFICATION, ""},
            {"the URL's host alone is not in it", "DNS:tls.example", NULL, false,
                CURLE_PEER_FAILED_VERIFICATION, ""},
            {"an address", "IP:10.0.0.1", "10.0.0.1", false, CURLE_OK, ""},
            {"another address", "IP:127.0.0.1", "10.0.0.1", false, CURLE_PEER_FAILED_VERIFICATION,
                ""},
            {"asked for without verification", "DNS:tls.example", "x.example", true, CURLE_OK,
                "x.example"},
            {"wildcard", "DNS:*.tls.example", "a.tls.example", false, CURLE_OK, "a.tls.example"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                struct http_options o;
                struct testing_transfer t;

                world_init(&w, cases[i].names, NULL, 0);
                http_options_init(&o);
                o.ca_file = w.ca_file;
                o.server_name = cases[i].server_name;
                o.insecure_skip_verify = cases[i].skip;
                run(&w, &o, TLS_1_3, &t);
                if (t.code != cases[i].want || strcmp(w.sni, cases[i].sni) != 0)
                        fail_msg(
                            "%s: code %d (%s), name \"%s\"", cases[i].name, t.code, t.error, w.sni);
                world_release(&w);
        }
}

static void
versions_have_a_floor_that_the_file_may_lower(void **state)
{
        static const struct {
                const char *name;
                int server_max;
                enum tls_version floor;
                enum tls_version min;
                enum tls_version max;
                CURLcode want;
        } cases[] = {
            {"floor 1.3, newest server", 0, TLS_1_3, TLS_DEFAULT, TLS_DEFAULT, CURLE_OK},
            {"floor 1.3, server with 1.2", TLS1_2_VERSION, TLS_1_3, TLS_DEFAULT, TLS_DEFAULT,
                CURLE_SSL_CONNECT_ERROR},
            {"floor 1.2, server with 1.2", TLS1_2_VERSION, TLS_1_2, TLS_DEFAULT, TLS_DEFAULT,
                CURLE_OK},
            {"min_version lowers it", TLS1_2_VERSION, TLS_1_3, TLS_1_2, TLS_DEFAULT, CURLE_OK},
            {"min_version raises it", TLS1_2_VERSION, TLS_1_2, TLS_1_3, TLS_DEFAULT,
                CURLE_SSL_CONNECT_ERROR},
            {"max_version below the floor", 0, TLS_1_3, TLS_DEFAULT, TLS_1_2, CURLE_OK},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                struct http_options o;
                struct testing_transfer t;
                char text[512];

                world_init(&w, "IP:127.0.0.1", NULL, cases[i].server_max);
                http_options_init(&o);
                o.ca_file = w.ca_file;
                o.min_version = cases[i].min;
                o.max_version = cases[i].max;
                run(&w, &o, cases[i].floor, &t);
                http_describe(t.code, t.error, text, sizeof(text));
                if (t.code != cases[i].want)
                        fail_msg("%s: code %d (%s)", cases[i].name, t.code, text);
                if (t.code != CURLE_OK && strstr(text, "tls_config.min_version") == NULL)
                        fail_msg("%s: the key is not named: %s", cases[i].name, text);
                world_release(&w);
        }
}

static void
wrong_combinations_are_refused(void **state)
{
        static const struct {
                struct http_options o;
                const char *want;
        } cases[] = {
            {{.min_version = TLS_1_3, .max_version = TLS_1_2}, "max_version must be greater"},
            {{.cert_file = "x"}, "exactly one of key or key_file"},
            {{.key_file = "x"}, "exactly one of cert or cert_file"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_client *c = NULL;
                struct err e = ERR_INIT;

                assert_int_equal(http_client_new(&cases[i].o, TLS_1_2, &c, &e), ERR_CONFIG);
                assert_non_null(strstr(e.msg, cases[i].want));
                assert_null(c);
        }
}

static void
missing_files_fail_the_request_and_name_the_file(void **state)
{
        struct world w;
        struct testing_transfer t;
        struct http_options o;

        (void)state;
        world_init(&w, "IP:127.0.0.1", NULL, 0);
        http_options_init(&o);
        o.ca_file = "/nonexistent/ca.pem";
        run(&w, &o, TLS_1_3, &t);
        assert_int_equal(t.apply_rc, ERR_CONFIG);
        assert_non_null(strstr(t.apply_error, "CA file: cannot open \"/nonexistent/ca.pem\""));
        o.ca_file = w.key; /* PEM, but no certificate */
        run(&w, &o, TLS_1_3, &t);
        assert_int_equal(t.apply_rc, ERR_CONFIG);
        o.ca_file = w.ca_file;
        o.cert_file = w.cert;
        o.key_file = w.ca_file; /* PEM, but no key */
        run(&w, &o, TLS_1_3, &t);
        assert_int_equal(t.apply_rc, ERR_CONFIG);
        assert_non_null(strstr(t.apply_error, "client key"));
        world_release(&w);
}

/* Waits until a file written now has another time than one written before. */
static void
let_file_times_move(void)
{
        (void)nanosleep(&(struct timespec){0, 20000000}, NULL);
}

static void
rotated_client_certificate_gets_new_connections(void **state)
{
        struct world w;
        struct testing_transfer t;
        struct http_options o;
        struct http_client *c = NULL;
        struct err e = ERR_INIT;
        char cert[600];
        char key[600];
        char next[600];
        int64_t expiry;
        const char *url;

        (void)state;
        world_init(&w, "IP:127.0.0.1", "yes", 0);
        name_file(&w, "client.pem", cert);
        name_file(&w, "client.key", key);
        name_file(&w, "next.key", next);
        testing_ca_issue(w.ca, "DNS:client", 600, cert, key);
        http_options_init(&o);
        o.ca_file = w.ca_file;
        o.cert_file = cert;
        o.key_file = key;
        url = testing_server_url(w.server);
        testing_ok(http_client_new(&o, TLS_1_3, &c, &e), &e);
        testing_transfer_init(&t);

        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_OK);
        assert_true(w.client_certificate);
        assert_int_equal(t.connects, 1);
        expiry = http_client_cert_expiry_ms(c) - (int64_t)time(NULL) * 1000;
        assert_true(expiry > 500000 && expiry <= 600000);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.connects, 0); /* the connection is kept */

        /* the certificate is written first: the pair before goes on until the key follows */
        let_file_times_move();
        testing_ca_issue(w.ca, "DNS:client", 1200, cert, next);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_OK);
        assert_int_equal(t.connects, 0);
        assert_int_equal(rename(next, key), 0);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_OK);
        assert_int_equal(t.connects, 1);
        expiry = http_client_cert_expiry_ms(c) - (int64_t)time(NULL) * 1000;
        assert_true(expiry > 1000000);

        testing_transfer_release(&t);
        http_client_free(c);
        world_release(&w);
}

static void
changed_authority_is_used_for_new_connections(void **state)
{
        struct world w;
        struct testing_transfer t;
        struct http_options o;
        struct http_client *c = NULL;
        struct err e = ERR_INIT;
        const char *url;

        (void)state;
        world_init(&w, "IP:127.0.0.1", NULL, 0);
        url = testing_server_url(w.server);
        http_options_init(&o);
        o.ca_file = w.ca_file;
        testing_ok(http_client_new(&o, TLS_1_3, &c, &e), &e);
        testing_transfer_init(&t);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_OK);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.connects, 0);
        let_file_times_move();
        testing_ca_write(w.other, w.ca_file);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_PEER_FAILED_VERIFICATION);
        let_file_times_move();
        testing_ca_write(w.ca, w.ca_file);
        testing_transfer_run(&t, c, url, NULL);
        assert_int_equal(t.code, CURLE_OK);
        testing_transfer_release(&t);
        http_client_free(c);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(only_the_configured_authority_is_trusted),
            cmocka_unit_test(server_name_is_asked_for_and_verified),
            cmocka_unit_test(versions_have_a_floor_that_the_file_may_lower),
            cmocka_unit_test(wrong_combinations_are_refused),
            cmocka_unit_test(missing_files_fail_the_request_and_name_the_file),
            cmocka_unit_test(rotated_client_certificate_gets_new_connections),
            cmocka_unit_test(changed_authority_is_used_for_new_connections),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
