#include "scrape/textrecord.h"

#include "scrape/textpage.h"
#include "tests/testing/testing.h"
#include "wal/column.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An initialiser; VIEW_LIT is no constant expression. */
#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

/* Writes "series bits timestamp type|" per sample. */
static int
collect(void *arg, const struct text_sample *s, struct err *e)
{
        struct buf *out = arg;
        int rc = buf_append(out, s->series.p, s->series.n, e);

        if (rc == 0)
                rc = buf_printf(out, e, " %016" PRIx64, s->bits);
        if (rc == 0 && s->has_timestamp)
                rc = buf_printf(out, e, " %" PRId64, s->timestamp_ms);
        if (rc == 0)
                rc = buf_printf(out, e, " %d|", (int)s->type);
        return rc;
}

static struct textpage
new_page(struct buf *out)
{
        return (struct textpage){.sink = collect, .arg = out, .max_line = 1000, .line = 1};
}

struct good {
        const char *name;
        struct view text;
        const char *want;
        size_t left; /* bytes not taken */
        uint64_t line; /* afterwards */
};

#define ONE "3ff0000000000000"
#define TWO "4000000000000000"
#define HALF "3fe0000000000000"

static const struct good goods[] = {
    {"a line", TEXT("a 1\n"), "a " ONE " 0|", 0, 2},
    {"two lines", TEXT("a 1\nb 2\n"), "a " ONE " 0|b " TWO " 0|", 0, 3},
    {"timestamp", TEXT("a 1 12\n"), "a " ONE " 12 0|", 0, 2},
    {"timestamp of zeros", TEXT("a 1 000\n"), "a " ONE " 0 0|", 0, 2},
    {"timestamp of one line is not the next one's", TEXT("a 1 12\nb 2\n"),
        "a " ONE " 12 0|b " TWO " 0|", 0, 3},
    {"largest timestamp", TEXT("a 1 9223372036854775807\n"), "a " ONE " 9223372036854775807 0|", 0,
        2},
    {"blanks and tabs", TEXT("a\t \t1 \t 12 \t\n"), "a " ONE " 12 0|", 0, 2},
    {"blank first", TEXT(" a 1\n"), " a " ONE " 0|", 0, 2},
    {"no blank before the value", TEXT("a{}1\n"), "a{} " ONE " 0|", 0, 2},
    {"value right behind the name", TEXT("a.5\n"), "a " HALF " 0|", 0, 2},
    {"sign right behind the name", TEXT("a+1\n"), "a " ONE " 0|", 0, 2},
    {"braces", TEXT("a{b=\"c\"} 1\n"), "a{b=\"c\"} " ONE " 0|", 0, 2},
    {"blank before braces", TEXT("a {b=\"c\"} 1\n"), "a {b=\"c\"} " ONE " 0|", 0, 2},
    {"quoted name", TEXT("{\"a.b\"} 1\n"), "{\"a.b\"} " ONE " 0|", 0, 2},
    {"blank before quoted name", TEXT(" {\"a.b\"} 1\n"), " {\"a.b\"} " ONE " 0|", 0, 2},
    {"brace in quotes", TEXT("a{b=\"}\"} 1\n"), "a{b=\"}\"} " ONE " 0|", 0, 2},
    {"escaped quote", TEXT("a{b=\"\\\"}\\\\\"} 1\n"), "a{b=\"\\\"}\\\\\"} " ONE " 0|", 0, 2},
    {"line feeds in quotes", TEXT("a{b=\"x\n\ny\"} 1\nb 2\n"),
        "a{b=\"x\n\ny\"} " ONE " 0|b " TWO " 0|", 0, 5},
    {"longer than a block",
        TEXT("a{b=\"0123456789012345678901234567890123456789012345678901234567890123456789}\","
             "c=\"0123456789012345678901234567890123456789012345678901234567890123456789\"} 1\n"),
        "a{b=\"0123456789012345678901234567890123456789012345678901234567890123456789}\","
        "c=\"0123456789012345678901234567890123456789012345678901234567890123456789\"} " ONE " 0|",
        0, 2},
    {"empty lines", TEXT("\n \n\t\na 1\n\n"), "a " ONE " 0|", 0, 6},
    {"comments",
        TEXT("#\n# \n##x\n# a\n#TYPE a bad\n# type a bad\n# TYPEx a\n# HELP\n# UNIT a b\n# EOF\n"),
        "", 0, 11},
    {"blank before a comment", TEXT("  # TYPE a gauge\na 1\n"), "a " ONE " 2|", 0, 3},
    {"tab in a type line", TEXT("#\tTYPE\t a\tgauge\na 1\n"), "a " ONE " 2|", 0, 3},
    {"types",
        TEXT("a 1\n# TYPE a counter\na 1\n# TYPE a gauge\na 1\n# TYPE a histogram\na 1\n"
             "# TYPE a summary\na 1\n# TYPE a untyped\na 1\n"),
        "a " ONE " 0|a " ONE " 1|a " ONE " 2|a " ONE " 3|a " ONE " 4|a " ONE " 0|", 0, 12},
    {"quoted name in a type line", TEXT("# TYPE \"a \\\"b\\\\\" gauge\na 1\n"), "a " ONE " 2|", 0,
        3},
    {"line feed in a quoted type name", TEXT("# TYPE \"a\nb\" gauge\na 1\n"), "a " ONE " 2|", 0, 4},
    {"any byte between name and type", TEXT("# TYPE a.gauge\na 1\n"), "a " ONE " 2|", 0, 3},
    {"help", TEXT("# HELP a  b\\n\xc3\xa9\r\n# HELP a\n# HELP a \n# HELP a.\xc3\xa9\n"), "", 0, 5},
    {"help with NUL bytes", TEXT("# HELP a x\0y\n# HELP a \0\n"), "", 0, 3},
    {"help across NUL bytes", TEXT("# HE\0LP\0 \0a b\n"), "", 0, 2},
    {"carriage return in a comment", TEXT("# a\r\n"), "", 0, 2},
    {"NUL in a comment", TEXT("# a\0b\na 1\n"), "a " ONE " 0|", 0, 3},
    {"NUL in a label value", TEXT("a{b=\"\0}\"} 1\n"), "a{b=\"", 0, 2}, /* want ends at it */
    {"NUL ends the page", TEXT("a 1\n\0b 2\n"), "a " ONE " 0|", 5, 2},
    {"NUL behind blanks ends the page", TEXT("a 1\n \0b 2\n"), "a " ONE " 0|", 6, 2},
    {"NUL in a comment without blank ends the page", TEXT("#a\0\nb 2\n"), "", 8, 1},
    {"NUL first thing in a comment ends the page", TEXT("# \0\nb 2\n"), "", 8, 1},
    {"cut in quotes", TEXT("a 1\nb{c=\"d\n"), "a " ONE " 0|", 7, 2},
    {"cut in quotes, two line feeds", TEXT("b{c=\"d\n\n"), "", 8, 1},
    {"cut in a quoted type name", TEXT("# TYPE \"d\n"), "", 10, 1},
};

