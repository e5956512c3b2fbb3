#include "scrape/textpage.h"

#include "scrape/textlabels.h"
#include "tests/testing/testing.h"

#include <string.h>

/* An initialiser; VIEW_LIT is no constant expression. */
#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

static void
test_unfinished(void **state)
{
        static const struct {
                struct view text;
                const char *want;
        } rows[] = {
            {TEXT("a{b=\"c\n"), "line 7, column 5: a quoted string that does not end"},
            {TEXT(" # TYPE \"a\n"),
                "line 8, column 1: expected the end of a quoted name, got the end of the line"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct textpage page = {.line = 7};
                struct err e = ERR_INIT;
                const char *p = rows[i].text.p;

                assert_int_equal(textpage_unfinished(&page, p, p + rows[i].text.n, &e), ERR_PARSE);
                assert_string_equal(e.msg, rows[i].want);
        }
}

/* Errors name the line and column of their place, also behind line feeds within the record. */
static void
test_places(void **state)
{
        static const char text[] = "ab\ncd\n";
        const struct record r = {.start = text, .p = text + 1, .end = text + 6};
        struct textpage page = {.line = 3};
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(textpage_fail(&page, &r, "no", &e), ERR_PARSE);
        assert_string_equal(e.msg, "line 3, column 2: no");
        assert_int_equal(textpage_expected(&page, &r, "x", &e), ERR_PARSE);
        assert_string_equal(e.msg, "line 3, column 2: expected x, got 'b'");
        assert_int_equal(textpage_expected_at(&page, &r, text + 4, "x", &e), ERR_PARSE);
        assert_string_equal(e.msg, "line 4, column 2: expected x, got 'd'");
        assert_int_equal(textpage_bad_value(&page, &r, (struct view){"1\r", 2}, &e), ERR_PARSE);
        assert_non_null(strstr(e.msg, "expected the end of the line, got a carriage return"));
        page.max_line = 2;
        assert_int_equal(textpage_too_long(&page, &e), ERR_LIMIT);
        assert_int_equal(page.error_line, 3);
        textpage_reset(&page);
        assert_int_equal(page.error_line, 0);
        assert_int_equal(page.line, 1);
}

static void
test_where_a_series_ends(void **state)
{
        static const struct {
                struct view text;
                int rc;
                size_t taken;
        } rows[] = {
            {TEXT("{} 1\n"), RECORD_TAKEN, 2},
            {TEXT("{a=\"}\"} 1\n"), RECORD_TAKEN, 7},
            {TEXT("{a=\"\\\"}\"} 1\n"), RECORD_TAKEN, 9},
            {TEXT("{\"a\nb\"} 1\n"), RECORD_TAKEN, 7},
            {TEXT("{\"a\n"), RECORD_CUT, 0},
            {TEXT("{a=\n"), ERR_PARSE, 0},
            {TEXT("{a=\"0123456789012345678901234567890123456789012345678901234567890123456789\"} 1"
                  "\n"),
                RECORD_TAKEN, 76},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct textpage page = {.line = 1};
                struct record r = {
                    rows[i].text.p, rows[i].text.p, rows[i].text.p + rows[i].text.n, 0};

                assert_int_equal(textpage_skip_braces(&page, &r, NULL), rows[i].rc);
                if (rows[i].rc == RECORD_TAKEN)
                        assert_int_equal(r.p - r.start, rows[i].taken);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_unfinished),
            cmocka_unit_test(test_places),
            cmocka_unit_test(test_where_a_series_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
