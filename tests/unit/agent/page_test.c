#include "agent/page.h"

#include "base/err.h"
#include "base/relabel.h"
#include "scrape/job.h"

#include "tests/testing/testing.h"

#include <stdlib.h>
#include <string.h>

struct outcome {
        char *text; /* what was printed; free it */
        int rc;
        struct err e;
        struct page_counts counts;
        uint64_t line;
        uint64_t column;
};

/* Fed in pieces of `cut` bytes. */
static void
run(const struct scrape_job *job, bool json, const char *body, size_t cut, struct outcome *out)
{
        size_t n_text = 0;
        FILE *f = open_memstream(&out->text, &n_text);
        const struct page_options o = {.job = job, .out = f, .json = json};
        struct page *p = NULL;
        size_t n = strlen(body);

        assert_non_null(f);
        out->rc = 0;
        testing_ok(page_new(&o, &p, NULL), NULL);
        for (size_t i = 0; i < n && out->rc == 0; i += cut)
                out->rc = page_feed(p, body + i, n - i < cut ? n - i : cut, &out->e);
        if (out->rc == 0)
                out->rc = page_finish(p, &out->e);
        page_count(p, &out->counts);
        page_place(p, &out->line, &out->column);
        page_free(p);
        assert_int_equal(fclose(f), 0);
}

static struct scrape_job
plain_job(void)
{
        return (struct scrape_job){.name = "x", .honor_timestamps = true};
}

struct print_case {
        const char *body;
        const char *text;
        const char *json;
};

static void
samples_are_printed_as_stored(void **state)
{
        static const struct print_case cases[] = {
            {"a 1\n", "a 1\n",
                "{\"labels\":{\"__name__\":\"a\"},\"value\":\"1\",\"bits\":\"3ff0000000000000\","
                "\"timestamp_ms\":null}\n"},
            {"a{z=\"1\",b=\"x\\\"\\n\",gone=\"\"} -1.5e-7 -0\n", NULL, NULL},
            {"a{z=\"1\",b=\"x\\\"\\n\\\\\",gone=\"\"} -1.5e-7 5\n",
                "a{b=\"x\\\"\\n\\\\\",z=\"1\"} -1.5e-07 5\n",
                "{\"labels\":{\"__name__\":\"a\",\"b\":\"x\\\"\\n\\\\\",\"z\":\"1\"},"
                "\"value\":\"-1.5e-07\",\"bits\":\"be8421f5f40d8376\",\"timestamp_ms\":5}\n"},
            {"{\"a.b\",\"l.m\"=\"v\x01\"} NaN", "{\"a.b\",\"l.m\"=\"v\\x01\"} NaN\n",
                "{\"labels\":{\"__name__\":\"a.b\",\"l.m\":\"v\\u0001\"},\"value\":\"NaN\","
                "\"bits\":\"7ff8000000000001\",\"timestamp_ms\":null}\n"},
            {"{\"a.b\"} +Inf\n", "{\"a.b\"} +Inf\n",
                "{\"labels\":{\"__name__\":\"a.b\"},\"value\":\"+Inf\","
                "\"bits\":\"7ff0000000000000\",\"timestamp_ms\":null}\n"},
            {"# TYPE h histogram\nh{le=\"1\"} 1000000\n", "h{le=\"1.0\"} 1e+06\n",
                "{\"labels\":{\"__name__\":\"h\",\"le\":\"1.0\"},\"value\":\"1e+06\","
                "\"bits\":\"412e848000000000\",\"timestamp_ms\":null}\n"},
            {"a -0", "a -0\n",
                "{\"labels\":{\"__name__\":\"a\"},\"value\":\"-0\",\"bits\":\"8000000000000000\","
                "\"timestamp_ms\":null}\n"},
            {"", "", ""},
        };
        struct scrape_job job = plain_job();

        (void)state;
        for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
                const struct print_case *c = &cases[i / 2];
                struct outcome out = {.e = ERR_INIT};
                const char *want = i % 2 == 0 ? c->text : c->json;

                run(&job, i % 2 == 1, c->body, 1 + i, &out);
                if ((out.rc == 0) != (want != NULL))
                        fail_msg("%s: %d %s", c->body, out.rc, out.e.msg);
                if (want != NULL && strcmp(out.text, want) != 0)
                        fail_msg("%s: %s", c->body, out.text);
                free(out.text);
        }
}

static void
a_series_that_comes_again_is_a_duplicate(void **state)
{
        static const char body[] = "a 1\nb 2\na 3\na 4 7\nb 5 8\nb 6\na{} 7\n";
        struct scrape_job job = plain_job();
        struct outcome out = {.e = ERR_INIT};

        (void)state;
        run(&job, false, body, 3, &out);
        testing_ok(out.rc, &out.e);
        assert_string_equal(out.text, "a 1\nb 2\na 4 7\nb 5 8\n");
        assert_int_equal(out.counts.samples, 7);
        assert_int_equal(out.counts.kept, 4);
        assert_int_equal(out.counts.series, 2);
        assert_int_equal(out.counts.duplicates, 3);
        assert_int_equal(out.counts.bytes, strlen(body));
        free(out.text);
        job.honor_timestamps = false;
        run(&job, false, body, 3, &out);
        assert_string_equal(out.text, "a 1\nb 2\n");
        assert_int_equal(out.counts.duplicates, 5);
        free(out.text);
}

