#include "base/regex.h"

#include "base/buf.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

static struct view
text_of(const json_t *s)
{
        assert_true(json_is_string(s));
        return (struct view){json_string_value(s), json_string_length(s)};
}

/* As relabeling anchors it. */
static int
compile(struct view pattern, struct regex **out, struct err *e)
{
        struct buf text = BUF_INIT(1 << 20);
        int rc;

        testing_ok(buf_puts(&text, "^(?s:", NULL), NULL);
        testing_ok(buf_append(&text, pattern.p, pattern.n, NULL), NULL);
        testing_ok(buf_puts(&text, ")$", NULL), NULL);
        rc = regex_new(buf_view(&text), out, e);
        buf_release(&text);
        return rc;
}

static void
compare_with_recorded(struct regex *r, const char *pattern, const json_t *subject)
{
        struct view s = text_of(json_array_get(subject, 0));
        bool matched = false;
        struct err e = ERR_INIT;

        testing_ok(regex_match(r, s, true, &matched, &e), &e);
        if (matched != (json_array_size(subject) > 1))
                fail_msg("/%s/ on \"%s\": matched %d", pattern, s.p, matched);
        for (size_t i = 1; i < json_array_size(subject); i++) {
                struct view got = regex_group(r, i - 1);

                if (!view_eq(got, text_of(json_array_get(subject, i))))
                        fail_msg("/%s/ on \"%s\": group %zu is \"%.*s\"", pattern, s.p, i - 1,
                            (int)got.n, got.p);
        }
}

static void
recorded_cases_come_out_as_in_go(void **state)
{
        json_t *data = testing_json("regex_go_cases.json");
        const json_t *cases = json_object_get(data, "cases");

        (void)state;
        assert_true(json_array_size(cases) > 1000);
        for (size_t i = 0; i < json_array_size(cases); i++) {
                const json_t *c = json_array_get(cases, i);
                const char *want = json_string_value(json_object_get(c, "error"));
                const json_t *subjects = json_object_get(c, "subjects");
                struct view pattern = text_of(json_object_get(c, "regex"));
                struct regex *r = NULL;
                struct err e = ERR_INIT;
                int rc = compile(pattern, &r, &e);

                if (want != NULL) {
                        assert_int_equal(rc, ERR_CONFIG);
                        assert_string_equal(e.msg, want);
                        continue;
                }
                testing_ok(rc, &e);
                for (size_t j = 0; j < json_array_size(subjects); j++)
                        compare_with_recorded(r, pattern.p, json_array_get(subjects, j));
                regex_free(r);
        }
        json_decref(data);
}

struct group_case {
        const char *pattern;
        const char *subject;
        const char *group1; /* NULL: no match */
};

