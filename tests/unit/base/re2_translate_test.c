#include "base/re2.h"

#include "base/arena.h"

#include "tests/testing/testing.h"

struct translate_case {
        const char *pattern;
        const char *want;
};

static int
translate(const char *pattern, struct buf *out, uint32_t *groups)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct re2 re;
        int rc;

        testing_ok(re2_parse(view_of(pattern), &arena, &re, NULL), NULL);
        rc = re2_translate(&re, out, groups, NULL);
        arena_release(&arena);
        return rc;
}

static void
everything_is_spelled_out(void **state)
{
        static const struct translate_case cases[] = {
            {"", "(?:)"},
            {"aZ0", "aZ0"},
            {"a.b", "a[^\\n]b"},
            {"(?s).", "."},
            {"\\.\\v-#", "\\x{2e}\\x{b}\\x{2d}\\x{23}"},
            {"\xc3\xa9", "\\x{e9}"},
            {"^a$", "\\Aa\\z"},
            {"(?m)^a$", "(?:\\A|(?<=\\n))a(?:\\z|(?=\\n))"},
            {"a{,2}", "a\\x{7b}\\x{2c}2\\x{7d}"},
            {"(?i)ab(?-i)c", "(?i:ab)c"},
            {"(?i)ab*", "(?i:a)(?i:b)*"},
            {"(?i)[a-c]", "(?i:[\\x{61}-\\x{63}])"},
            {"[^a]", "[^\\x{61}-\\x{61}]"},
            {"\\P{Any}", "[^\\x{0}-\\x{10ffff}]"},
            {"[^\\P{Any}]", "."},
            {"a|b*", "(?:a|b*)"},
            {"(?:ab)?", "(?:ab)?"},
            {"(?:ab){2,}?", "(?:ab){2,}?"},
            {"a{2,5}", "a{2,5}"},
            {"(?U)a*b*?", "a*?b*"},
            {"a+", "aa*"},
            {"(a)+", "(a)+"},
            {"^*", "(?:\\A)*"},
            {"(a*)*", "(?:(?=(.*))(a*)(?!\\g{1}\\z))*"},
            {"(?:(a*)*b)*", "(?:(a*)*b)*"},
            {"($)+", "(\\z)+"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = BUF_INIT(1000);
                uint32_t groups[4] = {0};

                testing_ok(translate(cases[i].pattern, &out, groups), NULL);
                if (!view_is(buf_view(&out), cases[i].want))
                        fail_msg("/%s/: %.*s", cases[i].pattern, (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static void
groups_are_counted_past_inserted_ones(void **state)
{
        struct buf out = BUF_INIT(1000);
        uint32_t groups[4] = {0};

        (void)state;
        testing_ok(translate("(a)(?:(b*))*(c)", &out, groups), NULL);
        assert_int_equal(groups[1], 1);
        assert_int_equal(groups[2], 3);
        assert_int_equal(groups[3], 4);
        buf_release(&out);
}

static void
a_full_buffer_is_told(void **state)
{
        struct buf out = BUF_INIT(5);
        uint32_t groups[4] = {0};

        (void)state;
        assert_int_equal(translate("(a)|(?i)[b]c{3}", &out, groups), ERR_LIMIT);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(everything_is_spelled_out),
            cmocka_unit_test(groups_are_counted_past_inserted_ones),
            cmocka_unit_test(a_full_buffer_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
