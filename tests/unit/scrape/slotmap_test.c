#include "scrape/slotmap.h"
#include "tests/testing/testing.h"

static void
finds_what_was_put(void **state)
{
        struct slotmap m = SLOTMAP_INIT;
        struct testing_random r = {1};
        uint64_t keys[5000];

        (void)state;
        assert_null(slotmap_find(&m, 42));
        for (uint32_t i = 0; i < 5000; i++) {
                keys[i] = testing_random(&r);
                assert_int_equal(slotmap_put(&m, keys[i], i, NULL), 0);
        }
        assert_int_equal(m.used, 5000);
        for (uint32_t i = 0; i < 5000; i++)
                assert_int_equal(*slotmap_find(&m, keys[i]), i);
        for (int i = 0; i < 5000; i++)
                assert_null(slotmap_find(&m, testing_random(&r)));
        slotmap_release(&m);
}

static void
put_replaces(void **state)
{
        struct slotmap m = SLOTMAP_INIT;

        (void)state;
        assert_int_equal(slotmap_put(&m, 7, 1, NULL), 0);
        assert_int_equal(slotmap_put(&m, 7, 2, NULL), 0);
        assert_int_equal(m.used, 1);
        assert_int_equal(*slotmap_find(&m, 7), 2);
        slotmap_release(&m);
}

/* Keys that differ only above the bucket bits collide; none may be lost. */
static void
keeps_colliding_keys_apart(void **state)
{
        struct slotmap m = SLOTMAP_INIT;

        (void)state;
        for (uint64_t i = 0; i < 300; i++)
                assert_int_equal(slotmap_put(&m, i << 40, (uint32_t)i, NULL), 0);
        for (uint64_t i = 0; i < 300; i++)
                assert_int_equal(*slotmap_find(&m, i << 40), i);
        slotmap_release(&m);
}

static bool
is_even(const void *arg, uint32_t value)
{
        (void)arg;
        return value % 2 == 0;
}

static void
filter_gives_memory_back(void **state)
{
        struct slotmap m = SLOTMAP_INIT;
        size_t before;

        (void)state;
        for (uint64_t i = 0; i < 10000; i++)
                assert_int_equal(slotmap_put(&m, i * 0x9e3779b97f4a7c15, (uint32_t)i, NULL), 0);
        before = slotmap_memory(&m);
        assert_int_equal(slotmap_filter(&m, is_even, NULL, NULL), 0);
        assert_int_equal(m.used, 5000);
        assert_true(slotmap_memory(&m) < before);
        assert_null(slotmap_find(&m, 0x9e3779b97f4a7c15));
        assert_int_equal(*slotmap_find(&m, 2 * 0x9e3779b97f4a7c15), 2);
        slotmap_release(&m);
}

/* Over all sizes, from one part to many: nothing is lost, and memory stays near what it takes. */
static void
grows_without_doubling(void **state)
{
        struct slotmap m = SLOTMAP_INIT;
        struct testing_random r = {3};
        struct testing_random again = {3};
        size_t last = 0;

        (void)state;
        for (uint32_t i = 0; i < 300000; i++) {
                assert_int_equal(slotmap_put(&m, testing_random(&r), i, NULL), 0);
                assert_int_equal(m.used, i + 1);
                if (i < 100000)
                        continue;
                assert_true(last == 0 || slotmap_memory(&m) < last + last / 100);
                assert_true(slotmap_memory(&m) < (i + 1) * 18);
                last = slotmap_memory(&m);
        }
        for (uint32_t i = 0; i < 300000; i++)
                assert_int_equal(*slotmap_find(&m, testing_random(&again)), i);
        assert_null(slotmap_find(&m, testing_random(&again)));
        slotmap_release(&m);
        assert_int_equal(slotmap_memory(&m), 0);
}

/* Keys may be small numbers that follow each other. */
static void
small_numbers_are_keys(void **state)
{
        struct slotmap m = SLOTMAP_INIT;

        (void)state;
        for (uint32_t i = 0; i < 100000; i++)
                assert_int_equal(slotmap_put(&m, i, i, NULL), 0);
        for (uint32_t i = 0; i < 100000; i++)
                assert_int_equal(*slotmap_find(&m, i), i);
        assert_true(slotmap_memory(&m) < 100000 * 20);
        slotmap_release(&m);
}

static void
reserved_places_do_not_grow(void **state)
{
        static const size_t counts[] = {1, 12, 5000, 8192, 8193, 100000};

        (void)state;
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                struct slotmap m = SLOTMAP_INIT;
                struct testing_random r = {i};
                size_t before;

                assert_int_equal(slotmap_reserve(&m, counts[i], NULL), 0);
                assert_null(slotmap_find(&m, 1));
                before = slotmap_memory(&m);
                for (size_t k = 0; k < counts[i]; k++)
                        assert_int_equal(slotmap_put(&m, testing_random(&r), 1, NULL), 0);
                assert_true(slotmap_memory(&m) <= before + before / 20);
                slotmap_release(&m);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(finds_what_was_put),
            cmocka_unit_test(put_replaces),
            cmocka_unit_test(keeps_colliding_keys_apart),
            cmocka_unit_test(grows_without_doubling),
            cmocka_unit_test(small_numbers_are_keys),
            cmocka_unit_test(reserved_places_do_not_grow),
            cmocka_unit_test(filter_gives_memory_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
