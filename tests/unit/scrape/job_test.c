#include "tests/testing/testing.h"

#include "scrape/job.h"

static struct relabel_rule *
compile_rule(void)
{
        struct relabel_options options;
        struct relabel_rule *rule = NULL;
        struct err e = ERR_INIT;

        relabel_options_init(&options);
        options.action = RELABEL_LABELDROP;
        options.regex = VIEW_LIT("tmp_.*");
        testing_ok(relabel_compile(&options, &rule, &e), &e);
        return rule;
}

static void
a_new_one_is_empty_and_has_one_reference(void **state)
{
        struct scrape_config *c = NULL;

        (void)state;
        testing_ok(scrape_config_new(&c, NULL), NULL);
        assert_int_equal(c->refs, 1);
        assert_int_equal(c->n_jobs, 0);
        assert_int_equal(c->n_external_labels, 0);
        scrape_config_unref(c);
}

static void
each_reference_keeps_it(void **state)
{
        struct scrape_config *c = NULL;

        (void)state;
        testing_ok(scrape_config_new(&c, NULL), NULL);
        assert_ptr_equal(scrape_config_ref(c), c);
        assert_int_equal(c->refs, 2);
        scrape_config_unref(c);
        assert_int_equal(c->refs, 1);
        assert_non_null(arena_strdup(&c->arena, "still usable"));
        scrape_config_unref(c);
        scrape_config_unref(NULL);
}

/* What is not released here, the leak check of the asan preset reports. */
static void
the_last_reference_releases_rules_and_strings(void **state)
{
        struct scrape_config *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(scrape_config_new(&c, NULL), NULL);
        c->jobs = arena_calloc(&c->arena, 2, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = 2;
        for (size_t i = 0; i < c->n_jobs; i++) {
                struct relabel_rule *rule = compile_rule();

                c->jobs[i].name = arena_strdup(&c->arena, "node");
                testing_ok(relabel_rules_take(&c->jobs[i].relabel, &rule, &e), &e);
                rule = compile_rule();
                testing_ok(relabel_rules_take(&c->jobs[i].metric_relabel, &rule, &e), &e);
        }
        scrape_config_unref(c);
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
