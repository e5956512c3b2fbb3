#include "base/dns.h"

#include "tests/testing/dns_server.h"
#include "tests/testing/testing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD(answers) "\x12\x34\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION "\1a\4test\0\0\1\0\1"
#define RECORD(type, size) "\xc0\x0c\0" type "\0\1\0\0\0\5\0" size
#define A_1 RECORD("\1", "\4") "\x7f\0\0\1"
#define A_2 RECORD("\1", "\4") "\x7f\0\0\2"
#define V(text) text, sizeof(text) - 1

/* ---- an answer's bytes ---- */

static const struct {
        const char *name;
        const char *bytes;
        size_t n;
        const char *want; /* NULL: refused */
} answers[] = {
    {"nothing", V(""), NULL},
    {"no records", V(HEAD("\0") QUESTION), ""},
    {"addresses are sorted", V(HEAD("\2") QUESTION A_2 A_1), "1 127.0.0.1 0;1 127.0.0.2 0;"},
    {"an address twice", V(HEAD("\2") QUESTION A_1 A_1), "1 127.0.0.1 0;"},
    {"an alias is passed over", V(HEAD("\2") QUESTION RECORD("\5", "\2") "\xc0\x0c" A_1),
        "1 127.0.0.1 0;"},
    {"another class is passed over",
        V(HEAD("\1") QUESTION "\xc0\x0c\0\1\0\3\0\0\0\5\0\4\x7f\0\0\1"), ""},
    {"IPv6", V(HEAD("\1") QUESTION RECORD("\x1c", "\x10") "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
        "28 ::1 0;"},
    {"IPv4 in IPv6",
        V(HEAD("\1") QUESTION RECORD("\x1c", "\x10") "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\3"),
        "28 127.0.0.3 0;"},
    {"a service", V(HEAD("\1") QUESTION RECORD("\x21", "\x0a") "\0\1\0\2\x23\x8c\1b\xc0\x0e"),
        "33 b.test 9100;"},
    {"a service that is not there", V(HEAD("\1") QUESTION RECORD("\x21", "\7") "\0\0\0\0\0\0\0"),
        "33  0;"},
    {"a mail server", V(HEAD("\1") QUESTION RECORD("\x0f", "\6") "\0\5\1m\xc0\x0e"),
        "15 m.test 0;"},
    {"a name server", V(HEAD("\1") QUESTION RECORD("\2", "\4") "\1n\xc0\x0e"), "2 n.test 0;"},
    {"a record less than said", V(HEAD("\2") QUESTION A_1), NULL},
    {"a cut record", V(HEAD("\1") QUESTION "\xc0\x0c\0\1\0\1\0\0"), NULL},
    {"cut data", V(HEAD("\1") QUESTION RECORD("\1", "\4") "\x7f\0"), NULL},
    {"a short address", V(HEAD("\1") QUESTION RECORD("\1", "\3") "\x7f\0\0"), NULL},
    {"a short service", V(HEAD("\1") QUESTION RECORD("\x21", "\6") "\0\0\0\0\0\0"), NULL},
    {"a name that points at itself", V(HEAD("\1") QUESTION RECORD("\2", "\2") "\xc0\x23"), NULL},
    {"a cut question", V(HEAD("\0") "\1a"), NULL},
};

static void
put_records(const struct dns_records *r, struct buf *out)
{
        for (size_t i = 0; i < r->n; i++)
                testing_ok(buf_printf(out, NULL, "%d %s %u;", (int)r->v[i].type, r->v[i].host,
                               r->v[i].port),
                    NULL);
        testing_ok(buf_putc(out, '\0', NULL), NULL);
}

static void
bytes_of_answers(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
                struct dns_records r = {NULL, 0};
                struct buf got = BUF_INIT(1024);
                int rc = dns_records_parse((struct view){answers[i].bytes, answers[i].n}, &r, NULL);

                put_records(&r, &got);
                if (rc != (answers[i].want != NULL ? 0 : ERR_PARSE))
                        fail_msg("%s: %d", answers[i].name, rc);
                if (rc == 0 && strcmp(got.ptr, answers[i].want) != 0)
                        fail_msg("%s: \"%s\"", answers[i].name, got.ptr);
                dns_records_release(&r);
                buf_release(&got);
        }
}

/* ---- look-ups ---- */

