#include "remotewrite/receiver_clock.h"

#include "tests/testing/testing.h"

enum { TOLERANCE = 60000, HOUR = 3600 * 1000 };
static const int64_t start = INT64_C(1700000000000);

/* ms after the start, by a clock of ours that is right. */
static struct clock_reading
at(int64_t ms)
{
        return (struct clock_reading){.wall_ms = start + ms, .mono_ms = 5000 + ms};
}

/* An answer over verified TLS from a receiver whose clock is that much off. */
static void
hear(struct receiver_clock *c, int64_t ms, int64_t off_ms)
{
        const struct receiver_date a = {
            .date_ms = (start + ms + off_ms) / 1000 * 1000, .trusted = true, .good = true};
        struct clock_reading now = at(ms);

        receiver_clock_observe(c, &a, &now);
}

static void
two_answers_a_minute_apart_must_agree(void **state)
{
        struct receiver_clock c = {0};

        (void)state;
        hear(&c, 0, 0);
        assert_true(c.seen);
        assert_false(c.verified);
        hear(&c, 30000, 0);
        assert_false(c.verified); /* too soon */
        hear(&c, 60000, 0);
        assert_true(c.verified);
        assert_in_range(c.skew_ms + 1000, 0, 2000);
        hear(&c, 90000, -HOUR);
        assert_false(c.verified); /* one of the clocks was stepped: begin again */
        hear(&c, 150000, -HOUR);
        assert_true(c.verified);
        assert_in_range(-c.skew_ms, HOUR - 1000, HOUR + 1000);
}

static void
dates_that_are_not_verified_verify_nothing(void **state)
{
        struct receiver_date plain = {.date_ms = start, .good = true};
        struct clock_reading now = at(0);
        struct receiver_clock c = {0};

        (void)state;
        for (int minute = 0; minute < 10; minute++) {
                now = at((int64_t)minute * 60000);
                plain.date_ms = now.wall_ms;
                receiver_clock_observe(&c, &plain, &now);
                assert_true(c.seen);
                assert_false(c.verified);
        }
        hear(&c, 600000, 0); /* nor do they serve as the first of two */
        assert_false(c.verified);
        hear(&c, 660000, 0);
        assert_true(c.verified);
        now = at(700000);
        plain.date_ms = now.wall_ms;
        receiver_clock_observe(&c, &plain, &now);
        assert_false(c.verified); /* somebody may stand between */
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
            {"seen once: hold, but give nothing up",
                {.seen = true, .time_ms = -900000, .skew_ms = -900000}, false, TOLERANCE - 900000,
                INT64_MAX},
            {"seen once, and right: hold, but give nothing up", {.seen = true}, false, TOLERANCE,
                INT64_MAX},
            {"kernel alone", {0}, true, TOLERANCE, TOLERANCE},
            {"kernel outranks a receiver that is behind",
                {.seen = true, .verified = true, .time_ms = -900000, .skew_ms = -900000}, true,
                TOLERANCE, TOLERANCE},
            {"kernel outranks a receiver that is ahead", {.seen = true, .time_ms = HOUR}, true,
                TOLERANCE, TOLERANCE},
            {"both agree", {.seen = true, .verified = true, .time_ms = 1000, .skew_ms = 1000},
                false, TOLERANCE + 1000, TOLERANCE},
            {"we are ahead: hold, but give nothing up",
                {.seen = true, .verified = true, .time_ms = -900000, .skew_ms = -900000}, false,
                TOLERANCE - 900000, INT64_MAX},
            {"our clock was stepped since: the receiver's goes on, nothing is verified",
                {.seen = true, .verified = true, .time_ms = HOUR, .skew_ms = 0}, false,
                HOUR + TOLERANCE, INT64_MAX},
            {"its time goes on by the monotonic clock",
                {.seen = true, .time_ms = -30000, .mono_ms = -30000}, false, TOLERANCE, INT64_MAX},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct receiver_clock c = cases[i].c;
                struct clock_reading now = at(0);
                struct clock_limits l;
                int64_t hold;
                int64_t give_up;

                c.time_ms += now.wall_ms;
                c.mono_ms += now.mono_ms;
                now.synchronised = cases[i].kernel;
                l = receiver_clock_limits(&c, &now, TOLERANCE);
                hold = l.hold_after_ms == INT64_MAX ? INT64_MAX : l.hold_after_ms - start;
                give_up = l.give_up_after_ms == INT64_MAX ? INT64_MAX : l.give_up_after_ms - start;
                if (hold != cases[i].hold || give_up != cases[i].give_up)
                        fail_msg(
                            "%s: %lld %lld", cases[i].name, (long long)hold, (long long)give_up);
        }
}

