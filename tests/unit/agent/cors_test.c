#include "agent/cors.h"

#include "agent/httpd.h"
#include "tests/testing/testing.h"

#include <string.h>

static const char *
field(const struct httpd_reply *r, const char *name)
{
        for (size_t i = 0; i < r->n_fields; i++) {
                if (strcmp(r->fields[i].name, name) == 0)
                        return r->fields[i].value;
        }
        return NULL;
}

static void
test_origins(void **state)
{
        static const struct {
                const char *origins;
                const char *origin;
                bool allowed;
        } rows[] = {
            {".*", "http://a.example", true},
            {".*", "null", true},
            {".*", "a\tb", false},
            {"http://a\\.example|b", "http://a.example", true},
            {"http://a\\.example|b", "http://a.examples", false},
            {"", "x", false},
            {"b", "http://b", false},
            {"http://.*", "http://\xff", true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct httpd_reply r = {0};
                struct cors *c = NULL;
                const char *said;

                testing_ok(cors_new(rows[i].origins, &c, NULL), NULL);
                cors_set(c, rows[i].origin, &r);
                said = field(&r, "Access-Control-Allow-Origin");
                assert_int_equal(said != NULL, rows[i].allowed);
                if (said != NULL)
                        assert_string_equal(said, rows[i].origin);
                assert_string_equal(
                    field(&r, "Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
                assert_string_equal(field(&r, "Vary"), "Origin");
                cors_free(c);
        }
        cors_free(NULL);
}

static void
test_nobody_asks(void **state)
{
        static const char *const origins[] = {NULL, ""};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct httpd_reply r = {0};
                struct cors *c = NULL;

                testing_ok(cors_new(".*", &c, NULL), NULL);
                cors_set(c, origins[i], &r);
                assert_int_equal(r.n_fields, 1);
                assert_string_equal(field(&r, "Vary"), "Origin");
                cors_free(c);
        }
}

static void
test_bad_expression(void **state)
{
        struct cors *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(cors_new("(", &c, &e), ERR_CONFIG);
        assert_null(c);
        assert_memory_equal(e.msg, "could not compile CORS regex string \"(\": error parsing", 54);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_origins),
            cmocka_unit_test(test_nobody_asks),
            cmocka_unit_test(test_bad_expression),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
