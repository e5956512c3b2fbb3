#include "scrape/finalize.h"

#include "base/arena.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

#include <string.h>

struct row {
        const char *name;
        const char *series;
        bool honor_labels;
        uint64_t label_limit;
        uint64_t name_limit;
        uint64_t value_limit;
        enum name_scheme scheme;
        const char *want; /* NULL: an error */
        const char *error; /* part of its text */
};

static const struct row rows[] = {
    {.name = "target labels are added",
        .series = "a{x=\"1\"}",
        .want = "__name__=a,instance=i:1,job=node,x=1,"},
    {.name = "a scraped label of a target's name moves to exported_",
        .series = "a{job=\"x\"}",
        .want = "__name__=a,exported_job=x,instance=i:1,job=node,"},
    {.name = "a taken exported_ name is prefixed again",
        .series = "a{job=\"x\",exported_job=\"y\"}",
        .want = "__name__=a,exported_exported_job=x,exported_job=y,instance=i:1,job=node,"},
    {.name = "honor_labels keeps the scraped one",
        .series = "a{job=\"x\"}",
        .honor_labels = true,
        .want = "__name__=a,instance=i:1,job=x,"},
    {.name = "honor_labels counts an empty value as present",
        .series = "a{job=\"\"}",
        .honor_labels = true,
        .want = "__name__=a,instance=i:1,"},
    {.name = "honor_labels is not misled by text in values",
        .series = "a{x=\"job=\\\"\\\"\",y=\"job\"}",
        .honor_labels = true,
        .want = "__name__=a,instance=i:1,job=node,x=job=\"\",y=job,"},
    {.name = "honor_labels sees a quoted name",
        .series = "{\"a\",\"job\"=\"\"}",
        .honor_labels = true,
        .want = "__name__=a,instance=i:1,"},
    {.name = "an empty value without honor_labels is as if it were not there",
        .series = "a{job=\"\"}",
        .want = "__name__=a,instance=i:1,job=node,"},
    {.name = "no metric name", .series = "{x=\"1\"}", .error = "metric name"},
    {.name = "a target's label twice",
        .series = "a{job=\"1\",job=\"2\"}",
        .error = "label job twice"},
    {.name = "a label twice", .series = "a{x=\"1\",x=\"2\"}", .error = "label x twice"},
    {.name = "label_limit counts all labels",
        .series = "a{x=\"1\"}",
        .label_limit = 3,
        .error = "metric a has 4 labels, label_limit is 3"},
    {.name = "label_limit is not passed by as many",
        .series = "a{x=\"1\"}",
        .label_limit = 4,
        .want = "__name__=a,instance=i:1,job=node,x=1,"},
    {.name = "label_name_length_limit names the culprit",
        .series = "a{looooong=\"1\"}",
        .name_limit = 8,
        .want = "__name__=a,instance=i:1,job=node,looooong=1,"},
    {.name = "label_name_length_limit is passed",
        .series = "a{looooooong=\"1\"}",
        .name_limit = 9,
        .error = "label name looooooong has 10 bytes, label_name_length_limit is 9"},
    {.name = "label_value_length_limit is passed",
        .series = "a{x=\"12345\"}",
        .value_limit = 4,
        .error = "the value of label x has 5 bytes, label_value_length_limit is 4"},
    {.name = "legacy names refuse UTF-8 metric names",
        .series = "{\"a.b\"}",
        .scheme = NAME_LEGACY,
        .error = "invalid metric name \"a.b\""},
    {.name = "utf8 names take them",
        .series = "{\"a.b\"}",
        .want = "__name__=a.b,instance=i:1,job=node,"},
    {.name = "a broken brace is a parse error", .series = "a{x=1}", .error = ""},
};

