#include "scrape/textlabels.h"

#include "base/arena.h"
#include "base/labels.h"
#include "scrape/textparse.h"
#include "tests/testing/testing.h"

#include <string.h>

/* An initialiser; VIEW_LIT is no constant expression. */
#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

/* "name=value;" of each label, in order. */
static void
join(const struct labels *l, struct buf *out)
{
        for (size_t i = 0; i < l->n; i++) {
                testing_ok(buf_append(out, l->v[i].name.p, l->v[i].name.n, NULL), NULL);
                testing_ok(buf_putc(out, '=', NULL), NULL);
                testing_ok(buf_append(out, l->v[i].value.p, l->v[i].value.n, NULL), NULL);
                testing_ok(buf_putc(out, ';', NULL), NULL);
        }
        testing_ok(buf_putc(out, '\0', NULL), NULL);
}

static int
labels_of(
    struct view series, enum metric_type type, struct labels *l, size_t *out_offset, struct err *e)
{
        const struct text_sample s = {.series = series, .type = type};

        return textparse_labels(&s, l, out_offset, e);
}

struct good {
        const char *name;
        struct view series;
        enum metric_type type;
        struct view want;
};

static const struct good goods[] = {
    {"name only", TEXT("up"), METRIC_UNTYPED, TEXT("__name__=up;")},
    {"colons", TEXT(":a:b"), METRIC_UNTYPED, TEXT("__name__=:a:b;")},
    {"empty braces", TEXT("up{}"), METRIC_UNTYPED, TEXT("__name__=up;")},
    {"blanks in empty braces", TEXT("up{ \t}"), METRIC_UNTYPED, TEXT("__name__=up;")},
    {"blank before brace", TEXT("up \t{a=\"b\"}"), METRIC_UNTYPED, TEXT("__name__=up;a=b;")},
    {"blank before name", TEXT(" \tup"), METRIC_UNTYPED, TEXT("__name__= \tup;")},
    {"blank before quoted name", TEXT(" {\"up\"}"), METRIC_UNTYPED, TEXT("__name__=up;")},
    {"sorted by name", TEXT("m{z=\"1\",B=\"2\",a=\"3\"}"), METRIC_UNTYPED,
        TEXT("B=2;__name__=m;a=3;z=1;")},
    {"blanks everywhere", TEXT("m{ a\t= \"1\" , b =\"2\" , }"), METRIC_UNTYPED,
        TEXT("__name__=m;a=1;b=2;")},
    {"comma missing", TEXT("m{a=\"1\"b=\"2\" c=\"3\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=1;b=2;c=3;")},
    {"escapes", TEXT("m{a=\"x\\ty\\\\z\\\"q\\n\\u\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=x\\ty\\z\"q\n\\u;")},
    {"backslash before n", TEXT("m{a=\"\\\\n\"}"), METRIC_UNTYPED, TEXT("__name__=m;a=\\n;")},
    {"raw line feed", TEXT("m{a=\"x\ny\"}"), METRIC_UNTYPED, TEXT("__name__=m;a=x\ny;")},
    {"brace and comma in a value", TEXT("m{a=\"}{,=\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=}{,=;")},
    {"UTF-8 value", TEXT("m{a=\"\xc3\xa9\"}"), METRIC_UNTYPED, TEXT("__name__=m;a=\xc3\xa9;")},
    {"quoted name", TEXT("{\"a.b\",c=\"d\"}"), METRIC_UNTYPED, TEXT("__name__=a.b;c=d;")},
    {"quoted name last", TEXT("{c=\"d\",\"a.b\"}"), METRIC_UNTYPED, TEXT("__name__=a.b;c=d;")},
    {"quoted name, comma", TEXT("{\"a.b\",}"), METRIC_UNTYPED, TEXT("__name__=a.b;")},
    {"quoted label", TEXT("m{\"l.x\"=\"d\"}"), METRIC_UNTYPED, TEXT("__name__=m;l.x=d;")},
    {"escapes in names", TEXT("{\"a\\\"b\",\"c\\\\d\"=\"e\"}"), METRIC_UNTYPED,
        TEXT("__name__=a\"b;c\\d=e;")},
    {"not UTF-8 in names is for others to refuse", TEXT("{\"a\xff\"}"), METRIC_UNTYPED,
        TEXT("__name__=a\xff;")},
    {"empty value", TEXT("m{a=\"\",b=\"c\"}"), METRIC_UNTYPED, TEXT("__name__=m;b=c;")},
    {"empty value, all of that name", TEXT("m{a=\"x\",b=\"c\",a=\"\",a=\"y\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;b=c;")},
    {"empty metric name", TEXT("{\"\",a=\"b\"}"), METRIC_UNTYPED, TEXT("a=b;")},
    {"twice is for others to refuse", TEXT("m{a=\"1\",a=\"2\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=1;a=2;")},
    {"le of a histogram", TEXT("m{le=\"1\",quantile=\"1\"}"), METRIC_HISTOGRAM,
        TEXT("__name__=m;le=1.0;quantile=1;")},
    {"quantile of a summary", TEXT("m{le=\"1\",quantile=\"1\"}"), METRIC_SUMMARY,
        TEXT("__name__=m;le=1;quantile=1.0;")},
    {"le of a gauge", TEXT("m{le=\"1\"}"), METRIC_GAUGE, TEXT("__name__=m;le=1;")},
    {"le in quotes", TEXT("m{\"le\"=\"1000000\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le=1e+06;")},
    {"le inf", TEXT("m{le=\"inf\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le=+Inf;")},
    {"le nan", TEXT("m{le=\"nan\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le=NaN;")},
    {"le hexadecimal", TEXT("m{le=\"0x1p-2\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le=0.25;")},
    {"le with underscore", TEXT("m{le=\"1_000\"}"), METRIC_HISTOGRAM,
        TEXT("__name__=m;le=1000.0;")},
    {"le too large", TEXT("m{le=\"1e999\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le=1e999;")},
    {"le no number", TEXT("m{le=\" 2\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;le= 2;")},
    {"le empty", TEXT("m{le=\"\"}"), METRIC_HISTOGRAM, TEXT("__name__=m;")},
    {"NUL in a value", TEXT("m{a=\"\0x\0\0y\"}"), METRIC_UNTYPED, TEXT("__name__=m;a=\0x\0\0y;")},
    {"NUL behind the blank before a value", TEXT("m{a= \0 \0\"x\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=x;")},
    {"NUL behind a value", TEXT("m{a=\"x\"\0}"), METRIC_UNTYPED, TEXT("__name__=m;a=x\";")},
    {"NUL behind a backslash", TEXT("m{a=\"\\\0\"\"}"), METRIC_UNTYPED,
        TEXT("__name__=m;a=\\\0\";")},
};

