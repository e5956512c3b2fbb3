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
groups_flags_and_alternatives(void **state)
{
        static const struct syntax_case cases[] = {
            {"", NULL},
            {"|", NULL},
            {"a||b", NULL},
            {"()(?:)(|)", NULL},
            {"(?i)a(?-i)b(?sU-m:c)", NULL},
            {"(?i:)", NULL},
            {"(?)a", NULL},
            {"(?P<n1>a)(?<_2>b)", NULL},
            {"(", "missing closing ): `(`"},
            {"(a|b", "missing closing ): `(a|b`"},
            {"a)", "unexpected ): `a)`"},
            {"(?", "invalid or unsupported Perl syntax: `(?`"},
            {"(?i", "invalid or unsupported Perl syntax: `(?i`"},
            {"(?-)a", "invalid or unsupported Perl syntax: `(?-)`"},
            {"(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"},
            {"(?-i-s)a", "invalid or unsupported Perl syntax: `(?-i-`"},
            {"(?x)a", "invalid or unsupported Perl syntax: `(?x`"},
            {"(?=a)", "invalid or unsupported Perl syntax: `(?=`"},
            {"(?P=n)", "invalid or unsupported Perl syntax: `(?P`"},
            {"(?P<n", "invalid named capture: `(?P<n`"},
            {"(?P<>a)", "invalid named capture: `(?P<>`"},
            {"(?<=a>)", "invalid named capture: `(?<=a>`"},
            {"(?P<a b>c)", "invalid named capture: `(?P<a b>`"},
            {"a\xc3(", "invalid UTF-8: `\xc3(`"},
        };

        (void)state;
        check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
groups_are_numbered_by_their_opening(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        struct re2 re;

        (void)state;
        testing_ok(re2_parse(VIEW_LIT("((?P<a>x)|(?:y)(?<b>z))()"), &arena, &re, NULL), NULL);
        assert_int_equal(re.n_groups, 4);
        assert_int_equal(re.names[0].n, 0);
        assert_true(view_is(re.names[1], "a"));
        assert_true(view_is(re.names[2], "b"));
        assert_int_equal(re.root->op, RE2_CONCAT);
        assert_int_equal(re.root->sub->op, RE2_CAPTURE);
        assert_int_equal(re.root->sub->c, 1);
        assert_int_equal(re.root->sub->next->c, 4);
        arena_release(&arena);
}

static void
flags_end_with_their_group(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        const struct re2_node *x;
        struct re2 re;

        (void)state;
        testing_ok(re2_parse(VIEW_LIT("((?i)a)b"), &arena, &re, NULL), NULL);
        x = re.root->sub;
        assert_true(x->sub->fold);
        assert_false(x->next->fold);
        arena_release(&arena);
}

static void
depth_and_length_are_bounded(void **state)
{
        static char text[RE2_MAX_TEXT + 2];
        struct syntax_case deep = {text, NULL};
        struct arena arena = ARENA_INIT((size_t)64 << 20);
        struct re2 re;
        struct err e = ERR_INIT;

        (void)state;
        memset(text, '(', 900);
        text[900] = 'a';
        memset(text + 901, ')', 900);
        check(&deep, 1);
        memset(text, '(', 1001);
        text[1001] = 'a';
        memset(text + 1002, ')', 1001);
        assert_int_equal(re2_parse(view_of(text), &arena, &re, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "expression nests too deeply"));
        memset(text, 'a', RE2_MAX_TEXT + 1);
        assert_int_equal(re2_parse(view_of(text), &arena, &re, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "expression too large"));
        arena.max = 64;
        assert_int_equal(re2_parse(VIEW_LIT("abc"), &arena, &re, &e), ERR_NOMEM);
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(groups_flags_and_alternatives),
            cmocka_unit_test(groups_are_numbered_by_their_opening),
            cmocka_unit_test(flags_end_with_their_group),
            cmocka_unit_test(depth_and_length_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
