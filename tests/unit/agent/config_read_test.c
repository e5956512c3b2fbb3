#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"unknown key", "foo: 1\n",
        "agent.yml:1:1: error: field foo not found in type config.plain; expected a key of the top "
        "level",
        false},
    {"misspelt key", "golbal: {}\n",
        "field golbal not found in type config.plain; did you mean \"global\"?", false},
    {"empty key", "\"\": 1\n", "field  not found in type config.plain", false},
    {"key with a line end", "\"a\\nb\": 1\n", "field a\\nb not found in type config.plain", false},
    {"key twice", "global: {}\nglobal: {}\n",
        "agent.yml:2:1: error: field global already set in type config.plain", false},
    {"key that is a list", "? [a]\n: b\n", "cannot unmarshal !!seq into string", false},
    {"scalar as file", "foo\n",
        "agent.yml:1:1: error: cannot unmarshal !!str `foo` into config.plain; the file expects a "
        "map of keys",
        false},
    {"list as file", "- foo\n", "cannot unmarshal !!seq into config.plain", false},
    {"scalar as section", "global: foo\n",
        "cannot unmarshal !!str `foo` into config.plain; global expects a map of keys", false},
    {"secret as section", "scrape_configs: [{job_name: x, basic_auth: hunter2}]\n",
        "cannot unmarshal !!str `...` into config.plain; basic_auth expects a map of keys", false},
    {"ignored", "storage: {tsdb: {}}\ntracing: {endpoint: a}\notlp: {}\nruntime: {gogc: 50}\n",
        "agent.yml:4:1: note: runtime has no effect here: of a full server; its keys are checked",
        true},
    {"ignored and wrong", "global: {evaluation_interval: 5}\n",
        "not a valid duration string: \"5\"; evaluation_interval expects a duration", false},
    {"later and wrong", "scrape_configs: [{job_name: x, extra_scrape_metrics: 5}]\n",
        "cannot unmarshal !!int `5` into bool", false},
    {"later and empty", "scrape_configs: [{job_name: x, proxy_url: \"\", oauth2: }]\n", NULL,
        false},
    {"merged and overridden",
        "scrape_configs:\n- &a {job_name: a, scheme: http}\n- {<<: *a, job_name: b, scheme: "
        "https}\n",
        NULL, false},
    {"merged and then unknown",
        "scrape_configs:\n- &a {job_name: a, schema: http}\n- {<<: *a, job_name: b}\n",
        "agent.yml:2:20: error: field schema not found in type config.ScrapeConfig; did you mean "
        "\"scheme\"?",
        false},
};

static void
sections_are_read_by_their_rows(void **state)
{
        (void)state;
        cases_run(CASES(cases), "");
}

/* One mistake must not hide another. */
static void
all_mistakes_of_a_file_are_told(void **state)
{
        static const char text[] = "global:\n  scrape_intervall: 5s\n  scrape_timeout: 5\n"
                                   "scrape_configs:\n- job_name:\n  honor_labels: maybe\n"
                                   "remote_write:\n- url: http://a\n  azuread: {certificate: {}}\n"
                                   "rule_files: [a]\nwall: {}\n";
        static const char *const want[] = {
            "agent.yml:2:3: error: field scrape_intervall not found",
            "agent.yml:3:19: error: not a valid duration string: \"5\"",
            "agent.yml:5:12: error: job_name is empty",
            "agent.yml:6:17: error: cannot unmarshal !!str `maybe` into bool",
            "agent.yml:9:13: error: certificate is not supported: applications with",
            "agent.yml:10:13: error: field rule_files is not allowed in agent mode",
            ("agent.yml:11:1: error: field wall not found in type config.plain; did you mean "
             "\"wal\"?"),
        };
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        char *said;

        (void)state;
        assert_int_equal(
            config_load_text("agent.yml", view_of(text), &cases_env, &c, &report, &e), ERR_CONFIG);
        assert_null(c);
        said = cases_print(&report);
        for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
                if (strstr(said, want[i]) == NULL)
                        fail_msg("no \"%s\" in\n%s", want[i], said);
        }
        assert_int_equal(report.errors, sizeof(want) / sizeof(want[0]));
        assert_non_null(strstr(e.msg, "line 2: field scrape_intervall not found"));
        assert_non_null(strstr(e.msg, "(and 6 more errors)"));
        free(said);
        config_report_release(&report);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(sections_are_read_by_their_rows),
            cmocka_unit_test(all_mistakes_of_a_file_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
