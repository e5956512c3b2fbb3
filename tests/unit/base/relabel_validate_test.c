#include "base/relabel.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
actions_have_names_in_any_case(void **state)
{
        (void)state;
        assert_int_equal(relabel_action_of(VIEW_LIT("labelKEEP")), RELABEL_LABELKEEP);
        assert_int_equal(relabel_action_of(VIEW_LIT("keepe")), -1);
        assert_int_equal(relabel_action_of(VIEW_LIT("")), -1);
        for (int i = 0; i <= RELABEL_UPPERCASE; i++)
                assert_int_equal(
                    relabel_action_of(view_of(relabel_action_name((enum relabel_action)i))), i);
}

struct validate_case {
        const char *name;
        enum relabel_action action;
        enum name_scheme scheme;
        const char *target;
        const char *replacement;
        bool regex_written;
        uint64_t modulus;
        const char *want; /* part of the message; NULL: valid */
};

/* What the recorded cases leave out; the first fault in the order of the table is told. */
static void
rules_are_checked_in_order(void **state)
{
        static const struct validate_case cases[] = {
            {"keep takes anything", RELABEL_KEEP, NAME_LEGACY, "-", "x", true, 7, NULL},
            {"hashmod without both", RELABEL_HASHMOD, NAME_UTF8, "", "$1", false, 0,
                "non-zero modulus"},
            {"hashmod, bad name", RELABEL_HASHMOD, NAME_LEGACY, "a-b", "$1", false, 2,
                "\"a-b\" is invalid 'target_label' for hashmod action"},
            {"hashmod with a regex", RELABEL_HASHMOD, NAME_LEGACY, "ab", "x", true, 2, NULL},
            {"not UTF-8", RELABEL_REPLACE, NAME_UTF8, "a\xff", "$1", false, 0,
                "is invalid 'target_label' for replace action"},
            {"reference, legacy", RELABEL_REPLACE, NAME_LEGACY, "${1}_x", "$1", false, 0, NULL},
            {"target before replacement", RELABEL_UPPERCASE, NAME_LEGACY, "a-b", "x", false, 0,
                "\"a-b\" is invalid 'target_label' for uppercase action"},
            {"replacement before fields", RELABEL_KEEPEQUAL, NAME_UTF8, "a", "x", true, 1,
                "'replacement' can not be set for keepequal action"},
            {"equal with modulus", RELABEL_KEEPEQUAL, NAME_UTF8, "a", "$1", false, 1,
                "keepequal action requires only 'source_labels' and `target_label`"},
            {"labelmap, legacy", RELABEL_LABELMAP, NAME_LEGACY, "", "x_$1", false, 0, NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct validate_case *c = &cases[i];
                struct relabel_options o;
                struct err e = ERR_INIT;
                int rc;

                relabel_options_init(&o);
                o.action = c->action;
                o.scheme = c->scheme;
                o.target_label = view_of(c->target);
                o.replacement = view_of(c->replacement);
                o.regex_written = c->regex_written;
                o.modulus = c->modulus;
                rc = relabel_validate(&o, &e);
                if ((rc == 0) != (c->want == NULL))
                        fail_msg("%s: %d %s", c->name, rc, e.msg);
                if (rc < 0 && strstr(e.msg, c->want) == NULL)
                        fail_msg("%s: %s", c->name, e.msg);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(actions_have_names_in_any_case),
            cmocka_unit_test(rules_are_checked_in_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
