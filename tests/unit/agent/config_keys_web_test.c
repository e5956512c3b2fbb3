#include "agent/web_config_values.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
check(const struct config_section *section, unsigned depth)
{
        for (size_t i = 0; i < section->n_keys; i++) {
                const struct config_key *key = &section->keys[i];

                assert_non_null(key->help);
                assert_int_equal(key->help[strlen(key->help) - 1], '.');
                assert_true(depth < 4);
                if (key->type == CONFIG_SECTION)
                        check(key->section, depth + 1);
        }
}

static void
test_every_key_is_described(void **state)
{
        (void)state;
        check(&web_config_section, 0);
}

static void
test_keys_are_found(void **state)
{
        size_t offset = 0;
        const struct config_key *key;

        (void)state;
        key = config_key_find(&web_config_section, "tls_server_config", &offset);
        assert_non_null(key);
        assert_int_equal(offset, offsetof(struct web_values, tls));
        assert_int_equal(config_key_find(key->section, "key", &offset)->type, CONFIG_SECRET);
        assert_null(config_key_find(key->section, "keys", &offset));
        assert_string_equal(
            config_key_nearest(&web_config_section, "basic_auth_user"), "basic_auth_users");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_key_is_described),
            cmocka_unit_test(test_keys_are_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
