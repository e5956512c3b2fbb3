#include "remotewrite/adapt.h"

#include "tests/testing/testing.h"

enum { TIMEOUT = 30000 };

/* A link of so many bytes a second that every request has for itself; each request is full. */
static unsigned
requests_until_steady(struct adapt *a, double bytes_per_second, int64_t latency_ms)
{
        uint64_t before = 0;
        unsigned n = 0;

        while (n < 100 && before != a->bound) {
                int64_t ms = latency_ms + (int64_t)((double)a->bound / bytes_per_second * 1000);

                before = a->bound;
                n++;
                if (ms > TIMEOUT)
                        assert_true(adapt_timeout(a, a->bound, true));
                else
                        adapt_success(a, a->bound, ms, 0);
        }
        return n;
}

static void
bound_goes_where_the_link_can_follow(void **state)
{
        static const struct {
                const char *name;
                double bytes_per_second;
                int64_t latency_ms;
                uint64_t from;
                uint64_t to;
                unsigned in_flight;
        } cases[] = {
            {"a good line", 10e6, 20, ADAPT_MAX, ADAPT_MAX, 4},
            {"64 kbit/s", 8000, 100, 70000, 85000, 1},
            {"9.6 kbit/s: the first attempt runs into the timeout", 1200, 300, 9000, 13000, 1},
            {"a satellite", 100000, 700, 600000, ADAPT_MAX, 1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct adapt a;
                unsigned n;

                adapt_init(&a, TIMEOUT, 4, 0);
                assert_int_equal(a.bound, ADAPT_START);
                n = requests_until_steady(&a, cases[i].bytes_per_second, cases[i].latency_ms);
                if (a.bound < cases[i].from || a.bound > cases[i].to || n >= 100)
                        fail_msg(
                            "%s: %llu after %u", cases[i].name, (unsigned long long)a.bound, n);
                for (int more = 0; more < 5; more++)
                        adapt_success(&a, a.bound,
                            cases[i].latency_ms +
                                (int64_t)((double)a.bound / cases[i].bytes_per_second * 1000),
                            0);
                if (a.in_flight != cases[i].in_flight)
                        fail_msg("%s: %u in flight", cases[i].name, a.in_flight);
        }
}

static void
small_requests_say_nothing_about_the_link(void **state)
{
        struct adapt a;

        (void)state;
        adapt_init(&a, TIMEOUT, 4, 0);
        for (int i = 0; i < 10; i++)
                adapt_success(&a, 500, 900, 0); /* half a second for 500 bytes is distance */
        assert_int_equal(a.bound, ADAPT_START);
}

static void
too_large_is_remembered_and_tried_again_later(void **state)
{
        struct adapt a;

        (void)state;
        adapt_init(&a, TIMEOUT, 4, 0);
        adapt_too_large(&a, 100000, 0);
        assert_int_equal(a.bound, 50000);
        for (int i = 0; i < 20; i++)
                adapt_success(&a, a.bound, 10, 1000);
        assert_int_equal(a.bound, 50000);
        adapt_success(&a, a.bound, 10, ADAPT_RAISE_MS);
        adapt_success(&a, a.bound, 10, ADAPT_RAISE_MS + 1);
        assert_int_equal(a.bound, 62500);
        adapt_too_large(&a, 10, ADAPT_RAISE_MS + 2); /* never below what can carry a series */
        assert_int_equal(a.bound, ADAPT_MIN);
        adapt_too_large(&a, 800000, ADAPT_RAISE_MS + 3); /* a stray larger one raises nothing */
        assert_int_equal(a.bound, ADAPT_MIN);
}

static void
failures_bring_it_down_to_one_at_a_time(void **state)
{
        struct adapt a;

        (void)state;
        adapt_init(&a, TIMEOUT, 4, 0);
        for (int i = 0; i < 10; i++)
                adapt_success(&a, a.bound, 10, 0);
        assert_int_equal(a.in_flight, 4);
        adapt_failure(&a);
        assert_int_equal(a.in_flight, 1);
        adapt_success(&a, a.bound, 10, 0);
        assert_int_equal(a.in_flight, 2);
        assert_true(adapt_timeout(&a, ADAPT_MAX, true));
        assert_int_equal(a.in_flight, 1);
        assert_int_equal(a.bound, ADAPT_MAX / 2);
}

static void
timeout_is_the_links_fault_unless_its_rate_says_otherwise(void **state)
{
        struct adapt a;

        (void)state;
        adapt_init(&a, TIMEOUT, 4, 0);
        assert_false(adapt_timeout(&a, 1000, false)); /* too little to blame the link */
        assert_int_equal(a.bound, ADAPT_START);
        assert_true(adapt_timeout(&a, ADAPT_START, false)); /* nothing known: smaller */
        assert_int_equal(a.bound, ADAPT_START / 2);
        for (int i = 0; i < 10; i++)
                adapt_success(&a, a.bound, 10, 0);
        assert_int_equal(a.bound, ADAPT_MAX);
        assert_false(adapt_timeout(&a, ADAPT_MAX, false)); /* a receiver that hangs */
        assert_int_equal(a.bound, ADAPT_MAX);
        assert_true(adapt_timeout(&a, ADAPT_MAX, false)); /* or a link that broke down after all */
        assert_true(adapt_timeout(&a, 20000, true)); /* a smaller one tells more */
        assert_int_equal(a.bound, 10000);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(bound_goes_where_the_link_can_follow),
            cmocka_unit_test(small_requests_say_nothing_about_the_link),
            cmocka_unit_test(too_large_is_remembered_and_tried_again_later),
            cmocka_unit_test(failures_bring_it_down_to_one_at_a_time),
            cmocka_unit_test(timeout_is_the_links_fault_unless_its_rate_says_otherwise),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