static void
test_good(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                const struct good *g = &goods[i];
                struct buf out = BUF_INIT(4096);
                struct textpage page = new_page(&out);
                struct err e = ERR_INIT;
                const char *stop = NULL;
                char *copy = malloc(g->text.n);

                print_message("%s\n", g->name);
                assert_non_null(copy);
                memcpy(copy, g->text.p, g->text.n); /* ends where reading must end */
                testing_ok(textrecord_run(&page, copy, copy + g->text.n, &stop, &e), &e);
                testing_ok(buf_putc(&out, '\0', NULL), NULL);
                assert_string_equal(out.ptr, g->want);
                assert_int_equal(copy + g->text.n - stop, g->left);
                assert_int_equal(page.line, g->line);
                free(copy);
                buf_release(&out);
        }
}

static const struct {
        const char *name;
        struct view text;
        const char *want;
} bads[] = {
    {"no value", TEXT("a\n"), "line 1, column 2: expected a value, got the end of the line"},
    {"no value behind a blank", TEXT("a \n"),
        "line 1, column 3: expected a value, got the end of the line"},
    {"no value behind braces", TEXT("a{} \n"),
        "line 1, column 5: expected a value, got the end of the line"},
    {"carriage return", TEXT("a 1\r\n"),
        "line 1, column 4: expected the end of the line, got a carriage return"},
    {"carriage return behind the timestamp", TEXT("a 1 5\r\n"),
        "line 1, column 6: expected the end of the line after the timestamp, got a carriage "
        "return"},
    {"carriage return within a value", TEXT("a 1\r5\n"),
        "line 1, column 3: expected a number that fits a double, got \"1?5\""},
    {"word", TEXT("a true\n"),
        "line 1, column 3: expected a number that fits a double, got \"true\""},
    {"value too large", TEXT("b 1\na 1e999\n"),
        "line 2, column 3: expected a number that fits a double, got \"1e999\""},
    {"brace as value", TEXT("a{}{ 1\n"), "line 1, column 4: expected a value, got '{'"},
    {"brace behind the value", TEXT("a 1{\n"),
        "line 1, column 4: expected a timestamp of digits or the end of the line, got '{'"},
    {"NUL as value", TEXT("a \0\n"), "line 1, column 3: expected a value, got \\x00"},
    {"NUL behind the value", TEXT("a 1\0\n"),
        "line 1, column 4: expected a timestamp of digits or the end of the line, got \\x00"},
    {"negative timestamp", TEXT("a 1 -5\n"),
        "line 1, column 5: expected a timestamp of digits or the end of the line, got '-'"},
    {"timestamp with a fraction", TEXT("a 1 5.0\n"),
        "line 1, column 6: expected the end of the line after the timestamp, got '.'"},
    {"timestamp too large", TEXT("a 1 9223372036854775808\n"),
        "line 1, column 23: expected a timestamp in milliseconds of 64 bits, got '8'"},
    {"third number", TEXT("a 1 2 3\n"),
        "line 1, column 7: expected the end of the line after the timestamp, got '3'"},
    {"exemplar", TEXT("a 1 # {b=\"c\"} 1\n"),
        "line 1, column 5: expected a timestamp of digits or the end of the line, got '#'"},
    {"digit first", TEXT("1a 1\n"),
        "line 1, column 1: expected a metric name, '{' or '#', got '1'"},
    {"not ASCII", TEXT("\xc3\xa9 1\n"),
        "line 1, column 1: expected a metric name, '{' or '#', got \\xc3"},
    {"carriage return alone", TEXT("\n\r\n"),
        "line 2, column 1: expected a metric name, '{' or '#', got a carriage return"},
    {"line feed in braces", TEXT("a{b=\"c\",\n} 1\n"),
        "line 1, column 9: expected a label name, got the end of the line"},
    {"line feed behind a backslash", TEXT("a{b=\"c\\\n\"} 1\n"),
        "line 1, column 8: a backslash with nothing to escape"},
    {"wrong braces, found at their line feed", TEXT("a{=\n"),
        "line 1, column 3: expected a label name, got '='"},
    {"error in a later line of a record", TEXT("a{b=\"x\ny\",c=\n"),
        "line 2, column 6: expected a quoted label value, got the end of the line"},
    {"value in a later line of a record", TEXT("a{b=\"x\ny\"} z\n"),
        "line 2, column 5: expected a number that fits a double, got \"z\""},
    {"bad type", TEXT("# TYPE a unknown\n"),
        "line 1, column 10: expected counter, gauge, histogram, summary or untyped after one "
        "blank, "
        "got \"unknown\""},
    {"two blanks before the type", TEXT("# TYPE a  gauge\n"),
        "line 1, column 10: expected counter, gauge, histogram, summary or untyped after one "
        "blank, "
        "got \" gauge\""},
    {"blank behind the type", TEXT("# TYPE a gauge \n"),
        "line 1, column 15: expected the end of the line, got a blank"},
    {"type missing", TEXT("# TYPE a\n"),
        "line 1, column 9: expected counter, gauge, histogram, summary or untyped after one blank, "
        "got the end of the line"},
    {"carriage return behind the type", TEXT("# TYPE a gauge\r\n"),
        "line 1, column 15: expected the end of the line, got a carriage return"},
    {"no name in a type line", TEXT("# TYPE \n"),
        "line 1, column 8: expected a name after TYPE, got the end of the line"},
    {"bad name in a help line", TEXT("# HELP #\n"),
        "line 1, column 8: expected a name after HELP, got '#'"},
    {"help not UTF-8", TEXT("# HELP a \xff\n"),
        "line 1, column 9: expected help text in UTF-8, got a blank"},
    {"NUL behind the name of a help line", TEXT("# HELP a\0 b\n"),
        "line 1, column 9: expected a blank after the name, got \\x00"},
    {"NUL in a quoted name of a help line", TEXT("# HELP \"\0\" b\n"),
        "line 1, column 9: expected the end of a quoted name, got \\x00"},
    {"escaped line feed in a name", TEXT("# HELP \"\\\n\" b\n"),
        "line 1, column 10: expected the end of a quoted name, got the end of the line"},
};

