#include "scrape/stamps.h"

#include "tests/testing/testing.h"
#include "wal/column.h"

static void
expect(const struct stamps *st, uint32_t slot, int64_t want)
{
        const int64_t *found = stamps_find(st, slot);

        assert_non_null(found);
        assert_int_equal(*found, want);
}

static void
set_and_replaced(void **state)
{
        struct stamps st = {0};

        (void)state;
        assert_null(stamps_find(&st, 0));
        for (uint32_t i = 0; i < 5000; i += 3)
                testing_ok(stamps_set(&st, i, -(int64_t)i, NULL), NULL);
        testing_ok(stamps_set(&st, 3, INT64_MAX, NULL), NULL);
        expect(&st, 0, 0);
        expect(&st, 3, INT64_MAX);
        expect(&st, 4998, -4998);
        assert_null(stamps_find(&st, 1));
        assert_int_equal(st.n, 1667);
        assert_true(stamps_memory(&st) >= 1667 * 12);
        stamps_release(&st);
        assert_null(stamps_find(&st, 0));
        assert_int_equal(stamps_memory(&st), 0);
}

/* Slots of later chunks move down as they do in slots_remove_chunk. */
static void
a_chunk_goes(void **state)
{
        struct stamps st = {0};

        (void)state;
        testing_ok(stamps_set(&st, 2 * CHUNK_SLOTS + 7, 27, NULL), NULL);
        testing_ok(stamps_set(&st, 5, 5, NULL), NULL);
        testing_ok(stamps_set(&st, CHUNK_SLOTS + 7, 17, NULL), NULL);
        testing_ok(stamps_set(&st, 3 * CHUNK_SLOTS - 1, 39, NULL), NULL);
        testing_ok(stamps_remove_chunk(&st, 1, NULL), NULL);
        assert_int_equal(st.n, 3);
        expect(&st, 5, 5);
        expect(&st, CHUNK_SLOTS + 7, 27);
        expect(&st, 2 * CHUNK_SLOTS - 1, 39);
        assert_null(stamps_find(&st, 2 * CHUNK_SLOTS + 7));
        testing_ok(stamps_remove_chunk(&st, 0, NULL), NULL);
        testing_ok(stamps_remove_chunk(&st, 0, NULL), NULL);
        assert_int_equal(st.n, 0);
        stamps_release(&st);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(set_and_replaced),
            cmocka_unit_test(a_chunk_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
