#include "remotewrite/health.h"

#include "tests/testing/testing.h"

static const struct judgement retry = {.verdict = VERDICT_RETRY, .text = "no quorum"};
static const struct judgement hold = {.verdict = VERDICT_HOLD, .text = "check the URL"};

static void
failing_backs_off_and_recovers(void **state)
{
        struct health h;
        struct health_now now = {0, 1000};
        int64_t delay;

        (void)state;
        health_init(&h, 1000, 60000, 1);
        assert_false(health_good(&h, now));
        assert_true(health_bad(&h, &retry, now));
        assert_int_equal(h.state, ENDPOINT_FAILING);
        assert_string_equal(h.text, "no quorum");
        assert_in_range(h.retry_at_ms, 500, 1000);
        now.mono_ms = h.retry_at_ms;
        assert_false(health_bad(&h, &retry, now));
        delay = h.retry_at_ms - now.mono_ms;
        assert_in_range(delay, 1000, 2000);
        assert_int_equal(h.since_wall_ms, 1000);
        assert_true(health_good(&h, now));
        assert_string_equal(h.text, "");
        assert_true(health_bad(&h, &retry, now));
        assert_in_range(h.retry_at_ms - now.mono_ms, 500, 1000); /* begins anew */
}

static void
burst_of_failures_is_one_failure(void **state)
{
        struct health h;
        const struct health_now now = {0, 0};
        int64_t at;

        (void)state;
        health_init(&h, 1000, 60000, 1);
        assert_true(health_bad(&h, &retry, now));
        at = h.retry_at_ms;
        for (int i = 0; i < 3; i++)
                assert_false(health_bad(&h, &retry, now));
        assert_int_equal(h.retry_at_ms, at);
        assert_int_equal(h.retry.tries, 1);
}

static void
held_is_probed_rarely_and_after_a_reload_at_once(void **state)
{
        struct health h;
        struct health_now now = {5000, 0};

        (void)state;
        health_init(&h, 1000, 2000, 1);
        assert_true(health_bad(&h, &retry, now));
        assert_true(health_bad(&h, &hold, now)); /* not late: it is another state */
        assert_int_equal(h.state, ENDPOINT_HELD);
        for (int i = 0; i < 10; i++) {
                assert_in_range(h.retry_at_ms - now.mono_ms, HOLD_MIN_MS / 2, HOLD_MAX_MS);
                now.mono_ms = h.retry_at_ms;
                assert_false(health_bad(&h, &hold, now));
        }
        assert_true(h.retry_at_ms - now.mono_ms >= HOLD_MAX_MS / 2);
        health_probe(&h, now.mono_ms);
        assert_int_equal(h.retry_at_ms, now.mono_ms);
        assert_int_equal(h.state, ENDPOINT_HELD); /* until an answer says otherwise */
        assert_true(health_good(&h, now));
        health_probe(&h, 12345);
        assert_int_equal(h.state, ENDPOINT_FINE);
}

static const struct judgement good = {.verdict = VERDICT_SETTLED};

/* Six failures of samples: the next try is 16 to 32 seconds away. */
static void
fail_often(struct health *h, struct health_now *now, const struct judgement *j)
{
        for (int i = 0; i < 6; i++) {
                now->mono_ms = h->retry_at_ms;
                (void)health_bad(h, j, *now);
        }
}