static void
run_row(const struct row *row)
{
        const struct label target[] = {
            {VIEW_LIT("instance"), VIEW_LIT("i:1")}, {VIEW_LIT("job"), VIEW_LIT("node")}};
        const struct scrape_job job = {.name = "node",
            .honor_labels = row->honor_labels,
            .label_limit = row->label_limit,
            .label_name_length_limit = row->name_limit,
            .label_value_length_limit = row->value_limit,
            .name_scheme = row->scheme};
        const struct finalize_input in = {.job = &job,
            .target_labels = target,
            .n_target_labels = 2,
            .series = view_of(row->series)};
        struct arena arena = ARENA_INIT(1 << 20);
        struct buf got = BUF_INIT(4096);
        struct err e = ERR_INIT;
        struct labels l;
        size_t offset;
        bool kept = false;
        int rc;

        labels_init(&l, &arena);
        rc = finalize_labels(&in, &l, &kept, &offset, &e);
        if (row->want == NULL) {
                if (rc == 0 || strstr(e.msg, row->error) == NULL)
                        fail_msg("%s: rc %d, \"%s\"", row->name, rc, e.msg);
        } else {
                if (rc < 0)
                        fail_msg("%s: %s", row->name, e.msg);
                assert_true(kept);
                for (size_t i = 0; i < l.n; i++)
                        testing_ok(buf_printf(&got, NULL, "%.*s=%.*s,", (int)l.v[i].name.n,
                                       l.v[i].name.p, (int)l.v[i].value.n, l.v[i].value.p),
                            NULL);
                testing_ok(buf_putc(&got, '\0', NULL), NULL);
                if (strcmp(got.ptr, row->want) != 0)
                        fail_msg("%s: got %s, want %s", row->name, got.ptr, row->want);
        }
        buf_release(&got);
        arena_release(&arena);
}

static void
label_sets_as_they_are_stored(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                run_row(&rows[i]);
}

static void
report_series_have_the_target_s_labels(void **state)
{
        const struct label target[] = {
            {VIEW_LIT("instance"), VIEW_LIT("i:1")}, {VIEW_LIT("job"), VIEW_LIT("node")}};
        const struct finalize_input in = {.target_labels = target, .n_target_labels = 2};
        struct arena arena = ARENA_INIT(1 << 20);
        struct labels l;

        (void)state;
        labels_init(&l, &arena);
        testing_ok(finalize_report(&in, "up", &l, NULL), NULL);
        assert_int_equal(l.n, 3);
        assert_true(view_is(labels_get(&l, view_of("__name__")), "up"));
        assert_true(view_is(l.v[1].name, "instance"));
        arena_release(&arena);
}

/* Prometheus scrape/scrape.go, mutateReportSampleLabels. */
static void
report_series_lose_an_exported_label(void **state)
{
        const struct label target[] = {{VIEW_LIT("a"), VIEW_LIT("1")},
            {VIEW_LIT("exported_"), VIEW_LIT("2")}, {VIEW_LIT("exported_a"), VIEW_LIT("3")},
            {VIEW_LIT("exported_job"), VIEW_LIT("4")}, {VIEW_LIT("exported_x"), VIEW_LIT("5")},
            {VIEW_LIT("job"), VIEW_LIT("6")}};
        const struct finalize_input in = {.target_labels = target, .n_target_labels = 6};
        struct arena arena = ARENA_INIT(1 << 20);
        struct labels l;

        (void)state;
        labels_init(&l, &arena);
        testing_ok(finalize_report(&in, "up", &l, NULL), NULL);
        assert_int_equal(l.n, 6);
        assert_false(labels_has(&l, view_of("exported_job")));
        assert_true(labels_has(&l, view_of("exported_a"))); /* set behind a */
        arena_release(&arena);
}

/* With a collision the later one wins, by name, be it scraped or the target's (Prometheus 3.5
 * sorts them first; later versions take the target's last). */
static void
labelmap_goes_by_name(void **state)
{
        const struct label target[] = {{VIEW_LIT("a_x"), VIEW_LIT("target")}};
        struct scrape_job job = {.name = "node"};
        const struct finalize_input in = {.job = &job,
            .target_labels = target,
            .n_target_labels = 1,
            .series = VIEW_LIT("m{z_x=\"scraped\"}")};
        struct arena arena = ARENA_INIT(1 << 20);
        struct relabel_options o;
        struct relabel_rule *rule = NULL;
        struct labels l;
        size_t offset;
        bool kept = false;

        (void)state;
        relabel_options_init(&o);
        o.action = RELABEL_LABELMAP;
        o.regex = VIEW_LIT("._(.)");
        testing_ok(relabel_compile(&o, &rule, NULL), NULL);
        testing_ok(relabel_rules_take(&job.metric_relabel, &rule, NULL), NULL);
        labels_init(&l, &arena);
        testing_ok(finalize_labels(&in, &l, &kept, &offset, NULL), NULL);
        assert_true(kept);
        assert_true(view_is(labels_get(&l, VIEW_LIT("x")), "scraped"));
        relabel_rules_release(&job.metric_relabel);
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(label_sets_as_they_are_stored),
            cmocka_unit_test(labelmap_goes_by_name),
            cmocka_unit_test(report_series_have_the_target_s_labels),
            cmocka_unit_test(report_series_lose_an_exported_label),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
