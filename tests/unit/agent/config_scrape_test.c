#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"no name", "- job_name:\n", "agent.yml:2:12: error: job_name is empty", false},
    {"no name at all", "- scheme: http\n", "agent.yml:2:3: error: job_name is empty", false},
    {"null job", "- ~\n", "empty or null scrape config section", false},
    {"no map", "- x\n", "cannot unmarshal !!str `x` into config.ScrapeConfig", false},
    {"same name", "- job_name: \"a\\nb\"\n- job_name: \"a\\nb\"\n",
        "agent.yml:3:13: error: found multiple scrape configs with job name \"a\\nb\"", false},
    {"timeout over interval", "- job_name: x\n  scrape_interval: 10s\n  scrape_timeout: 20s\n",
        "agent.yml:4:19: error: scrape timeout greater than scrape interval for scrape config with "
        "job name \"x\"",
        false},
    {"timeout over the interval of global", "- job_name: x\n  scrape_timeout: 61s\n",
        "scrape timeout greater than scrape interval", false},
    {"unknown key", "- job_name: x\n  scrape_intervall: 5s\n",
        "agent.yml:3:3: error: field scrape_intervall not found in type config.ScrapeConfig; did "
        "you mean \"scrape_interval\"?",
        false},
    {"key twice", "- job_name: x\n  scheme: http\n  scheme: https\n",
        "agent.yml:4:3: error: field scheme already set in type config.ScrapeConfig", false},
    {"params without lists", "- job_name: x\n  params: {a: b}\n",
        "cannot unmarshal !!str `b` into []string", false},
    {"params twice", "- job_name: x\n  params: {a: [b], a: [c]}\n", "key \"a\" already set in map",
        false},
    {"no size", "- job_name: x\n  body_size_limit: 100\n",
        "units: unknown unit  in 100; body_size_limit expects a size such as 512KB or 10MiB",
        false},
    {"no boolean", "- job_name: x\n  honor_labels: \"true\"\n",
        "cannot unmarshal !!str `true` into bool; honor_labels expects true or false", false},
    {"log of failures", "- job_name: x\n  scrape_failure_log_file: /tmp/f\n", NULL, false},
    {"log of failures that cannot be written",
        "- job_name: x\n  scrape_failure_log_file: /nowhere/f\n",
        "warning: \"/nowhere/f\" cannot be written (No such file or directory): failed scrapes are "
        "not logged there",
        true},
    {"native histograms", "- job_name: x\n  scrape_native_histograms: yes\n",
        "warning: scrape_native_histograms has no effect here: pages are asked for in the text "
        "format",
        true},
    {"conversion", "- job_name: x\n  convert_classic_histograms_to_nhcb: true\n",
        "warning: convert_classic_histograms_to_nhcb has no effect here: classic histograms are "
        "sent as they are",
        true},
    {"conversion switched off again", "- job_name: x\n  convert_classic_histograms_to_nhcb: no\n",
        NULL, false},
    {"classic ones", "- job_name: x\n  always_scrape_classic_histograms: true\n",
        "warning: always_scrape_classic_histograms has no effect here", true},
    {"extra series", "- job_name: x\n  extra_scrape_metrics: true\n", NULL, false},
    {"their defaults",
        "- job_name: x\n  scrape_native_histograms: false\n  extra_scrape_metrics: no\n  "
        "convert_classic_histograms_to_nhcb:\n  scrape_failure_log_file: \"\"\n",
        NULL, false},
    {"no effect", "- job_name: x\n  native_histogram_bucket_limit: 5\n",
        "note: native_histogram_bucket_limit has no effect here", true},
    {"other scheme", "- job_name: x\n  scheme: ftp\n",
        "warning: scheme \"ftp\" is neither http nor https", true},
    {"upper case scheme", "- job_name: x\n  scheme: HTTPS\n", NULL, false},
};

static void
jobs_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n");
}

static void
defaults_of_a_job(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n");
        const struct scrape_job *job = &c->scrape->jobs[0];

        (void)state;
        assert_string_equal(job->name, "x");
        assert_int_equal(job->interval_ms, 60000);
        assert_int_equal(job->timeout_ms, 10000);
        assert_string_equal(job->metrics_path, "/metrics");
        assert_string_equal(job->scheme, "http");
        assert_false(job->honor_labels);
        assert_true(job->honor_timestamps);
        assert_false(job->track_timestamps_staleness);
        assert_true(job->enable_compression);
        assert_int_equal(job->sample_limit, 0);
        assert_int_equal(job->http.min_version, TLS_DEFAULT);
        assert_true(job->http.follow_redirects);
        config_free(c);
}