static void
knocks_tell_when_the_receiver_is_back(void **state)
{
        struct health h;
        struct health_now now = {0, 0};
        int64_t retry_at;

        (void)state;
        health_init(&h, 1000, 300000, 1);
        fail_often(&h, &now, &retry);
        retry_at = h.retry_at_ms;
        while (h.knock_at_ms != INT64_MAX) { /* each fails; the last is too near to the next try */
                assert_in_range(h.knock_at_ms - now.mono_ms, KNOCK_MIN_MS / 2, KNOCK_MIN_MS);
                now.mono_ms = h.knock_at_ms;
                health_knocked(&h, &retry, now.mono_ms);
                assert_false(health_bad(&h, &retry, now));
                assert_int_equal(h.retry_at_ms, retry_at);
        }
        assert_true(retry_at - now.mono_ms <= KNOCK_MIN_MS);
        now.mono_ms = retry_at;
        assert_false(health_bad(&h, &retry, now));
        now.mono_ms = h.knock_at_ms;
        health_knocked(&h, &retry, now.mono_ms);
        now.mono_ms = h.knock_at_ms;
        health_knocked(&h, &good, now.mono_ms);
        assert_int_equal(h.retry_at_ms, now.mono_ms); /* samples may be tried */
        assert_int_equal(h.state, ENDPOINT_FAILING);
}

static void
knocks_grow_rare(void **state)
{
        static const struct {
                int64_t away_ms;
                int64_t every_ms;
        } cases[] = {
            {60 * 1000, KNOCK_MIN_MS},
            {10 * 60 * 1000, 10 * 1000},
            {30 * 60 * 1000, 30 * 1000},
            {24 * 3600 * 1000, KNOCK_MAX_MS},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct health_now now = {0, 0};
                struct health h;

                health_init(&h, 1000, 300000, i);
                fail_often(&h, &now, &retry);
                h.since_mono_ms = now.mono_ms - cases[i].away_ms;
                h.retry_at_ms = INT64_MAX;
                health_knocked(&h, &retry, now.mono_ms);
                assert_in_range(
                    h.knock_at_ms - now.mono_ms, cases[i].every_ms / 2, cases[i].every_ms);
        }
}

static void
knocks_that_say_nothing_are_left_out(void **state)
{
        static const struct judgement less = {.verdict = VERDICT_RETRY, .asks_for_less = true};
        struct health h;
        struct health_now now = {0, 0};
        int64_t retry_at;

        (void)state;
        /* it takes empty requests, and turns samples away */
        health_init(&h, 1000, 300000, 1);
        fail_often(&h, &now, &retry);
        retry_at = h.retry_at_ms;
        now.mono_ms = h.knock_at_ms;
        health_knocked(&h, &good, now.mono_ms);
        assert_int_equal(h.retry_at_ms, retry_at);
        assert_true(h.knock_at_ms == INT64_MAX);
        /* it asked for less */
        health_init(&h, 1000, 300000, 1);
        fail_often(&h, &now, &less);
        assert_true(h.knock_at_ms == INT64_MAX);
        /* held, or not more often than the file says */
        health_init(&h, 1000, 300000, 1);
        fail_often(&h, &now, &hold);
        assert_true(h.knock_at_ms == INT64_MAX);
        health_init(&h, 20000, 300000, 1);
        fail_often(&h, &now, &retry);
        assert_in_range(h.knock_at_ms - now.mono_ms, 10000, 20000);
        /* the first tries are near enough */
        health_init(&h, 1000, 300000, 1);
        (void)health_bad(&h, &retry, now);
        assert_true(h.knock_at_ms == INT64_MAX);
}

static void
receivers_wish_is_kept(void **state)
{
        struct health h;
        const struct judgement wish = {.verdict = VERDICT_RETRY, .retry_after_ms = 30000};
        const struct health_now now = {0, 0};

        (void)state;
        health_init(&h, 1000, 2000, 1);
        assert_true(health_bad(&h, &wish, now));
        assert_in_range(h.retry_at_ms, 30000, 33000);
        health_set_backoff(&h, 10, 20);
        assert_int_equal(h.retry.tries, 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(failing_backs_off_and_recovers),
            cmocka_unit_test(burst_of_failures_is_one_failure),
            cmocka_unit_test(held_is_probed_rarely_and_after_a_reload_at_once),
            cmocka_unit_test(knocks_tell_when_the_receiver_is_back),
            cmocka_unit_test(knocks_grow_rare),
            cmocka_unit_test(knocks_that_say_nothing_are_left_out),
            cmocka_unit_test(receivers_wish_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
