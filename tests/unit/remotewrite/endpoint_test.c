#include "tests/testing/testing.h"

#include "remotewrite/endpoint.h"

static void
a_new_one_is_empty_and_has_one_reference(void **state)
{
        struct remote_config *c = NULL;

        (void)state;
        testing_ok(remote_config_new(&c, NULL), NULL);
        assert_int_equal(c->refs, 1);
        assert_int_equal(c->n_endpoints, 0);
        assert_int_equal(c->n_external_labels, 0);
        remote_config_unref(c);
}

static void
each_reference_keeps_it(void **state)
{
        struct remote_config *c = NULL;

        (void)state;
        testing_ok(remote_config_new(&c, NULL), NULL);
        assert_ptr_equal(remote_config_ref(c), c);
        assert_int_equal(c->refs, 2);
        remote_config_unref(c);
        assert_int_equal(c->refs, 1);
        assert_non_null(arena_strdup(&c->arena, "still usable"));
        remote_config_unref(c);
        remote_config_unref(NULL);
}

/* What is not released here, the leak check of the asan preset reports. */
static void
the_last_reference_releases_rules_and_strings(void **state)
{
        struct relabel_options options;
        struct relabel_rule *rule = NULL;
        struct remote_config *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(remote_config_new(&c, NULL), NULL);
        c->endpoints = arena_calloc(&c->arena, 1, sizeof(*c->endpoints));
        assert_non_null(c->endpoints);
        c->n_endpoints = 1;
        c->endpoints[0].url = arena_strdup(&c->arena, "https://receiver.example/api/v1/receive");
        relabel_options_init(&options);
        options.action = RELABEL_LABELDROP;
        options.regex = VIEW_LIT("tmp_.*");
        testing_ok(relabel_compile(&options, &rule, &e), &e);
        testing_ok(relabel_rules_take(&c->endpoints[0].write_relabel, &rule, &e), &e);
        remote_config_unref(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_new_one_is_empty_and_has_one_reference),
            cmocka_unit_test(each_reference_keeps_it),
            cmocka_unit_test(the_last_reference_releases_rules_and_strings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
