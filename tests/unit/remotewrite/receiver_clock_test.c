#include "remotewrite/receiver_clock.h"

#include "tests/testing/testing.h"

enum { TOLERANCE = 60000 };
static const int64_t now = INT64_C(1700000000000);

static void
two_answers_a_minute_apart_must_agree(void **state)
{
        struct receiver_clock c = {0};

        (void)state;
        receiver_clock_observe(&c, now, now, 0);
        assert_true(c.seen);
        assert_false(c.verified);
        receiver_clock_observe(&c, now + 30000, now + 30000, 30000);
        assert_false(c.verified); /* too soon */
        receiver_clock_observe(&c, now + 60000, now + 60000, 60000);
        assert_true(c.verified);
        assert_in_range(c.skew_ms + 1000, 0, 2000);
        receiver_clock_observe(&c, now + 90000 - 3600000, now + 90000, 90000);
        assert_false(c.verified); /* one of the clocks was stepped: begin again */
        receiver_clock_observe(&c, now + 150000 - 3600000, now + 150000, 150000);
        assert_true(c.verified);
        assert_in_range(-c.skew_ms, 3599000, 3601000);
}

static void
limits_follow_the_clock_that_is_known(void **state)
{
        static const struct {
                const char *name;
                struct receiver_clock c;
                bool kernel;
                int64_t hold; /* minus now; INT64_MAX: none */
                int64_t give_up;
        } cases[] = {
            {"nothing is known", {0}, false, INT64_MAX, INT64_MAX},
            {"seen once", {.seen = true, .skew_ms = -900000}, false, INT64_MAX, INT64_MAX},
            {"kernel alone", {0}, true, TOLERANCE, TOLERANCE},
            {"kernel outranks a receiver that is behind",
                {.seen = true, .verified = true, .skew_ms = -900000}, true, TOLERANCE, TOLERANCE},
            {"both agree", {.seen = true, .verified = true, .skew_ms = 1000}, false,
                TOLERANCE + 1000, TOLERANCE},
            {"we are ahead: hold, but give nothing up",
                {.seen = true, .verified = true, .skew_ms = -900000}, false, TOLERANCE - 900000,
                INT64_MAX},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct clock_limits l =
                    receiver_clock_limits(&cases[i].c, cases[i].kernel, now, TOLERANCE);
                int64_t hold = l.hold_after_ms == INT64_MAX ? INT64_MAX : l.hold_after_ms - now;
                int64_t give_up =
                    l.give_up_after_ms == INT64_MAX ? INT64_MAX : l.give_up_after_ms - now;

                if (hold != cases[i].hold || give_up != cases[i].give_up)
                        fail_msg(
                            "%s: %lld %lld", cases[i].name, (long long)hold, (long long)give_up);
        }
        /* a wall clock near the end of time does not wrap */
        assert_int_equal(
            receiver_clock_limits(&cases[0].c, true, INT64_MAX - 5, TOLERANCE).hold_after_ms,
            INT64_MAX);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(two_answers_a_minute_apart_must_agree),
            cmocka_unit_test(limits_follow_the_clock_that_is_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