static void
test_bad(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct buf out = BUF_INIT(4096);
                struct textpage page = new_page(&out);
                struct err e = ERR_INIT;
                const char *stop = NULL;
                const char *p = bads[i].text.p;

                print_message("%s\n", bads[i].name);
                assert_int_equal(
                    textrecord_run(&page, p, p + bads[i].text.n, &stop, &e), ERR_PARSE);
                assert_string_equal(e.msg, bads[i].want);
                buf_release(&out);
        }
}

static void
test_nan_has_one_pattern(void **state)
{
        static const char text[] = "a NaN\nb nAn\n";
        struct buf out = BUF_INIT(4096);
        struct textpage page = new_page(&out);
        const char *stop;

        (void)state;
        testing_ok(textrecord_run(&page, text, text + sizeof(text) - 1, &stop, NULL), NULL);
        assert_int_equal(page.sample.bits, COLUMN_NAN);
        buf_release(&out);
}

static void
test_too_long(void **state)
{
        static const char text[] = "a 1\n# 345678901\na 2\n# 3456789012\na 3\n";
        struct buf out = BUF_INIT(4096);
        struct textpage page = new_page(&out);
        struct err e = ERR_INIT;
        const char *stop;

        (void)state;
        page.max_line = 11;
        assert_int_equal(
            textrecord_run(&page, text, text + sizeof(text) - 1, &stop, &e), ERR_LIMIT);
        assert_string_equal(e.msg, "line 4, column 1: the line is longer than 11 bytes");
        buf_release(&out);
}

