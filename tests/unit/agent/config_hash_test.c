#include "tests/unit/agent/config_cases.h"

/* Loads a job with one more line and tells its hashes. */
static void
hashes(const char *line, uint64_t *series, uint64_t *request)
{
        struct buf text = BUF_INIT(4096);
        struct config *c;

        testing_ok(buf_printf(&text, NULL, "scrape_configs:\n- job_name: x\n%s", line), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        c = cases_load(text.ptr);
        *series = c->scrape->jobs[0].series_hash;
        *request = c->scrape->jobs[0].request_hash;
        config_free(c);
        buf_release(&text);
}

struct hash_case {
        const char *line;
        bool series; /* changes the series' hash */
        bool request; /* changes the requests' */
};

static const struct hash_case hash_cases[] = {
    {"", false, false},
    {"  scrape_interval: 30s\n", false, false},
    {"  static_configs: [{targets: [a]}]\n", false, false},
    {"  relabel_configs: [{target_label: a}]\n", false, false},
    {"  target_limit: 5\n", false, false},
    {"  metric_relabel_configs: []\n", false, false},
    {"  metric_relabel_configs: [{target_label: a}]\n", true, false},
    {"  metric_relabel_configs: [{target_label: b}]\n", true, false},
    {"  metric_relabel_configs: [{target_label: a, regex: x}]\n", true, false},
    {"  metric_relabel_configs: [{target_label: a, source_labels: [x]}]\n", true, false},
    {"  honor_labels: true\n", true, false},
    {"  honor_timestamps: false\n", true, false},
    {"  track_timestamps_staleness: true\n", true, false},
    {"  label_limit: 5\n", true, false},
    {"  label_name_length_limit: 5\n", true, false},
    {"  label_value_length_limit: 5\n", true, false},
    {"  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: values\n", true,
        true},
    {"  scrape_timeout: 5s\n", false, true},
    {"  body_size_limit: 5KB\n", false, true},
    {"  sample_limit: 5\n", false, true},
    {"  enable_compression: false\n", false, true},
    {"  fallback_scrape_protocol: PrometheusText0.0.4\n", false, true},
    {"  scrape_protocols: [PrometheusText0.0.4]\n", false, true},
    {"  metric_name_escaping_scheme: dots\n", false, true},
    {"  bearer_token: a\n", false, true},
    {"  bearer_token_file: a\n", false, true},
    {"  basic_auth: {username: a}\n", false, true},
    {"  basic_auth: {password: a}\n", false, true},
    {"  tls_config: {insecure_skip_verify: true}\n", false, true},
    {"  tls_config: {server_name: a}\n", false, true},
    {"  tls_config: {ca_file: a}\n", false, true},
    {"  tls_config: {min_version: TLS13}\n", false, true},
    {"  follow_redirects: false\n", false, true},
    {"  enable_http2: false\n", false, true},
    {"  http_headers: {a: {values: [b]}}\n", false, true},
    {"  http_headers: {a: {values: [c]}}\n", false, true},
    {"  http_headers: {a: {files: [c]}}\n", false, true},
    {"  proxy_url: http://a\n", false, true},
    {"  proxy_url: http://a\n  no_proxy: b\n", false, true},
    {"  proxy_url: http://a\n  proxy_connect_header: {c: [d]}\n", false, true},
    {"  proxy_from_environment: true\n", false, true},
    {"  oauth2: {client_id: a, token_url: http://b}\n", false, true},
    {"  oauth2: {client_id: c, token_url: http://b}\n", false, true},
    {"  oauth2: {client_id: a, token_url: http://b, scopes: [c]}\n", false, true},
    {"  oauth2: {client_id: a, token_url: http://b, endpoint_params: {c: d}}\n", false, true},
    {"  oauth2: {client_id: a, token_url: http://b, proxy_url: http://c}\n", false, true},
    {"  extra_scrape_metrics: true\n", true, false},
};

enum { HASH_CASES = sizeof(hash_cases) / sizeof(hash_cases[0]) };

static void
each_change_is_seen_where_it_matters(void **state)
{
        uint64_t series[HASH_CASES];
        uint64_t request[HASH_CASES];

        (void)state;
        for (size_t i = 0; i < HASH_CASES; i++) {
                hashes(hash_cases[i].line, &series[i], &request[i]);
                if ((series[i] != series[0]) != hash_cases[i].series)
                        fail_msg("series: %s", hash_cases[i].line);
                if ((request[i] != request[0]) != hash_cases[i].request)
                        fail_msg("request: %s", hash_cases[i].line);
        }
        for (size_t i = 0; i < HASH_CASES; i++) {
                for (size_t k = 0; k < i; k++) {
                        if (hash_cases[i].series && series[i] == series[k])
                                fail_msg(
                                    "same series: %s%s", hash_cases[i].line, hash_cases[k].line);
                        if (hash_cases[i].request && request[i] == request[k])
                                fail_msg(
                                    "same request: %s%s", hash_cases[i].line, hash_cases[k].line);
                }
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_change_is_seen_where_it_matters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
