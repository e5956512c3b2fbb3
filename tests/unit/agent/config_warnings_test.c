#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"no external label", "remote_write: [{url: \"http://a\"}]\n",
        "warning: no external label makes this site unique", true},
    {"nothing is sent", "scrape_configs: []\n", "warning: there is no remote_write", true},
    {"nothing is scraped", "remote_write: [{url: \"http://a\"}]\n",
        "warning: there are no scrape_configs", true},
    {"tenant header",
        "agent: {tenant_header: THANOS_TENANT}\nremote_write: [{url: \"http://a\"}]\n",
        "agent.yml:1:24: warning: tenant_header THANOS_TENANT has an underscore: nginx drops such "
        "headers",
        true},
    {"another header", "remote_write: [{url: \"http://a\", headers: {a_b: c}}]\n",
        "header a_b has an underscore", true},
    {"min_backoff", "remote_write: [{url: \"http://a\", queue_config: {min_backoff: 30ms}}]\n",
        "agent.yml:1:62: warning: min_backoff is below 100ms", true},
    {"max_backoff", "remote_write: [{url: \"http://a\", queue_config: {max_backoff: 5s}}]\n",
        "warning: max_backoff is below 10s", true},
    {"max_age", "wal: {max_age: 49h}\n", "warning: max_age is above 48h", true},
    {"memory", "agent: {memory_limit: 5MiB}\n", "warning: memory_limit is below 16MiB", true},
    {"documents", "global: {}\n---\nfoo: 1\n",
        "warning: only the first document of the file is read", true},
};

static void
what_a_valid_file_will_do_wrong_is_said(void **state)
{
        (void)state;
        cases_run(CASES(cases), "");
}

static void
a_good_file_gets_no_warning(void **state)
{
        static const char text[] =
            "global: {external_labels: {cluster: a}}\nscrape_configs: [{job_name: x}]\n"
            "remote_write: [{url: 'http://a'}]\nwal: {max_age: 48h}\n";
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(config_load_text("a.yml", view_of(text), &cases_env, &c, &report, &e), &e);
        assert_int_equal(report.n, 0);
        config_free(c);
        config_report_release(&report);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_a_valid_file_will_do_wrong_is_said),
            cmocka_unit_test(a_good_file_gets_no_warning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