static void
test_good(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                struct buf got = BUF_INIT(4096);
                struct labels l;
                struct err e = ERR_INIT;

                print_message("%s\n", goods[i].name);
                labels_init(&l, &arena);
                testing_ok(labels_of(goods[i].series, goods[i].type, &l, NULL, &e), &e);
                join(&l, &got);
                assert_int_equal(got.len, goods[i].want.n + 1);
                assert_memory_equal(got.ptr, goods[i].want.p, goods[i].want.n);
                testing_ok(textlabels_check(goods[i].series, TEXT_PROMETHEUS, NULL, &e), &e);
                buf_release(&got);
                arena_reset(&arena);
        }
        arena_release(&arena);
}

static const struct {
        const char *name;
        struct view series;
        size_t offset;
        const char *want;
} bads[] = {
    {"nothing", TEXT(""), 0, "expected a metric name or '{', got the end of the line"},
    {"no name", TEXT("{a=\"b\"}"), 0, "a series without a metric name"},
    {"no name, empty", TEXT("{}"), 0, "a series without a metric name"},
    {"digit", TEXT("1a"), 0, "expected a metric name or '{', got '1'"},
    {"dot", TEXT("a.b{}"), 1, "expected '{', got '.'"},
    {"open", TEXT("a{"), 2, "expected a label name, got the end of the line"},
    {"comma", TEXT("a{,}"), 2, "expected a label name, got ','"},
    {"comma twice", TEXT("a{b=\"c\",,}"), 8, "expected a label name, got ','"},
    {"comma twice behind the name", TEXT("{\"a\",,}"), 5, "expected a label name, got ','"},
    {"bad label name", TEXT("a{\xff=\"b\"}"), 2, "expected a label name, got \\xff"},
    {"colon in a label name", TEXT("a{b:c=\"d\"}"), 3, "expected '=' after a label name, got ':'"},
    {"bare name", TEXT("{A}"), 2, "expected '=' after a label name, got '}'"},
    {"equal missing", TEXT("a{b\"c\"}"), 3, "expected '=' after a label name, got '\"'"},
    {"comma behind the name missing", TEXT("{\"a\" b=\"c\"}"), 5,
        "expected '=' after a label name, got 'b'"},
    {"single quotes", TEXT("a{b='c'}"), 4, "expected a quoted label value, got '''"},
    {"value missing", TEXT("a{b=}"), 4, "expected a quoted label value, got '}'"},
    {"value open", TEXT("a{b=\"c}"), 4, "a quoted string that does not end"},
    {"value open by an escape", TEXT("a{b=\"c\\\"}"), 4, "a quoted string that does not end"},
    {"backslash at the end", TEXT("a{b=\"c\\"), 7, "a backslash with nothing to escape"},
    {"backslash before a line feed", TEXT("a{b=\"c\\\nd\"}"), 7,
        "a backslash with nothing to escape"},
    {"line feed outside of quotes", TEXT("a{b=\"c\",\nd=\"e\"}"), 8,
        "expected a label name, got the end of the line"},
    {"value not UTF-8", TEXT("a{b=\"\xff\"}"), 4, "a label value that is not UTF-8"},
    {"value a surrogate", TEXT("a{b=\"\xed\xa0\x80\"}"), 4, "a label value that is not UTF-8"},
    {"two names", TEXT("{\"a\",\"b\"}"), 5, "a second metric name"},
    {"name within and before", TEXT("a{\"b\"}"), 2, "a second metric name"},
    {"text behind", TEXT("a{}{}"), 3, "expected the end of the series, got '{'"},
    {"NUL in a label name", TEXT("a{b\0=\"c\"}"), 3, "expected '=' after a label name, got \\x00"},
    {"NUL in a quoted name", TEXT("{\"a\0b\"}"), 3, "a NUL byte in a quoted name"},
    {"NUL behind a quoted name", TEXT("{\"a\"\0}"), 4,
        "expected '=' after a label name, got \\x00"},
    {"NUL right behind the equal sign", TEXT("a{b=\0\"c\"}"), 4,
        "expected a quoted label value, got \\x00"},
    {"NUL behind a backslash of a name", TEXT("{\"a\\\0b\"}"), 4,
        "a backslash with nothing to escape"},
};

