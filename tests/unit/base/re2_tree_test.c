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
repetition_is_checked(void **state)
{
        static const struct syntax_case cases[] = {
            {"a*b+c?d*?e+?f??", NULL},
            {"a{0}b{2}c{2,}d{2,3}e{2,3}?", NULL},
            {"a{1000}", NULL},
            {"(a{10}){100}", NULL},
            {"a{,2}b{c{1d{1,2,3}{e{01}", NULL}, /* all text */
            {"a*(?i)*", NULL}, /* flags stand between */
            {"^*$+\\b?", NULL},
            {"()*(?:)+", NULL},
            {"a*{,2}", NULL},
            {"*", "missing argument to repetition operator: `*`"},
            {"a|*?", "missing argument to repetition operator: `*?`"},
            {"(+)", "missing argument to repetition operator: `+`"},
            {"{2}", "missing argument to repetition operator: `{2}`"},
            {"(?i)?", "missing argument to repetition operator: `?`"},
            {"a**", "invalid nested repetition operator: `**`"},
            {"a*??", "invalid nested repetition operator: `*??`"},
            {"a{2}{3}", "invalid nested repetition operator: `{2}{3}`"},
            {"a?+", "invalid nested repetition operator: `?+`"},
            {"a{1001}", "invalid repeat count: `{1001}`"},
            {"a{99999999999999999999}", "invalid repeat count: `{99999999999999999999}`"},
            {"a{1,99999999999}", "invalid repeat count: `{1,99999999999}`"},
            {"a{2,1}", "invalid repeat count: `{2,1}`"},
            {"(?:a{10}){101}", "invalid repeat count: `{101}`"},
            {"((a{10}){10}){11}", "invalid repeat count: `{11}`"},
        };

        (void)state;
        check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void
a_program_too_large_is_refused(void **state)
{
        static char text[40000];
        struct arena arena = ARENA_INIT(1 << 24);
        struct err e = ERR_INIT;
        struct re2 re;

        (void)state;
        for (size_t i = 0; i < 3400; i++)
                memcpy(text + i * 7, "a{1000}", 7);
        assert_int_equal(re2_parse(view_of(text), &arena, &re, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "expression too large"));
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(repetition_is_checked),
            cmocka_unit_test(a_program_too_large_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
