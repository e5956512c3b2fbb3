#include "tests/unit/agent/config_cases.h"

#include <stdio.h>
#include <unistd.h>

static const char *
data_path(const char *name, char *out, size_t cap)
{
        const char *data = getenv("GLEANER_TEST_DATA");

        (void)snprintf(
            out, cap, "%s/prometheus-configs/%s", data != NULL ? data : "tests/data", name);
        return out;
}

/* error_contains may name the file as <FILE>. */
static bool
says(const char *text, const char *want, const char *path)
{
        const char *mark = strstr(want, "<FILE>");
        struct buf full = BUF_INIT(8192);
        bool found;

        if (mark == NULL)
                return strstr(text, want) != NULL;
        testing_ok(buf_append(&full, want, (size_t)(mark - want), NULL), NULL);
        testing_ok(buf_puts(&full, path, NULL), NULL);
        testing_ok(buf_puts(&full, mark + 6, NULL), NULL);
        testing_ok(buf_putc(&full, '\0', NULL), NULL);
        found = strstr(text, full.ptr) != NULL;
        buf_release(&full);
        return found;
}

struct third_party {
        const char *file;
        const char *error; /* a part of what must be said; NULL: any error */
        bool refused;
};

static void
judge(const struct third_party *x, const char *path, int rc, const struct config_report *report,
    const struct err *e)
{
        char *said = cases_print(report);

        if (!x->refused && rc != 0)
                fail_msg("%s is refused:\n%s", x->file, said);
        if (x->refused && rc != ERR_CONFIG)
                fail_msg("%s is accepted:\n%s", x->file, said);
        if (x->refused && x->error != NULL && !says(said, x->error, path) &&
            !says(e->msg, x->error, path))
                fail_msg("%s: no \"%s\" in\n%s%s", x->file, x->error, said, e->msg);
        free(said);
}

static void
load_file(const struct third_party *x)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        char path[1024];
        int rc = config_load(data_path(x->file, path, sizeof(path)), &cases_env, &c, &report, &e);

        judge(x, path, rc, &report, &e);
        config_free(c);
        config_report_release(&report);
}

/* A piece of a file inside the section that it belongs to, moved in by `indent` blanks. */
static void
load_piece(const struct third_party *x, const char *before, int indent)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        struct buf piece = BUF_INIT(1 << 16);
        struct buf text = BUF_INIT(1 << 17);
        char name[256];
        int rc;

        (void)snprintf(name, sizeof(name), "prometheus-configs/%s", x->file);
        testing_read(name, &piece);
        testing_ok(buf_puts(&text, before, NULL), NULL);
        for (size_t i = 0; i < piece.len; i++) {
                if (i == 0 || piece.ptr[i - 1] == '\n')
                        testing_ok(buf_printf(&text, NULL, "%*s", indent, ""), NULL);
                testing_ok(buf_putc(&text, piece.ptr[i], NULL), NULL);
        }
        rc = config_load_text("/etc/t/agent.yml", buf_view(&text), &cases_env, &c, &report, &e);
        judge(x, "/etc/t/agent.yml", rc, &report, &e);
        config_free(c);
        config_report_release(&report);
        buf_release(&piece);
        buf_release(&text);
}

/* What Prometheus takes is taken, all of it; what it refuses is refused in its words. */
static void
third_party_files_are_judged_as_prometheus_does(void **state)
{
        json_t *manifest = testing_json("prometheus-configs/manifest.json");
        json_t *files = json_object_get(manifest, "files");
        size_t tried = 0;
        size_t i;
        json_t *row;

        (void)state;
        json_array_foreach(files, i, row)
        {
                const char *kind = json_string_value(json_object_get(row, "kind"));
                const struct third_party x = {json_string_value(json_object_get(row, "file")),
                    json_string_value(json_object_get(row, "error_contains")),
                    json_is_string(json_object_get(row, "fails"))};

                tried++;
                if (strcmp(kind, "config") == 0) {
                        load_file(&x);
                } else if (strcmp(kind, "http_client_fragment") == 0) {
                        load_piece(&x, "scrape_configs:\n- job_name: x\n", 2);
                        load_piece(&x, "remote_write:\n- url: http://h/p\n", 2);
                } else if (strcmp(kind, "tls_config_fragment") == 0) {
                        load_piece(&x, "scrape_configs:\n- job_name: x\n  tls_config:\n", 4);
                        load_piece(&x, "remote_write:\n- url: http://h/p\n  tls_config:\n", 4);
                } else if (strcmp(kind, "target_group") == 0) {
                        load_piece(
                            &x, "scrape_configs:\n- job_name: x\n  static_configs:\n  -\n", 4);
                } else {
                        tried--; /* discovery files are the discovery's matter */
                }
        }
        assert_true(tried > 110);
        json_decref(manifest);
}

