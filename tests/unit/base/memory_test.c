#include "base/memory.h"

#include "base/resident.h"
#include "tests/testing/testing.h"

#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

static void
bytes_are_counted_by_part(void **state)
{
        (void)state;
        memory_account(MEMORY_SERIES, 1000);
        memory_account(MEMORY_QUEUE, 50);
        memory_account(MEMORY_SERIES, -400);
        assert_int_equal(memory_of(MEMORY_SERIES), 600);
        assert_int_equal(memory_of(MEMORY_QUEUE), 50);
        assert_int_equal(memory_of(MEMORY_SEND), 0);
        memory_account(MEMORY_SERIES, -600);
        memory_account(MEMORY_QUEUE, -50);
}

/* From the limit on new series are refused, until a twentieth is free again. */
static void
new_series_are_refused_above_the_limit(void **state)
{
        static const struct {
                int64_t mib; /* accounted, with a limit of 10,000 */
                bool refuses;
        } steps[] = {
            {9000, false},
            {9999, false},
            {10000, true},
            {9999, true},
            {9501, true},
            {9500, false},
            {9999, false},
            {11000, true},
        };
        int64_t now = 0;

        (void)state;
        memory_set_limit((uint64_t)10000 * MIB);
        assert_int_equal(memory_limit(), (uint64_t)10000 * MIB);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                memory_account(MEMORY_SERIES, (steps[i].mib - now) * MIB);
                now = steps[i].mib;
                memory_check();
                if (memory_refuses_new() != steps[i].refuses)
                        fail_msg("step %zu: %d", i, memory_refuses_new());
        }
        memory_set_limit(0); /* none */
        memory_check();
        assert_false(memory_refuses_new());
        memory_account(MEMORY_SERIES, -now * MIB);
}

/* What nobody accounted for is seen by the kernel. */
static void
resident_bytes_count_too(void **state)
{
        enum { SIZE = 64 * MIB };
        volatile char *p = malloc(SIZE);

        (void)state;
        resident_setup();
        assert_non_null(p);
        for (size_t i = 0; i < SIZE; i += 512)
                p[i] = 1;
        memory_set_limit(SIZE / 2);
        memory_check();
        assert_true(memory_refuses_new());
        memory_set_limit(0);
        free((void *)p);
        resident_teardown();
}

static void
the_default_limit_is_at_most_200_mib(void **state)
{
        (void)state;
        assert_in_range(memory_default_limit(), 1, (uint64_t)200 * MIB);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(bytes_are_counted_by_part),
            cmocka_unit_test(new_series_are_refused_above_the_limit),
            cmocka_unit_test(resident_bytes_count_too),
            cmocka_unit_test(the_default_limit_is_at_most_200_mib),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
