#include "remotewrite/backoff.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
delays_double_up_to_the_cap_and_spread(void **state)
{
        struct testing_random r = {1};

        (void)state;
        for (int seed = 0; seed < 200; seed++) {
                struct backoff b;
                int64_t ceiling = 1000;
                int64_t before = 0;

                backoff_init(&b, 1000, 300000, testing_random(&r));
                for (int i = 0; i < 20; i++) {
                        int64_t d = backoff_next(&b, 0);

                        assert_in_range(d, ceiling / 2, ceiling);
                        if (ceiling < 300000)
                                assert_true(d >= before); /* the next is not shorter */
                        before = d;
                        ceiling = ceiling * 2 < 300000 ? ceiling * 2 : 300000;
                }
                backoff_reset(&b);
                assert_in_range(backoff_next(&b, 0), 500, 1000);
        }
}

static void
two_agents_do_not_wait_alike(void **state)
{
        struct backoff a;
        struct backoff b;
        int equal = 0;

        (void)state;
        backoff_init(&a, 1000, 300000, 1);
        backoff_init(&b, 1000, 300000, 2);
        for (int i = 0; i < 20; i++)
                equal += backoff_next(&a, 0) == backoff_next(&b, 0);
        assert_true(equal < 3);
}

static void
receivers_wish_is_honoured_within_bounds(void **state)
{
        static const struct {
                int64_t hint;
                int64_t from;
                int64_t to;
        } cases[] = {
            {5000, 5000, 5500},
            {400000, 400000, 440000}, /* longer than our own cap */
            {100, 1000, 1100}, /* never below the shortest delay */
            {INT64_MAX, RETRY_AFTER_MAX_MS, RETRY_AFTER_MAX_MS / 10 * 11},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct backoff b;

                backoff_init(&b, 1000, 300000, 7);
                for (int n = 0; n < 10; n++)
                        assert_in_range(
                            backoff_next(&b, cases[i].hint), cases[i].from, cases[i].to);
        }
}

static void
retry_after_is_read_in_both_forms(void **state)
{
        const int64_t now = INT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
        static const struct {
                const char *value;
                int64_t want;
        } cases[] = {
            {"1", 1000},
            {"120", 120000},
            {"0", 0},
            {"-5", 0},
            {"", 0},
            {"soon", 0},
            {"1.5", 0},
            {"99999999999999999999999999", RETRY_AFTER_MAX_MS},
            {"601", RETRY_AFTER_MAX_MS},
            {"Sun, 06 Nov 1994 08:50:07 GMT", 30000},
            {"Sunday, 06-Nov-94 08:50:07 GMT", 30000},
            {"Sun Nov  6 08:50:07 1994", 30000},
            {"Sun, 06 Nov 1994 08:49:00 GMT", 0}, /* past */
            {"Sun, 06 Nov 2044 08:49:00 GMT", RETRY_AFTER_MAX_MS},
            {"Sun, 06 Nov 1994 08:50:07 GMT and so much more text that it cannot be a date", 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t got = retry_after_ms(view_of(cases[i].value), now);

                if (got != cases[i].want)
                        fail_msg("\"%s\": %lld", cases[i].value, (long long)got);
        }
}

static void
date_header_is_read(void **state)
{
        (void)state;
        assert_int_equal(
            http_date_ms(VIEW_LIT("Sun, 06 Nov 1994 08:49:37 GMT")), INT64_C(784111777000));
        assert_int_equal(http_date_ms(VIEW_LIT("yesterday at noon")), 0);
        assert_int_equal(http_date_ms(VIEW_LIT("")), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(delays_double_up_to_the_cap_and_spread),
            cmocka_unit_test(two_agents_do_not_wait_alike),
            cmocka_unit_test(receivers_wish_is_honoured_within_bounds),
            cmocka_unit_test(retry_after_is_read_in_both_forms),
            cmocka_unit_test(date_header_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
