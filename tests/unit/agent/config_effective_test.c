#include "agent/config_effective.h"

#include "tests/unit/agent/config_cases.h"

#include "base/file.h"

#include <glob.h>
#include <stdio.h>

/* What is shown of a file in /etc/t; the caller frees it. */
static char *
show(const char *text)
{
        struct config *c = cases_load(text);
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        testing_ok(config_effective_put(c, &out, &e), &e);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        config_free(c);
        return out.ptr;
}

#define PROTOCOLS \
        "scrape_protocols:\n  - OpenMetricsText1.0.0\n  - OpenMetricsText0.0.1\n" \
        "  - PrometheusText1.0.0\n  - PrometheusText0.0.4\n"
#define OURS \
        "wal:\n  max_size: 1GiB\n  max_age: 2d\n  sync_interval: 5s\n" \
        "agent:\n  tenant_header: THANOS-TENANT\n  clock_tolerance: 1m\n"

static void
nothing_written(void **state)
{
        static const char *const files[] = {"# x\n", "global:\n",
            "global: {}\nscrape_configs: []\n",
            "global: {scrape_interval: 0s, label_limit: 0}\nstorage: null\n"};

        (void)state;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                char *text = show(files[i]);

                assert_string_equal(text,
                    "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n"
                    "  evaluation_interval: 1m\n  " PROTOCOLS OURS);
                free(text);
        }
}