/* As scrape/series takes them: the series is known then, and sample_limit counts them. */
static void
timestamps_too_far_ahead_are_refused(void **state)
{
        static const char body[] = "a 1 600000\nb 2 600001\nc 3 9223372036854775807\nb 4\nd 5\n";
        struct scrape_job job = plain_job();
        struct outcome out = {.e = ERR_INIT};

        (void)state;
        run(&job, false, body, 3, &out);
        testing_ok(out.rc, &out.e);
        assert_string_equal(out.text, "a 1 600000\nb 4\nd 5\n");
        assert_int_equal(out.counts.kept, 3);
        assert_int_equal(out.counts.ahead, 2);
        assert_int_equal(out.counts.duplicates, 0);
        free(out.text);
        job.sample_limit = 4;
        run(&job, true, body, 3, &out);
        assert_int_equal(out.rc, ERR_LIMIT);
        free(out.text);
        job.sample_limit = 0;
        job.honor_timestamps = false;
        run(&job, false, body, 3, &out);
        assert_string_equal(out.text, "a 1\nb 2\nc 3\nd 5\n");
        free(out.text);
}

static void
relabeling_drops_and_renames(void **state)
{
        const struct view name = VIEW_LIT("__name__");
        struct scrape_job job = plain_job();
        struct relabel_options o;
        struct relabel_rule *rule = NULL;
        struct outcome out = {.e = ERR_INIT};

        (void)state;
        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = &name;
        o.n_source_labels = 1;
        o.regex = VIEW_LIT("go_.*");
        testing_ok(relabel_compile(&o, &rule, NULL), NULL);
        testing_ok(relabel_rules_take(&job.metric_relabel, &rule, NULL), NULL);
        relabel_options_init(&o);
        o.target_label = VIEW_LIT("site");
        o.replacement = VIEW_LIT("x");
        testing_ok(relabel_compile(&o, &rule, NULL), NULL);
        testing_ok(relabel_rules_take(&job.metric_relabel, &rule, NULL), NULL);
        run(&job, false, "go_a 1\nb 2\ngo_a 3\n", 100, &out);
        testing_ok(out.rc, &out.e);
        assert_string_equal(out.text, "b{site=\"x\"} 2\n");
        assert_int_equal(out.counts.dropped, 2);
        assert_int_equal(out.counts.duplicates, 0);
        free(out.text);
        relabel_rules_release(&job.metric_relabel);
}

struct failure_case {
        const char *name;
        const char *body;
        struct scrape_job job;
        int rc;
        const char *error; /* part of it */
        uint64_t line;
        uint64_t column; /* 0: not compared */
        const char *text; /* printed before */
};

static void
pages_fail_with_a_place(void **state)
{
        static const struct failure_case cases[] = {
            {"syntax", "a 1\nb x\nc 3\n", {.name = "x"}, ERR_PARSE, "", 2, 3, "a 1\n"},
            {"braces", "a 1\nb{c=1} 2\n", {.name = "x"}, ERR_PARSE, "", 2, 5, "a 1\n"},
            {"no name", "{a=\"b\"} 1\n", {.name = "x"}, ERR_PARSE, "metric name", 1, 0, ""},
            {"a label twice", "x{a=\"1\",a=\"2\"} 1\n", {.name = "x"}, ERR_REFUSED, "twice", 1, 0,
                ""},
            {"legacy names", "a 1\n{\"b.c\"} 1\n", {.name = "x", .name_scheme = NAME_LEGACY},
                ERR_REFUSED, "invalid metric name \"b.c\"", 2, 0, "a 1\n"},
            {"label_limit", "a{b=\"c\"} 1\n", {.name = "x", .label_limit = 1}, ERR_REFUSED,
                "label_limit", 1, 0, ""},
            {"sample_limit", "a 1\nb 2\nb 3\nc 4\nd 5\n", {.name = "x", .sample_limit = 2},
                ERR_LIMIT, "has 4 samples after relabeling, sample_limit is 2", 0, 0, "a 1\nb 2\n"},
            {"body_size_limit", "a 1\nb 2\n", {.name = "x", .body_size_limit = 8}, ERR_LIMIT,
                "body_size_limit, 8 bytes", 0, 0, NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct failure_case *c = &cases[i];
                struct outcome out = {.e = ERR_INIT};

                run(&c->job, false, c->body, 5, &out);
                if (out.rc != c->rc || strstr(out.e.msg, c->error) == NULL)
                        fail_msg("%s: %d %s", c->name, out.rc, out.e.msg);
                if (out.line != c->line || (c->column > 0 && out.column != c->column))
                        fail_msg("%s: line %llu column %llu", c->name, (unsigned long long)out.line,
                            (unsigned long long)out.column);
                if (c->text != NULL)
                        assert_string_equal(out.text, c->text);
                free(out.text);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_are_printed_as_stored),
            cmocka_unit_test(a_series_that_comes_again_is_a_duplicate),
            cmocka_unit_test(timestamps_too_far_ahead_are_refused),
            cmocka_unit_test(relabeling_drops_and_renames),
            cmocka_unit_test(pages_fail_with_a_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
