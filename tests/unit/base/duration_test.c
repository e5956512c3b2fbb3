#include "base/duration.h"

#include "tests/testing/testing.h"

struct parse_case {
        const char *name;
        const char *input;
        int64_t want; /* ms; -1: refused */
        const char *message;
};

static const struct parse_case parse_cases[] = {
    {"zero without a unit", "0", 0, NULL},
    {"zero with a unit", "0s", 0, NULL},
    {"milliseconds", "5ms", 5, NULL},
    {"seconds", "15s", 15000, NULL},
    {"minutes, not milliseconds", "4m", 240000, NULL},
    {"hours and minutes", "1h30m", 5400000, NULL},
    {"all units", "1y2w3d4h5m6s7ms", INT64_C(33019506007), NULL},
    {"days", "90d", INT64_C(7776000000), NULL},
    {"the largest", "106751d", INT64_C(9223286400000), NULL},
    {"empty", "", -1, "empty duration string"},
    {"no unit", "1", -1, "not a valid duration string: \"1\""},
    {"unknown unit", "1x", -1, "unknown unit \"x\" in duration \"1x\""},
    {"sign", "-1s", -1, "not a valid duration string: \"-1s\""},
    {"fraction", "1.5s", -1, "unknown unit \".\" in duration \"1.5s\""},
    {"blank", "1 s", -1, "unknown unit \" s\" in duration \"1 s\""},
    {"unit twice", "1s1s", -1, "not a valid duration string: \"1s1s\""},
    {"wrong order", "1s1h", -1, "not a valid duration string: \"1s1h\""},
    {"unit alone", "s", -1, "not a valid duration string: \"s\""},
    {"too many days", "106752d", -1, "duration out of range"},
    {"a large number", "999999999999999999ms", -1, "duration out of range"},
    {"too many digits", "99999999999999999999ms", -1,
        "not a valid duration string: \"99999999999999999999ms\""},
    {"too large a sum", "292y365d", -1, "duration out of range"},
};

static void
parses(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]); i++) {
                const struct parse_case *c = &parse_cases[i];
                struct err e = ERR_INIT;
                int64_t got = -7;
                int rc = duration_parse(view_of(c->input), &got, &e);

                print_message("  %s\n", c->name);
                if (c->want >= 0) {
                        testing_ok(rc, &e);
                        assert_int_equal(got, c->want);
                } else {
                        assert_int_equal(rc, ERR_CONFIG);
                        assert_string_equal(e.msg, c->message);
                        assert_int_equal(got, -7);
                }
        }
}

static void
formats(void **state)
{
        static const struct {
                int64_t ms;
                const char *want;
        } cases[] = {
            {0, "0s"},
            {1, "1ms"},
            {1500, "1s500ms"},
            {15000, "15s"},
            {60000, "1m"},
            {5400000, "1h30m"},
            {INT64_C(7776000000), "90d"},
            {INT64_C(604800000), "1w"},
            {INT64_C(31536000000), "1y"},
            {INT64_C(31536000001), "365d1ms"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char got[DURATION_MAX_TEXT];

                assert_int_equal(
                    duration_format(cases[i].ms, got, sizeof(got)), strlen(cases[i].want));
                assert_string_equal(got, cases[i].want);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(parses),
            cmocka_unit_test(formats),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