/* --enable-feature=extra-scrape-metrics: the default of a key; what is written goes before it. */
static void
extra_scrape_metrics(void **state)
{
        static const struct {
                const char *text;
                bool global;
                bool jobs[2];
        } rows[] = {
            {"scrape_configs: [{job_name: a}, {job_name: b, extra_scrape_metrics: no}]", true,
                {true, false}},
            {"global: {extra_scrape_metrics: no}\n"
             "scrape_configs: [{job_name: a}, {job_name: b, extra_scrape_metrics: yes}]",
                false, {false, true}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct config_env env = cases_env;
                struct config_report report = {0};
                struct config *c = NULL;
                struct buf out = BUF_INIT(1 << 20);
                struct err e = ERR_INIT;
                const char *first;

                env.extra_scrape_metrics = true;
                testing_ok(
                    config_load_text("a.yml", view_of(rows[i].text), &env, &c, &report, &e), &e);
                testing_ok(config_effective_put(c, &out, &e), &e);
                testing_ok(buf_putc(&out, '\0', NULL), NULL);
                first = strstr(out.ptr, "  extra_scrape_metrics: true\n");
                assert_non_null(first);
                assert_int_equal(c->extra_scrape_metrics, rows[i].global);
                assert_int_equal(first < strstr(out.ptr, "scrape_configs:"), rows[i].global);
                for (size_t k = 0; k < 2; k++)
                        assert_int_equal(c->scrape->jobs[k].extra_scrape_metrics, rows[i].jobs[k]);
                buf_release(&out);
                config_report_release(&report);
                config_free(c);
        }
}

/* A whole job: its order is that of the rows. */
static void
a_job(void **state)
{
        char *text = show("global: {scrape_interval: 5s, sample_limit: 7, label_limit: 8}\n"
                          "scrape_configs: [{job_name: a, label_limit: 9, honor_labels: no}]\n");

        (void)state;
        assert_non_null(strstr(text,
            "scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 5s\n"
            "  metrics_path: /metrics\n  scheme: http\n  honor_timestamps: true\n"
            "  track_timestamps_staleness: false\n  enable_compression: true\n  " PROTOCOLS
            "  sample_limit: 7\n  label_limit: 9\n  metric_name_validation_scheme: utf8\n"
            "  metric_name_escaping_scheme: allow-utf-8\n"
            "  convert_classic_histograms_to_nhcb: false\n"
            "  always_scrape_classic_histograms: false\n  follow_redirects: true\n"
            "  enable_http2: true\n" OURS));
        free(text);
}

static void
values(void **state)
{
        static const struct {
                const char *job; /* keys of a job */
                const char *want; /* NULL: not `never` */
                const char *never;
        } rows[] = {
            {"scrape_interval: 90s", "\n  scrape_interval: 1m30s\n  scrape_timeout: 10s\n", NULL},
            {"scrape_interval: 0s", "\n  scrape_interval: 1m\n", NULL},
            {"scrape_timeout: 1500ms", "\n  scrape_timeout: 1s500ms\n", NULL},
            {"body_size_limit: 10MB", "\n  body_size_limit: 10MiB\n", NULL},
            {"body_size_limit: 1537KB", "\n  body_size_limit: 1MiB513KiB\n", NULL},
            {"body_size_limit: 1025B", "\n  body_size_limit: 1KiB1B\n", NULL},
            {"body_size_limit: -1B", "\n  body_size_limit: -1B\n", NULL},
            {"body_size_limit: 0", NULL, "body_size_limit"},
            {"sample_limit: 0x10", "\n  sample_limit: 16\n", NULL},
            {"sample_limit: 0", NULL, "sample_limit"},
            {"honor_labels: yes", "\n  honor_labels: true\n", NULL},
            {"honor_labels: off", NULL, "honor_labels"},
            {"honor_timestamps: off", "\n  honor_timestamps: false\n", NULL},
            {"follow_redirects: false", "\n  follow_redirects: false\n", NULL},
            {"params: {}\n  relabel_configs: []", NULL, "params"},
            {"metric_name_validation_scheme: legacy",
                "scheme: legacy\n  metric_name_escaping_scheme: underscores\n", NULL},
            {"tls_config: {ca_file: ca.crt, cert_file: /c, key_file: ../k}",
                "\n  tls_config:\n    ca_file: /etc/t/ca.crt\n    cert_file: /c\n"
                "    key_file: /etc/t/../k\n",
                NULL},
            {"bearer_token: hush",
                "\n  authorization:\n    type: Bearer\n    credentials: <secret>\n",
                "bearer_token"},
            {"bearer_token_file: f",
                "\n  authorization:\n    type: Bearer\n    credentials_file: /etc/t/f\n",
                "bearer_token"},
            {"authorization: {credentials: hush}",
                "\n  authorization:\n    type: Bearer\n    credentials: <secret>\n", "hush"},
            {"basic_auth: {}", "\n  basic_auth: {}\n", NULL},
            {"proxy_url: http://u:hush@h", "\n  proxy_url: http://u:xxxxx@h\n", "hush"},
            {"static_configs: [{targets: ['a:1', \"b\\t\"]}]",
                "\n  static_configs:\n  - targets:\n    - \"a:1\"\n    - \"b\\t\"\n", NULL},
            {"file_sd_configs: [{files: [a.yml, /b.json]}]",
                "  - files:\n    - /etc/t/a.yml\n    - /b.json\n    refresh_interval: 5m\n", NULL},
            {"dns_sd_configs: [{names: [a]}]",
                "  - names:\n    - a\n    type: SRV\n    port: 0\n    refresh_interval: 30s\n",
                NULL},
            {"relabel_configs: [{action: drop, regex: x}]",
                "  - action: drop\n    separator: ;\n    regex: x\n    replacement: $1\n", NULL},
            {"relabel_configs: [{target_label: x, replacement: ''}]", "    replacement: \"\"\n",
                NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char file[1024];
                char *text;

                print_message("%s\n", rows[i].job);
                (void)snprintf(
                    file, sizeof(file), "scrape_configs:\n- job_name: a\n  %s\n", rows[i].job);
                text = show(file);
                if (rows[i].want != NULL && strstr(text, rows[i].want) == NULL)
                        fail_msg("%s", text);
                assert_true(rows[i].never == NULL || strstr(text, rows[i].never) == NULL);
                free(text);
        }
}

/* A job's no wins over global's yes; its 0 does not. */
static void
inherited(void **state)
{
        char *text = show("global: {sample_limit: 5, convert_classic_histograms_to_nhcb: true,\n"
                          "  always_scrape_classic_histograms: true}\n"
                          "scrape_configs: [{job_name: a, sample_limit: 0,\n"
                          "  convert_classic_histograms_to_nhcb: false}]\n");

        (void)state;
        assert_non_null(strstr(strstr(text, "job_name"), "\n  sample_limit: 5\n"));
        assert_non_null(strstr(strstr(text, "job_name"),
            "\n  convert_classic_histograms_to_nhcb: false\n"
            "  always_scrape_classic_histograms: true\n"));
        free(text);
}

static void
other_sections(void **state)
{
        char *text = show("global: {external_labels: {b: 1, a: '${TENANT}', yes: no}}\n"
                          "scrape_config_files: [x/*.yml]\n"
                          "tracing: {endpoint: 'h:1', timeout: 90s}\n"
                          "remote_write: [{url: 'http://u:hush@h', headers: {X: hush},\n"
                          "  queue_config: {capacity: 5, max_backoff: 90s}}]\n");

        (void)state;
        assert_null(strstr(text, "hush"));
        assert_non_null(strstr(text,
            "  external_labels:\n    \"a\": \"tenant-a\"\n    \"b\": \"1\"\n    \"yes\": "
            "\"no\"\n"));
        assert_non_null(strstr(text, "\nscrape_config_files:\n- /etc/t/x/*.yml\n"));
        assert_non_null(strstr(text, "\ntracing:\n  endpoint: \"h:1\"\n  timeout: 1m30s\n"));
        assert_non_null(strstr(text,
            "\nremote_write:\n- url: http://u:xxxxx@h\n  remote_timeout: 30s\n"
            "  headers:\n    X: <secret>\n  queue_config:\n"));
        assert_non_null(strstr(text, "    max_backoff: 1m30s\n"));
        assert_non_null(strstr(text, "    capacity: 5\n"));
        assert_non_null(strstr(text, "  metadata_config:\n    send: true\n"));
        free(text);
}

/* What is shown is itself a configuration, and shown as the same. */
static void
shown_again(void **state)
{
        static const char file[] =
            "global: {scrape_interval: 20s, external_labels: {a: b}}\n"
            "scrape_configs:\n"
            "- &a {job_name: a, static_configs: [{targets: [x], labels: {l: '1'}}], params: {p: "
            "[q]}}\n"
            "- {<<: *a, job_name: b, scrape_interval: 7s,\n"
            "   relabel_configs: [{source_labels: [x, y], regex: \"a\\nb\", target_label: z}]}\n"
            "remote_write: [{url: 'http://h', sigv4: {region: r}}]\n";
        char *once = show(file);
        char *twice = show(once);
        char *bounded;
        struct config *c = cases_load(file);

        (void)state;
        assert_string_equal(once, twice);
        for (size_t max = 0; max < strlen(once); max += 31) {
                struct buf out = BUF_INIT(max);

                assert_int_equal(config_effective_put(c, &out, NULL), ERR_LIMIT);
                buf_release(&out);
        }
        bounded = strstr(once, "\n- job_name: b\n  scrape_interval: 7s\n  scrape_timeout: 7s\n");
        assert_non_null(bounded);
        config_free(c);
        free(once);
        free(twice);
}

static char *
show_loaded(struct config *c)
{
        struct buf out = BUF_INIT((size_t)16 << 20);

        testing_ok(config_effective_put(c, &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        config_free(c);
        return out.ptr;
}

static struct config *
load(const char *path, struct view text)
{
        struct config_report report = {0};
        struct config *c = NULL;

        if (config_load_text(path, text, &cases_env, &c, &report, NULL) < 0)
                c = NULL;
        config_report_release(&report);
        return c;
}

/* The same of files that Prometheus takes; parts of files, which are none alone, are passed over.
 */
static void
good_files_shown_again(void **state)
{
        const char *data = getenv("GLEANER_TEST_DATA");
        char path[4096];
        glob_t files = {0};
        size_t n = 0;

        (void)state;
        assert_non_null(data);
        (void)snprintf(path, sizeof(path), "%s/prometheus-configs/good/*.yml", data);
        assert_int_equal(glob(path, 0, NULL, &files), 0);
        for (size_t i = 0; i < files.gl_pathc; i++) {
                struct buf text = BUF_INIT(1 << 20);
                struct config *c;
                char *once;
                char *twice;

                testing_ok(file_read(files.gl_pathv[i], &text, NULL), NULL);
                c = load(files.gl_pathv[i], buf_view(&text));
                buf_release(&text);
                if (c == NULL)
                        continue;
                print_message("%s\n", files.gl_pathv[i]);
                once = show_loaded(c);
                c = load(files.gl_pathv[i], view_of(once));
                assert_non_null(c);
                twice = show_loaded(c);
                assert_string_equal(once, twice);
                free(once);
                free(twice);
                n++;
        }
        globfree(&files);
        assert_true(n > 20);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_written),
            cmocka_unit_test(extra_scrape_metrics),
            cmocka_unit_test(a_job),
            cmocka_unit_test(values),
            cmocka_unit_test(inherited),
            cmocka_unit_test(other_sections),
            cmocka_unit_test(shown_again),
            cmocka_unit_test(good_files_shown_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
