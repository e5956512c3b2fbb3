#include "agent/bcrypt.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
test_format(void **state)
{
        static const struct {
                const char *hash;
                int rc;
                int cost;
        } cases[] = {
            {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 0, 5},
            {"$2y$18$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 0, 18},
            {"$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 0, 5},
            {"$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ERR_CONFIG, 0},
            {"$2y$19$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ERR_CONFIG, 0},
            {"$2y$5x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ERR_CONFIG, 0},
            {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", ERR_CONFIG, 0},
            {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx", ERR_CONFIG, 0},
            {"$2y$05$CCCCCCCCCC:CCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", ERR_CONFIG, 0},
            {"$1$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW", ERR_CONFIG, 0},
            {"password", ERR_CONFIG, 0},
            {"", ERR_CONFIG, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct err e = ERR_INIT;
                int cost = 0;
                int rc = bcrypt_check(view_of(cases[i].hash), &cost, &e);

                if (rc != cases[i].rc || cost != cases[i].cost)
                        fail_msg("%s: %d, cost %d (%s)", cases[i].hash, rc, cost, e.msg);
                assert_null(strstr(e.msg, "CCCC"));
        }
}

static void
test_passwords(void **state)
{
        static const char hash[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        static const char same[] = "$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        static const char bare[] = "$2y$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(bcrypt_load(&e), &e);
        assert_true(bcrypt_matches(hash, "U*U"));
        assert_true(bcrypt_matches(same, "U*U"));
        assert_true(bcrypt_matches(bare, "U*U")); /* only unused bits of the salt differ */
        assert_false(bcrypt_matches(hash, "U*U*"));
        assert_false(bcrypt_matches(hash, ""));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_format),
            cmocka_unit_test(test_passwords),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
