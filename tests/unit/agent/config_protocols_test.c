#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"text", "  scrape_protocols: [PrometheusText0.0.4]\n", NULL, false},
    {"unknown", "  scrape_protocols: [prometheusproto]\n",
        "agent.yml:3:22: error: scrape_protocols: unknown scrape protocol prometheusproto, "
        "supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 "
        "PrometheusText1.0.0] for scrape config with job name \"x\"; did you mean "
        "\"PrometheusProto\"?",
        false},
    {"empty list", "  scrape_protocols: []\n",
        "scrape_protocols cannot be empty for scrape config with job name \"x\"", false},
    {"twice", "  scrape_protocols: [OpenMetricsText1.0.0, PrometheusProto, OpenMetricsText1.0.0]\n",
        "duplicated protocol in scrape_protocols, got [OpenMetricsText1.0.0 PrometheusProto "
        "OpenMetricsText1.0.0] for scrape config with job name \"x\"",
        false},
    {"twice in another case", "  scrape_protocols: [PrometheusText0.0.4, prometheustext0.0.4]\n",
        "duplicated protocol", false},
    {"OpenMetrics", "  scrape_protocols: [OpenMetricsText1.0.0, OpenMetricsText0.0.1]\n", NULL,
        false},
    {"no text format", "  scrape_protocols: [PrometheusProto]\n",
        "agent.yml:3:21: warning: PrometheusProto is not asked for, PrometheusText1.0.0", true},
    {"protobuf beside others", "  scrape_protocols: [PrometheusProto, PrometheusText1.0.0]\n",
        "warning: PrometheusProto is not asked for, PrometheusText1.0.0 and PrometheusText0.0.4",
        true},
    {"no list", "  scrape_protocols: PrometheusText0.0.4\n",
        "cannot unmarshal !!str `Prometh...` into []config.ScrapeProtocol", false},
    {"null", "  scrape_protocols:\n", NULL, false},
    {"fallback", "  fallback_scrape_protocol: PrometheusText0.0.4\n", NULL, false},
    {"empty fallback", "  fallback_scrape_protocol: \"\"\n", NULL, false},
    {"fallback to OpenMetrics", "  fallback_scrape_protocol: OpenMetricsText1.0.0\n", NULL, false},
    {"fallback to protobuf", "  fallback_scrape_protocol: PrometheusProto\n",
        "fallback_scrape_protocol: PrometheusProto is not supported; fallback_scrape_protocol "
        "expects one of the text formats",
        false},
    {"unknown fallback", "  fallback_scrape_protocol: text\n",
        "invalid fallback_scrape_protocol for scrape config with job name \"x\": unknown scrape "
        "protocol text, supported: [OpenMetricsText0.0.1 OpenMetricsText1.0.0 PrometheusProto "
        "PrometheusText0.0.4 PrometheusText1.0.0]",
        false},
    {"list as fallback", "  fallback_scrape_protocol: [a]\n",
        "cannot unmarshal !!seq into config.ScrapeProtocol", false},
    {"unknown scheme", "  metric_name_validation_scheme: utf16\n",
        "unrecognized ValidationScheme: \"utf16\"", false},
    {"unknown escaping", "  metric_name_escaping_scheme: dot\n",
        "unknown scrape config name escaping method specified, must be one of 'allow-utf-8', "
        "'underscores', 'dots', or 'values', got \"dot\"",
        false},
    {"conflict",
        "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: allow-utf-8\n",
        "utf8 metric names requested but validation scheme is not set to UTF8", false},
};
static const struct config_case global_cases[] = {
    {"empty list", "  scrape_protocols: []\n", "scrape_protocols cannot be empty for global config",
        false},
    {"unknown escaping", "  metric_name_escaping_scheme: dot\n",
        "unknown global name escaping method specified", false},
    {"unknown scheme", "  metric_name_validation_scheme: x\n",
        "unrecognized ValidationScheme: \"x\"", false},
};

