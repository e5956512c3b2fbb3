#include "tests/unit/agent/config_cases.h"

#include "agent/config_report.h"

#include <stdio.h>

static struct config_place
at(struct config_report *r, const char *file, unsigned line, unsigned column)
{
        struct config_place place = {config_report_file(r, file), line, column};

        assert_non_null(place.file);
        return place;
}

static void
add(struct config_report *r, enum config_severity severity, struct config_place place,
    const char *text)
{
        assert_int_equal(config_report_add(r, severity, CONFIG_STAGE_VALUE, place, text), 0);
}

static void
messages_stand_in_order_and_once(void **state)
{
        struct config_report r = {0};
        char *said;

        (void)state;
        (void)at(&r, "main.yml", 0, 0);
        add(&r, CONFIG_ERROR, at(&r, "a.yml", 1, 1), "in a file");
        add(&r, CONFIG_ERROR, at(&r, "main.yml", 5, 2), "second");
        add(&r, CONFIG_WARNING, at(&r, "main.yml", 5, 1), "first");
        add(&r, CONFIG_ERROR, at(&r, "main.yml", 5, 2), "third");
        add(&r, CONFIG_ERROR, at(&r, "main.yml", 5, 2), "second");
        add(&r, CONFIG_NOTE, at(&r, "main.yml", 0, 0), "whole");
        assert_int_equal(r.errors, 4);
        config_report_sort(&r);
        assert_int_equal(r.errors, 3);
        said = cases_print(&r);
        assert_string_equal(said,
            "main.yml: note: whole\n"
            "main.yml:5:1: warning: first\n"
            "main.yml:5:2: error: second\n"
            "main.yml:5:2: error: third\n"
            "a.yml:1:1: error: in a file\n");
        free(said);
        config_report_release(&r);
        assert_int_equal(r.n, 0);
}

static void
nothing_in_a_message_forges_a_line(void **state)
{
        struct config_report r = {0};
        char *said;

        (void)state;
        add(&r, CONFIG_ERROR, at(&r, "m", 1, 1), "a\nb\x1b[31m\xff \xc3\xa9 \xc2\x9b");
        said = cases_print(&r);
        assert_string_equal(said, "m:1:1: error: a\\nb\\x1b[31m\\xff \xc3\xa9 \\u009b\n");
        free(said);
        config_report_release(&r);
}

static void
their_number_is_bounded(void **state)
{
        struct config_report r = {0};

        (void)state;
        for (unsigned i = 0; i < 1500; i++)
                add(&r, CONFIG_ERROR, at(&r, "m", i + 1, 1), "x");
        assert_int_equal(r.n, 1001);
        assert_int_equal(r.errors, 1500);
        assert_int_equal(r.v[1000].severity, CONFIG_NOTE);
        assert_non_null(strstr(r.v[1000].text, "limit"));
        config_report_release(&r);
}

struct summary_case {
        enum config_stage stages[3]; /* of errors in lines 1, 2, 3 */
        size_t n;
        const char *file;
        const char *want;
};

static const struct summary_case summary_cases[] = {
    {{CONFIG_STAGE_VALUE}, 1, "m", "parsing YAML file m: text 1"},
    {{CONFIG_STAGE_SHAPE}, 1, "m", "parsing YAML file m: yaml: unmarshal errors: line 1: text 1"},
    {{CONFIG_STAGE_MODE}, 1, "m", "text 1"},
    {{CONFIG_STAGE_YAML}, 1, "m", "parsing YAML file m: text 1"},
    {{CONFIG_STAGE_MODE, CONFIG_STAGE_VALUE}, 2, "m",
        "parsing YAML file m: text 2 (and 1 more error)"},
    {{CONFIG_STAGE_VALUE, CONFIG_STAGE_LATER, CONFIG_STAGE_SHAPE}, 3, "m",
        "parsing YAML file m: yaml: unmarshal errors: line 3: text 3 (and 2 more errors)"},
    {{CONFIG_STAGE_VALUE}, 1, "/x/a.yml", "\"/x/a.yml\": text 1"},
    {{CONFIG_STAGE_VALUE}, 0, "m", "m is refused"},
};

static void
the_summary_names_what_prometheus_would_have_met_first(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(summary_cases) / sizeof(summary_cases[0]); i++) {
                const struct summary_case *x = &summary_cases[i];
                struct config_report r = {0};
                struct err e = ERR_INIT;

                (void)at(&r, "m", 0, 0);
                for (unsigned k = 0; k < x->n; k++) {
                        char text[16];

                        (void)snprintf(text, sizeof(text), "text %u", k + 1);
                        assert_int_equal(config_report_add(&r, CONFIG_ERROR, x->stages[k],
                                             at(&r, x->file, k + 1, 1), text),
                            0);
                }
                add(&r, CONFIG_WARNING, at(&r, "m", 1, 1), "a warning");
                assert_int_equal(config_report_summary(&r, "m", &e), ERR_CONFIG);
                assert_string_equal(e.msg, x->want);
                config_report_release(&r);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(messages_stand_in_order_and_once),
            cmocka_unit_test(nothing_in_a_message_forges_a_line),
            cmocka_unit_test(their_number_is_bounded),
            cmocka_unit_test(the_summary_names_what_prometheus_would_have_met_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
