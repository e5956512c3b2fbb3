#include "base/relabel_template.h"

#include "base/arena.h"
#include "base/regex.h"

#include "tests/testing/testing.h"

#include <stdio.h>

struct template_case {
        const char *text;
        const char *want; /* on "ac" matched by (a)(?P<n>b)?(?P<_x>c)? */
};

static void
templates_expand_as_in_go(void **state)
{
        static const struct template_case cases[] = {
            {"", ""},
            {"plain", "plain"},
            {"$0", "ac"},
            {"$1", "a"},
            {"<$2>", "<>"},
            {"${1}x", "ax"},
            {"$1x", ""},
            {"$1_", ""},
            {"$1\xc3\xa9", ""},
            {"$1\xd9\xa3", ""}, /* an Arabic digit belongs to the name */
            {"$1\xc2\xb2", "a\xc2\xb2"}, /* a superscript does not */
            {"$1-$1", "a-a"},
            {"$_x.${_x}", "c.c"},
            {"[$n]", "[]"},
            {"$unknown-", "-"},
            {"$$1", "$1"},
            {"$$$1", "$a"},
            {"$", "$"},
            {"a$", "a$"},
            {"${", "${"},
            {"${}", "${}"},
            {"${1", "${1"},
            {"${1-}", "${1-}"},
            {"$ 1", "$ 1"},
            {"${01}|$01", "|"},
            {"${4}${100}${99999999999}", ""},
        };
        struct arena arena = ARENA_INIT(1 << 16);
        struct regex *r = NULL;
        bool matched = false;

        (void)state;
        testing_ok(regex_new(VIEW_LIT("^(?s:(a)(?P<n>b)?(?P<_x>c)?)$"), &r, NULL), NULL);
        testing_ok(regex_match(r, VIEW_LIT("ac"), true, &matched, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct template t = {0};
                struct view got = {"", 0};

                testing_ok(template_new(view_of(cases[i].text), r, &t, NULL), NULL);
                testing_ok(template_expand(&t, r, &arena, &got, NULL), NULL);
                if (!view_is(got, cases[i].want))
                        fail_msg("%s: \"%.*s\"", cases[i].text, (int)got.n, got.p);
                template_release(&t);
        }
        regex_free(r);
        arena_release(&arena);
}

/* Go refuses no second group of a name; the first that took part is meant. */
static void
a_name_of_several_groups_is_the_one_that_took_part(void **state)
{
        static const struct {
                const char *pattern;
                const char *subject;
                const char *text;
                const char *want;
        } cases[] = {
            {"(?P<n>a)|(?<n>bb?)", "bb", "<$n>", "<bb>"},
            {"(?P<n>a)|(?<n>bb?)", "bb", "$n", "bb"},
            {"(?P<n>a)|(?<n>bb?)", "a", "$n", "a"},
            {"(?P<n>a?)(?P<n>b)", "b", "$n", ""}, /* took part, empty */
            {"(?P<n>a)?(?P<n>b)?(?P<n>c+)", "cc", "$n", "cc"},
            {"(?P<n>a)?(?P<n>b)?c", "c", "<$n>", "<>"},
            {"(?P<n>a)|(?<n>b)", "b", "<$1>", "<>"},
            {"(a)|(?P<1>b)", "b", "<$1>", "<>"}, /* a number is never a name */
            {"(?P<n>a.*)|(?P<n>b)|x", "b", "$n", "b"},
        };
        struct arena arena = ARENA_INIT(1 << 16);

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct template t = {0};
                struct view got = {"", 0};
                struct regex *r = NULL;
                char pattern[64];
                bool matched = false;

                (void)snprintf(pattern, sizeof(pattern), "^(?s:%s)$", cases[i].pattern);
                testing_ok(regex_new(view_of(pattern), &r, NULL), NULL);
                testing_ok(regex_match(r, view_of(cases[i].subject), true, &matched, NULL), NULL);
                assert_true(matched);
                testing_ok(template_new(view_of(cases[i].text), r, &t, NULL), NULL);
                testing_ok(template_expand(&t, r, &arena, &got, NULL), NULL);
                if (!view_is(got, cases[i].want))
                        fail_msg("%s: \"%.*s\"", cases[i].pattern, (int)got.n, got.p);
                template_release(&t);
                regex_free(r);
        }
        arena_release(&arena);
}

static void
a_template_knows_whether_it_needs_groups(void **state)
{
        struct regex *r = NULL;
        struct template t = {0};

        (void)state;
        testing_ok(regex_new(VIEW_LIT("^a$"), &r, NULL), NULL);
        testing_ok(template_new(VIEW_LIT("a$$"), r, &t, NULL), NULL);
        assert_false(t.uses_groups);
        template_release(&t);
        testing_ok(template_new(VIEW_LIT("a${n}"), r, &t, NULL), NULL);
        assert_true(t.uses_groups);
        template_release(&t);
        regex_free(r);
}

static void
legacy_names_may_hold_references(void **state)
{
        (void)state;
        assert_false(template_legacy_valid(VIEW_LIT("")));
        assert_false(template_legacy_valid(VIEW_LIT("1a")));
        assert_true(template_legacy_valid(VIEW_LIT("${1}1a")));
        assert_true(template_legacy_valid(VIEW_LIT("a1")));
        assert_false(template_legacy_valid(VIEW_LIT("a$$b")));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(templates_expand_as_in_go),
            cmocka_unit_test(a_name_of_several_groups_is_the_one_that_took_part),
            cmocka_unit_test(a_template_knows_whether_it_needs_groups),
            cmocka_unit_test(legacy_names_may_hold_references),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
