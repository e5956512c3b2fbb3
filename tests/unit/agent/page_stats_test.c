#include "agent/page_stats.h"

#include "agent/page.h"
#include "base/buf.h"
#include "base/relabel.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

#include <string.h>

static const char body[] = "# TYPE b counter\n"
                           "a{x=\"1\",y=\"1\"} 1\na{x=\"2\",y=\"1\"} 1\na{x=\"2\",y=\"1\"} 2\n"
                           "b{x=\"1\"} 1\nc 1\ngone{x=\"9\"} 1\ngone{x=\"8\"} 1\nbare 1\n";

static void
add_rule(struct relabel_rules *rules, enum relabel_action action, const char *regex)
{
        static const struct view name[] = {{"__name__", 8}};
        struct relabel_options o;
        struct relabel_rule *r = NULL;
        struct err e = ERR_INIT;

        relabel_options_init(&o);
        o.action = action;
        o.regex = view_of(regex);
        if (action == RELABEL_DROP) {
                o.source_labels = name;
                o.n_source_labels = 1;
        }
        testing_ok(relabel_compile(&o, &r, &e), &e);
        testing_ok(relabel_rules_take(rules, &r, &e), &e);
}

static char *
stats_of(const struct scrape_job *job, size_t top)
{
        struct page_options o = {.job = job};
        struct buf out = BUF_INIT(1 << 16);
        struct page_stats *s = NULL;
        struct page *p = NULL;
        struct err e = ERR_INIT;

        testing_ok(page_stats_new(&s, &e), &e);
        o.stats = s;
        testing_ok(page_new(&o, &p, &e), &e);
        testing_ok(page_feed(p, body, strlen(body), &e), &e);
        testing_ok(page_finish(p, &e), &e);
        testing_ok(page_stats_print(s, job, top, &out, &e), &e);
        testing_ok(buf_putc(&out, '\0', &e), &e);
        page_free(p);
        page_stats_free(s);
        return out.ptr;
}

static void
test_tables(void **state)
{
        struct scrape_job job = {.name = "x", .honor_timestamps = true};
        char *text;

        (void)state;
        add_rule(&job.metric_relabel, RELABEL_LABELDROP, "z");
        add_rule(&job.metric_relabel, RELABEL_DROP, "gone|bare");
        text = stats_of(&job, 2);
        assert_string_equal(text,
            "metrics, by series: 3\n"
            "         2  a\n"
            "         1  b\n"
            "labels, by values: 2\n"
            "         2  x\n"
            "         1  y\n"
            "samples dropped\n"
            "         3  by metric_relabel_configs 2: drop, regex "
            "\"gone|bare\"\n");
        free(text);
        relabel_rules_release(&job.metric_relabel);
}

static void
test_nothing_dropped(void **state)
{
        const struct scrape_job job = {.name = "x", .honor_timestamps = true};
        char *text = stats_of(&job, 0);

        (void)state;
        assert_string_equal(text, "metrics, by series: 5\nlabels, by values: 2\n");
        free(text);
        page_stats_free(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_tables),
            cmocka_unit_test(test_nothing_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
