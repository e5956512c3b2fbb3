#include "agent/metrics_table.h"

#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
starts(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool
ends(const char *s, const char *suffix)
{
        size_t n = strlen(s);
        size_t m = strlen(suffix);

        return n >= m && strcmp(s + n - m, suffix) == 0;
}

static void
test_names(void **state)
{
        (void)state;
        for (size_t i = 0; i < metrics_table_rows; i++) {
                const struct metric_row *row = &metrics_table[i];

                if (!starts(row->name, "gleaner_") && !starts(row->name, "prometheus_") &&
                    !starts(row->name, "process_"))
                        fail_msg("%s has another's prefix", row->name);
                if (ends(row->name, "_total") != row->counter)
                        fail_msg("%s: counters, and only they, end in _total", row->name);
                for (const char *c = row->name; *c != '\0'; c++) {
                        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
                                fail_msg("%s: bad character in a name", row->name);
                }
                for (size_t k = 0; k < i; k++) {
                        if (strcmp(row->name, metrics_table[k].name) == 0)
                                fail_msg("%s is in the table twice", row->name);
                }
        }
}

static void
test_rows_are_complete(void **state)
{
        (void)state;
        for (size_t i = 0; i < metrics_table_rows; i++) {
                const struct metric_row *row = &metrics_table[i];

                print_message("%s\n", row->name);
                assert_true(ends(row->help, "."));
                assert_null(strpbrk(row->help, "\n\\|"));
                assert_int_equal(row->unit == METRIC_COMPUTED, row->compute != NULL);
                assert_int_equal(row->key != NULL, row->names != NULL);
                for (size_t k = 0; k < row->n_names; k++)
                        assert_non_null(row->names[k]);
        }
}

/* ---- docs/METRICS.md ---- */

static const struct {
        enum metric_source source;
        const char *title;
} sections[] = {
    {METRIC_OF_BUILD, "The program"},
    {METRIC_OF_PROCESS, "The process"},
    {METRIC_OF_AGENT, "Configuration"},
    {METRIC_OF_WEB, "The HTTP endpoints, with --web.config.file"},
    {METRIC_OF_MEMORY, "Memory"},
    {METRIC_OF_LOG, "The write-ahead log"},
    {METRIC_OF_POOL, "Scrape jobs"},
    {METRIC_OF_DISCOVERY, "Discovery, by job"},
    {METRIC_OF_FEED, "Discovery over the network, by kind and job"},
    {METRIC_OF_SCRAPING, "Scraping"},
    {METRIC_OF_REMOTE, "Remote endpoints"},
};

static void
document_row(const struct metric_row *row, struct buf *out)
{
        testing_ok(
            buf_printf(out, NULL, "| `%s` | %s | ", row->name, row->counter ? "counter" : "gauge"),
            NULL);
        if (row->key != NULL) {
                testing_ok(buf_printf(out, NULL, "%s: ", row->key), NULL);
                for (size_t i = 0; i < row->n_names; i++)
                        testing_ok(
                            buf_printf(out, NULL, "%s`%s`", i > 0 ? ", " : "", row->names[i]),
                            NULL);
        }
        testing_ok(buf_printf(out, NULL, " | %s |\n", row->help), NULL);
}

static void
document(struct buf *out)
{
        testing_ok(buf_puts(out,
                       "# Metrics\n\nWhat the agent says of itself at `/metrics`. Made from "
                       "`agent/metrics_table.c` by `scripts/docs.sh`; do not edit.\n\n"
                       "Two books add up at every look, also over restarts. Of the agent: offered "
                       "= appended + not stored +\nqueued. Offered is counted by those who hand "
                       "samples over, appended by the blocks on disk, so the\nequation is a "
                       "check. What is queued at a crash leaves both sides: it is in no figure "
                       "of the next run.\nOf each endpoint since it was first configured: "
                       "appended = acknowledged + unconfirmed + filtered +\npending + lost. One "
                       "alert suffices: `gleaner_samples_not_stored_total` or\n"
                       "`gleaner_samples_lost_total` rises.\n",
                       NULL),
            NULL);
        for (size_t k = 0; k < sizeof(sections) / sizeof(sections[0]); k++) {
                const char *labels = metric_source_labels(sections[k].source);

                testing_ok(buf_printf(out, NULL, "\n## %s\n\n", sections[k].title), NULL);
                if (labels[0] != '\0')
                        testing_ok(buf_printf(out, NULL, "Labels: %s.\n\n", labels), NULL);
                testing_ok(buf_puts(out,
                               "| name | type | label | what |\n| --- | --- | --- | --- |\n", NULL),
                    NULL);
                for (size_t i = 0; i < metrics_table_rows; i++) {
                        if (metrics_table[i].source == sections[k].source)
                                document_row(&metrics_table[i], out);
                }
        }
}

/* scripts/docs.sh sets GLEANER_WRITE_DOCS: then the file is written instead. */
static void
test_documentation_is_up_to_date(void **state)
{
        const char *write = getenv("GLEANER_WRITE_DOCS");
        struct buf want = BUF_INIT(1 << 20);
        struct buf got = BUF_INIT(1 << 20);

        (void)state;
        document(&want);
        if (write != NULL) {
                char path[1024];

                (void)snprintf(path, sizeof(path), "%s/METRICS.md", write);
                testing_write(path, want.ptr, want.len);
        } else {
                testing_read("../../docs/METRICS.md", &got);
                if (!view_eq(buf_view(&got), buf_view(&want)))
                        fail_msg("docs/METRICS.md is not up to date: run scripts/docs.sh");
        }
        buf_release(&want);
        buf_release(&got);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_rows_are_complete),
            cmocka_unit_test(test_documentation_is_up_to_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
