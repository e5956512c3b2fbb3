#include "base/arena.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
pieces_are_aligned_and_apart(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);
        unsigned char *pieces[300];

        (void)state;
        for (size_t i = 0; i < 300; i++) {
                pieces[i] = arena_alloc(&a, i);
                assert_non_null(pieces[i]);
                assert_int_equal((uintptr_t)pieces[i] % 16, 0);
                memset(pieces[i], (int)(i & 0xff), i);
        }
        for (size_t i = 0; i < 300; i++) {
                for (size_t k = 0; k < i; k++)
                        assert_int_equal(pieces[i][k], i & 0xff);
        }
        arena_release(&a);
}

static void
wiped(void **state)
{
        static const char secret[] = "not to be found in a core file";
        struct arena a = ARENA_INIT(1 << 20);
        char *pieces[300]; /* in several blocks */

        (void)state;
        arena_wipe(&a);
        for (size_t i = 0; i < 300; i++) {
                pieces[i] = arena_strdup(&a, secret);
                assert_non_null(pieces[i]);
        }
        arena_wipe(&a);
        for (size_t i = 0; i < 300; i++) {
                for (size_t k = 0; k < sizeof(secret); k++)
                        assert_int_equal(pieces[i][k], 0);
        }
        arena_release(&a);
}

static void
copies_end_with_a_zero_byte(void **state)
{
        struct arena a = ARENA_INIT(1 << 16);
        struct view v;
        int *zeros;

        (void)state;
        assert_string_equal(arena_strdup(&a, "abc"), "abc");
        assert_string_equal(arena_strndup(&a, "abc", 2), "ab");
        v = arena_view(&a, (struct view){"a\0b", 3});
        assert_int_equal(v.n, 3);
        assert_memory_equal(v.p, "a\0b", 4);
        v = arena_view(&a, (struct view){NULL, 0});
        assert_int_equal(v.n, 0);
        assert_non_null(v.p);
        zeros = arena_calloc(&a, 100, sizeof(*zeros));
        for (size_t i = 0; i < 100; i++)
                assert_int_equal(zeros[i], 0);
        arena_release(&a);
}

static void
the_bound_holds(void **state)
{
        struct arena a = ARENA_INIT(100);

        (void)state;
        assert_non_null(arena_alloc(&a, 90));
        assert_null(arena_alloc(&a, 16));
        assert_null(arena_alloc(&a, SIZE_MAX));
        assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
        assert_int_equal(arena_view(&a, VIEW_LIT("more than is left")).n, 0);
        assert_null(arena_view(&a, VIEW_LIT("more than is left")).p);
        arena_reset(&a);
        assert_non_null(arena_alloc(&a, 90));
        arena_release(&a);
        assert_int_equal(a.used, 0);
}

/* A steady state allocates nothing: reset keeps one block. */
static void
reset_keeps_the_first_block(void **state)
{
        struct arena a = ARENA_INIT(1 << 20);
        void *first = arena_alloc(&a, 8);

        (void)state;
        for (int i = 0; i < 5; i++)
                assert_non_null(arena_alloc(&a, 3000));
        assert_non_null(arena_alloc(&a, 100000));
        arena_reset(&a);
        assert_int_equal(a.used, 0);
        assert_ptr_equal(arena_alloc(&a, 8), first);
        arena_release(&a);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(pieces_are_aligned_and_apart),
            cmocka_unit_test(wiped),
            cmocka_unit_test(copies_end_with_a_zero_byte),
            cmocka_unit_test(the_bound_holds),
            cmocka_unit_test(reset_keeps_the_first_block),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
