#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"no url", "- name: a\n", "agent.yml:2:3: error: url for remote_write is empty", false},
    {"null url", "- url:\n", "url for remote_write is empty", false},
    {"empty url", "- url: \"\"\n", "url for remote_write is empty", false},
    {"no url at all", "- url: \"http://[::1\"\n",
        "parse \"http://[::1\": missing ']' in host; url expects a URL", false},
    {"null", "- ~\n", "empty or null remote write config section", false},
    {"same name", "- {url: \"http://a\", name: n}\n- {url: \"http://b\", name: n}\n",
        "found multiple remote write configs with job name \"n\"", false},
    {"two without a name", "- url: http://a/p?x=1\n- url: http://u:p@a/p?y=2\n",
        "agent.yml:3:3: error: found multiple remote write configs without a name for "
        "\"http://a/p\"; name expects a text that no other endpoint has",
        false},
    {"one of them named", "- url: http://a/p?x=1\n- {url: \"http://a/p?y=2\", name: second}\n",
        NULL, false},
    {"no scheme", "- url: localhost:9090\n",
        "warning: the url has no http or https scheme with a host", true},
    {"no scheme and another", "- url: localhost:9090\n- url: localhost:9201\n", NULL, false},
    {"timeout of zero", "- {url: \"http://a\", remote_timeout: 0s}\n",
        "warning: remote_timeout of 0s", true},
    {"message 2.0", "- {url: \"http://a\", protobuf_message: io.prometheus.write.v2.Request}\n",
        NULL, false},
    {"another message", "- {url: \"http://a\", protobuf_message: x}\n",
        "invalid protobuf_message value: unknown type for remote write protobuf message x, "
        "supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
        false},
    {"message 1.0", "- {url: \"http://a\", protobuf_message: prometheus.WriteRequest}\n", NULL,
        false},
    {"exemplars", "- {url: \"http://a\", send_exemplars: true}\n",
        "warning: send_exemplars has no effect here: exemplars on a page are passed over", true},
    {"histograms", "- {url: \"http://a\", send_native_histograms: true}\n",
        "warning: send_native_histograms has no effect here", true},
    {"round robin", "- {url: \"http://a\", round_robin_dns: true}\n", NULL, false},
    {"failed requests", "- {url: \"http://a\", failed_request_logging: true}\n",
        "warning: failed_request_logging has no effect here", true},
    {"their defaults",
        "- {url: \"http://a\", send_exemplars: false, round_robin_dns: no, sigv4: , azuread: ~}\n",
        NULL, false},
    {"metadata", "- {url: \"http://a\", metadata_config: {send: true}}\n",
        "note: metadata_config has no effect here: metadata is not sent", true},
    {"metadata key", "- {url: \"http://a\", metadata_config: {sent: true}}\n",
        "field sent not found in type config.MetadataConfig; did you mean \"send\"?", false},
    {"null rule", "- {url: \"http://a\", write_relabel_configs: [~]}\n",
        "empty or null relabeling rule in remote write config", false},
    {"queue key", "- {url: \"http://a\", queue_config: {max_shard: 1}}\n",
        "field max_shard not found in type config.QueueConfig; did you mean \"max_shards\"?",
        false},
    {"max_shards", "- {url: \"http://a\", queue_config: {max_shards: 0}}\n",
        "remote write queue max_shards must be positive", false},
    {"min_shards", "- {url: \"http://a\", queue_config: {min_shards: -1}}\n",
        "remote write queue min_shards must be positive", false},
    {"capacity", "- {url: \"http://a\", queue_config: {capacity: 0}}\n",
        "remote write queue capacity must be positive", false},
    {"max_samples_per_send", "- {url: \"http://a\", queue_config: {max_samples_per_send: 0}}\n",
        "remote write queue max_samples_per_send must be positive", false},
    {"shards", "- {url: \"http://a\", queue_config: {min_shards: 100, max_shards: 10}}\n",
        "remote write queue min_shards must not be greater than max_shards", false},
    {"backoff", "- {url: \"http://a\", queue_config: {min_backoff: 10s, max_backoff: 5s}}\n",
        "remote write queue max_backoff must not be less than min_backoff", false},
    {"null queue", "- {url: \"http://a\", queue_config: }\n", NULL, false},
    {"no effect", "- {url: \"http://a\", queue_config: {capacity: 5}}\n",
        "warning: capacity has no effect here: there is no queue in memory", true},
};

static void
endpoints_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "remote_write:\n");
}

