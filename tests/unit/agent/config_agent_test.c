#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"bad header", "agent: {tenant_header: \"a b\"}\n",
        "\"a b\" is not a valid header name; tenant_header expects", false},
    {"no port", "agent: {listen_address: localhost}\n",
        "\"localhost\" is not an address; listen_address expects host:port", false},
    {"port too large", "agent: {listen_address: \"a:65536\"}\n", "is not an address", false},
    {"addresses", "agent: {listen_address: \"[::]:9095\"}\n", NULL, false},
    {"port alone", "agent: {listen_address: \":0\"}\n", NULL, false},
    {"bad size", "agent: {memory_limit: 5}\n",
        "units: unknown unit  in 5; memory_limit expects a size", false},
    {"unknown key", "agent: {memory: 5MB}\n", "field memory not found in type config.plain", false},
    {"unknown key of wal", "wal: {max_sise: 5MB}\n",
        "agent.yml:1:7: error: field max_sise not found in type config.plain; did you mean "
        "\"max_size\"?",
        false},
    {"too small", "wal: {max_size: 1MiB}\n", "1MiB is too small; max_size expects at least 4MiB",
        false},
    {"nothing", "wal: {max_size: }\n", "nothing is too small; max_size expects at least 4MiB",
        false},
    {"too young", "wal: {max_age: 5ms}\n", "5ms is too small; max_age expects at least 1s", false},
    {"too late", "wal: {sync_interval: 1h}\n", "1h is too large; sync_interval expects at most 5m",
        false},
    {"null", "wal:\nagent:\n", NULL, false},
};

static void
our_own_sections_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "");
}

static void
defaults(void **state)
{
        struct config *c = cases_load("");

        (void)state;
        assert_int_equal(c->wal.max_size, UINT64_C(1) << 30);
        assert_int_equal(c->wal.max_age_ms, INT64_C(48) * 3600 * 1000);
        assert_int_equal(c->wal.sync_interval_ms, 5000);
        assert_int_equal(c->agent.memory_limit, 0);
        assert_string_equal(c->agent.tenant_header, "THANOS-TENANT");
        assert_null(c->agent.listen_address);
        assert_int_equal(c->agent.clock_tolerance_ms, 60000);
        assert_int_equal(c->agent.catchup_samples_per_second, 0);
        assert_int_equal(c->remote->clock_tolerance_ms, 60000);
        assert_int_equal(c->scrape->clock_tolerance_ms, 60000);
        config_free(c);
}

static void
what_is_written_is_used(void **state)
{
        struct config *c = cases_load(
            "wal: {max_size: 2GiB, max_age: 12h, sync_interval: 500ms}\n"
            "agent: {memory_limit: 100MiB, listen_address: '0.0.0.0:9096', clock_tolerance: 5s, "
            "catchup_samples_per_second: 5000}\n");

        (void)state;
        assert_int_equal(c->wal.max_size, UINT64_C(2) << 30);
        assert_int_equal(c->wal.max_age_ms, INT64_C(12) * 3600 * 1000);
        assert_int_equal(c->wal.sync_interval_ms, 500);
        assert_int_equal(c->agent.memory_limit, UINT64_C(100) << 20);
        assert_string_equal(c->agent.listen_address, "0.0.0.0:9096");
        assert_int_equal(c->remote->clock_tolerance_ms, 5000);
        assert_int_equal(c->scrape->clock_tolerance_ms, 5000);
        assert_int_equal(c->remote->catchup_samples_per_second, 5000);
        config_free(c);
}

/* --storage.agent.retention.max-time: what the file says wins. */
static void
a_flag_fills_what_the_file_leaves_out(void **state)
{
        static const struct {
                const char *text;
                int64_t want_ms;
        } rows[] = {
            {"wal: {max_size: 2GiB}\n", 6000},
            {"scrape_configs: []\n", 6000},
            {"wal: {max_age: 12h}\n", INT64_C(12) * 3600 * 1000},
        };
        const struct config_env env = {.tenant = "t", .max_age_ms = 6000};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct config_report report = {0};
                struct config *c = NULL;
                struct err e = ERR_INIT;

                testing_ok(
                    config_load_text("/f.yml", view_of(rows[i].text), &env, &c, &report, &e), &e);
                assert_int_equal(c->wal.max_age_ms, rows[i].want_ms);
                config_free(c);
                config_report_release(&report);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(our_own_sections_are_checked),
            cmocka_unit_test(defaults),
            cmocka_unit_test(what_is_written_is_used),
            cmocka_unit_test(a_flag_fills_what_the_file_leaves_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
