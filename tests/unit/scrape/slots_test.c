#include "scrape/slots.h"
#include "tests/testing/testing.h"

static uint64_t
hash_of(uint32_t slot)
{
        return (slot + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

/* n slots in chunks of 1,024, all known and alive. */
static void
fill(struct slots *s, uint32_t n)
{
        slots_init(s);
        for (uint32_t i = 0; i < n; i++) {
                if (i % CHUNK_SLOTS == 0)
                        assert_int_equal(slots_add_chunk(s, 100 + i, NULL), 0);
                assert_int_equal(slots_grow(s, i / CHUNK_SLOTS, 1, SLOT_ALIVE, NULL), 0);
                assert_int_equal(slots_set_hash(s, i, hash_of(i), NULL), 0);
        }
        slots_rewind(s, 0, false);
}

static uint32_t
find(struct slots *s, uint64_t hash)
{
        uint32_t slot;

        assert_int_equal(slots_find(s, hash, &slot, NULL), 0);
        return slot;
}

static void
a_page_in_order_needs_no_index(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 3000);
        for (uint32_t i = 0; i < 3000; i++)
                assert_int_equal(find(&s, hash_of(i)), i);
        assert_false(s.has_index);
        slots_release(&s);
}

static void
the_next_one_is_known_without_a_search(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 3000);
        assert_false(slots_is_next(&s, hash_of(1)));
        for (uint32_t i = 0; i < 3000; i++) {
                assert_true(slots_is_next(&s, hash_of(i)));
                assert_int_equal(slots_take_next(&s), i);
        }
        assert_false(slots_is_next(&s, hash_of(3000)));
        slots_rewind(&s, 0, false);
        assert_int_equal(find(&s, hash_of(0)), 0);
        assert_int_equal(slots_take_next(&s), 1);
        assert_int_equal(find(&s, hash_of(2)), 2);
        slots_forget_hashes(&s);
        slots_rewind(&s, 0, false);
        assert_false(slots_is_next(&s, hash_of(0)));
        slots_release(&s);
}

static void
holes_in_the_page_need_no_index(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 3000);
        for (uint32_t i = 0; i < 3000; i += 1 + i % 5)
                assert_int_equal(find(&s, hash_of(i)), i);
        assert_false(s.has_index);
        slots_release(&s);
}

static void
a_shuffled_page_is_found_by_the_index(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 3000);
        for (uint32_t i = 0; i < 3000; i++) {
                uint32_t slot = (i * 1237 + 11) % 3000;

                assert_int_equal(find(&s, hash_of(slot)), slot);
        }
        assert_true(s.has_index);
        slots_release(&s);
}

static void
an_unknown_hash_is_none(void **state)
{
        struct slots s;

        (void)state;
        slots_init(&s);
        assert_int_equal(find(&s, 1), SLOT_NONE);
        slots_release(&s);
        fill(&s, 10);
        assert_int_equal(find(&s, 1), SLOT_NONE);
        assert_int_equal(find(&s, hash_of(0)), 0);
        slots_release(&s);
}

/* A line out of its place must not cost the lines behind it their places. */
static void
order_goes_on_after_a_stray_line(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 100);
        assert_int_equal(find(&s, hash_of(0)), 0);
        assert_int_equal(find(&s, hash_of(99)), 99);
        s.index_used = false;
        for (uint32_t i = 1; i < 99; i++)
                assert_int_equal(find(&s, hash_of(i)), i);
        assert_false(s.index_used);
        slots_release(&s);
}

static void
an_index_without_use_is_given_back(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 100);
        assert_int_equal(find(&s, 1), SLOT_NONE);
        assert_true(s.has_index);
        for (int scrape = 0; scrape < 30; scrape++) {
                slots_rewind(&s, 0, false);
                for (uint32_t i = 0; i < 100; i++)
                        assert_int_equal(find(&s, hash_of(i)), i);
                slots_page_done(&s);
        }
        assert_false(s.has_index);
        slots_release(&s);
}

static void
a_replaced_hash_is_found_and_the_old_one_is_not(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 100);
        assert_int_equal(find(&s, 1), SLOT_NONE); /* builds the index */
        assert_int_equal(slots_set_hash(&s, 50, 12345, NULL), 0);
        slots_rewind(&s, 0, false);
        assert_int_equal(find(&s, 12345), 50);
        assert_int_equal(find(&s, hash_of(50)), SLOT_NONE);
        slots_release(&s);
}

static void
removing_a_chunk_moves_the_later_ones_down(void **state)
{
        struct slots s;

        (void)state;
        fill(&s, 2500);
        slots_remove_chunk(&s, 0);
        assert_int_equal(s.n_chunks, 2);
        assert_int_equal(slots_count(&s), 2500 - 1024);
        assert_int_equal(find(&s, hash_of(1024)), 0);
        assert_int_equal(find(&s, hash_of(2499)), 2499 - 1024);
        slots_forget_hashes(&s);
        slots_rewind(&s, 0, false);
        assert_int_equal(find(&s, hash_of(1024)), SLOT_NONE);
        for (uint32_t slot = 0; slot < slots_count(&s); slot++)
                assert_int_equal(slots_hash(&s, slot), 0);
        slots_release(&s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_page_in_order_needs_no_index),
            cmocka_unit_test(the_next_one_is_known_without_a_search),
            cmocka_unit_test(holes_in_the_page_need_no_index),
            cmocka_unit_test(a_shuffled_page_is_found_by_the_index),
            cmocka_unit_test(an_unknown_hash_is_none),
            cmocka_unit_test(order_goes_on_after_a_stray_line),
            cmocka_unit_test(an_index_without_use_is_given_back),
            cmocka_unit_test(a_replaced_hash_is_found_and_the_old_one_is_not),
            cmocka_unit_test(removing_a_chunk_moves_the_later_ones_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