static void
expect_text(const char *file, const json_t *row, const char *key, const char *got)
{
        const json_t *want = json_object_get(row, key);

        if (want != NULL && strcmp(json_string_value(want), got) != 0)
                fail_msg("%s: %s is %s, wanted %s", file, key, got, json_string_value(want));
}

static void
expect_number(const char *file, const json_t *row, const char *key, int64_t got)
{
        const json_t *want = json_object_get(row, key);

        if (want != NULL && json_integer_value(want) != got)
                fail_msg("%s: %s is %lld", file, key, (long long)got);
}

static void
expect_job(const char *file, const json_t *row, const struct scrape_job *job)
{
        const json_t *compression = json_object_get(row, "enable_compression");

        expect_text(file, row, "job_name", job->name);
        expect_text(file, row, "metrics_path", job->metrics_path);
        expect_text(file, row, "scheme", job->scheme);
        expect_text(file, row, "metric_name_validation_scheme",
            job->name_scheme == NAME_LEGACY ? "legacy" : "utf8");
        expect_text(file, row, "metric_name_escaping_scheme", job->escaping);
        expect_number(file, row, "scrape_interval_ms", job->interval_ms);
        expect_number(file, row, "scrape_timeout_ms", job->timeout_ms);
        if (compression != NULL)
                assert_int_equal(job->enable_compression, json_is_true(compression));
}

static void
expect_config(const json_t *row, const struct config *c)
{
        const char *file = json_string_value(json_object_get(row, "file"));
        const json_t *urls = json_object_get(row, "remote_write_urls");
        const json_t *jobs = json_object_get(row, "scrape_configs");
        const json_t *first = json_object_get(row, "first_job");

        for (size_t i = 0; i < json_array_size(urls); i++)
                assert_string_equal(
                    c->remote->endpoints[i].url, json_string_value(json_array_get(urls, i)));
        if (jobs != NULL)
                assert_int_equal(c->scrape->n_jobs, json_array_size(jobs));
        for (size_t i = 0; i < json_array_size(jobs); i++)
                expect_job(file, json_array_get(jobs, i), &c->scrape->jobs[i]);
        if (first != NULL)
                expect_job(file, first, &c->scrape->jobs[0]);
}

static void
what_is_loaded_is_what_prometheus_loads(void **state)
{
        json_t *manifest = testing_json("prometheus-configs/manifest.json");
        size_t tried = 0;
        size_t i;
        json_t *row;

        (void)state;
        json_array_foreach(json_object_get(manifest, "files"), i, row)
        {
                struct config_report report = {0};
                struct config *c = NULL;
                char path[1024];

                if (strcmp(json_string_value(json_object_get(row, "kind")), "config") != 0)
                        continue;
                (void)data_path(
                    json_string_value(json_object_get(row, "file")), path, sizeof(path));
                if (config_load(path, &cases_env, &c, &report, NULL) == 0) {
                        expect_config(row, c);
                        tried++;
                }
                config_free(c);
                config_report_release(&report);
        }
        assert_true(tried >= 15);
        json_decref(manifest);
}
static const struct config_case mode_cases[] = {
    {"no alerting", "alerting:\n", NULL, false},
    {"empty alerting", "alerting: {alertmanagers: [], alert_relabel_configs: }\n", NULL, false},
    {"alertmanagers", "alerting: {alertmanagers: [{static_configs: []}]}\n",
        "agent.yml:1:11: error: field alerting is not allowed in agent mode", false},
    {"rules of alerts", "alerting: {alert_relabel_configs: [{target_label: a}]}\n",
        "field alerting is not allowed in agent mode", false},
    {"unknown key", "alerting: {foo: 1}\n", "field foo not found in type config.plain", false},
    {"no rules", "rule_files: []\n", NULL, false},
    {"rules", "rule_files: [a]\n", "field rule_files is not allowed in agent mode", false},
    {"no reading", "remote_read:\n", NULL, false},
    {"reading in a map", "remote_read: {}\n",
        "cannot unmarshal !!map into []*config.RemoteReadConfig; remote_read expects a list",
        false},
    {"reading", "remote_read: [{url: \"http://a\"}]\n",
        "field remote_read is not allowed in agent mode", false},
    {"global timeout", "global: {scrape_timeout: 20s, scrape_interval: 10s}\n",
        "agent.yml:1:26: error: global scrape timeout greater than scrape interval", false},
    {"null global", "global:\n", NULL, false},
    {"empty", "", NULL, false},
    {"a comment", "# nothing\n", NULL, false},
    {"null document", "---\n", NULL, false},
    {"syntax", "a: [\n", "agent.yml:2:1: error: yaml: line 2: did not find expected node content",
        false},
    {"no text", "a: \001\n", "yaml: control characters are not allowed", false},
};

