#include "scrape/discovery/kubernetes/credential.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#define V1 "client.authentication.k8s.io/v1"
#define HEAD "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":"

static void
what_a_program_prints(void **state)
{
        static const struct {
                const char *text;
                const char *reason; /* NULL: it is good */
        } rows[] = {
            {HEAD "{\"token\":\"t\"}}", NULL},
            {HEAD "{\"token\":\"t\",\"expirationTimestamp\":null}}", NULL},
            {HEAD "{\"token\":\"t\",\"expirationTimestamp\":\"2026-11-23T21:00:00Z\"}}", NULL},
            {HEAD "{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}}", NULL},
            {"", "no JSON object"},
            {"[]", "no JSON object"},
            {"token", "no JSON object"},
            {"{}", "no ExecCredential"},
            {"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\"}", "another apiVersion"},
            {HEAD "null}", "no status"},
            {HEAD "{}}", "no token and no certificate"},
            {HEAD "{\"token\":7}}", "no token and no certificate"},
            {HEAD "{\"clientKeyData\":\"k\"}}", "only one of"},
            {HEAD "{\"token\":\"a\\nb\"}}", "control character"},
            {HEAD "{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}", "not a time"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct arena arena = ARENA_INIT(1 << 16);
                struct kube_credential c = {0};
                struct err e = ERR_INIT;
                int rc = kube_credential_parse(view_of(rows[i].text), V1, &arena, &c, &e);

                if (rows[i].reason == NULL)
                        testing_ok(rc, &e);
                else if (rc != ERR_AGAIN || strstr(e.msg, rows[i].reason) == NULL)
                        fail_msg("%s: %d %s", rows[i].text, rc, e.msg);
                arena_release(&arena);
        }
}

static void
all_of_it_is_taken(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        struct kube_credential c = {0};

        (void)state;
        testing_ok(kube_credential_parse(
                       view_of(HEAD "{\"token\":\"t\",\"clientCertificateData\":\"c\","
                                    "\"clientKeyData\":\"k\","
                                    "\"expirationTimestamp\":\"1970-01-01T00:01:00Z\"}}"),
                       V1, &arena, &c, NULL),
            NULL);
        assert_string_equal(c.token, "t");
        assert_string_equal(c.cert, "c");
        assert_string_equal(c.key, "k");
        assert_int_equal(c.expires_ms, 60000);
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_a_program_prints),
            cmocka_unit_test(all_of_it_is_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
