#include "tests/testing/testing.h"
#include "wal/lost.h"

static void
batches_of_a_lost_generation_are_refused(void **state)
{
        struct lost l = {0};

        (void)state;
        assert_false(lost_refuses(&l, 1, 0));
        lost_add(&l, 1, 5);
        lost_add(&l, 2, 7);
        lost_add(&l, 1, 4);
        assert_true(lost_refuses(&l, 1, 5));
        assert_true(lost_refuses(&l, 1, 4));
        assert_true(lost_refuses(&l, 2, 7));
        assert_false(lost_refuses(&l, 3, 0));
        assert_false(lost_refuses(&l, 1, 6));
        assert_int_equal(l.n, 1);
        assert_true(lost_refuses(&l, 2, 7));
        assert_false(lost_refuses(&l, 2, 8));
        assert_int_equal(l.n, 0);
        lost_release(&l);
}

static void
barriers_are_never_refused(void **state)
{
        struct lost l = {0};

        (void)state;
        lost_add(&l, 0, 9);
        assert_int_equal(l.n, 0);
        assert_false(lost_refuses(&l, 0, 9));
        lost_release(&l);
}

static void
many_targets_lose_at_once(void **state)
{
        struct lost l = {0};

        (void)state;
        for (uint64_t t = 1; t <= 500; t++)
                lost_add(&l, t, t);
        for (uint64_t t = 1; t <= 500; t++)
                assert_true(lost_refuses(&l, t, t));
        for (uint64_t t = 1; t <= 500; t++)
                assert_false(lost_refuses(&l, t, t + 1));
        assert_int_equal(l.n, 0);
        lost_release(&l);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(batches_of_a_lost_generation_are_refused),
            cmocka_unit_test(barriers_are_never_refused),
            cmocka_unit_test(many_targets_lose_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
