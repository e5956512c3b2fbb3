#include "scrape/metadata.h"

#include "base/memory.h"
#include "tests/testing/testing.h"

#include <string.h>

struct line {
        enum text_meta what;
        const char *name;
        const char *text;
};

static struct metadata_draft *
draft(const struct line *lines, size_t n)
{
        struct metadata_draft *d = NULL;
        struct err e = ERR_INIT;

        testing_ok(metadata_draft_new(&d, &e), &e);
        for (size_t i = 0; i < n; i++)
                metadata_draft_add(
                    d, lines[i].what, view_of(lines[i].name), view_of(lines[i].text));
        return d;
}

static struct metadata *
take(struct metadata_pool *p, const struct line *lines, size_t n)
{
        struct metadata_draft *d = draft(lines, n);
        struct metadata *m = NULL;
        struct err e = ERR_INIT;

        testing_ok(metadata_take(p, d, &m, &e), &e);
        metadata_draft_free(d);
        return m;
}

static struct metadata_pool *
pool(void)
{
        struct metadata_pool *p = NULL;
        struct err e = ERR_INIT;

        testing_ok(metadata_pool_new(&p, &e), &e);
        return p;
}

/* "metric|type|help|unit;" of each. */
static int
write_entry(void *arg, const struct metadata_entry *m, struct err *e)
{
        return buf_printf(arg, e, "%.*s|%.*s|%.*s|%.*s;", (int)m->metric.n, m->metric.p,
            (int)m->type.n, m->type.p, (int)m->help.n, m->help.p, (int)m->unit.n, m->unit.p);
}

static void
assert_entries(const struct metadata *m, const char *want)
{
        struct buf text = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;

        testing_ok(metadata_visit(m, write_entry, &text, &e), &e);
        testing_ok(buf_putc(&text, '\0', &e), &e);
        assert_string_equal(text.ptr, want);
        buf_release(&text);
}

static void
test_entries(void **state)
{
        static const struct line lines[] = {
            {TEXT_META_TYPE, "b", "gauge"},
            {TEXT_META_HELP, "b", "first"},
            {TEXT_META_HELP, "a_total", "with \\\\ and\\nline \\x \\\" end\\"},
            {TEXT_META_TYPE, "a_total", "counter"},
            {TEXT_META_UNIT, "a_total", "bytes"},
            {TEXT_META_HELP, "b", "second"},
            {TEXT_META_TYPE, "u", "untyped"},
            {TEXT_META_HELP, "\"q \\\"x\\\\\\n\"", "quoted"},
            {TEXT_META_HELP, "a", ""},
            {TEXT_META_HELP_QUOTES, "om", "of \\\"OpenMetrics\\\" \\\\\\n\\x"},
        };
        struct metadata_pool *p = pool();
        struct metadata *m = take(p, lines, sizeof(lines) / sizeof(lines[0]));

        (void)state;
        assert_entries(m,
            "a|unknown||;"
            "a_total|counter|with \\ and\nline \\x \\\" end\\|bytes;"
            "b|gauge|second|;"
            "om|unknown|of \"OpenMetrics\" \\\n\\x|;"
            "q \"x\\\n|unknown|quoted|;"
            "u|unknown||;");
        metadata_return(m);
        metadata_pool_free(p);
}

static void
test_nothing(void **state)
{
        struct metadata_pool *p = pool();
        struct metadata *m = take(p, NULL, 0);

        (void)state;
        assert_entries(m, "");
        metadata_return(m);
        metadata_return(NULL);
        metadata_pool_free(p);
        metadata_pool_free(NULL);
        metadata_draft_free(NULL);
}

/* The same lines in another order are the same set, other lines another one. */
static void
test_sharing(void **state)
{
        static const struct line lines[] = {{TEXT_META_TYPE, "a", "gauge"},
            {TEXT_META_TYPE, "b", "counter"}, {TEXT_META_TYPE, "a", "gauge"}};
        static const struct line other[] = {{TEXT_META_TYPE, "a", "counter"}};
        int64_t before = memory_of(MEMORY_TARGETS);
        struct metadata_pool *p = pool();
        struct metadata *a = take(p, lines, 2);
        struct metadata *b = take(p, lines + 1, 2);
        struct metadata *c = take(p, other, 1);

        (void)state;
        assert_ptr_equal(a, b);
        assert_ptr_not_equal(a, c);
        assert_ptr_equal(metadata_ref(a), a);
        metadata_return(a);
        metadata_return(a);
        assert_entries(b, "a|gauge||;b|counter||;");
        metadata_return(b);
        assert_entries(c, "a|counter||;");
        assert_true(memory_of(MEMORY_TARGETS) > before);
        metadata_return(c);
        assert_int_equal(memory_of(MEMORY_TARGETS), before);
        metadata_pool_free(p);
}

/* A page of lines without an end, and targets without number. */
static void
test_bounds(void **state)
{
        static char help[METADATA_DRAFT_MAX / 4];
        const struct line lines[] = {{TEXT_META_HELP, "a", help}, {TEXT_META_HELP, "b", help},
            {TEXT_META_HELP, "c", help}, {TEXT_META_HELP, "d", help}, {TEXT_META_HELP, "e", help}};
        struct testing_random random = {7};
        struct metadata *kept[2 * METADATA_POOL_MAX / METADATA_DRAFT_MAX];
        struct metadata_pool *p = pool();
        struct metadata_draft *d;
        struct err e = ERR_INIT;
        size_t n = 0;
        int rc = 0;

        (void)state;
        memset(help, 'h', sizeof(help) - 1);
        d = draft(lines, 5);
        assert_int_equal(metadata_take(p, d, &kept[0], &e), ERR_LIMIT);
        metadata_draft_free(d);
        while (rc == 0 && n < sizeof(kept) / sizeof(kept[0])) {
                for (size_t i = 0; i < sizeof(help) - 1; i++)
                        help[i] = (char)(' ' + testing_random_below(&random, 64));
                d = draft(lines, 3);
                rc = metadata_take(p, d, &kept[n], &e);
                metadata_draft_free(d);
                n += rc == 0;
        }
        assert_int_equal(rc, ERR_LIMIT);
        assert_true(n > 4);
        while (n > 0)
                metadata_return(kept[--n]);
        metadata_return(take(p, lines, 3));
        metadata_pool_free(p);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_entries),
            cmocka_unit_test(test_nothing),
            cmocka_unit_test(test_sharing),
            cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