static void
defaults_of_an_endpoint(void **state)
{
        struct config *c = cases_load("remote_write:\n- url: https://u:p@h:1/p?q=1#f\n");
        const struct remote_endpoint *x = &c->remote->endpoints[0];

        (void)state;
        assert_string_equal(x->name, "https://h:1/p");
        assert_string_equal(x->url, "https://u:p@h:1/p?q=1#f");
        assert_int_equal(x->remote_timeout_ms, 30000);
        assert_string_equal(x->tenant_header, "THANOS-TENANT");
        assert_string_equal(x->tenant, "tenant-a");
        assert_int_equal(x->message, WRITE_1);
        assert_int_equal(x->max_samples_per_send, 20000);
        assert_int_equal(x->batch_send_deadline_ms, 30000);
        assert_int_equal(x->max_shards, 50);
        assert_int_equal(x->min_backoff_ms, 1000);
        assert_int_equal(x->max_backoff_ms, 300000);
        assert_int_equal(x->sample_age_limit_ms, 0);
        assert_false(x->drop_on_429);
        assert_int_equal(x->http.min_version, TLS_DEFAULT);
        config_free(c);
}

static void
an_explicit_value_wins(void **state)
{
        struct config *c = cases_load(
            "remote_write:\n- url: https://h\n  name: central\n  remote_timeout: 5s\n"
            "  protobuf_message: io.prometheus.write.v2.Request\n"
            "  queue_config: {max_samples_per_send: 2000, batch_send_deadline: 5s, max_shards: 2, "
            "min_backoff: 30ms, max_backoff: 5s, sample_age_limit: 2h, retry_on_http_429: "
            "false}\n");
        const struct remote_endpoint *x = &c->remote->endpoints[0];

        (void)state;
        assert_string_equal(x->name, "central");
        assert_int_equal(x->remote_timeout_ms, 5000);
        assert_int_equal(x->message, WRITE_2);
        assert_int_equal(x->max_samples_per_send, 2000);
        assert_int_equal(x->batch_send_deadline_ms, 5000);
        assert_int_equal(x->max_shards, 2);
        assert_int_equal(x->min_backoff_ms, 30);
        assert_int_equal(x->max_backoff_ms, 5000);
        assert_int_equal(x->sample_age_limit_ms, 7200000);
        assert_true(x->drop_on_429);
        config_free(c);
}

static void
a_default_gives_way_to_what_is_written(void **state)
{
        struct config *c =
            cases_load("remote_write:\n- url: https://h\n  queue_config: {max_backoff: 500ms}\n");

        (void)state;
        assert_int_equal(c->remote->endpoints[0].min_backoff_ms, 500);
        assert_int_equal(c->remote->endpoints[0].max_backoff_ms, 500);
        config_free(c);
}

static void
the_tenant_header_gives_way_to_one_of_the_file(void **state)
{
        struct config *c =
            cases_load("agent: {tenant_header: X-Scope-OrgID}\nremote_write:\n- url: https://a\n"
                       "- url: https://b\n  headers: {x-scope-orgid: other}\n");

        (void)state;
        assert_string_equal(c->remote->endpoints[0].tenant_header, "X-Scope-OrgID");
        assert_null(c->remote->endpoints[1].tenant_header);
        config_free(c);
        c = cases_load("agent: {tenant_header: ''}\nremote_write:\n- url: https://a\n");
        assert_null(c->remote->endpoints[0].tenant_header);
        config_free(c);
}

static void
without_tenant_there_is_no_header(void **state)
{
        static const char text[] = "remote_write:\n- url: https://a\n";
        const struct config_env env = {.tenant = "default"};
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(config_load_text("a.yml", view_of(text), &env, &c, &report, &e), &e);
        assert_null(c->remote->endpoints[0].tenant_header);
        assert_string_equal(c->remote->endpoints[0].tenant, "default");
        config_free(c);
        config_report_release(&report);
}

static void
their_number_is_bounded(void **state)
{
        struct config_case x = {
            "many endpoints", NULL, "more than 32 remote_write sections", false};
        struct buf text = BUF_INIT(1 << 16);

        (void)state;
        testing_ok(buf_puts(&text, "remote_write:\n", NULL), NULL);
        for (int i = 0; i < 33; i++)
                testing_ok(buf_printf(&text, NULL, "- url: http://h%d\n", i), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        cases_run_one(&x, text.ptr);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(endpoints_are_checked),
            cmocka_unit_test(defaults_of_an_endpoint),
            cmocka_unit_test(an_explicit_value_wins),
            cmocka_unit_test(a_default_gives_way_to_what_is_written),
            cmocka_unit_test(the_tenant_header_gives_way_to_one_of_the_file),
            cmocka_unit_test(without_tenant_there_is_no_header),
            cmocka_unit_test(their_number_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
