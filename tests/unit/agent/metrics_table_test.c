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
check_name(const char *name)
{
        if (!starts(name, "gleaner_") && !starts(name, "prometheus_") && !starts(name, "process_"))
                fail_msg("%s has another's prefix", name);
        for (const char *c = name; *c != '\0'; c++) {
                if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
                        fail_msg("%s: bad character in a name", name);
        }
}

static size_t
count_rows(const char *name)
{
        size_t n = 0;

        for (size_t k = 0; metrics_tables[k] != NULL; k++) {
                for (size_t i = 0; i < metrics_tables[k]->n_rows; i++)
                        n += strcmp(metrics_tables[k]->rows[i].name, name) == 0;
        }
        return n;
}

static void
check_row(const struct metric_row *row)
{
        print_message("%s\n", row->name);
        check_name(row->name);
        assert_int_equal(count_rows(row->name), 1);
        assert_true(ends(row->help, "."));
        assert_null(strpbrk(row->help, "\n\\|"));
        assert_int_equal(row->unit == METRIC_COMPUTED, row->compute != NULL);
        assert_int_equal(row->key != NULL, row->names != NULL);
        for (size_t k = 0; k < row->n_names; k++)
                assert_non_null(row->names[k]);
}

static void
test_rows_are_complete(void **state)
{
        (void)state;
        for (size_t k = 0; metrics_tables[k] != NULL; k++) {
                for (size_t i = 0; i < metrics_tables[k]->n_rows; i++)
                        check_row(&metrics_tables[k]->rows[i]);
        }
}

static void
test_type_is_in_the_name(void **state)
{
        static const struct {
                const char *name;
                const char *want;
        } cases[] = {
            {"gleaner_scrapes_total", "counter"},
            {"gleaner_series", "gauge"},
            {"gleaner_total_series", "gauge"},
            {"_total", "gauge"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct metric_row row = {.name = cases[i].name};

                assert_string_equal(metric_type_name(&row), cases[i].want);
        }
}

/* ---- docs/METRICS.md ---- */

static void
document_row(const struct metric_row *row, struct buf *out)
{
        testing_ok(buf_printf(out, NULL, "| `%s` | %s | ", row->name, metric_type_name(row)), NULL);
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
document_table(const struct metric_table *t, struct buf *out)
{
        testing_ok(buf_printf(out, NULL, "\n## %s\n\n", t->title), NULL);
        if (t->labels != NULL)
                testing_ok(buf_printf(out, NULL, "Labels: %s.\n\n", t->labels), NULL);
        testing_ok(
            buf_puts(out, "| name | type | label | what |\n| --- | --- | --- | --- |\n", NULL),
            NULL);
        for (size_t i = 0; i < t->n_rows; i++)
                document_row(&t->rows[i], out);
}

static void
document(struct buf *out)
{
        testing_ok(buf_puts(out,
                       "# Metrics\n\nWhat the agent says of itself at `/metrics`. Made from "
                       "`agent/metrics_rows_*.c` by `scripts/docs.sh`; do not edit.\n\n"
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
        for (size_t k = 0; metrics_tables[k] != NULL; k++)
                document_table(metrics_tables[k], out);
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
            cmocka_unit_test(test_rows_are_complete),
            cmocka_unit_test(test_type_is_in_the_name),
            cmocka_unit_test(test_documentation_is_up_to_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
