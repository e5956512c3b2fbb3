#include "wal/cursor.h"

#include "tests/testing/testing.h"

#include <string.h>

static const struct position at_100 = {10, 1000};

static void
check_adds_up(const struct cursor *c, uint64_t total)
{
        assert_int_equal(total - c->start, ledger_sum(&c->ledger) + cursor_pending(c, total));
        assert_true(c->settled.samples <= c->end.samples);
        assert_true(c->end.samples <= c->next.samples);
        assert_true(c->next.samples <= total);
}

static void
test_a_window_settles_and_ends(void **state)
{
        struct cursor c;
        struct wal_ledger counts = {
            .acknowledged = 60, .filtered = 10, .lost = {[LOST_REFUSED] = 5}};

        (void)state;
        cursor_init(&c, at_100);
        cursor_window_begin(&c, (struct position){12, 1100});
        assert_true(c.window);
        assert_int_equal(cursor_pending(&c, 1500), 500);
        assert_int_equal(cursor_window_settle(&c, 2, &counts), 0);
        assert_int_equal(c.groups, 2);
        assert_int_equal(cursor_pending(&c, 1500), 425);
        check_adds_up(&c, 1500);
        cursor_window_end(&c);
        /* what nobody accounted for is damaged */
        assert_int_equal(c.ledger.lost[LOST_DAMAGED], 25);
        assert_int_equal(c.settled.block, 12);
        assert_false(c.window);
        check_adds_up(&c, 1500);
}

static void
test_counts_beyond_the_window_are_cut(void **state)
{
        struct cursor c;
        struct wal_ledger counts = {.acknowledged = 80, .unconfirmed = 80};

        (void)state;
        cursor_init(&c, at_100);
        assert_int_equal(cursor_window_settle(&c, 1, &counts), 160); /* no window at all */
        cursor_window_begin(&c, (struct position){12, 1100});
        assert_int_equal(cursor_window_settle(&c, 1, &counts), 60);
        assert_int_equal(c.ledger.acknowledged, 80);
        assert_int_equal(c.ledger.unconfirmed, 20);
        check_adds_up(&c, 1100);
}

static void
test_an_empty_window_is_none(void **state)
{
        struct cursor c;

        (void)state;
        cursor_init(&c, at_100);
        cursor_window_begin(&c, at_100);
        assert_false(c.window);
        cursor_window_end(&c);
        assert_int_equal(c.settled.block, 10);
}

struct trim_row {
        const char *name;
        struct position first; /* the log begins here after the trim */
        uint64_t window_end; /* 0: no window; 1100 samples are before it */
        uint64_t lost_at_once;
        uint64_t lost_at_end;
        uint64_t settled; /* when the window has ended */
};

static const struct trim_row trim_rows[] = {
    {"behind the cursor", {9, 900}, 0, 0, 0, 10},
    {"at the cursor", {10, 1000}, 0, 0, 0, 10},
    {"no window: the cursor jumps", {15, 1300}, 0, 300, 0, 15},
    {"inside the window", {11, 1050}, 12, 0, 100, 12},
    {"the whole window", {12, 1100}, 12, 0, 100, 12},
    {"past the window", {15, 1300}, 12, 200, 100, 15},
};

static void
test_trims(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(trim_rows) / sizeof(trim_rows[0]); i++) {
                const struct trim_row *row = &trim_rows[i];
                struct cursor c;

                cursor_init(&c, at_100);
                if (row->window_end > 0)
                        cursor_window_begin(&c, (struct position){row->window_end, 1100});
                if (cursor_trim(&c, row->first, LOST_SIZE) != row->lost_at_once)
                        fail_msg("%s: lost at once", row->name);
                check_adds_up(&c, 1500);
                cursor_window_end(&c);
                if (c.ledger.lost[LOST_SIZE] != row->lost_at_once + row->lost_at_end ||
                    c.settled.block != row->settled)
                        fail_msg("%s: lost %d, settled %d", row->name,
                            (int)c.ledger.lost[LOST_SIZE], (int)c.settled.block);
                check_adds_up(&c, 1500);
        }
}

