#include "tests/unit/agent/config_cases.h"

#include "agent/check_show.h"
#include "agent/check_targets.h"

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

/* Loads the text above and shows it; the caller releases *out. */
static void
show(bool json, struct buf *out)
{
        struct config_report report = {0};
        struct check_targets *targets = NULL;
        struct config *c = NULL;
        struct check_result x = {.path = "/etc/t/agent.yml", .report = &report, .error = ""};
        struct err e = ERR_INIT;

        testing_ok(config_load_text(x.path, view_of(text), &cases_env, &c, &report, &e), &e);
        testing_ok(check_targets_build(&(struct check_input){c, &report, 0}, &targets, &e), &e);
        x.config = c;
        x.targets = targets;
        testing_ok(json ? check_show_json(&x, out, &e) : check_show_text(&x, out, &e), &e);
        check_targets_free(targets);
        config_free(c);
        config_report_release(&report);
}

static void
people_see_jobs_targets_and_endpoints(void **state)
{
        struct buf out = BUF_INIT(1 << 20);

        (void)state;
        show(false, &out);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_string_equal(out.ptr,
            "/etc/t/agent.yml: good: jobs 2, targets 4 (dropped 1, refused 1), endpoints 2\n"
            "  job plain: every 30s, timeout 10s\n"
            "    target http://a:1/metrics {instance=\"a:1\", job=\"plain\", zone=\"z\"}\n"
            "    target http://b:1/metrics {instance=\"b:1\", job=\"plain\", zone=\"z\"}\n"
            "    targets in /etc/t/t/*.yml\n"
            "  job relabeled: every 30s, timeout 10s\n"
            "    target http://a:1/metrics {instance=\"a:1\", job=\"plain\", zone=\"z\"}\n"
            "    target http://c:1/metrics {instance=\"c:1\", job=\"relabeled\"}\n"
            "  endpoint central: https://u:xxxxx@h/p?q, a batch every 30s, THANOS-TENANT: "
            "tenant-a\n"
            "  endpoint https://i/p: https://i/p, a batch every 30s\n"
            "  external labels {cluster=\"c\\\"1\"}\n");
        buf_release(&out);
}

static void
programs_see_the_same_as_json(void **state)
{
        struct buf out = BUF_INIT(1 << 20);
        json_t *row;
        json_t *jobs;

        (void)state;
        show(true, &out);
        assert_int_equal(out.ptr[out.len - 1], '\n');
        assert_ptr_equal(memchr(out.ptr, '\n', out.len), out.ptr + out.len - 1);
        row = json_loadb(out.ptr, out.len, 0, NULL);
        assert_non_null(row);
        assert_true(json_is_true(json_object_get(row, "valid")));
        jobs = json_object_get(row, "jobs");
        assert_int_equal(json_array_size(jobs), 2);
        assert_int_equal(
            json_integer_value(json_object_get(json_array_get(jobs, 0), "interval_ms")), 30000);
        assert_int_equal(json_array_size(json_object_get(json_array_get(jobs, 0), "targets")), 2);
        assert_int_equal(json_array_size(json_object_get(json_array_get(jobs, 0), "files")), 1);
        assert_string_equal(json_string_value(json_object_get(
                                json_array_get(json_object_get(row, "endpoints"), 0), "url")),
            "https://u:xxxxx@h/p?q");
        assert_true(json_is_null(json_object_get(
            json_array_get(json_object_get(row, "endpoints"), 1), "tenant_header")));
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(row, "external_labels"), "cluster")),
            "c\"1");
        assert_int_equal(json_integer_value(json_object_get(row, "dropped_targets")), 1);
        assert_int_equal(json_array_size(json_object_get(row, "messages")), 3);
        json_decref(row);
        buf_release(&out);
}

static void
a_refused_file_is_shown_with_its_mistakes(void **state)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        struct buf out = BUF_INIT(1 << 16);
        struct check_result x = {.path = "a.yml", .report = &report, .error = e.msg};
        json_t *row;

        (void)state;
        assert_int_equal(
            config_load_text("a.yml", view_of("foo: 1\n"), &cases_env, &c, &report, &e),
            ERR_CONFIG);
        testing_ok(check_show_text(&x, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "a.yml: refused\n"));
        buf_reset(&out);
        testing_ok(check_show_json(&x, &out, NULL), NULL);
        row = json_loadb(out.ptr, out.len, 0, NULL);
        assert_true(json_is_false(json_object_get(row, "valid")));
        assert_non_null(strstr(json_string_value(json_object_get(row, "error")), "field foo"));
        assert_int_equal(json_integer_value(json_object_get(
                             json_array_get(json_object_get(row, "messages"), 0), "line")),
            1);
        json_decref(row);
        buf_release(&out);
        config_report_release(&report);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(people_see_jobs_targets_and_endpoints),
            cmocka_unit_test(programs_see_the_same_as_json),
            cmocka_unit_test(a_refused_file_is_shown_with_its_mistakes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
