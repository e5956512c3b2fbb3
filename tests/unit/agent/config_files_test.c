#include "tests/unit/agent/config_cases.h"

#include "agent/config_parts.h"

#include <stdio.h>
#include <sys/stat.h>

/* A folder with the main file and others, loaded. */
struct files_fixture {
        char *folder;
        char main_file[512];
        struct config_report report;
        struct config *config;
        struct err e;
        char *said;
};

static void
put(struct files_fixture *f, const char *name, const char *text)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
        testing_write(path, text, strlen(text));
}

static int
load(struct files_fixture *f, const char *text)
{
        int rc;

        put(f, "agent.yml", text);
        (void)snprintf(f->main_file, sizeof(f->main_file), "%s/agent.yml", f->folder);
        rc = config_load(f->main_file, &cases_env, &f->config, &f->report, &f->e);
        f->said = cases_print(&f->report);
        return rc;
}

static void
finish(struct files_fixture *f)
{
        free(f->said);
        config_free(f->config);
        config_report_release(&f->report);
        testing_remove(f->folder);
}

static void
jobs_of_files_follow_those_of_the_main_file(void **state)
{
        struct files_fixture f = {.folder = testing_directory()};
        char want[1024];

        (void)state;
        put(&f, "b.jobs", "scrape_configs:\n- job_name: b\n  bearer_token_file: t\n");
        put(&f, "a.jobs", "scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n");
        put(&f, "empty.jobs", "");
        testing_ok(load(&f,
                       "global: {scrape_interval: 30s}\nscrape_config_files: ['*.jobs', none*]\n"
                       "scrape_configs:\n- job_name: main\n"),
            &f.e);
        assert_int_equal(f.config->scrape->n_jobs, 3);
        assert_string_equal(f.config->scrape->jobs[0].name, "main");
        assert_string_equal(f.config->scrape->jobs[1].name, "a");
        assert_int_equal(f.config->scrape->jobs[1].interval_ms, 5000);
        assert_string_equal(f.config->scrape->jobs[2].name, "b");
        assert_int_equal(f.config->scrape->jobs[2].interval_ms, 30000);
        (void)snprintf(want, sizeof(want), "%s/t", f.folder);
        assert_string_equal(f.config->scrape->jobs[2].http.credentials_file, want);
        finish(&f);
}

static void
mistakes_are_told_with_the_name_of_the_file(void **state)
{
        struct files_fixture f = {.folder = testing_directory()};
        char want[1024];

        (void)state;
        put(&f, "a.jobs", "scrape_configs:\n- job_name: main\n- jobname: x\nglobal: {}\n");
        put(&f, "b.jobs", "scrape_configs: [\n");
        assert_int_equal(load(&f,
                             "scrape_config_files: ['*.jobs']\nscrape_configs:\n"
                             "- job_name: main\n"),
            ERR_CONFIG);
        (void)snprintf(want, sizeof(want),
            "%s/a.jobs:2:13: error: found multiple scrape configs with job name \"main\"",
            f.folder);
        assert_non_null(strstr(f.said, want));
        assert_non_null(strstr(f.said, "a.jobs:3:3: error: field jobname not found"));
        assert_non_null(strstr(f.said,
            "a.jobs:4:1: error: field global not found in type "
            "config.ScrapeConfigs"));
        assert_non_null(strstr(f.said, "b.jobs:2:1: error: yaml: line 2: did not find"));
        assert_memory_equal(f.e.msg, "\"/", 2);
        finish(&f);
}

static void
a_star_takes_a_leading_dot(void **state)
{
        struct files_fixture f = {.folder = testing_directory()};

        (void)state;
        put(&f, ".a.jobs", "scrape_configs: [{job_name: a}]\n");
        put(&f, "b.jobs", "scrape_configs: [{job_name: b}]\n");
        testing_ok(load(&f, "scrape_config_files: ['*.jobs']\n"), &f.e);
        assert_int_equal(f.config->scrape->n_jobs, 2);
        assert_string_equal(f.config->scrape->jobs[0].name, "a");
        finish(&f);
}

static void
a_folder_is_no_file(void **state)
{
        struct files_fixture f = {.folder = testing_directory()};
        char path[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/x.jobs", f.folder);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(load(&f, "scrape_config_files: ['*.jobs']\n"), ERR_CONFIG);
        assert_non_null(strstr(f.said, "is not a regular file"));
        finish(&f);
}

static void
targets_of_several_files_are_compared(void **state)
{
        struct files_fixture f = {.folder = testing_directory()};

        (void)state;
        put(&f, "a.jobs",
            "scrape_configs:\n- job_name: a\n  static_configs:\n"
            "  - {targets: [h], labels: {job: main}}\n");
        testing_ok(load(&f,
                       "scrape_config_files: [a.jobs]\nscrape_configs:\n- job_name: main\n"
                       "  static_configs: [{targets: [h]}]\n"),
            &f.e);
        assert_non_null(strstr(f.said, "has the same labels as target"));
        finish(&f);
}

static void
a_star_stands_in_the_last_part_only(void **state)
{
        static const struct config_case rows[] = {
            {"folder", "scrape_config_files: [scrape_configs/*/*]\n",
                "agent.yml:1:23: error: invalid scrape config file path \"scrape_configs/*/*\"",
                false},
            {"last part", "scrape_config_files: [/no/such/folder/a*b.yml]\n", NULL, false},
            {"no text", "scrape_config_files: [~, '']\n", NULL, false},
        };

        (void)state;
        assert_true(config_pattern_valid("a/b*c"));
        assert_true(config_pattern_valid("a/b"));
        assert_false(config_pattern_valid("*/b"));
        cases_run(CASES(rows), "");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(jobs_of_files_follow_those_of_the_main_file),
            cmocka_unit_test(mistakes_are_told_with_the_name_of_the_file),
            cmocka_unit_test(a_star_takes_a_leading_dot),
            cmocka_unit_test(a_folder_is_no_file),
            cmocka_unit_test(targets_of_several_files_are_compared),
            cmocka_unit_test(a_star_stands_in_the_last_part_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
