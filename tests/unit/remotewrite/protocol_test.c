#include "remotewrite/protocol.h"

#include "tests/testing/testing.h"

enum { NOW = 1000 };

static void
falls_back_and_asks_again_after_a_day(void **state)
{
        struct protocol p = {0};

        (void)state;
        protocol_set(&p, WRITE_2);
        assert_int_equal(p.now, WRITE_2);
        assert_true(protocol_trying(&p));
        assert_true(protocol_refused(&p, WRITE_2, NOW));
        assert_int_equal(p.now, WRITE_1);
        assert_false(protocol_trying(&p));
        /* an answer to another request of that time */
        assert_false(protocol_refused(&p, WRITE_2, NOW));
        assert_false(protocol_knows_2(&p));
        protocol_tick(&p, NOW + PROTOCOL_ASK_MS - 1);
        assert_int_equal(p.now, WRITE_1);
        protocol_tick(&p, NOW + PROTOCOL_ASK_MS);
        assert_int_equal(p.now, WRITE_2);
        assert_true(protocol_trying(&p));
        assert_true(protocol_knows_2(&p));
        assert_false(protocol_trying(&p));
        assert_false(protocol_knows_2(&p)); /* that is known */
        protocol_tick(&p, INT64_MAX - 1);
        assert_int_equal(p.now, WRITE_2);
        /* a receiver that knew it, and became another one */
        assert_true(protocol_refused(&p, WRITE_2, NOW));
        assert_int_equal(p.now, WRITE_1);
        protocol_set(&p, WRITE_2); /* a reload */
        assert_int_equal(p.now, WRITE_2);
        assert_true(protocol_trying(&p));
        assert_true(protocol_knows_2(&p));
        assert_true(protocol_refused(&p, WRITE_2, NOW));
        protocol_set(&p, WRITE_1);
        protocol_set(&p, WRITE_2);
        assert_false(protocol_knows_2(&p)); /* nothing to tell: 1.0 was asked for meanwhile */
}

static void
who_takes_only_2_gets_it_again(void **state)
{
        struct protocol p = {0};

        (void)state;
        protocol_set(&p, WRITE_2);
        assert_true(protocol_refused(&p, WRITE_2, NOW));
        assert_true(protocol_refused(&p, WRITE_1, NOW));
        assert_int_equal(p.now, WRITE_2);
        assert_true(protocol_trying(&p));
}

static void
the_configuration_says_1(void **state)
{
        struct protocol p = {0};

        (void)state;
        protocol_set(&p, WRITE_1);
        assert_false(protocol_trying(&p));
        assert_false(protocol_refused(&p, WRITE_1, NOW));
        assert_false(protocol_refused(&p, WRITE_2, NOW));
        assert_int_equal(p.now, WRITE_1);
        protocol_tick(&p, INT64_MAX - 1);
        assert_int_equal(p.now, WRITE_1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(falls_back_and_asks_again_after_a_day),
            cmocka_unit_test(who_takes_only_2_gets_it_again),
            cmocka_unit_test(the_configuration_says_1),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
