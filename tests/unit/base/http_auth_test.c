#include "base/http_auth.h"

#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/testing/transfer.h"

#include <stdio.h>
#include <string.h>

/* What the last request carried, and where the first one is redirected to. */
struct seen {
        char authorization[256];
        char custom[64];
        char empty_line[8]; /* "yes" when X-Empty came without a value */
        char own[16];
        char method[16];
        int redirect_status; /* 0: none */
        char location[128];
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct seen *s = arg;
        static char line[256];

        (void)testing_header(r, "Authorization", s->authorization, sizeof(s->authorization));
        (void)testing_header(r, "X-Custom", s->custom, sizeof(s->custom));
        (void)testing_header(r, "X-Own", s->own, sizeof(s->own));
        (void)snprintf(s->empty_line, sizeof(s->empty_line), "%s",
            strstr(r->headers, "X-Empty:\r\n") != NULL ? "yes" : "");
        (void)snprintf(s->method, sizeof(s->method), "%s", r->method);
        if (s->redirect_status != 0 && strcmp(r->target, "/from") == 0) {
                (void)snprintf(line, sizeof(line), "Location: %s\r\n", s->location);
                reply->status = s->redirect_status;
                reply->headers = line;
        }
}

static const struct http_header custom[] = {{"X-Custom", "secret", NULL}, {"X-Empty", "", NULL}};

static void
credentials_go_out_as_configured(void **state)
{
        char *dir = testing_directory();
        char file[600];
        struct seen seen = {0};
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        const struct {
                const char *name;
                struct http_options o;
                const char *want;
        } cases[] = {
            {"nothing", {0}, ""},
            {"basic", {.username = "u", .password = "p"}, "Basic dTpw"},
            {"basic, password in a file", {.username = "u", .password_file = file}, "Basic dTpw"},
            {"basic, user in a file", {.username_file = file, .password = "p"}, "Basic cDpw"},
            {"basic without password", {.username = "u"}, "Basic dTo="},
            {"bearer", {.credentials = "tok"}, "Bearer tok"},
            {"bearer from a file", {.credentials_file = file}, "Bearer p"},
            {"another type", {.auth_type = "Token", .credentials = "t"}, "Token t"},
        };

        (void)state;
        (void)snprintf(file, sizeof(file), "%s/secret", dir);
        testing_write(file, " p\n\n", 4);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct testing_transfer t;
                struct http_client *c = NULL;
                struct err e = ERR_INIT;

                testing_ok(http_client_new(&cases[i].o, TLS_1_2, &c, &e), &e);
                testing_transfer_init(&t);
                testing_transfer_run(&t, c, testing_server_url(server), NULL);
                assert_int_equal(t.status, 200);
                if (strcmp(seen.authorization, cases[i].want) != 0)
                        fail_msg("%s: \"%s\"", cases[i].name, seen.authorization);
                testing_transfer_release(&t);
                http_client_free(c);
        }
        testing_server_stop(server);
        testing_remove(dir);
}

static void
secrets_are_read_again_and_bad_ones_fail_the_request(void **state)
{
        char *dir = testing_directory();
        char file[600];
        struct seen seen = {0};
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        struct http_options o;
        struct http_client *c = NULL;
        struct testing_transfer t;
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(file, sizeof(file), "%s/token", dir);
        http_options_init(&o);
        o.credentials_file = file;
        testing_ok(http_client_new(&o, TLS_1_2, &c, &e), &e);
        testing_transfer_init(&t);

        testing_transfer_run(&t, c, testing_server_url(server), NULL);
        assert_int_equal(t.apply_rc, ERR_CONFIG);
        assert_non_null(strstr(t.apply_error, "authorization.credentials"));
        assert_non_null(strstr(t.apply_error, file));

        testing_write(file, "one", 3);
        testing_transfer_run(&t, c, testing_server_url(server), NULL);
        assert_string_equal(seen.authorization, "Bearer one");
        testing_write(file, "two", 3);
        testing_transfer_run(&t, c, testing_server_url(server), NULL);
        assert_string_equal(seen.authorization, "Bearer two");

        testing_write(file, "two\r\nX-Forged: 1", 16);
        testing_transfer_run(&t, c, testing_server_url(server), NULL);
        assert_int_equal(t.apply_rc, ERR_CONFIG);
        assert_null(strstr(t.apply_error, "two")); /* the secret is not shown */

        testing_transfer_release(&t);
        http_client_free(c);
        testing_server_stop(server);
        testing_remove(dir);
}

