#include "agent/metrics_computed.h"

#include "agent/metrics_snapshot.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <math.h>

static void
test_full_in(void **state)
{
        static const struct {
                const char *name;
                int64_t up_ms;
                uint64_t used;
                uint64_t stored;
                uint64_t written;
                size_t remotes;
                uint64_t pending[2];
                double want; /* NaN: not known */
        } rows[] = {
            {"too early", 59000, 1000, 10, 1000, 1, {1, 0}, (double)NAN},
            {"nothing written", 100000, 1000, 10, 0, 1, {1, 0}, (double)NAN},
            {"nothing pending", 100000, 1000, 10, 1000, 1, {0, 0}, 1000},
            {"half pending", 100000, 1000, 10, 1000, 1, {5, 0}, 950},
            {"the slowest endpoint counts", 100000, 1000, 10, 1000, 2, {1, 5}, 950},
            {"no endpoint: all is pending", 100000, 1000, 10, 1000, 0, {0, 0}, 900},
            {"an empty log", 100000, 0, 0, 1000, 1, {0, 0}, 1000},
            {"over full", 100000, 20000, 10, 1000, 1, {10, 0}, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sender_stats remotes[2] = {
                    {.cursor.pending = rows[i].pending[0]}, {.cursor.pending = rows[i].pending[1]}};
                struct metrics_snapshot s = {.wall_ms = rows[i].up_ms,
                    .remotes = remotes,
                    .n_remotes = rows[i].remotes,
                    .log.stats = {.bytes_used = rows[i].used,
                        .bytes_max = 10000,
                        .samples_stored = rows[i].stored,
                        .bytes_block_payload = rows[i].written}};
                double got = compute_full_in(&s, &s.log, 0);

                print_message("%s\n", rows[i].name);
                assert_int_equal(isnan(got), isnan(rows[i].want));
                if (!isnan(got))
                        assert_true(got == rows[i].want);
        }
}

static void
test_ledgers(void **state)
{
        static const struct sender_stats remote = {
            .cursor.ledger = {.filtered = 1, .lost = {2, 3, 5, 8, 13, 21}}};

        (void)state;
        assert_true(compute_dropped(NULL, &remote, DROP_SERIES) == 1);
        assert_true(compute_dropped(NULL, &remote, DROP_TOO_OLD) == 2);
        assert_true(compute_dropped(NULL, &remote, DROP_OTHER) == 3 + 13 + 21);
        assert_true(compute_failed(NULL, &remote, 0) == 5 + 8);
}

static void
test_unknown_is_not_shown(void **state)
{
        static const struct sender_stats unknown = {
            .receiver_skew_ms = INT64_MIN, .drained_in_ms = -1};
        static const struct sender_stats known = {.receiver_skew_ms = -2500,
            .drained_in_ms = 1500,
            .cert_expiry_ms = 7000,
            .loop_beat_ms = 400,
            .state = SENDER_HELD};
        static const struct metrics_snapshot s = {.mono_ms = 1000};
        static const struct metrics_scraping scraping = {.stats.loop_beat_ms = 900};

        (void)state;
        assert_true(isnan(compute_skew(NULL, &unknown, 0)));
        assert_true(isnan(compute_drained_in(NULL, &unknown, 0)));
        assert_true(isnan(compute_expiry(NULL, &unknown, 0)));
        assert_true(isnan(compute_send_loop_age(&s, &unknown, 0)));
        assert_true(compute_skew(NULL, &known, 0) == -2.5);
        assert_true(compute_drained_in(NULL, &known, 0) == 1.5);
        assert_true(compute_expiry(NULL, &known, 0) == 7);
        assert_true(compute_send_loop_age(&s, &known, 0) == 0.6);
        assert_true(compute_scrape_loop_age(&s, &scraping, 0) == 0.1);
        assert_true(compute_state(NULL, &known, SENDER_HELD) == 1);
        assert_true(compute_state(NULL, &known, SENDER_IDLE) == 0);
        assert_true(compute_one(NULL, NULL, 0) == 1);
}

static void
test_skipped(void **state)
{
        static const struct metrics_scraping x = {
            .stats = {
                .scrapes_skipped_late = 1, .scrapes_skipped_busy = 2, .scrapes_held_clock = 3}};

        (void)state;
        assert_true(compute_skipped(NULL, &x, SKIP_LATE) == 1);
        assert_true(compute_skipped(NULL, &x, SKIP_BUSY) == 2);
        assert_true(compute_skipped(NULL, &x, SKIP_CLOCK) == 3);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_full_in),
            cmocka_unit_test(test_ledgers),
            cmocka_unit_test(test_unknown_is_not_shown),
            cmocka_unit_test(test_skipped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