static void
test_bad(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct labels l;
                struct err e = ERR_INIT;
                size_t offset = 99;

                print_message("%s\n", bads[i].name);
                labels_init(&l, &arena);
                assert_int_equal(
                    labels_of(bads[i].series, METRIC_UNTYPED, &l, &offset, &e), ERR_PARSE);
                assert_string_equal(e.msg, bads[i].want);
                assert_int_equal(offset, bads[i].offset);
                offset = 99;
                assert_int_equal(
                    textlabels_check(bads[i].series, TEXT_PROMETHEUS, &offset, NULL), ERR_PARSE);
                assert_int_equal(offset, bads[i].offset);
                arena_reset(&arena);
        }
        arena_release(&arena);
}

/* The series reads the same whatever follows its last byte in memory. */
static void
test_stays_within_the_view(void **state)
{
        static const char text[] = "a{b=\"c\\\\\",d= \"e\"}";
        struct arena arena = ARENA_INIT(1 << 20);

        (void)state;
        for (size_t n = 0; n < sizeof(text) - 1; n++) {
                char *copy = malloc(n > 0 ? n : 1);
                struct labels l;

                assert_non_null(copy);
                memcpy(copy, text, n);
                labels_init(&l, &arena);
                assert_int_equal(labels_of((struct view){copy, n}, METRIC_UNTYPED, &l, NULL, NULL),
                    n == 1 ? 0 : ERR_PARSE);
                free(copy);
        }
        arena_release(&arena);
}

