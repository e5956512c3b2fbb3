#include "tests/unit/agent/config_cases.h"

#include "agent/check_targets.h"
#include "agent/explain.h"
#include "scrape/job.h"
#include "scrape/target.h"

static const char text[] =
    "scrape_configs:\n"
    "- job_name: j\n"
    "  static_configs: [{targets: ['a:1', 'gone:1'], labels: {zone: z}}]\n"
    "  relabel_configs:\n"
    "  - {source_labels: [__address__], regex: '(.*):1', target_label: host, replacement: '$1\"'}\n"
    "  - {source_labels: [zone, job], separator: '/', regex: gone, action: keep, target_label: x}\n"
    "  - {source_labels: [__address__], regex: 'gone.*', action: drop}\n"
    "  - {source_labels: [host], target_label: zone}\n"
    "  - {regex: zone, action: labeldrop}\n"
    "  - {source_labels: [host], modulus: 7, target_label: shard, action: hashmod}\n";

/* Without the rule that keeps nothing. */
static char *
without_keep(void)
{
        char *copy = strdup(text);
        char *line = strstr(copy, "  - {source_labels: [zone, job]");
        char *end = strchr(line, '\n') + 1;

        memmove(line, end, strlen(end) + 1);
        return copy;
}

struct loaded {
        struct config *c;
        struct config_report report;
        struct check_targets *t;
};

static void
load(const char *file, struct loaded *l)
{
        struct err e = ERR_INIT;

        *l = (struct loaded){.c = NULL};
        testing_ok(
            config_load_text("/etc/t/agent.yml", view_of(file), &cases_env, &l->c, &l->report, &e),
            &e);
        testing_ok(check_targets_build(&(struct check_input){l->c, &l->report, 0}, &l->t, &e), &e);
}

static void
unload(struct loaded *l)
{
        check_targets_free(l->t);
        config_report_release(&l->report);
        config_free(l->c);
}

static void
test_text(void **state)
{
        static const char *const of_a[] = {"  discovered {__address__=\"a:1\", ",
            ("  1. replace source_labels=[__address__] regex=\"(.*):1\" target_label=\"host\" "
             "replacement=\"$1\\\"\"\n       adds host=\"a\\\"\"\n"),
            "  2. drop source_labels=[__address__] regex=\"gone.*\"\n       changes nothing\n",
            "       sets zone=\"a\\\"\", it was \"z\"\n",
            "  4. labeldrop regex=\"zone\"\n       removes zone=\"a\\\"\"\n",
            "  5. hashmod source_labels=[host] regex=\"(.*)\" modulus=7 target_label=\"shard\"\n",
            "  scraped with {host=\"a\\\"\", instance=\"a:1\", job=\"j\", shard="};
        char *file = without_keep();
        struct buf out = BUF_INIT(1 << 16);
        struct loaded l;
        struct err e = ERR_INIT;

        (void)state;
        load(file, &l);
        assert_int_equal(l.t->n_active, 1);
        assert_int_equal(l.t->n_dropped, 1);
        testing_ok(explain_text(l.t->active[0], false, &out, &e), &e);
        testing_ok(buf_putc(&out, '\0', &e), &e);
        print_message("%s", out.ptr);
        for (size_t i = 0; i < sizeof(of_a) / sizeof(of_a[0]); i++)
                assert_non_null(strstr(out.ptr, of_a[i]));
        buf_reset(&out);
        testing_ok(explain_text(l.t->dropped[0], true, &out, &e), &e);
        testing_ok(buf_putc(&out, '\0', &e), &e);
        assert_non_null(strstr(out.ptr, "       drops the target\n  dropped: it is not scraped\n"));
        assert_null(strstr(out.ptr, "  3. "));
        buf_release(&out);
        unload(&l);
        free(file);
}

static void
test_json(void **state)
{
        static const char want[] =
            "{\"rule\":{\"source_labels\":[\"zone\",\"job\"],\"separator\":\"/\",\"regex\":"
            "\"gone\",\"modulus\":0,\"target_label\":\"x\",\"replacement\":\"$1\",\"action\":"
            "\"keep\"},\"output\":{},\"keep\":false}";
        struct buf out = BUF_INIT(1 << 16);
        struct loaded l;
        struct err e = ERR_INIT;
        size_t steps = 0;

        (void)state;
        load(text, &l);
        testing_ok(explain_json(&l.c->scrape->jobs[0].relabel,
                       "{\"__address__\":\"a:1\",\"job\":\"j\"}", &out, &e),
            &e);
        testing_ok(buf_putc(&out, '\0', &e), &e);
        print_message("%s\n", out.ptr);
        assert_non_null(strstr(out.ptr,
            "\"output\":{\"__address__\":\"a:1\",\"job\":\"j\","
            "\"host\":\"a\\\"\"},\"keep\":true}"));
        assert_non_null(strstr(out.ptr, want));
        for (const char *at = out.ptr; (at = strstr(at, "\"keep\":")) != NULL; at++)
                steps++;
        assert_int_equal(steps, 6); /* those behind the drop are there, too */
        buf_release(&out);
        unload(&l);
}

static void
test_bad_labels(void **state)
{
        static const char *const rows[] = {"", "[]", "{\"a\":1}", "{\"a\":\"b\",\"a\":\"c\"}", "{"};
        struct loaded l;

        (void)state;
        load(text, &l);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf out = BUF_INIT(1 << 16);
                struct err e = ERR_INIT;

                assert_int_equal(
                    explain_json(&l.c->scrape->jobs[0].relabel, rows[i], &out, &e), ERR_CONFIG);
                assert_non_null(strstr(e.msg, "label"));
                buf_release(&out);
        }
        unload(&l);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_text),
            cmocka_unit_test(test_json),
            cmocka_unit_test(test_bad_labels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
