#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"all of them",
        "storage: {tsdb: {out_of_order_time_window: 30m, retention: {time: 1d, size: 1GB, "
        "percentage: 50}, chunk_encoding: {floats: xor2}}, exemplars: {max_exemplars: 10}}\n"
        "tracing: {endpoint: a, client_type: http, compression: gzip, headers: {X-A: b}, "
        "sampling_fraction: 0.5, insecure: true, timeout: 5s, tls_config: {ca_file: c}}\n"
        "otlp: {promote_resource_attributes: [a, b], translation_strategy: NoTranslation}\n"
        "runtime: {gogc: 50}\n",
        "note: otlp has no effect here: of a full server; its keys are checked", true},
    {"null ones", "storage:\ntracing:\notlp:\nruntime:\n", NULL, false},
    {"storage is a text", "storage: yes\n",
        "cannot unmarshal !!bool `yes` into config.StorageConfig", false},
    {"unknown key", "storage: {tsdb: {x: y}}\n", "field x not found in type config.plain", false},
    {"window", "storage: {tsdb: {out_of_order_time_window: 5}}\n",
        "agent.yml:1:44: error: not a valid duration string: \"5\"", false},
    {"floats", "storage: {tsdb: {chunk_encoding: {floats: a}}}\n",
        "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2'", false},
    {"percentage", "storage: {tsdb: {retention: {percentage: 101}}}\n",
        "'storage.tsdb.retention.percentage' must be in the range [0, 100]", false},
    {"size", "storage: {tsdb: {retention: {size: -1GB}}}\n",
        "'storage.tsdb.retention.size' must be greater than or equal to 0, got -1GB", false},
    {"no endpoint", "tracing: {}\n", "agent.yml:1:10: error: tracing endpoint must be set", false},
    {"client", "tracing: {endpoint: a, client_type: foo}\n",
        "expected tracing client type to be to be http or grpc, but got foo", false},
    {"compression", "tracing: {endpoint: a, compression: foo}\n",
        "invalid compression type foo provided, valid options: gzip", false},
    {"credentials", "tracing: {endpoint: a, headers: {Authorization: b}}\n",
        "custom authorization header configuration is not yet supported", false},
    {"reserved", "tracing: {endpoint: a, headers: {Host: b}}\n",
        "Host is a reserved header. It must not be changed", false},
    {"strategy", "otlp: {translation_strategy: a}\n", "unsupported OTLP translation strategy \"a\"",
        false},
    {"legacy names",
        "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: "
        "NoTranslation}\n",
        "OTLP translation strategy \"NoTranslation\" is not allowed when UTF8 is disabled", false},
    {"twice", "otlp: {promote_resource_attributes: [a, \" a\"]}\n",
        "agent.yml:1:41: error: duplicated promoted OTel resource attribute \"a\"", false},
    {"empty", "otlp: {promote_resource_attributes: [\" \"]}\n",
        "empty promoted OTel resource attribute", false},
    {"all and some",
        "otlp: {promote_all_resource_attributes: true, promote_resource_attributes: [a]}\n",
        "cannot be configured simultaneously", false},
    {"ignored of some", "otlp: {ignore_resource_attributes: [a]}\n",
        "'ignore_resource_attributes' cannot be configured unless", false},
    {"number", "runtime: {gogc: a}\n", "cannot unmarshal !!str `a` into int", false},
};

static void
sections_of_a_server_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "");
}

static void
headers_of_tracing_are_not_shown(void **state)
{
        struct config *c = cases_load("tracing: {endpoint: a, headers: {X-Key: hunter2}}\n");

        (void)state;
        assert_non_null(strstr(c->masked, "X-Key: <secret>"));
        assert_null(strstr(c->masked, "hunter2"));
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(sections_of_a_server_are_checked),
            cmocka_unit_test(headers_of_tracing_are_not_shown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
