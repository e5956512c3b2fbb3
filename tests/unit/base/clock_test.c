#include "base/clock.h"

#include "tests/testing/testing.h"

#include <time.h>

static void
the_system_clock_tells_the_time(void **state)
{
        const struct clock *c = clock_system();
        int64_t now = (int64_t)time(NULL) * 1000;
        int64_t wall = clock_wall(c);
        int64_t mono = clock_mono(c);

        (void)state;
        assert_true(wall > now - 60000 && wall < now + 60000);
        assert_true(mono > 0);
        assert_true(clock_mono(c) >= mono);
        (void)clock_synchronised(c); /* whatever it says here, it must not fail */
}

static void
the_manual_clock_moves_by_hand_only(void **state)
{
        struct clock_manual m;
        int64_t mono;

        (void)state;
        clock_manual_init(&m, 5000);
        mono = clock_mono(&m.clock);
        assert_int_equal(clock_wall(&m.clock), 5000);
        clock_manual_advance(&m, 250);
        assert_int_equal(clock_wall(&m.clock), 5250);
        assert_int_equal(clock_mono(&m.clock), mono + 250);
        m.wall -= 1000; /* the wall clock is stepped, the other goes on */
        assert_int_equal(clock_wall(&m.clock), 4250);
        assert_int_equal(clock_mono(&m.clock), mono + 250);
        assert_true(clock_synchronised(&m.clock));
        m.synchronised = false;
        assert_false(clock_synchronised(&m.clock));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_system_clock_tells_the_time),
            cmocka_unit_test(the_manual_clock_moves_by_hand_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