/* ---- guesses ---- */

struct guesses {
        struct view known; /* the text that is said to be known */
        unsigned asked;
        unsigned guessed; /* samples that came by it */
        unsigned parsed;
        uint64_t bits; /* of the last one */
};

static bool
is_known(void *arg, struct view text)
{
        struct guesses *g = arg;

        g->asked++;
        return view_eq(text, g->known);
}

static int
count_guessed(void *arg, const struct text_sample *s, struct err *e)
{
        struct guesses *g = arg;

        (void)e;
        g->guessed += s->guessed;
        g->parsed += !s->guessed;
        g->bits = s->bits;
        if (s->guessed)
                assert_true(view_eq(s->series, g->known) && !s->has_timestamp);
        return 0;
}

static void
run_guesses(struct guesses *g, struct view text)
{
        struct textpage page = {
            .sink = count_guessed, .guess = is_known, .arg = g, .max_line = 1000, .line = 1};
        struct err e = ERR_INIT;
        const char *stop;

        testing_ok(textrecord_run(&page, text.p, text.p + text.n, &stop, &e), &e);
        assert_ptr_equal(stop, text.p + text.n);
}

static void
test_known_text_before_a_short_number(void **state)
{
        static const struct {
                struct view text;
                const char *known;
                bool guessed;
        } rows[] = {
            {TEXT("a 1\n"), "a", true},
            {TEXT("a{b=\"c d\"} 1e3\n"), "a{b=\"c d\"}", true},
            {TEXT("{\"a b\"} 1\n"), "{\"a b\"}", true},
            {TEXT("a 1\n"), "b", false},
            {TEXT("a  1\n"), "a", false},
            {TEXT("a\t1\n"), "a", false},
            {TEXT(" a 1\n"), "a", false},
            {TEXT("a 1 2\n"), "a", false},
            {TEXT("a 1 \n"), "a", false},
            {TEXT("a NaN\n"), "a", false},
            {TEXT("a{b=\"\n\"} 1\n"), "a{b=\"\n\"}", false},
            {TEXT("a 12345678901234567890\n"), "a", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct guesses g = {.known = view_of(rows[i].known)};
                struct guesses none = {.known = VIEW_LIT("")};

                print_message("  %s", rows[i].text.p);
                run_guesses(&g, rows[i].text);
                run_guesses(&none, rows[i].text);
                assert_int_equal(g.guessed, rows[i].guessed);
                assert_int_equal(g.parsed, !rows[i].guessed);
                assert_int_equal(none.guessed, 0);
                assert_true(g.bits == none.bits);
        }
}

static void
test_guesses_that_miss_become_rare(void **state)
{
        struct guesses g = {.known = VIEW_LIT("b")};
        struct buf page = BUF_INIT(1 << 20);

        (void)state;
        for (int i = 0; i < 10000; i++)
                testing_ok(buf_puts(&page, "a 1\n", NULL), NULL);
        for (int i = 0; i < 1000; i++)
                testing_ok(buf_puts(&page, "b 1\n", NULL), NULL);
        run_guesses(&g, buf_view(&page));
        assert_in_range(g.asked - g.guessed, 6, 10000 / 64 + 6);
        assert_in_range(g.guessed, 1000 - 64, 1000);
        assert_int_equal(g.guessed + g.parsed, 11000);
        buf_release(&page);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_bad),
            cmocka_unit_test(test_nan_has_one_pattern),
            cmocka_unit_test(test_too_long),
            cmocka_unit_test(test_known_text_before_a_short_number),
            cmocka_unit_test(test_guesses_that_miss_become_rare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
