#include "base/json.h"

#include "tests/testing/testing.h"

struct string_case {
        const char *name;
        const char *in;
        size_t n;
        const char *want;
};

static void
strings_are_escaped_and_made_valid(void **state)
{
        static const struct string_case cases[] = {
            {"empty", "", 0, "\"\""},
            {"plain", "a/b<c>'&", 8, "\"a/b<c>'&\""},
            {"quotes", "a\"b\\c", 5, "\"a\\\"b\\\\c\""},
            {"short escapes", "\n\t\r", 3, "\"\\n\\t\\r\""},
            {"controls", "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
            {"controls beyond ASCII", "\xc2\x9b\xe2\x80\xae", 5, "\"\\u009b\\u202e\""},
            {"UTF-8", "\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
            {"a lone byte",
                "a\xff"
                "b",
                3,
                "\"a\xef\xbf\xbd"
                "b\""},
            {"cut short", "\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
            {"surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = BUF_INIT(1000);
                struct view in = {cases[i].in, cases[i].n};
                json_t *back;

                testing_ok(json_put_string(&out, in, NULL), NULL);
                if (!view_is(buf_view(&out), cases[i].want))
                        fail_msg("%s: %.*s", cases[i].name, (int)out.len, out.ptr);
                back = json_loadb(out.ptr, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
                assert_non_null(back);
                json_decref(back);
                buf_release(&out);
        }
}

static void
a_full_buffer_is_told(void **state)
{
        (void)state;
        for (size_t max = 0; max < 6; max++) {
                struct buf out = BUF_INIT(max);

                assert_int_equal(json_put_string(&out, VIEW_LIT("ab\nc"), NULL), ERR_LIMIT);
                buf_release(&out);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(strings_are_escaped_and_made_valid),
            cmocka_unit_test(a_full_buffer_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
