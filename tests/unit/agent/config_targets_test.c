#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"null group", "  static_configs: [~]\n", "empty or null section in static_configs", false},
    {"empty group", "  static_configs: [{}]\n", NULL, false},
    {"empty list", "  static_configs: []\n", NULL, false},
    {"unknown key", "  static_configs: [{targats: [a]}]\n",
        "field targats not found in type struct; did you mean \"targets\"?", false},
    {"url", "  static_configs: [{targets: [\"http://bad\"]}]\n",
        "agent.yml:3:31: error: \"http://bad\" is not a valid hostname", false},
    {"url that is relabeled",
        "  static_configs: [{targets: [\"http://good\"]}]\n  relabel_configs: [{target_label: "
        "a}]\n",
        NULL, false},
    {"url and no rules", "  static_configs: [{targets: [\"http://bad\"]}]\n  relabel_configs: []\n",
        "is not a valid hostname", false},
    {"scalar", "  static_configs: [{targets: a}]\n",
        "cannot unmarshal !!str `a` into []string; targets expects a list of texts", false},
    {"map", "  static_configs: {targets: [a]}\n",
        "cannot unmarshal !!map into []*targetgroup.Group", false},
    {"files", "  file_sd_configs: [{files: [a.json, \"b/*.yml\", \"c*d.YAML\"]}]\n", NULL, false},
    {"other ending", "  file_sd_configs: [{files: [a.txt]}]\n",
        "path name \"a.txt\" is not valid for file discovery", false},
    {"star in a folder", "  file_sd_configs: [{files: [\"*/a.json\"]}]\n",
        "path name \"*/a.json\" is not valid for file discovery", false},
    {"mixed case", "  file_sd_configs: [{files: [a.Yml]}]\n", "is not valid for file discovery",
        false},
    {"no files", "  file_sd_configs: [{files: []}]\n",
        "file service discovery config must contain at least one path name", false},
    {"nothing", "  file_sd_configs: [{}]\n",
        "file service discovery config must contain at least one path name", false},
    {"null", "  file_sd_configs: [~]\n", "empty or null section in file_sd_configs", false},
    {"unknown key of files", "  file_sd_configs: [{file: [a.json]}]\n",
        "field file not found in type file.plain; did you mean \"files\"?", false},
    {"bad interval", "  file_sd_configs: [{files: [a.json], refresh_interval: 5}]\n",
        "not a valid duration string: \"5\"; refresh_interval expects", false},
    {"no interval", "  file_sd_configs: [{files: [a.json], refresh_interval: 0s}]\n",
        "warning: refresh_interval of 0s: 5m is used", true},
};

static void
targets_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

static void
targets_become_groups_and_patterns(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n  static_configs:\n"
                                      "  - targets: [a:1, 'b:2']\n    labels: {p: q, r: 5, s: }\n"
                                      "  - targets: []\n"
                                      "  file_sd_configs:\n  - files: [t/*.json, /abs/u.yml]\n"
                                      "    refresh_interval: 30s\n  - files: [v.yml]\n");
        const struct scrape_job *job = &c->scrape->jobs[0];

        (void)state;
        assert_int_equal(job->n_static_groups, 2);
        assert_int_equal(job->static_groups[0].n_targets, 2);
        assert_string_equal(job->static_groups[0].targets[1], "b:2");
        assert_int_equal(job->static_groups[0].n_labels, 3);
        assert_true(view_is(job->static_groups[0].labels[1].value, "5"));
        assert_true(view_is(job->static_groups[0].labels[2].value, ""));
        assert_int_equal(job->static_groups[1].n_targets, 0);
        assert_int_equal(job->n_file_sds, 2);
        assert_string_equal(job->file_sds[0].files[0], "/etc/t/t/*.json");
        assert_string_equal(job->file_sds[0].files[1], "/abs/u.yml");
        assert_int_equal(job->file_sds[0].refresh_interval_ms, 30000);
        assert_int_equal(job->file_sds[1].refresh_interval_ms, 300000);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(targets_are_checked),
            cmocka_unit_test(targets_become_groups_and_patterns),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
