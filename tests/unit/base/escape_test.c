#include "base/escape.h"

#include "base/buf.h"
#include "base/err.h"
#include "tests/testing/testing.h"

static void
test_both(void **state)
{
        static const struct {
                const char *name;
                const char *text;
                size_t n; /* 0: up to its zero */
                const char *plain;
                const char *quoted;
        } rows[] = {
            {"nothing", "", 0, "", "\"\""},
            {"text", "a b", 0, "a b", "\"a b\""},
            {"umlaut and emoji", "\xc3\xa4\xf0\x9f\x99\x82", 0, "\xc3\xa4\xf0\x9f\x99\x82",
                "\"\xc3\xa4\xf0\x9f\x99\x82\""},
            {"quotes", "\"\\", 0, "\"\\", "\"\\\"\\\\\""},
            {"line", "a\nb\r\t", 0, "a\\nb\\x0d\\x09", "\"a\\nb\\x0d\\x09\""},
            {"steers a terminal", "\x1b[2J\x7f", 0, "\\x1b[2J\\x7f", "\"\\x1b[2J\\x7f\""},
            {"so does this", "\xc2\x9b\x32J", 0, "\\u009b2J", "\"\\u009b2J\""},
            {"zero", "a\0b", 3, "a\\x00b", "\"a\\x00b\""},
            {"no UTF-8", "a\xff\xc3", 0, "a\\xff\\xc3", "\"a\\xff\\xc3\""},
            {"overlong", "\xc0\x9b", 0, "\\xc0\\x9b", "\"\\xc0\\x9b\""},
            {"turns the line round", "\xe2\x80\xae x", 0, "\\u202e x", "\"\\u202e x\""},
            {"line separator", "\xe2\x80\xa8", 0, "\\u2028", "\"\\u2028\""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct view text = view_of(rows[i].text);
                struct buf out = BUF_INIT(100);

                text.n = rows[i].n > 0 ? rows[i].n : text.n;
                testing_ok(escape_put(&out, text, NULL), NULL);
                if (!view_is(buf_view(&out), rows[i].plain))
                        fail_msg("%s: %.*s", rows[i].name, (int)out.len, out.ptr);
                buf_reset(&out);
                testing_ok(escape_put_quoted(&out, text, NULL), NULL);
                if (!view_is(buf_view(&out), rows[i].quoted))
                        fail_msg("%s, quoted: %.*s", rows[i].name, (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static void
test_bound(void **state)
{
        (void)state;
        for (size_t max = 0; max < 8; max++) {
                struct buf out = BUF_INIT(max);

                assert_int_equal(escape_put_quoted(&out, VIEW_LIT("\x1b\n"), NULL), ERR_LIMIT);
                assert_true(out.len <= max);
                buf_release(&out);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_both),
            cmocka_unit_test(test_bound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