static void
protocols_and_schemes_of_jobs_are_checked(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

static void
and_those_of_global(void **state)
{
        (void)state;
        cases_run(CASES(global_cases), "global:\n");
}

struct names_case {
        const char *name;
        const char *global;
        const char *job;
        enum name_scheme scheme;
        const char *escaping;
};

static const struct names_case names_cases[] = {
    {"nothing", "", "", NAME_UTF8, "allow-utf-8"},
    {"global legacy", "  metric_name_validation_scheme: legacy\n", "", NAME_LEGACY, "underscores"},
    {"global both",
        "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: dots\n", "",
        NAME_LEGACY, "dots"},
    {"job legacy", "", "  metric_name_validation_scheme: legacy\n", NAME_LEGACY, "underscores"},
    {"job legacy does not take the escaping of global", "  metric_name_escaping_scheme: dots\n",
        "  metric_name_validation_scheme: legacy\n", NAME_LEGACY, "underscores"},
    {"job both", "",
        "  metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: values\n",
        NAME_LEGACY, "values"},
    {"job utf8 under legacy", "  metric_name_validation_scheme: legacy\n",
        "  metric_name_validation_scheme: utf8\n", NAME_UTF8, "allow-utf-8"},
};

static void
a_job_takes_its_names_or_those_of_global(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(names_cases) / sizeof(names_cases[0]); i++) {
                const struct names_case *x = &names_cases[i];
                struct buf text = BUF_INIT(4096);
                struct config *c;

                testing_ok(buf_printf(&text, NULL, "global:\n%sscrape_configs:\n- job_name: x\n%s",
                               x->global, x->job),
                    NULL);
                testing_ok(buf_putc(&text, '\0', NULL), NULL);
                c = cases_load(text.ptr);
                if (c->scrape->jobs[0].name_scheme != x->scheme ||
                    strcmp(c->scrape->jobs[0].escaping, x->escaping) != 0)
                        fail_msg("%s: %s", x->name, c->scrape->jobs[0].escaping);
                config_free(c);
                buf_release(&text);
        }
}

static void
check_protocols(const struct scrape_job *job, const struct scrape_protocols *want)
{
        assert_int_equal(job->protocols.n, want->n);
        assert_memory_equal(job->protocols.v, want->v, want->n * sizeof(*want->v));
}

static void
protocols_become_what_is_asked_for(void **state)
{
        static const struct scrape_protocols all = SCRAPE_PROTOCOLS_DEFAULT;
        static const struct scrape_protocols wants[] = {
            {{SCRAPE_TEXT_0_0_4, SCRAPE_OPENMETRICS_0_0_1}, 2},
            {{SCRAPE_TEXT_1_0_0, SCRAPE_TEXT_0_0_4, SCRAPE_OPENMETRICS_1_0_0}, 3},
            {{SCRAPE_TEXT_1_0_0, SCRAPE_TEXT_0_0_4}, 2},
        };
        struct config *c = cases_load(
            "global:\n  scrape_protocols: [PrometheusText0.0.4, OpenMetricsText0.0.1]\n"
            "scrape_configs:\n- job_name: a\n"
            "- job_name: b\n"
            "  scrape_protocols: [PrometheusProto, PrometheusText1.0.0, OpenMetricsText1.0.0]\n"
            "  fallback_scrape_protocol: PrometheusText1.0.0\n"
            "- job_name: c\n  scrape_protocols: [PrometheusProto]\n"
            "  fallback_scrape_protocol: OpenMetricsText0.0.1\n");
        const struct scrape_job *jobs = c->scrape->jobs;

        (void)state;
        for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
                check_protocols(&jobs[i], &wants[i]);
        assert_int_equal(jobs[0].fallback, MEDIA_MISSING);
        assert_int_equal(jobs[1].fallback, MEDIA_TEXT);
        assert_int_equal(jobs[2].fallback, MEDIA_OPENMETRICS);
        config_free(c);
        c = cases_load("scrape_configs:\n- job_name: a\n");
        check_protocols(&c->scrape->jobs[0], &all);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(protocols_and_schemes_of_jobs_are_checked),
            cmocka_unit_test(and_those_of_global),
            cmocka_unit_test(a_job_takes_its_names_or_those_of_global),
            cmocka_unit_test(protocols_become_what_is_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