static void
limits_of_global_are_inherited(void **state)
{
        struct config *c = cases_load(
            "global: {scrape_interval: 30s, scrape_timeout: 20s, body_size_limit: 1KB, "
            "sample_limit: 1, target_limit: 2, label_limit: 3, label_name_length_limit: 4, "
            "label_value_length_limit: 5, keep_dropped_targets: 6}\n"
            "scrape_configs:\n- job_name: a\n  sample_limit: 0\n"
            "- job_name: b\n  scrape_interval: 15s\n  body_size_limit: 2KiB\n  sample_limit: 1e3\n"
            "  scrape_timeout: 0s\n");
        const struct scrape_job *a = &c->scrape->jobs[0];
        const struct scrape_job *b = &c->scrape->jobs[1];

        (void)state;
        assert_int_equal(a->interval_ms, 30000);
        assert_int_equal(a->timeout_ms, 20000);
        assert_int_equal(a->body_size_limit, 1024);
        assert_int_equal(a->sample_limit, 1);
        assert_int_equal(a->target_limit, 2);
        assert_int_equal(a->label_limit, 3);
        assert_int_equal(a->label_name_length_limit, 4);
        assert_int_equal(a->label_value_length_limit, 5);
        assert_int_equal(a->keep_dropped_targets, 6);
        assert_int_equal(b->interval_ms, 15000);
        assert_int_equal(b->timeout_ms, 15000); /* global's 20s, cut */
        assert_int_equal(b->body_size_limit, 2048);
        assert_int_equal(b->sample_limit, 1000);
        config_free(c);
}

static void
what_is_written_is_used(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n  metrics_path: /p\n"
                                      "  scheme: https\n  params: {m: [a, 5], e: , n: []}\n"
                                      "  honor_labels: on\n  honor_timestamps: off\n"
                                      "  track_timestamps_staleness: y\n"
                                      "  enable_compression: no\n");
        const struct scrape_job *job = &c->scrape->jobs[0];

        (void)state;
        assert_string_equal(job->metrics_path, "/p");
        assert_string_equal(job->scheme, "https");
        assert_int_equal(job->n_params, 3);
        assert_string_equal(job->params[0].name, "m");
        assert_int_equal(job->params[0].n_values, 2);
        assert_string_equal(job->params[0].values[1], "5");
        assert_int_equal(job->params[1].n_values, 0);
        assert_true(job->honor_labels);
        assert_false(job->honor_timestamps);
        assert_true(job->track_timestamps_staleness);
        assert_false(job->enable_compression);
        config_free(c);
}

/* Anchors are how people write many jobs that are nearly the same. */
static void
jobs_may_be_merged(void **state)
{
        struct config *c =
            cases_load("scrape_configs:\n- &a\n  job_name: a\n  scrape_interval: 5s\n"
                       "- <<: *a\n  job_name: b\n");

        (void)state;
        assert_int_equal(c->scrape->n_jobs, 2);
        assert_string_equal(c->scrape->jobs[1].name, "b");
        assert_int_equal(c->scrape->jobs[1].interval_ms, 5000);
        config_free(c);
}

static void
many_jobs_fit(void **state)
{
        struct buf text = BUF_INIT(1 << 20);
        struct config *c;

        (void)state;
        testing_ok(buf_puts(&text, "scrape_configs:\n", NULL), NULL);
        for (int i = 0; i < 100; i++)
                testing_ok(buf_printf(&text, NULL, "- job_name: j%d\n", i), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        c = cases_load(text.ptr);
        assert_int_equal(c->scrape->n_jobs, 100);
        assert_string_equal(c->scrape->jobs[0].name, "j0");
        assert_string_equal(c->scrape->jobs[99].name, "j99");
        config_free(c);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(jobs_are_checked),
            cmocka_unit_test(defaults_of_a_job),
            cmocka_unit_test(limits_of_global_are_inherited),
            cmocka_unit_test(what_is_written_is_used),
            cmocka_unit_test(jobs_may_be_merged),
            cmocka_unit_test(many_jobs_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
