#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"binary value", "  external_labels: {a: !!binary \"/w==\"}\n",
        "agent.yml:2:24: error: \"\\xff\" is not a valid label value", false},
    {"binary name", "  external_labels: {!!binary \"/w==\": a}\n",
        "\"\\xff\" is not a valid label name", false},
    {"empty name", "  external_labels: {\"\": a}\n", "\"\" is not a valid label name", false},
    {"null name", "  external_labels: {~: a}\n", "\"\" is not a valid label name", false},
    {"dash with legacy", "  metric_name_validation_scheme: legacy\n  external_labels: {a-b: c}\n",
        "\"a-b\" is not a valid label name", false},
    {"dash", "  external_labels: {a-b: c}\n", NULL, false},
    {"twice", "  external_labels: {a: b, a: c}\n", "key \"a\" already set in map", false},
    {"no text", "  external_labels: {a: {b: c}}\n", "cannot unmarshal !!map into string", false},
    {"list", "  external_labels: [a]\n", "cannot unmarshal !!seq into map[string]string", false},
    {"unset variable", "  external_labels: {a: \"${GLEANER_TEST_UNSET}\"}\n",
        "warning: environment variable GLEANER_TEST_UNSET is not set or empty; it is replaced by "
        "nothing",
        true},
    {"null", "  external_labels:\n", NULL, false},
};
static const struct config_case groups[] = {
    {"bad name", "  - targets: [a]\n    labels: {\"\": b}\n", "\"\" is not a valid label name",
        false},
    {"value that is no text", "  - targets: [a]\n    labels: {a: [b]}\n",
        "cannot unmarshal !!seq into string", false},
    {"merged", "  - &g {targets: [a], labels: &l {a: b}}\n  - {<<: *g, labels: {<<: *l, c: d}}\n",
        NULL, false},
    {"merged and written",
        "  - &g {targets: [a], labels: &l {a: b}}\n  - {<<: *g, labels: {<<: *l, a: d}}\n",
        "key \"a\" already set in map", false},
};

static void
external_labels_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "global:\n");
}

static void
so_are_labels_of_groups(void **state)
{
        (void)state;
        cases_run(CASES(groups), "scrape_configs:\n- job_name: x\n  static_configs:\n");
}

static void
variables_are_replaced_and_the_set_is_sorted(void **state)
{
        struct config *c;
        const struct label *l;

        (void)state;
        assert_int_equal(setenv("GLEANER_TEST_SITE", "north", 1), 0);
        c = cases_load("global:\n  external_labels:\n    z: $GLEANER_TEST_SITE\n"
                       "    cluster: 'c-${GLEANER_TEST_SITE}-${TENANT}'\n"
                       "    a: $$x\n    gone: ${GLEANER_TEST_UNSET}\n    n: 5\n    e: ''\n");
        assert_int_equal(c->remote->n_external_labels, 4);
        l = c->remote->external_labels;
        assert_true(view_is(l[0].name, "a"));
        assert_true(view_is(l[0].value, "$x"));
        assert_true(view_is(l[1].name, "cluster"));
        assert_true(view_is(l[1].value, "c-north-tenant-a"));
        assert_true(view_is(l[2].value, "5"));
        assert_true(view_is(l[3].value, "north"));
        assert_int_equal(c->scrape->n_external_labels, 4);
        assert_true(view_is(c->scrape->external_labels[1].value, "c-north-tenant-a"));
        config_free(c);
}

static void
nothing_else_is_expanded(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: $TENANT\n");

        (void)state;
        assert_string_equal(c->scrape->jobs[0].name, "$TENANT");
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(external_labels_are_checked),
            cmocka_unit_test(so_are_labels_of_groups),
            cmocka_unit_test(variables_are_replaced_and_the_set_is_sorted),
            cmocka_unit_test(nothing_else_is_expanded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