static void
limits_do_not_wrap_at_the_end_of_time(void **state)
{
        const struct receiver_clock c = {0};
        const struct clock_reading now = {.wall_ms = INT64_MAX - 5, .synchronised = true};

        (void)state;
        assert_int_equal(receiver_clock_limits(&c, &now, TOLERANCE).hold_after_ms, INT64_MAX);
}

static void
receiver_is_asked_when_nothing_is_known(void **state)
{
        enum { DATE = 1, GOOD = 2 };
        static const struct {
                const char *name;
                int answers[8]; /* one a second; 0 ends; -1: neither */
                int64_t later_ms; /* than the last */
                bool kernel;
                bool wanted;
        } cases[] = {
            {"no answer yet", {0}, 0, false, true},
            {"the kernel knows better", {0}, 0, true, false},
            {"one", {DATE | GOOD}, 0, false, false},
            {"one without a Date: it has none to give", {GOOD}, 0, false, false},
            {"one is fresh for ten minutes", {DATE | GOOD}, RECEIVER_CLOCK_FRESH_MS - 1, false,
                false},
            {"and no longer", {DATE | GOOD}, RECEIVER_CLOCK_FRESH_MS, false, true},
            {"errors are no answers", {DATE, DATE}, 0, false, true},
            {"three are all that will come", {DATE, -1, DATE}, 0, false, false},
            {"those before a good one do not count", {-1, -1, GOOD, -1, -1},
                RECEIVER_CLOCK_FRESH_MS, false, true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct receiver_clock c = {0};
                struct clock_reading now = at(0);

                for (const int *a = cases[i].answers; *a != 0; a++) {
                        const struct receiver_date d = {
                            .date_ms = *a > 0 && (*a & DATE) != 0 ? now.wall_ms : 0,
                            .good = *a > 0 && (*a & GOOD) != 0};

                        now.wall_ms += 1000;
                        now.mono_ms += 1000;
                        receiver_clock_observe(&c, &d, &now);
                }
                now.mono_ms += cases[i].later_ms;
                now.synchronised = cases[i].kernel;
                if (receiver_clock_wanted(&c, &now) != cases[i].wanted)
                        fail_msg("%s", cases[i].name);
        }
}

static void
doubt_asks_again(void **state)
{
        struct clock_reading now = at(0);
        struct receiver_clock c = {0};

        (void)state;
        hear(&c, 0, -HOUR);
        assert_false(receiver_clock_wanted(&c, &now));
        receiver_clock_doubt(&c);
        assert_true(receiver_clock_wanted(&c, &now));
        /* what was heard holds until then */
        assert_true(receiver_clock_limits(&c, &now, TOLERANCE).hold_after_ms < start - HOUR / 2);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(two_answers_a_minute_apart_must_agree),
            cmocka_unit_test(dates_that_are_not_verified_verify_nothing),
            cmocka_unit_test(limits_follow_the_clock_that_is_known),
            cmocka_unit_test(limits_do_not_wrap_at_the_end_of_time),
            cmocka_unit_test(receiver_is_asked_when_nothing_is_known),
            cmocka_unit_test(doubt_asks_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