static void
a_file_as_a_whole_is_checked(void **state)
{
        (void)state;
        cases_run(CASES(mode_cases), "");
}

static void
global_times(void **state)
{
        static const struct {
                const char *text;
                int64_t interval_ms;
                int64_t timeout_ms;
        } rows[] = {
            {"", 60000, 10000},
            {"global: {scrape_interval: 5s}\n", 5000, 5000},
            {"global: {scrape_interval: 0s, scrape_timeout: 0}\n", 60000, 10000},
            {"global: {scrape_interval: 30s, scrape_timeout: 20s}\n", 30000, 20000},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf text = BUF_INIT(4096);
                struct config *c;

                testing_ok(
                    buf_printf(&text, NULL, "%sscrape_configs: [{job_name: x}]\n", rows[i].text),
                    NULL);
                testing_ok(buf_putc(&text, '\0', NULL), NULL);
                c = cases_load(text.ptr);
                assert_int_equal(c->scrape->jobs[0].interval_ms, rows[i].interval_ms);
                assert_int_equal(c->scrape->jobs[0].timeout_ms, rows[i].timeout_ms);
                config_free(c);
                buf_release(&text);
        }
}

static void
a_missing_file_is_told(void **state)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        char *said;

        (void)state;
        assert_int_equal(config_load("/no/such/file.yml", &cases_env, &c, &report, &e), ERR_CONFIG);
        said = cases_print(&report);
        assert_non_null(strstr(said, "/no/such/file.yml: error: cannot open"));
        assert_non_null(strstr(e.msg, "cannot open \"/no/such/file.yml\""));
        free(said);
        config_report_release(&report);
}

static void
relative_names_count_from_the_working_folder(void **state)
{
        static const char text[] = "scrape_configs: [{job_name: x, bearer_token_file: t}]\n";
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        char here[2048];
        char want[4096];

        (void)state;
        assert_non_null(getcwd(here, sizeof(here)));
        testing_ok(config_load_text("a.yml", view_of(text), &cases_env, &c, &report, &e), &e);
        (void)snprintf(want, sizeof(want), "%s/t", here);
        assert_string_equal(c->scrape->jobs[0].http.credentials_file, want);
        config_free(c);
        c = NULL;
        testing_ok(config_load_text("d/a.yml", view_of(text), &cases_env, &c, &report, &e), &e);
        (void)snprintf(want, sizeof(want), "%s/d/t", here);
        assert_string_equal(c->scrape->jobs[0].http.credentials_file, want);
        config_free(c);
        c = NULL;
        testing_ok(config_load_text("/a.yml", view_of(text), &cases_env, &c, &report, &e), &e);
        assert_string_equal(c->scrape->jobs[0].http.credentials_file, "/t");
        config_free(c);
        config_report_release(&report);
}

/* Senders and scrapes hold their part longer than the configuration lives. */
static void
its_parts_outlive_it(void **state)
{
        struct config *c =
            cases_load("global: {external_labels: {a: b}}\nscrape_configs: [{job_name: x}]"
                       "\nremote_write: [{url: 'http://h'}]\n");
        struct scrape_config *scrape = scrape_config_ref(c->scrape);
        struct remote_config *remote = remote_config_ref(c->remote);

        (void)state;
        config_free(c);
        assert_string_equal(scrape->jobs[0].name, "x");
        assert_true(view_is(scrape->external_labels[0].value, "b"));
        assert_string_equal(remote->endpoints[0].url, "http://h");
        assert_string_equal(remote->endpoints[0].tenant_header, "THANOS-TENANT");
        assert_true(view_is(remote->external_labels[0].name, "a"));
        scrape_config_unref(scrape);
        remote_config_unref(remote);
        config_free(NULL);
}

static void
an_empty_file_shows_as_nothing(void **state)
{
        struct config *c = cases_load("# x\n");

        (void)state;
        assert_string_equal(c->masked, "");
        assert_string_equal(c->path, "/etc/t/agent.yml");
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(third_party_files_are_judged_as_prometheus_does),
            cmocka_unit_test(what_is_loaded_is_what_prometheus_loads),
            cmocka_unit_test(a_file_as_a_whole_is_checked),
            cmocka_unit_test(global_times),
            cmocka_unit_test(a_missing_file_is_told),
            cmocka_unit_test(relative_names_count_from_the_working_folder),
            cmocka_unit_test(its_parts_outlive_it),
            cmocka_unit_test(an_empty_file_shows_as_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