/* Any mix of calls keeps the ledger, and so does its stored form at every step. */
static void
random_step(struct cursor *c, struct testing_random *r, uint64_t total)
{
        struct wal_ledger counts = {.acknowledged = testing_random_below(r, 40),
            .unconfirmed = testing_random_below(r, 10),
            .lost = {[LOST_CONFLICT] = testing_random_below(r, 5)}};
        uint64_t block = c->settled.block + testing_random_below(r, 8);
        struct position p = {block, block * 100};

        if (p.samples > total)
                p = (struct position){total / 100, total};
        switch (testing_random_below(r, 4)) {
        case 0:
                cursor_window_begin(c, p);
                break;
        case 1:
                (void)cursor_window_settle(c, 1, &counts);
                break;
        case 2:
                cursor_window_end(c);
                break;
        default:
                (void)cursor_trim(c, p, (enum wal_lost)testing_random_below(r, 2));
                break;
        }
}

static void
test_always_adds_up(void **state)
{
        struct testing_random r = {20240611};
        uint8_t bytes[CURSOR_BYTES_MAX];
        char name[CURSOR_NAME_MAX + 1];
        uint64_t total = 1000;
        struct cursor c;

        (void)state;
        cursor_init(&c, at_100);
        for (int i = 0; i < 20000; i++) {
                struct cursor back;
                struct err e = ERR_INIT;
                size_t n;

                if (i % 3 == 0)
                        total += 100;
                random_step(&c, &r, total);
                check_adds_up(&c, total);
                n = cursor_encode(&c, "central", bytes);
                testing_ok(
                    cursor_decode((struct view){(const char *)bytes, n}, &back, name, &e), &e);
                check_adds_up(&back, total);
                assert_int_equal(back.window, c.window);
                assert_int_equal(back.groups, c.groups);
                assert_int_equal(cursor_pending(&back, total), cursor_pending(&c, total));
        }
}

static void
test_stored_form(void **state)
{
        struct cursor c;
        struct cursor back;
        struct wal_ledger counts = {
            .acknowledged = 1, .unconfirmed = 2, .filtered = 3, .lost = {4, 5, 6, 7, 8, 9}};
        uint8_t bytes[CURSOR_BYTES_MAX];
        char name[CURSOR_NAME_MAX + 1];
        char long_name[CURSOR_NAME_MAX + 1];
        struct err e = ERR_INIT;
        size_t n;

        (void)state;
        memset(long_name, 'n', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        cursor_init(&c, at_100);
        cursor_window_begin(&c, (struct position){12, 1100});
        (void)cursor_window_settle(&c, 3, &counts);
        c.age_ms = 123456789;
        c.configured = true;
        n = cursor_encode(&c, long_name, bytes);
        testing_ok(cursor_decode((struct view){(const char *)bytes, n}, &back, name, &e), &e);
        assert_string_equal(name, long_name);
        c.resumed = true; /* a window that was under way is a resumed one */
        assert_memory_equal(&back.ledger, &c.ledger, sizeof(c.ledger));
        assert_int_equal(back.resumed, true);
        assert_int_equal(back.configured, true);
        assert_int_equal(back.age_ms, c.age_ms);
        assert_int_equal(back.end.block, 12);
        assert_int_equal(back.window_settled, 45);
        for (size_t i = 0; i < n; i++) { /* no damage gets through */
                bytes[i] ^= 0x10;
                assert_int_equal(
                    cursor_decode((struct view){(const char *)bytes, n}, &back, name, NULL),
                    ERR_CORRUPT);
                bytes[i] ^= 0x10;
        }
        for (size_t i = 0; i < n; i++)
                assert_int_equal(
                    cursor_decode((struct view){(const char *)bytes, i}, &back, name, NULL),
                    ERR_CORRUPT);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_window_settles_and_ends),
            cmocka_unit_test(test_counts_beyond_the_window_are_cut),
            cmocka_unit_test(test_an_empty_window_is_none),
            cmocka_unit_test(test_trims),
            cmocka_unit_test(test_always_adds_up),
            cmocka_unit_test(test_stored_form),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
