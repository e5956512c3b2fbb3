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

/* Only where it is asked for: the machine may be another one. */
static void
files_that_cannot_be_read(void **state)
{
        static const struct {
                const char *text; /* of a job */
                const char *want; /* NULL: nothing is said */
        } rows[] = {
            {"basic_auth: {username: x, password_file: nowhere}",
                ":1:73: warning: \"/nowhere/of/nowhere\" cannot be read (No such file or "
                "directory)"},
            {"tls_config: {ca_file: /}", "warning: \"/\" cannot be read (Is a directory)"},
            {"tls_config: {ca_file: /dev/null}", NULL},
            {"tls_config: {ca_file: \"\"}", NULL},
            {"http_headers: {a: {files: [/dev/null, /x/y]}}", ": warning: \"/x/y\" cannot be read"},
            {"scrape_failure_log_file: /dev/null", NULL},
        };

        (void)state;
        for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
                const char *want = i % 2 == 0 ? rows[i / 2].want : NULL;
                const struct config_env env = {.tenant = "t", .look_at_files = i % 2 == 0};
                struct config_report report = {0};
                struct config *c = NULL;
                struct err e = ERR_INIT;
                char text[256];
                char *said;

                (void)snprintf(
                    text, sizeof(text), "scrape_configs: [{job_name: x, %s}]", rows[i / 2].text);
                testing_ok(
                    config_load_text("/nowhere/of/a.yml", view_of(text), &env, &c, &report, &e),
                    &e);
                said = cases_print(&report);
                print_message("%s\n%s", text, said);
                if (want != NULL)
                        assert_non_null(strstr(said, want));
                else
                        assert_null(strstr(said, "cannot be read"));
                free(said);
                config_free(c);
                config_report_release(&report);
        }
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
            cmocka_unit_test(files_that_cannot_be_read),
            cmocka_unit_test(a_good_file_gets_no_warning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
