#include "base/regex_simple.h"

#include "base/arena.h"
#include "base/re2.h"

#include "tests/testing/testing.h"

#include <stdio.h>

struct simple_case {
        const char *pattern;
        const char *subject; /* NULL: the expression is not simple */
        int want; /* the choice that matches, -1: none */
        const char *tail; /* of the choice; NULL: it has none */
};

static int
make(const char *pattern, struct simple *out)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct re2 re;
        char text[512];
        int rc;

        (void)snprintf(text, sizeof(text), "^(?s:%s)$", pattern);
        testing_ok(re2_parse(view_of(text), &arena, &re, NULL), NULL);
        rc = simple_new(&re, out, NULL);
        arena_release(&arena);
        return rc;
}

static void
simple_expressions_are_found_and_matched(void **state)
{
        static const struct simple_case cases[] = {
            {"", "", 0, NULL},
            {"", "a", -1, NULL},
            {"abc", "abc", 0, NULL},
            {"abc", "ab", -1, NULL},
            {"abc", "abcd", -1, NULL},
            {"a|bc|", "bc", 1, NULL},
            {"a|bc|", "", 2, NULL},
            {"(?:a|bc)", "bc", 1, NULL},
            {"((a)|(bc))", "bc", 1, NULL},
            {"a\\.b", "a.b", 0, NULL},
            {"\xc3\xa9", "\xc3\xa9", 0, NULL},
            {"(.*)", "x\ny", 0, "x\ny"},
            {"(.*)", "", 0, ""},
            {".+", "", -1, NULL},
            {"(.+)", "x", 0, "x"},
            {"go_(.+)", "go_x", 0, "x"},
            {"go_(.+)", "go_", -1, NULL},
            {"go_.*?|process_.*", "process_x", 1, "x"},
            {"(go_.*|process_.*)", "go_", 0, ""},
            {"(?i)a", NULL, 0, NULL},
            {"(?-s).*", NULL, 0, NULL},
            {"a.*b", "axb", 0, "x"},
            {"a.*b", "ab", 0, ""},
            {"a.*b", "a", -1, NULL},
            {"aba(.*)aba", "aba", -1, NULL},
            {"aba(.*)aba", "abaaba", 0, ""},
            {"job;(a|b.+);up", "job;a;up", 0, NULL},
            {"job;(a|b.+);up", "job;bc;up", 1, "c"},
            {"job;(a|b.+);up", "job;b;up", -1, NULL},
            {"job;(a|b.+);up", "job;a;u", -1, NULL},
            {"(?:a|b);", "b;", 1, NULL},
            {"x(?i)(a);", NULL, 0, NULL},
            {"x(?:a|b)(c)", NULL, 0, NULL},
            {"(.*):(.*)", NULL, 0, NULL},
            {"a?", NULL, 0, NULL},
            {"(.*){2}", NULL, 0, NULL},
            {"(a)(b)", NULL, 0, NULL},
            {"a)|(b", NULL, 0, NULL},
            {"^a", NULL, 0, NULL},
            {"(a|(?:b|c))", NULL, 0, NULL},
            {"\\x{d800}", NULL, 0, NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct simple_case *c = &cases[i];
                struct simple s = {0};
                const struct simple_choice *choice;
                int rc = make(c->pattern, &s);

                if ((rc == 0) != (c->subject != NULL))
                        fail_msg("/%s/: %d", c->pattern, rc);
                if (rc < 0)
                        continue;
                choice = simple_match(&s, view_of(c->subject));
                if ((choice == NULL ? -1 : (int)(choice - s.choices)) != c->want)
                        fail_msg("/%s/ on \"%s\"", c->pattern, c->subject);
                if (choice != NULL)
                        assert_int_equal(c->tail != NULL, choice->tail != SIMPLE_NOTHING);
                if (c->tail != NULL) {
                        struct view tail = simple_middle(&s, view_of(c->subject));

                        tail.p += choice->text.n;
                        tail.n -= choice->text.n;
                        assert_true(view_is(tail, c->tail));
                }
                simple_release(&s);
        }
}

static void
long_lists_are_searched_by_halves(void **state)
{
        struct simple s = {0};

        (void)state;
        testing_ok(make("zeta|eta|theta|iota|alpha|beta|gamma|delta|epsilon|eta", &s), NULL);
        assert_true(s.sorted);
        assert_int_equal(s.n, 9); /* eta is there twice */
        assert_non_null(simple_match(&s, VIEW_LIT("zeta")));
        assert_non_null(simple_match(&s, VIEW_LIT("alpha")));
        assert_non_null(simple_match(&s, VIEW_LIT("eta")));
        assert_null(simple_match(&s, VIEW_LIT("et")));
        assert_null(simple_match(&s, VIEW_LIT("")));
        assert_null(simple_match(&s, VIEW_LIT("zetaa")));
        simple_release(&s);
}

/* Forty beginnings a<i>_, `tail` behind each: simple? */
static int
make_beginnings(const char *tail, struct simple *out)
{
        char pattern[400];
        size_t n = 0;

        for (int i = 0; i < 40; i++)
                n += (size_t)snprintf(
                    pattern + n, sizeof(pattern) - n, "%sa%d_%s", i > 0 ? "|" : "", i, tail);
        return make(pattern, out);
}

static void
many_beginnings_are_searched_too(void **state)
{
        struct simple s = {0};

        (void)state;
        testing_ok(make_beginnings(".+", &s), NULL);
        assert_true(s.sorted && s.tails);
        assert_non_null(simple_match(&s, VIEW_LIT("a17_x")));
        assert_non_null(simple_match(&s, VIEW_LIT("a1_17_")));
        assert_null(simple_match(&s, VIEW_LIT("a17_")));
        assert_null(simple_match(&s, VIEW_LIT("a40_x")));
        assert_null(simple_match(&s, VIEW_LIT("")));
        simple_release(&s);
        testing_ok(make("i|h|g|f|e|d|c|b|ab|ab.+|ab|a.+|aa", &s), NULL);
        assert_non_null(simple_match(&s, VIEW_LIT("ab")));
        assert_non_null(simple_match(&s, VIEW_LIT("abx")));
        assert_non_null(simple_match(&s, VIEW_LIT("aab")));
        assert_null(simple_match(&s, VIEW_LIT("a")));
        simple_release(&s);
}

/* Where groups tell them apart they are tried one after the other: beyond some PCRE2 is better. */
static void
too_many_beginnings_with_groups_are_not_simple(void **state)
{
        struct simple s = {0};

        (void)state;
        assert_int_equal(make_beginnings("(.*)", &s), ERR_NOTFOUND);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(simple_expressions_are_found_and_matched),
            cmocka_unit_test(long_lists_are_searched_by_halves),
            cmocka_unit_test(many_beginnings_are_searched_too),
            cmocka_unit_test(too_many_beginnings_with_groups_are_not_simple),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
