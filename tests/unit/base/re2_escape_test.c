#include "base/re2.h"

#include "base/arena.h"

#include "tests/testing/testing.h"

#include <string.h>

struct syntax_case {
        const char *pattern;
        const char *error; /* behind "error parsing regexp: "; NULL: it is valid */
};

static void
check(const struct syntax_case *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct arena arena = ARENA_INIT(1 << 24);
                struct err e = ERR_INIT;
                struct re2 re;
                int rc = re2_parse(view_of(cases[i].pattern), &arena, &re, &e);

                if ((rc == 0) != (cases[i].error == NULL))
                        fail_msg("/%s/: %d %s", cases[i].pattern, rc, e.msg);
                if (rc < 0)
                        assert_string_equal(
                            e.msg + strlen("error parsing regexp: "), cases[i].error);
                arena_release(&arena);
        }
}

static void
escapes_are_checked(void **state)
{
        static const struct syntax_case cases[] = {
            {"\\a\\f\\n\\r\\t\\v", NULL},
            {"\\A\\z\\b\\B", NULL},
            {"\\0\\01\\123\\777", NULL},
            {"\\x41\\x{1}\\x{10FFFF}\\x{d800}", NULL},
            {"\\.\\-\\_\\ \\\n\\\x7f", NULL},
            {"\\Qa.b(\\E\\Q\\E\\Q[", NULL},
            {"\\Qab\\E*", NULL},
            {"\\", "trailing backslash at end of expression: ``"},
            {"\\1", "invalid escape sequence: `\\1`"},
            {"\\18", "invalid escape sequence: `\\1`"},
            {"\\8", "invalid escape sequence: `\\8`"},
            {"\\x", "invalid escape sequence: `\\x`"},
            {"\\x4)", "invalid escape sequence: `\\x4)`"},
            {"\\xg1", "invalid escape sequence: `\\xg1`"},
            {"\\x{}", "invalid escape sequence: `\\x{}`"},
            {"\\x{4", "invalid escape sequence: `\\x{4`"},
            {"\\x{110000}", "invalid escape sequence: `\\x{110000`"},
            {"\\E", "invalid escape sequence: `\\E`"},
            {"\\Z", "invalid escape sequence: `\\Z`"},
            {"\\C", "invalid escape sequence: `\\C`"},
            {"\\k<n>", "invalid escape sequence: `\\k`"},
            {"\\\xc3\xa9", "invalid escape sequence: `\\\xc3\xa9`"},
        };

        (void)state;
        check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
classes_are_checked(void **state)
{
        static const struct syntax_case cases[] = {
            {"[a][^a][]a][^]a][a-][-a][--a][a-b-c]", NULL},
            {"[[][[:][[=a=]][:a]", NULL},
            {"[[:alpha:][:^digit:]x-z]", NULL},
            {"[\\d\\W\\pL\\P{Greek}\\x41-\\x{5A}\\101\\n]", NULL},
            {"[\\d-z]", NULL},
            {"\\pL\\p{^Lu}\\PL", NULL},
            {"[", "missing closing ]: `[`"},
            {"[a", "missing closing ]: `[a`"},
            {"[]", "missing closing ]: `[]`"},
            {"[^]", "missing closing ]: `[^]`"},
            {"x[[:alpha:]y", "missing closing ]: `[[:alpha:]y`"},
            {"[z-a]", "invalid character class range: `z-a`"},
            {"[a-[:alpha:]]", "invalid character class range: `a-[`"},
            {"[[:foo:]]", "invalid character class range: `[:foo:]`"},
            {"[a-\\d]", "invalid escape sequence: `\\d`"},
            {"[\\b]", "invalid escape sequence: `\\b`"},
            {"[\\1]", "invalid escape sequence: `\\1`"},
            {"\\p", "invalid character class range: `\\p`"},
            {"\\pX", "invalid character class range: `\\pX`"},
            {"\\p{}", "invalid character class range: `\\p{}`"},
            {"\\p{Nope}", "invalid character class range: `\\p{Nope}`"},
            {"\\p{Greek", "invalid character class range: `\\p{Greek`"},
        };

        (void)state;
        check(cases, sizeof(cases) / sizeof(cases[0]));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(escapes_are_checked),
            cmocka_unit_test(classes_are_checked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
