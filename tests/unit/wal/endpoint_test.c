#include "tests/unit/wal/fixture.h"

static uint64_t
next_block(struct fixture *f)
{
        struct wal_stats s;

        wal_stats(f->w, &s);
        return s.next_block;
}

static void
test_a_window_comes_back_exactly(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        const struct wal_ledger counts = {.acknowledged = 30, .unconfirmed = 9};
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;
        uint64_t end;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 10, true);
        end = next_block(f);
        wal_window_begin(f->w, ep, end);
        wal_window_settle(f->w, ep, 1, &counts);
        fixture_run(f, &s, &serial, 10, true); /* newer than the window */
        c = fixture_cursor(f, ep);
        assert_int_equal(c.window_end, end);
        assert_false(c.resumed);
        fixture_close(f);
        fixture_open(f);
        ep = fixture_endpoint(f, "central");
        c = fixture_cursor(f, ep);
        assert_int_equal(c.settled, 1);
        assert_int_equal(c.window_end, end);
        assert_int_equal(c.groups_settled, 1);
        assert_int_equal(c.ledger.acknowledged, 30);
        assert_int_equal(c.ledger.unconfirmed, 9);
        assert_true(c.resumed);
        wal_window_end(f->w, ep);
        c = fixture_cursor(f, ep);
        assert_false(c.resumed);
        assert_int_equal(c.settled, end);
        assert_true(c.ledger.lost[LOST_DAMAGED] > 0); /* what nobody settled */
        source_release(&s);
}

static void
test_settled_blocks_go(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *a = fixture_endpoint(f, "a");
        struct wal_endpoint *b = fixture_endpoint(f, "b");
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 50, true);
        fixture_settle_all(f, a);
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1); /* b still needs them */
        assert_int_equal(fixture_cursor(f, a).pending, 0);
        assert_true(fixture_cursor(f, b).pending > 0);
        wal_endpoint_close(f->w, b); /* removed: holds nothing back */
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, stats.next_block);
        assert_int_equal(stats.samples_stored, 0);
        assert_int_equal(stats.oldest_ms, 0);
        b = fixture_endpoint(f, "b");
        assert_int_equal(fixture_cursor(f, b).pending, 0);
        assert_int_equal(fixture_cursor(f, b).ledger.lost[LOST_AGE], stats.samples_appended);
        source_release(&s);
}

/* At a start the senders come one after the other: the first must not take the second's blocks. */
static void
test_a_stored_cursor_holds_its_blocks_until_it_is_claimed(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *a = fixture_endpoint(f, "a");
        struct wal_endpoint *b = fixture_endpoint(f, "b");
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        (void)b;
        fixture_settle_all(f, a);
        fixture_close(f);
        fixture_open(f);
        a = fixture_endpoint(f, "a");
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1);
        b = fixture_endpoint(f, "b");
        assert_int_equal(fixture_cursor(f, b).pending, stats.samples_stored);
        fixture_settle_all(f, b);
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.samples_stored, 0);
        assert_int_equal(fixture_cursor(f, a).pending, 0);
        source_release(&s);
}

static void
test_without_endpoints_everything_is_kept(void **state)
{
        struct fixture *f = *state;
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1);
        assert_int_equal(stats.samples_stored, stats.samples_appended);
        assert_true(stats.bytes_used > 0 && stats.bytes_used <= stats.bytes_file);
        assert_int_equal(stats.bytes_max, f->max_size);
        assert_true(stats.bytes_block_payload >= 20 * 4080);
        source_release(&s);
}

static void
test_window_ends_that_are_not_there(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 5, true);
        wal_window_begin(f->w, ep, 0);
        assert_int_equal(fixture_cursor(f, ep).window_end, 0);
        wal_window_begin(f->w, ep, UINT64_MAX); /* the log's end */
        assert_int_equal(fixture_cursor(f, ep).window_end, next_block(f));
        source_release(&s);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_a_window_comes_back_exactly),
            CASE(test_settled_blocks_go),
            CASE(test_a_stored_cursor_holds_its_blocks_until_it_is_claimed),
            CASE(test_without_endpoints_everything_is_kept),
            CASE(test_window_ends_that_are_not_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
