#include "tests/unit/agent/config_cases.h"

#include "agent/check_targets.h"
#include "scrape/target.h"

static const char text[] =
    "global: {scrape_interval: 30s, external_labels: {cluster: 'c\"1'}}\n"
    "scrape_configs:\n"
    "- job_name: plain\n"
    "  static_configs: [{targets: ['a:1', 'b:1'], labels: {zone: z}}]\n"
    "  file_sd_configs: [{files: [t/*.yml]}]\n"
    "- job_name: relabeled\n"
    "  static_configs: [{targets: ['a:1', 'c:1', 'gone:1', 'd/e']}]\n"
    "  relabel_configs:\n"
    "  - {source_labels: [__address__], regex: 'gone.*', action: drop}\n"
    "  - {source_labels: [__address__], regex: 'a.*', target_label: job, replacement: plain}\n"
    "  - {source_labels: [__address__], regex: 'a.*', target_label: zone, replacement: z}\n"
    "remote_write:\n"
    "- {url: 'https://u:hunter2@h/p?q', name: central, headers: {a: b}}\n"
    "- {url: 'https://i/p', headers: {thanos-tenant: other}}\n";

/* Loads and builds, with one report for both. */
static void
build(const char *file, struct config **c, struct config_report *report, struct check_targets **t)
{
        struct err e = ERR_INIT;

        testing_ok(
            config_load_text("/etc/t/agent.yml", view_of(file), &cases_env, c, report, &e), &e);
        testing_ok(check_targets_build(&(struct check_input){*c, report, 0}, t, &e), &e);
}

static void
targets_are_built_and_their_troubles_told(void **state)
{
        struct config *c = NULL;
        struct config_report report = {0};
        struct check_targets *t = NULL;
        char *said;

        (void)state;
        build(text, &c, &report, &t);
        assert_int_equal(t->n_active, 4);
        assert_string_equal(t->active[0]->url, "http://a:1/metrics");
        assert_string_equal(t->active[3]->url, "http://c:1/metrics");
        assert_int_equal(t->n_dropped, 1);
        assert_int_equal(t->n_refused, 1);
        said = cases_print(&report);
        assert_non_null(strstr(said,
            "/etc/t/agent.yml:7:55: warning: target \"d/e\" of job relabeled cannot be scraped: "));
        assert_non_null(strstr(said,
            "/etc/t/agent.yml:7:31: warning: target http://a:1/metrics of job relabeled has the "
            "same labels as target http://a:1/metrics of job plain (line 4): "));
        assert_non_null(strstr(said, "warning: no file matches /etc/t/t/*.yml of job plain"));
        free(said);
        check_targets_free(t);
        config_report_release(&report);
        config_free(c);
}

static void
a_target_given_twice_is_one_target(void **state)
{
        struct config *c = NULL;
        struct config_report report = {0};
        struct check_targets *t = NULL;
        char *said;

        (void)state;
        build("scrape_configs:\n"
              "- job_name: j\n"
              "  relabel_configs: [{target_label: x, replacement: 'y'}]\n"
              "  static_configs:\n"
              "  - targets: ['a:1']\n"
              "  - targets: [a:1]\n",
            &c, &report, &t);
        said = cases_print(&report);
        assert_non_null(strstr(said,
            "agent.yml:6:15: warning: target http://a:1/metrics of job j is there twice (line 5): "
            "it is scraped once"));
        assert_null(strstr(said, "told apart"));
        free(said);
        check_targets_free(t);
        config_report_release(&report);
        config_free(c);
}

static void
write_file(const char *dir, const char *name, const char *body)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        testing_write(path, body, strlen(body));
}

static void
targets_of_files_are_there_too(void **state)
{
        char *dir = testing_directory();
        struct config *c = NULL;
        struct config_report report = {0};
        struct check_targets *t = NULL;
        struct buf file = BUF_INIT(1000);
        char *said;

        (void)state;
        write_file(dir, "x.yml", "- targets: [a:1, b:1]\n");
        write_file(dir, "y.yml", "- targets: [a:1, '']\n");
        write_file(dir, "z.yml", "{");
        testing_ok(buf_printf(&file, NULL,
                       "scrape_configs: [{job_name: j, static_configs: [{targets: [c:1]}], "
                       "file_sd_configs: [{files: ['%s/*.yml']}]}]%c",
                       dir, 0),
            NULL);
        build(file.ptr, &c, &report, &t);
        assert_int_equal(t->n_active, 4);
        assert_int_equal(t->n_refused, 1);
        assert_string_equal(t->active[0]->url, "http://c:1/metrics");
        assert_string_equal(t->active[1]->url, "http://a:1/metrics");
        said = cases_print(&report);
        assert_non_null(strstr(said,
            "/y.yml: warning: target http://a:1/metrics of job j is there "
            "twice ("));
        assert_non_null(strstr(said, "/x.yml): it is scraped once"));
        assert_non_null(strstr(said, "/y.yml: warning: target \"\" of job j cannot be scraped"));
        assert_non_null(strstr(said, "warning: 1 of the files of job j cannot be used"));
        free(said);
        check_targets_free(t);
        config_report_release(&report);
        config_free(c);
        buf_release(&file);
        testing_remove(dir);
}

static void
nothing_to_build(void **state)
{
        struct config *c = cases_load("");
        struct config_report report = {0};
        struct check_targets *t = NULL;

        (void)state;
        testing_ok(check_targets_build(&(struct check_input){c, &report, 0}, &t, NULL), NULL);
        assert_int_equal(t->n_active, 0);
        assert_int_equal(report.n, 0);
        check_targets_free(t);
        check_targets_free(NULL);
        config_report_release(&report);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(targets_are_built_and_their_troubles_told),
            cmocka_unit_test(a_target_given_twice_is_one_target),
            cmocka_unit_test(targets_of_files_are_there_too),
            cmocka_unit_test(nothing_to_build),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
