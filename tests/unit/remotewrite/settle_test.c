#include "remotewrite/settle.h"

#include "tests/testing/testing.h"

static void
sums_are_kept_whatever_is_carried_over(void **state)
{
        struct testing_random r = {11};

        (void)state;
        for (int i = 0; i < 2000; i++) {
                struct wal_ledger l = {
                    .acknowledged = testing_random_below(&r, 5),
                    .unconfirmed = testing_random_below(&r, 5),
                    .filtered = testing_random_below(&r, 5),
                };
                struct wal_ledger before;
                struct wal_ledger out;
                struct wal_ledger sum;
                uint64_t keep = testing_random_below(&r, 30);
                uint64_t total;

                for (int n = 0; n < LOST_REASONS; n++)
                        l.lost[n] = testing_random_below(&r, 5);
                before = l;
                total = settle_sum(&l);
                settle_take(&l, keep, &out);
                assert_int_equal(settle_sum(&l), keep < total ? keep : total);
                sum = out;
                settle_add(&sum, &l);
                assert_memory_equal(&sum, &before, sizeof(sum));
        }
}

static void
what_was_acknowledged_stays_first(void **state)
{
        struct wal_ledger l = {.acknowledged = 10, .lost = {[LOST_CONFLICT] = 3}};
        struct wal_ledger out;

        (void)state;
        settle_take(&l, 4, &out);
        assert_int_equal(l.acknowledged, 4);
        assert_int_equal(out.acknowledged, 6);
        assert_int_equal(out.lost[LOST_CONFLICT], 3);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(sums_are_kept_whatever_is_carried_over),
            cmocka_unit_test(what_was_acknowledged_stays_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
