#include "base/re2_parser.h"

#include "base/regex.h"

#include "tests/testing/testing.h"

#include <string.h>

struct class_case {
        const char *class;
        const char *in; /* characters that belong to it */
        const char *out; /* and some that do not */
};

static void
try_characters(struct regex *r, const char *class, const char *text, bool want)
{
        for (const char *p = text; *p != '\0';) {
                size_t n = 1;
                bool matched = false;

                while ((p[n] & 0xc0) == 0x80)
                        n++;
                testing_ok(regex_match(r, (struct view){p, n}, false, &matched, NULL), NULL);
                if (matched != want)
                        fail_msg("%s and \"%.*s\": %d", class, (int)n, p, matched);
                p += n;
        }
}

static void
named_classes_hold_what_re2_says(void **state)
{
        static const struct class_case cases[] = {
            {"\\d", "09", "a/:\xd9\xa3"},
            {"\\D", "a/:\xd9\xa3", "09"},
            {"\\s", "\t\n\f\r ", "\v\xc2\xa0"},
            {"\\w", "azAZ09_", "-@[`{\xc3\xa9"},
            {"\\W", "-@[`{\xc3\xa9\xc5\xbf", "azAZ09_"},
            {"(?i)\\W", "-\xc3\xa9", "kK\xc5\xbf\xe2\x84\xaa"},
            {"(?i)[^\\W]", "kK\xc5\xbf\xe2\x84\xaa", "-\xc3\xa9"},
            {"[[:alnum:]]", "azAZ09", "_-"},
            {"[[:alpha:]]", "azAZ", "0_"},
            {"[[:^alpha:]]", "0_\xc3\xa9", "azAZ"},
            {"[[:ascii:]]", "a~\x7f\x01", "\xc2\x80\xc3\xa9"},
            {"[[:blank:]]", " \t", "\n"},
            {"[[:cntrl:]]", "\x01\x1f\x7f", " a"},
            {"[[:graph:]]", "!~a", " \x7f"},
            {"[[:lower:]]", "az", "AZ"},
            {"(?i)[[:lower:]]", "azAZ\xc5\xbf", "0"},
            {"[[:print:]]", " !~a", "\x7f\t"},
            {"[[:punct:]]", "!/:@[`{~", "a0 "},
            {"[[:space:]]", "\t\n\v\f\r ", "a"},
            {"[[:upper:]]", "AZ", "az"},
            {"[[:word:]]", "a0_", "-"},
            {"[[:xdigit:]]", "09afAF", "gG"},
            {"\\pL", "a\xc3\xa9\xcf\x83", "0-"},
            {"\\p{Lu}", "A\xce\xa3", "a\xcf\x83"},
            {"(?i)\\p{Lu}",
                "A\xce\xa3"
                "a\xcf\x83",
                "0"},
            {"\\p{uppercase_letter}", "A", "a"},
            {"\\p{^Lu}", "a0", "A"},
            {"\\P{^Lu}", "A", "a0"},
            {"\\p{Nd}", "0\xd9\xa3", "a"},
            {"\\p{digit}", "0\xd9\xa3", "a"},
            {"\\p{Greek}", "\xcf\x83", "s\xcd\x82"},
            {"\\p{Canadian_Aboriginal}", "\xe1\x90\x81", "a"},
            {"\\p{LC}", "aA\xc7\x85", "0\xc2\xaa"},
            {"\\p{Any}", "a\xf0\x9f\x98\x80", ""},
            {"[a\\P{Any}]", "a", "b"},
            {"\\p{Assigned}", "a", "\xcd\xb8"},
            {"\\p{ASCII}", "a", "\xc3\xa9"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct class_case *c = &cases[i];
                struct regex *r = NULL;
                struct err e = ERR_INIT;
                char text[64] = "^";

                (void)strncat(text, c->class, 40);
                (void)strcat(text, "$");
                testing_ok(regex_new(view_of(text), &r, &e), &e);
                try_characters(r, c->class, c->in, true);
                try_characters(r, c->class, c->out, false);
                regex_free(r);
        }
}

/* All ASCII characters belong to a class or to its opposite, with and without folding. */
static void
a_class_and_its_opposite_are_everything(void **state)
{
        static const char *const pairs[][2] = {
            {"^\\d$", "^\\D$"},
            {"^\\s$", "^\\S$"},
            {"^(?i)\\w$", "^(?i)\\W$"},
            {"^[[:cntrl:]]$", "^[[:^cntrl:]]$"},
            {"^(?i)[[:upper:]]$", "^(?i)[[:^upper:]]$"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                struct regex *r[2] = {NULL, NULL};

                for (int k = 0; k < 2; k++)
                        testing_ok(regex_new(view_of(pairs[i][k]), &r[k], NULL), NULL);
                for (int c = 0; c < 128; c++) {
                        char text = (char)c;
                        bool in[2] = {false, false};

                        for (int k = 0; k < 2; k++)
                                testing_ok(
                                    regex_match(r[k], (struct view){&text, 1}, false, &in[k], NULL),
                                    NULL);
                        assert_int_not_equal(in[0], in[1]);
                }
                regex_free(r[0]);
                regex_free(r[1]);
        }
}

static void
unknown_names_are_told(void **state)
{
        struct buf items = BUF_INIT(1000);

        (void)state;
        assert_int_equal(re2_class_perl(&items, 'x', false, NULL), ERR_NOTFOUND);
        assert_int_equal(re2_class_posix(&items, VIEW_LIT("[:Alpha:]"), false, NULL), ERR_NOTFOUND);
        assert_int_equal(re2_class_posix(&items, VIEW_LIT("[::]"), false, NULL), ERR_NOTFOUND);
        assert_int_equal(
            re2_class_unicode(&items, VIEW_LIT("Grek"), false, false, NULL), ERR_NOTFOUND);
        assert_int_equal(re2_class_unicode(&items, VIEW_LIT(""), false, false, NULL), ERR_NOTFOUND);
        assert_int_equal(items.len, 0);
        items.max = 3;
        assert_int_equal(re2_class_perl(&items, 'd', false, NULL), ERR_LIMIT);
        buf_release(&items);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(named_classes_hold_what_re2_says),
            cmocka_unit_test(a_class_and_its_opposite_are_everything),
            cmocka_unit_test(unknown_names_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