struct redirect_case {
        const char *name;
        const char *host; /* where the redirect leads; the port is put behind it */
        const char *post; /* body; NULL: GET */
        int status;
        CURLcode want;
        const char *method; /* of the last request */
        const char *custom; /* as the last request had it */
        bool authorized;
};

static void
run_redirect(const struct redirect_case *x)
{
        struct seen seen = {.redirect_status = x->status};
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        struct http_options o;
        struct http_client *c = NULL;
        struct testing_transfer t;
        struct err e = ERR_INIT;
        char url[128];

        (void)snprintf(seen.location, sizeof(seen.location), "http://%s:%u/to", x->host,
            testing_server_port(server));
        (void)snprintf(url, sizeof(url), "%s/from", testing_server_url(server));
        http_options_init(&o);
        o.headers = custom;
        o.n_headers = sizeof(custom) / sizeof(custom[0]);
        o.credentials = "tok";
        testing_ok(http_client_new(&o, TLS_1_2, &c, &e), &e);
        testing_transfer_init(&t);
        testing_transfer_run(&t, c, url, x->post);
        if (t.code != x->want || strcmp(seen.custom, x->custom) != 0 ||
            strcmp(seen.method, x->method) != 0 || (seen.authorization[0] != '\0') != x->authorized)
                fail_msg("%s: code %d (%s), status %ld, %s, custom \"%s\", authorization \"%s\"",
                    x->name, t.code, t.error, t.status, seen.method, seen.custom,
                    seen.authorization);
        assert_string_equal(seen.own, "yes"); /* what the caller put there stays */
        testing_transfer_release(&t);
        http_client_free(c);
        testing_server_stop(server);
}

static void
what_is_meant_for_one_host_goes_to_no_other(void **state)
{
        static const struct redirect_case cases[] = {
            {"same host", "127.0.0.1", NULL, 302, CURLE_OK, "GET", "secret", true},
            {"another host", "localhost", NULL, 301, CURLE_OK, "GET", "", false},
            {"a body goes along with 307", "127.0.0.1", "x", 307, CURLE_OK, "POST", "secret", true},
            {"and with 308", "localhost", "x", 308, CURLE_OK, "POST", "", false},
            {"a body is never lost on the way", "127.0.0.1", "x", 302, CURLE_ABORTED_BY_CALLBACK,
                "POST", "secret", true},
            {"303 neither", "127.0.0.1", "x", 303, CURLE_ABORTED_BY_CALLBACK, "POST", "secret",
                true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                run_redirect(&cases[i]);
}

static void
link_local_addresses_are_known(void **state)
{
        static const struct {
                const char *ip;
                bool want;
        } cases[] = {
            {"169.254.169.254", true},
            {"169.253.0.1", false},
            {"10.0.0.1", false},
            {"127.0.0.1", false},
            {"fe80::1", true},
            {"febf::1", true},
            {"fec0::1", false},
            {"fd00:ec2::254", true},
            {"fd00:ec2::253", false},
            {"::ffff:169.254.1.1", true},
            {"::ffff:10.0.0.1", false},
            {"::1", false},
            {"not an address", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                if (http_link_local(cases[i].ip) != cases[i].want)
                        fail_msg("%s", cases[i].ip);
        }
}

static void
empty_custom_header_is_sent(void **state)
{
        struct seen seen = {0};
        struct testing_server *server =
            testing_server_start(&(struct testing_server_options){.handler = handle, .arg = &seen});
        struct http_options o;
        struct http_client *c = NULL;
        struct testing_transfer t;
        struct err e = ERR_INIT;

        (void)state;
        http_options_init(&o);
        o.headers = custom;
        o.n_headers = 2;
        testing_ok(http_client_new(&o, TLS_1_2, &c, &e), &e);
        testing_transfer_init(&t);
        testing_transfer_run(&t, c, testing_server_url(server), NULL);
        assert_string_equal(seen.custom, "secret");
        assert_string_equal(seen.empty_line, "yes");
        testing_transfer_release(&t);
        http_client_free(c);
        testing_server_stop(server);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(credentials_go_out_as_configured),
            cmocka_unit_test(secrets_are_read_again_and_bad_ones_fail_the_request),
            cmocka_unit_test(what_is_meant_for_one_host_goes_to_no_other),
            cmocka_unit_test(link_local_addresses_are_known),
            cmocka_unit_test(empty_custom_header_is_sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