static const struct testing_dns_row rows[] = {
    {"here.test", DNS_A, 0, 1, V(A_1)},
    {"here.second.test", DNS_A, 0, 1, V(A_2)},
    {"none.first.test", DNS_A, 0, 0, V("")},
    {"none.second.test", DNS_A, 0, 1, V(A_1)},
    {"bad.first.test", DNS_A, 2, 0, V("")},
    {"good.first.test", DNS_A, 2, 0, V("")},
    {"good.second.test", DNS_A, 0, 1, V(A_1)},
    {"broken.test", DNS_A, 0, 2, V(A_1)},
    {NULL, 0, 0, 0, NULL, 0},
};

/* With the search list "first.test second.test". */
static const struct {
        const char *name;
        const char *want; /* NULL: a failure */
        const char *asked; /* in order, once each; NULL: no matter */
} lookups[] = {
    {"here.test", "1 127.0.0.1 0;", "here.test "},
    {"here.test.", "1 127.0.0.1 0;", "here.test "},
    {"here", "1 127.0.0.2 0;", "here.first.test here.second.test "},
    {"none", "", "none.first.test "},
    {"gone", "", "gone.first.test gone.second.test gone "},
    {"gone.test", "", "gone.test gone.test.first.test gone.test.second.test "},
    {"gone.test.", "", "gone.test "},
    {"bad", NULL, NULL},
    {"good", "1 127.0.0.1 0;", NULL},
    {"broken.test", NULL, NULL},
    {"a..b", NULL, NULL},
};

struct answer {
        unsigned calls;
        int rc;
        struct buf text;
};

static void
on_done(void *arg, int rc, struct dns_records *records, const struct err *why)
{
        struct answer *a = arg;

        a->calls++;
        a->rc = rc;
        if (rc < 0)
                assert_non_null(strstr(why->msg, "cannot look up \""));
        put_records(records, &a->text);
        dns_records_release(records);
}

static void
run(struct dns_resolver *r, struct testing_dns *server, const struct answer *a)
{
        while (a->calls == 0) {
                struct pollfd fds[DNS_MAX_FDS];
                size_t n = dns_resolver_fds(r, fds);

                testing_dns_turn(server);
                (void)poll(fds, n, 10);
                dns_resolver_turn(r);
        }
}

static void
search_list(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
                struct testing_dns *server = testing_dns_start(rows);
                struct answer a = {0, 0, BUF_INIT(1024)};
                const struct dns_question q = {lookups[i].name, DNS_A, on_done, &a};
                struct dns_resolver *r = NULL;

                testing_ok(dns_resolver_new(testing_dns_address(server), &r, NULL), NULL);
                testing_ok(dns_resolver_ask(r, &q, NULL), NULL);
                run(r, server, &a);
                if (a.rc != (lookups[i].want != NULL ? 0 : ERR_AGAIN))
                        fail_msg("%s: %d", lookups[i].name, a.rc);
                if (a.rc == 0)
                        assert_string_equal(a.text.ptr, lookups[i].want);
                if (lookups[i].asked != NULL)
                        assert_string_equal(testing_dns_asked(server), lookups[i].asked);
                buf_release(&a.text);
                dns_resolver_free(r);
                testing_dns_stop(server);
        }
}

static void
ends_in_the_middle(void **state)
{
        struct testing_dns *server = testing_dns_start(rows);
        struct answer a = {0, 0, BUF_INIT(1024)};
        const struct dns_question q = {"here.test", DNS_A, on_done, &a};
        struct pollfd fds[DNS_MAX_FDS];
        struct dns_resolver *r = NULL;

        (void)state;
        assert_int_equal(dns_resolver_new("nonsense", &r, NULL), ERR_CONFIG);
        testing_ok(dns_resolver_new(testing_dns_address(server), &r, NULL), NULL);
        assert_int_equal(dns_resolver_wait_ms(r), -1);
        testing_ok(dns_resolver_ask(r, &q, NULL), NULL);
        assert_int_equal(dns_resolver_fds(r, fds), 1);
        assert_true(dns_resolver_wait_ms(r) > 0 && dns_resolver_wait_ms(r) <= 2000);
        dns_resolver_free(r);
        assert_int_equal(a.calls, 0);
        dns_resolver_free(NULL);
        testing_dns_stop(server);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(bytes_of_answers),
            cmocka_unit_test(search_list),
            cmocka_unit_test(ends_in_the_middle),
        };

        (void)setenv("LOCALDOMAIN", "first.test second.test", 1);
        (void)setenv("RES_OPTIONS", "ndots:1", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
