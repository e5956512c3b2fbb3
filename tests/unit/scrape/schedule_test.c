#include "scrape/schedule.h"

#include "tests/testing/testing.h"

static void
next_tick(void **state)
{
        static const struct {
                const char *name;
                int64_t interval;
                int64_t offset;
                int64_t now;
                int64_t want;
        } cases[] = {
            {"before the first tick", 15000, 3000, 0, 3000},
            {"on a tick: the one after", 15000, 3000, 3000, 18000},
            {"right after a tick", 15000, 3000, 3001, 18000},
            {"right before a tick", 15000, 3000, 17999, 18000},
            {"no offset", 1000, 0, 1700000000123, 1700000001000},
            {"before 1970", 1000, 300, -1, 300},
            {"long before 1970", 1000, 300, -5701, -5700},
            {"interval of one", 1, 0, 7, 8},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                print_message("  %s\n", cases[i].name);
                assert_int_equal(
                    schedule_next_tick(cases[i].interval, cases[i].offset, cases[i].now),
                    cases[i].want);
        }
}

static struct schedule *
make(void)
{
        struct schedule *s = NULL;
        struct err e = ERR_INIT;

        testing_ok(schedule_new(&s, &e), &e);
        return s;
}

static void
add(struct schedule *s, struct schedule_entry *x, int64_t interval, int64_t offset, int64_t now)
{
        struct err e = ERR_INIT;

        *x = (struct schedule_entry){
            .interval_ms = interval, .offset_ms = offset, .position = SIZE_MAX};
        testing_ok(schedule_add(s, x, now, &e), &e);
}

static void
takes_in_order_of_ticks(void **state)
{
        struct schedule *s = make();
        struct schedule_entry a;
        struct schedule_entry b;
        int64_t tick = 0;
        uint64_t skipped = 7;

        (void)state;
        assert_null(schedule_peek(s));
        assert_null(schedule_take(s, 0, &tick, &skipped));
        add(s, &a, 10, 5, 100);
        add(s, &b, 10, 2, 100);
        assert_ptr_equal(schedule_peek(s), &b);
        assert_null(schedule_take(s, 101, &tick, &skipped));
        assert_ptr_equal(schedule_take(s, 106, &tick, &skipped), &b);
        assert_int_equal(tick, 102);
        assert_int_equal(skipped, 0);
        assert_ptr_equal(schedule_take(s, 106, &tick, &skipped), &a);
        assert_int_equal(tick, 105);
        assert_null(schedule_take(s, 106, &tick, &skipped));
        assert_int_equal(b.due_ms, 112);
        assert_int_equal(schedule_count(s), 2);
        schedule_free(s);
}

static void
counts_ticks_that_were_passed_over(void **state)
{
        struct schedule *s = make();
        struct schedule_entry a;
        int64_t tick = 0;
        uint64_t skipped = 0;

        (void)state;
        add(s, &a, 10, 5, 100);
        assert_ptr_equal(schedule_take(s, 139, &tick, &skipped), &a);
        assert_int_equal(tick, 135);
        assert_int_equal(skipped, 3);
        assert_int_equal(a.due_ms, 145);
        schedule_free(s);
}

static void
rebases_after_a_step_back(void **state)
{
        struct schedule *s = make();
        struct schedule_entry x[20];

        (void)state;
        for (size_t i = 0; i < 20; i++)
                add(s, &x[i], 100, (int64_t)i * 5, 10000);
        schedule_rebase(s, 5051);
        for (size_t i = 0; i < 20; i++)
                assert_int_equal(x[i].due_ms, schedule_next_tick(100, (int64_t)i * 5, 5051));
        assert_int_equal(schedule_peek(s)->due_ms, 5055);
        schedule_free(s);
}

/* Against a plain search: additions, removals and takes in any order. */
static void
behaves_like_a_sorted_list(void **state)
{
        enum { N = 200 };
        struct schedule *s = make();
        static struct schedule_entry x[N];
        struct testing_random r = {42};
        int64_t now = 1000;

        (void)state;
        for (size_t i = 0; i < N; i++)
                x[i].position = SIZE_MAX;
        for (int step = 0; step < 20000; step++) {
                struct schedule_entry *one = &x[testing_random_below(&r, N)];
                struct schedule_entry *first = NULL;
                int64_t tick = 0;
                uint64_t skipped = 0;

                if (one->position == SIZE_MAX) {
                        int64_t interval = 1 + (int64_t)testing_random_below(&r, 50);

                        add(s, one, interval, (int64_t)testing_random_below(&r, 50) % interval,
                            now);
                } else if (testing_random_below(&r, 3) == 0) {
                        schedule_remove(s, one);
                        schedule_remove(s, one); /* twice does nothing */
                        assert_true(one->position == SIZE_MAX);
                }
                for (size_t i = 0; i < N; i++) {
                        if (x[i].position != SIZE_MAX &&
                            (first == NULL || x[i].due_ms < first->due_ms))
                                first = &x[i];
                }
                if (first == NULL) {
                        assert_null(schedule_peek(s));
                        continue;
                }
                assert_int_equal(schedule_peek(s)->due_ms, first->due_ms);
                now += (int64_t)testing_random_below(&r, 3);
                while ((one = schedule_take(s, now, &tick, &skipped)) != NULL) {
                        assert_true(tick <= now && tick > now - one->interval_ms);
                        assert_int_equal((tick - one->offset_ms) % one->interval_ms, 0);
                        assert_int_equal(one->due_ms, tick + one->interval_ms);
                }
        }
        schedule_free(s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(next_tick),
            cmocka_unit_test(takes_in_order_of_ticks),
            cmocka_unit_test(counts_ticks_that_were_passed_over),
            cmocka_unit_test(rebases_after_a_step_back),
            cmocka_unit_test(behaves_like_a_sorted_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