static void
test_no_memory(void **state)
{
        static const struct view series = TEXT("a{b=\"x\\\\y\"}");
        struct arena arena = ARENA_INIT(0);
        struct labels l;
        struct err e = ERR_INIT;

        (void)state;
        labels_init(&l, &arena);
        assert_int_equal(labels_of(series, METRIC_UNTYPED, &l, NULL, &e), ERR_NOMEM);
        arena_release(&arena);
}

static void
test_describe(void **state)
{
        static const struct {
                struct view text;
                const char *want;
        } rows[] = {
            {TEXT("a"), "'a'"},
            {TEXT("\n"), "the end of the line"},
            {TEXT(""), "the end of the line"},
            {TEXT(" "), "a blank"},
            {TEXT("\t"), "\\x09"},
            {TEXT("\x7f"), "\\x7f"},
            {TEXT("\xff"), "\\xff"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char got[TEXTLABELS_BYTE_MAX];

                textlabels_describe(rows[i].text.p, rows[i].text.p + rows[i].text.n, got);
                assert_string_equal(got, rows[i].want);
        }
}

/* What the other format has and OpenMetrics has not; the rest is the same. */
static void
test_openmetrics(void **state)
{
        static const struct {
                struct view series;
                const char *want; /* the error; NULL: none */
        } rows[] = {
            {TEXT("up"), NULL},
            {TEXT("up{}"), NULL},
            {TEXT("m{a=\"x\\n\0\",\"b c\"=\"}\",}"), NULL},
            {TEXT("{\"a\nb\",c=\"d\"}"), NULL},
            {TEXT(" up"), "expected a metric name or '{', got a blank"},
            {TEXT("up {}"), "expected '{', got a blank"},
            {TEXT("up{ }"), "expected a label name, got a blank"},
            {TEXT("m{a =\"x\"}"), "expected '=' after a label name, got a blank"},
            {TEXT("m{a= \"x\"}"), "expected a quoted label value, got a blank"},
            {TEXT("m{a=\"x\" }"), "expected ',' or '}', got a blank"},
            {TEXT("m{a=\"x\", }"), "expected a label name, got a blank"},
            {TEXT("m{a=\"x\"b=\"y\"}"), "expected ',' or '}', got 'b'"},
            {TEXT("m{a=\"x\",,b=\"y\"}"), "expected a label name, got ','"},
            {TEXT("m{a=\"x\ny\"}"), "a line feed in a label value"},
            {TEXT("{a=\"x\"}"), "a series without a metric name"},
        };
        struct arena arena = ARENA_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct text_sample s = {.series = rows[i].series, .format = TEXT_OPENMETRICS};
                struct labels l;
                struct err e = ERR_INIT;
                int rc;

                print_message("%s\n", rows[i].series.p);
                labels_init(&l, &arena);
                rc = textparse_labels(&s, &l, NULL, &e);
                assert_int_equal(rc, rows[i].want != NULL ? ERR_PARSE : 0);
                if (rc < 0)
                        assert_string_equal(e.msg, rows[i].want);
                assert_int_equal(textlabels_check(s.series, s.format, NULL, NULL), rc);
        }
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_bad),
            cmocka_unit_test(test_stays_within_the_view),
            cmocka_unit_test(test_no_memory),
            cmocka_unit_test(test_openmetrics),
            cmocka_unit_test(test_describe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
