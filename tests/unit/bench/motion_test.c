#include "bench/motion.h"

#include "tests/testing/testing.h"

#include <string.h>

enum { TICKS = 2000 };

static void
learn(struct motion *m, const char *const *texts, size_t n)
{
        struct view values[8];

        for (size_t i = 0; i < n; i++)
                values[i] = view_of(texts[i]);
        motion_learn(values, n, m);
}

static double
value_at(const struct motion *m, uint64_t seed, int64_t tick)
{
        char text[MOTION_TEXT_MAX + 1] = {0};

        (void)motion_print(m, seed, tick, text);
        return strtod(text, NULL);
}

static void
kinds_are_learnt_from_what_was_recorded(void **state)
{
        static const struct {
                const char *name;
                const char *texts[4];
                enum motion_kind kind;
                unsigned decimals;
                int64_t grain;
        } cases[] = {
            {"constant", {"1", "1", "1", "1"}, MOTION_CONSTANT, 0, 0},
            {"not a number", {"NaN", "1", "2", "3"}, MOTION_CONSTANT, 0, 0},
            {"counter", {"1.5e+06", "1500003", "1500003", "1500012"}, MOTION_COUNTER, 0, 3},
            {"seconds", {"0.5", "0.75", "1", "1.25"}, MOTION_COUNTER, 2, 25},
            {"pages of memory", {"8192", "4096", "16384", "4096"}, MOTION_WANDER, 0, 4096},
            {"small", {"6.1e-06", "5e-06", "7.25e-06", "5e-06"}, MOTION_WANDER, 8, 5},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct motion m;

                print_message("%s\n", cases[i].name);
                learn(&m, cases[i].texts, 4);
                assert_int_equal(m.kind, cases[i].kind);
                if (m.kind == MOTION_CONSTANT)
                        continue;
                assert_int_equal(m.decimals, cases[i].decimals);
                assert_int_equal(m.grain, cases[i].grain);
        }
}

static void
constants_stand_as_recorded(void **state)
{
        static const char *const texts[] = {"9.223372036854776e+18", "9.223372036854776e+18"};
        char text[MOTION_TEXT_MAX] = {0};
        struct motion m;

        (void)state;
        learn(&m, texts, 2);
        assert_int_equal(motion_print(&m, 1, 1, text), strlen(texts[0]));
        assert_memory_equal(text, texts[0], strlen(texts[0]));
}

static void
counters_rise_as_often_and_as_fast_as_recorded(void **state)
{
        static const char *const texts[] = {"1000", "1010", "1010", "1040", "1060"};
        struct motion m;
        double before = 0;
        int changes = 0;

        (void)state;
        learn(&m, texts, 5);
        for (int64_t t = MOTION_TICK_FIRST; t < MOTION_TICK_FIRST + TICKS; t++) {
                double v = value_at(&m, 7, t);

                assert_true(v >= before);
                changes += v > before;
                before = v;
        }
        assert_in_range(changes, TICKS * 60 / 100, TICKS * 85 / 100);
        assert_in_range((int)before, 1000 + TICKS * 7, 2000 + TICKS * 31);
}

static void
gauges_stay_in_their_range(void **state)
{
        static const char *const texts[] = {"0.3", "0.1", "0.9", "0.4"};
        struct motion m;

        (void)state;
        learn(&m, texts, 4);
        for (int64_t t = MOTION_TICK_FIRST; t < MOTION_TICK_FIRST + TICKS; t++) {
                assert_true(value_at(&m, 3, t) >= 0.1);
                assert_true(value_at(&m, 3, t) <= 0.9);
        }
}

/* What a target says depends on nothing but seed and tick; numbers look as Go prints them. */
static void
values_can_be_repeated(void **state)
{
        static const struct {
                const char *texts[2];
                const char *want_has;
        } cases[] = {
            {{"1795438512", "1795438527"}, "1.79"},
            {{"0.000111", "0.000112"}, "0.000"},
            {{"1.1e-05", "1.2e-05"}, "e-0"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char a[MOTION_TEXT_MAX + 1] = {0};
                char b[MOTION_TEXT_MAX + 1] = {0};
                struct motion m;

                learn(&m, cases[i].texts, 2);
                (void)motion_print(&m, 9, MOTION_TICK_FIRST, a);
                (void)motion_print(&m, 9, MOTION_TICK_FIRST, b);
                assert_string_equal(a, b);
                assert_non_null(strstr(a, cases[i].want_has));
        }
}

static void
assumed_counters_rise_now_and_then(void **state)
{
        struct motion m;
        double first;

        (void)state;
        motion_assume(VIEW_LIT("641908"), 0.01, 40, &m);
        first = value_at(&m, 5, MOTION_TICK_FIRST);
        assert_true(value_at(&m, 5, MOTION_TICK_FIRST + TICKS) >= first + 40);
        assert_true(value_at(&m, 5, MOTION_TICK_FIRST + TICKS) <= first + 40.0 * TICKS / 40);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(kinds_are_learnt_from_what_was_recorded),
            cmocka_unit_test(constants_stand_as_recorded),
            cmocka_unit_test(counters_rise_as_often_and_as_fast_as_recorded),
            cmocka_unit_test(gauges_stay_in_their_range),
            cmocka_unit_test(values_can_be_repeated),
            cmocka_unit_test(assumed_counters_rise_now_and_then),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
