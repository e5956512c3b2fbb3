#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"null rule", "  - ~\n",
        "agent.yml:4:5: error: empty or null metric relabeling rule in scrape config", false},
    {"unknown action", "  - {action: dorp}\n", "unknown relabel action \"dorp\"", false},
    {"null action", "  - {action: }\n", "relabel action cannot be empty", false},
    {"any case", "  - {action: DROP, source_labels: [a], regex: b}\n", NULL, false},
    {"hashmod without modulus", "  - {action: hashmod, target_label: a}\n",
        "relabel configuration for hashmod requires non-zero modulus", false},
    {"replace without target", "  - {action: replace}\n",
        "relabel configuration for replace action requires 'target_label' value", false},
    {"empty rule", "  - {}\n",
        "relabel configuration for replace action requires 'target_label' value", false},
    {"keepequal with a regex that is the default",
        "  - {action: keepequal, source_labels: [a], target_label: b, regex: (.*)}\n",
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
        false},
    {"keepequal", "  - {action: keepequal, source_labels: [a], target_label: b}\n", NULL, false},
    {"labeldrop with a separator", "  - {action: labeldrop, regex: a, separator: x}\n",
        "labeldrop action requires only 'regex', and no other fields", false},
    {"lowercase with replacement", "  - {action: lowercase, target_label: b, replacement: x}\n",
        "'replacement' can not be set for lowercase action", false},
    {"bad pattern", "  - {action: drop, regex: \"a(b\"}\n", "error parsing regexp", false},
    {"unknown key", "  - {action: drop, regexp: a}\n",
        "agent.yml:4:20: error: field regexp not found in type relabel.plain; did you mean "
        "\"regex\"?",
        false},
    {"scalar as list", "  - {action: drop, source_labels: a}\n",
        "cannot unmarshal !!str `a` into model.LabelNames; source_labels expects a list of texts",
        false},
    {"empty source label", "  - {action: drop, source_labels: [\"\"]}\n",
        "\"\" is not a valid label name", false},
    {"negative modulus", "  - {action: hashmod, target_label: a, modulus: -5}\n",
        "cannot unmarshal !!int `-5` into uint64", false},
    {"no list", "    a: b\n", "cannot unmarshal !!map into []*relabel.Config", false},
    {"no map", "  - x\n", "cannot unmarshal !!str `x` into relabel.plain", false},
    {"null regex", "  - {action: drop, source_labels: [a], regex: }\n", NULL, false},
    {"numbers as texts", "  - {target_label: a1, regex: 5, replacement: 6}\n", NULL, false},
};

static void
rules_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n  metric_relabel_configs:\n");
}

static void
the_scheme_of_the_job_counts(void **state)
{
        static const struct config_case rows[] = {
            {"utf8", "  metric_relabel_configs: [{target_label: a-b}]\n", NULL, false},
            {"legacy",
                "  metric_name_validation_scheme: legacy\n"
                "  metric_relabel_configs: [{target_label: a-b}]\n",
                "\"a-b\" is invalid 'target_label' for replace action", false},
            {"null target rule", "  relabel_configs: [~]\n",
                "empty or null target relabeling rule in scrape config", false},
        };

        (void)state;
        cases_run(CASES(rows), "scrape_configs:\n- job_name: x\n");
}

static void
all_three_lists_are_compiled(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n"
                                      "  relabel_configs: [{target_label: a}]\n"
                                      "  metric_relabel_configs: [{target_label: a}, {regex: a, "
                                      "action: labeldrop}]\n"
                                      "remote_write:\n- url: http://h\n"
                                      "  write_relabel_configs: [{target_label: a}]\n");

        (void)state;
        assert_int_equal(c->scrape->jobs[0].relabel.n, 1);
        assert_int_equal(c->scrape->jobs[0].metric_relabel.n, 2);
        assert_int_equal(c->remote->endpoints[0].write_relabel.n, 1);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(rules_are_checked),
            cmocka_unit_test(the_scheme_of_the_job_counts),
            cmocka_unit_test(all_three_lists_are_compiled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
