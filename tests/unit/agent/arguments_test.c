#include "agent/arguments.h"

#include "base/buf.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 16 };

static int
parse(const char *const *given, struct arguments *a, struct err *e)
{
        char *argv[MAX_ARGS + 1] = {0};
        int n = 1;
        int rc;

        argv[0] = strdup("gleaner");
        while (n < MAX_ARGS && given[n - 1] != NULL) {
                argv[n] = (char *)(uintptr_t)given[n - 1];
                n++;
        }
        rc = arguments_parse(n, argv, a, e);
        free(argv[0]);
        return rc;
}

static void
test_a_unit_file_of_prometheus_is_taken(void **state)
{
        static const char *const given[] = {"--agent", "--config.file=/etc/prometheus/p.yml",
            "--storage.agent.path=/var/lib/prometheus", "--storage.remote.flush-deadline=1m",
            "--storage.agent.retention.max-time=6h", "--enable-feature=agent,auto-reload-config",
            "--web.external-url=https://x.example/p/", NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(parse(given, &a, &e), &e);
        assert_string_equal(a.config_path, "/etc/prometheus/p.yml");
        assert_string_equal(a.storage_path, "/var/lib/prometheus");
        assert_int_equal(a.shutdown_timeout_ms, 60000);
        assert_int_equal(a.max_age_ms, 6 * 3600 * 1000);
        assert_true(a.auto_reload);
        assert_int_equal(a.auto_reload_ms, 30000);
        assert_string_equal(a.route_prefix, "/p");
        assert_int_equal(a.n_remarks, 1);
        assert_string_equal(a.remarks[0].flag, "--enable-feature=agent");
        assert_false(a.remarks[0].warn);
}

static void
test_automatic_reloads(void **state)
{
        static const struct {
                const char *given[3];
                bool want;
                int64_t want_ms;
        } rows[] = {
            {{"--tenant=t"}, false, 30000},
            {{"--config.auto-reload"}, true, 30000},
            {{"--no-config.auto-reload"}, false, 30000},
            {{"--enable-feature=auto-reload-config"}, true, 30000},
            {{"--config.auto-reload-interval=2m"}, true, 120000},
            {{"--config.auto-reload-interval=500ms"}, true, 1000}, /* as in Prometheus */
            {{"--config.auto-reload-interval=5s", "--config.auto-reload"}, true, 5000},
            {{"--config.auto-reload-interval=5s", "--no-config.auto-reload"}, false, 5000},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *given[] = {"--tenant=t", rows[i].given[0], rows[i].given[1], NULL};
                struct arguments a;
                struct err e = ERR_INIT;

                print_message("%s\n", rows[i].given[0]);
                testing_ok(parse(given, &a, &e), &e);
                assert_int_equal(a.auto_reload, rows[i].want);
                assert_int_equal(a.auto_reload_ms, rows[i].want_ms);
        }
}

static void
test_extra_scrape_metrics(void **state)
{
        static const char *const given[] = {
            "--tenant=t", "--enable-feature=agent,extra-scrape-metrics", NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(parse(given, &a, &e), &e);
        assert_true(a.extra_scrape_metrics);
        assert_string_equal(a.features, "agent,extra-scrape-metrics");
        assert_int_equal(a.n_remarks, 1); /* of agent */
}

static void
test_defaults(void **state)
{
        static const char *const given[] = {"--tenant=t", NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(parse(given, &a, &e), &e);
        assert_string_equal(a.config_path, "/etc/gleaner/t/agent.yml");
        assert_string_equal(a.data_dir, "/var/lib/gleaner");
        assert_string_equal(a.page_title, "gleaner");
        assert_string_equal(a.route_prefix, "");
        assert_null(a.storage_path);
        assert_null(a.listen_address);
        assert_false(a.auto_reload);
        assert_false(a.lifecycle);
        assert_int_equal(a.shutdown_timeout_ms, 10000);
        assert_int_equal(a.n_remarks, 0);
}

static void
test_route_prefixes(void **state)
{
        static const struct {
                const char *given[3];
                const char *want;
        } rows[] = {
            {{"--web.route-prefix=/"}, ""},
            {{"--web.route-prefix="}, ""},
            {{"--web.route-prefix=a/b"}, "/a/b"},
            {{"--web.route-prefix=//a//"}, "/a"},
            {{"--web.external-url=http://h:1/x"}, "/x"},
            {{"--web.external-url=http://h"}, ""},
            {{"--web.external-url=http://h/x", "--web.route-prefix=/"}, ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *given[] = {"--tenant=t", rows[i].given[0], rows[i].given[1], NULL};
                struct arguments a;
                struct err e = ERR_INIT;

                print_message("%s\n", given[1]);
                testing_ok(parse(given, &a, &e), &e);
                assert_string_equal(a.route_prefix, rows[i].want);
        }
}

static void
test_flags_without_effect(void **state)
{
        static const struct {
                const char *given;
                const char *flag; /* NULL: no remark */
                bool warn;
        } rows[] = {
            {"--web.console.templates=/x", "--web.console.templates", false},
            {"--storage.agent.no-lockfile", "--storage.agent.no-lockfile", false},
            {"--no-storage.agent.no-lockfile", NULL, false},
            {"--no-storage.agent.wal-compression", NULL, false},
            {"--auto-gomemlimit.ratio=0.8", "--auto-gomemlimit.ratio", false},
            {"--enable-feature=exemplar-storage", "--enable-feature=exemplar-storage", true},
            {"--enable-feature=,", NULL, false},
            {"--enable-feature=nonsense", "--enable-feature=nonsense", true},
            {"--web.config.file=", NULL, false},
            {"--no-web.enable-remote-write-receiver", NULL, false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *given[] = {"--tenant=t", rows[i].given, NULL};
                struct arguments a;
                struct err e = ERR_INIT;

                print_message("%s\n", rows[i].given);
                testing_ok(parse(given, &a, &e), &e);
                assert_int_equal(a.n_remarks, rows[i].flag != NULL);
                if (rows[i].flag == NULL)
                        continue;
                assert_string_equal(a.remarks[0].flag, rows[i].flag);
                assert_int_equal(a.remarks[0].warn, rows[i].warn);
                assert_non_null(a.remarks[0].why);
        }
}

static void
test_remarks_are_bounded(void **state)
{
        char names[1024] = "--enable-feature=";
        const char *given[] = {"--tenant=t", names, NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        for (int i = 0; i < 3 * ARGUMENTS_REMARKS_MAX; i++)
                (void)strncat(names, "a,", sizeof(names) - strlen(names) - 1);
        testing_ok(parse(given, &a, &e), &e);
        assert_int_equal(a.n_remarks, ARGUMENTS_REMARKS_MAX);
}

static void
test_web(void **state)
{
        const char *given[] = {"--tenant=t", "--web.listen-address=:1",
            "--web.listen-address=[::1]:2", "--web.config.file=web.yml", NULL};
        const char *empty[] = {"--tenant=t", "--web.config.file=", NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(parse(given, &a, &e), &e);
        assert_string_equal(a.listen_address, ":1,[::1]:2");
        assert_string_equal(a.web_config, "web.yml");
        testing_ok(parse(empty, &a, &e), &e);
        assert_null(a.web_config);
        assert_null(a.listen_address);
}

static void
test_refused(void **state)
{
        static const struct {
                const char *given[3];
                const char *want; /* a part of the sentence */
        } rows[] = {
            {{"--storage.tsdb.path=/x"},
                "can not be used in agent mode: [\"--storage.tsdb.path\"]; use --storage.agent"},
            {{"--query.timeout=1m"}, "can not be used in agent mode: [\"--query.timeout\"]"},
            {{"--web.enable-remote-write-receiver"}, "--web.enable-remote-write-receiver: gleaner"},
            {{"--enable-feature=remote-write-receiver"}, "--enable-feature=remote-write-receiver"},
            {{"--no-agent"}, "--no-agent"},
            {{"--data-dir=/a", "--storage.agent.path=/b"}, "give one"},
            {{"--storage.agent.path="}, "--storage.agent.path is empty"},
            {{"--data-dir="}, "--data-dir is empty"},
            {{"--config.file="}, "--config.file is empty"},
            {{"--web.max-connections=0"}, "it is a number from 1 on"},
            {{"--web.max-connections=x"}, "it is a number from 1 on"},
            {{"--web.max-connections=-1"}, "it is a number from 1 on"},
            {{"--web.read-timeout=soon"}, "--web.read-timeout"},
            {{"--config.auto-reload-interval=soon"}, "--config.auto-reload-interval"},
            {{"--web.search.max-limit=5"}, "can not be used in agent mode"},
            {{"--storage.remote.flush-deadline=x"}, "--storage.remote.flush-deadline"},
            {{"--shutdown-timeout=x"}, "--shutdown-timeout"},
            {{"--storage.agent.retention.max-time=x"}, "--storage.agent.retention.max-time"},
            {{"--web.external-url=/x"}, "a URL with a host"},
            {{"--log.level=loud"}, "--log.level=loud"},
            {{"--log.format=xml"}, "--log.format=xml"},
            {{"--storage.agent.pth=x"}, "did you mean --storage.agent.path?"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *given[] = {"--tenant=t", rows[i].given[0], rows[i].given[1], NULL};
                struct arguments a;
                struct err e = ERR_INIT;

                print_message("%s\n", given[1]);
                assert_int_equal(parse(given, &a, &e), ERR_CONFIG);
                print_message("  %s\n", e.msg);
                assert_non_null(strstr(e.msg, rows[i].want));
        }
}

static void
test_paths_that_are_too_long(void **state)
{
        static char long_text[ARGUMENTS_PATH_BYTES + 32];
        const char *file[] = {long_text, NULL};
        const char *prefix[] = {"--tenant=t", long_text, NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        memset(long_text, 'x', sizeof(long_text) - 1);
        memcpy(long_text, "--config.file=", 14);
        assert_int_equal(parse(file, &a, &e), ERR_CONFIG);
        memcpy(long_text, "--web.route-prefix=", 19);
        assert_int_equal(parse(prefix, &a, &e), ERR_CONFIG);
}

static void
test_neither_tenant_nor_file(void **state)
{
        static const char *const nothing[] = {"--agent", NULL};
        static const char *const help[] = {"-h", NULL};
        static const char *const rest[] = {"x", NULL};
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(parse(nothing, &a, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "--tenant is missing"));
        testing_ok(parse(help, &a, &e), &e);
        assert_true(a.help);
        testing_ok(parse(rest, &a, &e), &e);
        assert_int_equal(a.n_rest, 1);
}

static void
test_json(void **state)
{
        static const char *const given[] = {"--config.file=a\"b.yml", "--web.enable-lifecycle",
            "--config.auto-reload-interval=5s", "--storage.agent.wal-compression",
            "--no-auto-gomemlimit", "--auto-gomemlimit.ratio", "0.5", "--web.max-connections=7",
            NULL};
        static const char *const want[] = {"\"config.file\":\"a\\\"b.yml\",",
            "\"config.auto-reload-interval\":\"5s\",", "\"web.enable-lifecycle\":\"true\",",
            "\"storage.agent.wal-compression\":\"true\",", "\"auto-gomemlimit\":\"false\",",
            "\"auto-gomemlimit.ratio\":\"0.5\",", "\"web.max-connections\":\"7\",",
            "\"web.read-timeout\":\"1m\",", "\"storage.tsdb.path\":\"\",",
            "\"storage.tsdb.no-lockfile\":\"false\","};
        struct buf out = BUF_INIT(8192);
        struct arguments a;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(parse(given, &a, &e), &e);
        testing_ok(arguments_put_json(&a, &out, &e), &e);
        testing_ok(buf_putc(&out, '\0', &e), &e);
        assert_memory_equal(out.ptr, "{\"agent\":\"true\",", 16);
        for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
                if (strstr(out.ptr, want[i]) == NULL)
                        fail_msg("%s: %s", want[i], out.ptr);
        }
        assert_non_null(strstr(out.ptr, "\"web.user-assets\":\"\"}"));
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_unit_file_of_prometheus_is_taken),
            cmocka_unit_test(test_automatic_reloads),
            cmocka_unit_test(test_extra_scrape_metrics),
            cmocka_unit_test(test_defaults),
            cmocka_unit_test(test_route_prefixes),
            cmocka_unit_test(test_flags_without_effect),
            cmocka_unit_test(test_remarks_are_bounded),
            cmocka_unit_test(test_web),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_paths_that_are_too_long),
            cmocka_unit_test(test_neither_tenant_nor_file),
            cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