/* Where PCRE2 left alone would answer otherwise. */
static void
groups_are_those_of_re2(void **state)
{
        static const struct group_case cases[] = {
            {"(.*)+", "ab", "ab"},
            {"(a*)*", "aa", "aa"},
            {"(a*)*", "", ""},
            {"(a*)+", "", ""},
            {"(|a)*", "aa", "a"},
            {"($)+a*", "a", NULL},
            {"(?:(a)|b)*", "ab", "a"},
            {"(a)?b", "b", ""},
            {"(?U)(a+)a*?", "aaa", "a"},
            {"(a)\n", "a\n", "a"},
            {"(a)", "a\n", NULL},
            {"(?m:(a)$)\nb", "a\nb", "a"},
            {"(?-s).(a)", "\na", NULL},
            {"(\\s)", "\v", NULL},
            {"(?i)(\\w+)", "s\xc5\xbf\xe2\x84\xaa", "s\xc5\xbf\xe2\x84\xaa"}, /* long s, Kelvin */
            {"(\\w+)", "\xc5\xbf", NULL},
            {"(\\p{Greek}+)", "\xcf\x83", "\xcf\x83"},
            {"(\\p{Greek})", "\xcd\x82", NULL}, /* Greek by script extension only */
            {"(a{,2})", "a{,2}", "a{,2}"},
            {"(x{1000})", "x", NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct group_case *c = &cases[i];
                struct regex *r = NULL;
                bool matched = false;
                struct err e = ERR_INIT;

                testing_ok(compile(view_of(c->pattern), &r, &e), &e);
                testing_ok(regex_match(r, view_of(c->subject), true, &matched, &e), &e);
                if (matched != (c->group1 != NULL))
                        fail_msg("/%s/ on \"%s\": matched %d", c->pattern, c->subject, matched);
                if (matched && !view_is(regex_group(r, 1), c->group1))
                        fail_msg("/%s/ on \"%s\": group is \"%.*s\"", c->pattern, c->subject,
                            (int)regex_group(r, 1).n, regex_group(r, 1).p);
                regex_free(r);
        }
}

/* 10.42's compiled code answered "" here: the search starts before the right place. */
static void
an_expression_out_of_its_anchors_finds_the_leftmost_match(void **state)
{
        struct regex *r = NULL;
        bool matched = false;
        struct view pattern = VIEW_LIT("a|b|c|ab|aa|bb|ba|\xc3\xa9|a\xc3\xa9|).+a|(?:");

        (void)state;
        testing_ok(compile(pattern, &r, NULL), NULL);
        testing_ok(regex_match(r, VIEW_LIT("bab"), true, &matched, NULL), NULL);
        assert_true(matched);
        assert_true(view_is(regex_group(r, 0), "ba"));
        regex_free(r);
}

static void
groups_have_names(void **state)
{
        struct regex *r = NULL;
        bool matched = false;

        (void)state;
        testing_ok(compile(VIEW_LIT("(?P<key>[^=]+)(=)(?<val_2>.*)"), &r, NULL), NULL);
        assert_int_equal(regex_groups(r), 3);
        assert_int_equal(regex_group_named(r, VIEW_LIT("key"), 0), 1);
        assert_int_equal(regex_group_named(r, VIEW_LIT("val_2"), 0), 3);
        assert_int_equal(regex_group_named(r, VIEW_LIT(""), 0), 0);
        assert_int_equal(regex_group_named(r, VIEW_LIT("other"), 0), 0);
        testing_ok(regex_match(r, VIEW_LIT("k=v"), true, &matched, NULL), NULL);
        assert_true(view_is(regex_group(r, 3), "v"));
        assert_int_equal(regex_group(r, 4).n, 0);
        regex_free(r);
}

/* Lists of names, as allow lists of metrics are: far beyond what PCRE2 compiles. */
static void
ten_thousand_words_are_looked_up(void **state)
{
        static const char *const frames[][3] = {
            {"", "", ""},
            {"(", "", ")"},
            {"job;(", "", ");up"},
            {"(?:", ".*", ")"},
            {"x_(", "_.+", ")_y"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
                struct buf text = BUF_INIT(1 << 20);
                struct regex *r = NULL;
                struct err e = ERR_INIT;
                bool matched = true;

                testing_ok(buf_puts(&text, frames[i][0], NULL), NULL);
                for (int word = 0; word < 10000; word++)
                        testing_ok(buf_printf(&text, NULL, "%sword%d_total%s", word > 0 ? "|" : "",
                                       word, frames[i][1]),
                            NULL);
                testing_ok(buf_puts(&text, frames[i][2], NULL), NULL);
                testing_ok(compile(buf_view(&text), &r, &e), &e);
                assert_int_equal(regex_way_of(r), REGEX_SIMPLE);
                testing_ok(
                    regex_match(r, VIEW_LIT("word10000_total"), false, &matched, NULL), NULL);
                assert_false(matched);
                regex_free(r);
                buf_release(&text);
        }
}

/* Patterns on which backtracking never ends: an answer or an error, and both soon. */
static void
hostile_patterns_end(void **state)
{
        static const struct {
                const char *pattern;
                size_t n; /* of 'a' in the subject */
                bool groups;
                int want;
        } cases[] = {
            {"(a+)+[bc]", 200, false, 0},
            {"(a+)+[bc]", 200, true, 0},
            {"(a|aa)+[bc]", 300, true, 0},
            {"(?:a?){30}(?:a){30}[bc]", 29, false, 0},
            {"(.*)(.*)(.*)(.*)(.*)[bc]", 1000, true, 0},
            {"(?:(a|aa)+|(a+)+b)[bc]", 60000, true, ERR_LIMIT},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char *subject = malloc(cases[i].n);
                struct regex *r = NULL;

                assert_non_null(subject);
                memset(subject, 'a', cases[i].n);
                testing_ok(compile(view_of(cases[i].pattern), &r, NULL), NULL);
                for (int round = 0; round < 2; round++) {
                        bool matched = true;
                        int rc = regex_match(
                            r, (struct view){subject, cases[i].n}, cases[i].groups, &matched, NULL);

                        if (rc != cases[i].want || (rc == 0 && matched))
                                fail_msg("/%s/: %d", cases[i].pattern, rc);
                }
                regex_free(r);
                free(subject);
        }
}

/* After the limit was met once, later subjects still get right answers and groups. */
static void
a_slow_expression_goes_on_to_work(void **state)
{
        char subject[101];
        struct regex *r = NULL;
        bool matched = true;

        (void)state;
        memset(subject, 'a', sizeof(subject));
        testing_ok(compile(VIEW_LIT("(a+)+([bc])"), &r, NULL), NULL);
        testing_ok(regex_match(r, (struct view){subject, 100}, true, &matched, NULL), NULL);
        assert_false(matched);
        testing_ok(regex_match(r, VIEW_LIT("aab"), true, &matched, NULL), NULL);
        assert_true(matched);
        assert_true(view_is(regex_group(r, 1), "aa"));
        assert_true(view_is(regex_group(r, 2), "b"));
        subject[100] = 'c';
        testing_ok(regex_match(r, (struct view){subject, 101}, false, &matched, NULL), NULL);
        assert_true(matched);
        regex_free(r);
}

static void
text_that_is_not_utf8_is_refused(void **state)
{
        struct regex *r = NULL;
        struct err e = ERR_INIT;
        bool matched = false;

        (void)state;
        testing_ok(compile(VIEW_LIT("[a]."), &r, NULL), NULL);
        assert_int_equal(regex_match(r, VIEW_LIT("a\xff"), true, &matched, &e), ERR_REFUSED);
        regex_free(r);
        assert_int_equal(compile(VIEW_LIT("a\xff"), &r, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "invalid UTF-8"));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(recorded_cases_come_out_as_in_go),
            cmocka_unit_test(groups_are_those_of_re2),
            cmocka_unit_test(an_expression_out_of_its_anchors_finds_the_leftmost_match),
            cmocka_unit_test(groups_have_names),
            cmocka_unit_test(ten_thousand_words_are_looked_up),
            cmocka_unit_test(hostile_patterns_end),
            cmocka_unit_test(a_slow_expression_goes_on_to_work),
            cmocka_unit_test(text_that_is_not_utf8_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
