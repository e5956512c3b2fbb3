/*
 * A target's series over restarts, lost commits, compactions and its own end.
 */
#include "scrape/series_state.h"

#include "tests/unit/scrape/series_rig.h"

static void
a_restart_knows_the_series_again(void **state)
{
        struct rig *r = *state;
        struct series_counts counts;

        scrape_stored(r, "a 1\nb 2\nc 3\n");
        close_log(r);
        open_log(r);
        scrape_stored(r, "a 1\nc 4\nd 5\n");
        series_count(r->series, &counts);
        assert_int_equal(counts.slots, 4 + 5);
        assert_int_equal(counts.chunks, 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        assert_int_equal(count(r, "STALE"), 1);
        assert_int_equal(count(r, "c{instance=\"i\",job=\"node\"} 4 "), 1);
        assert_int_equal(count(r, "d{instance=\"i\",job=\"node\"} 5 "), 1);
}

/* DESIGN C2: whatever a failed commit held is given again, markers and keyframes included. */
static void
a_lost_commit_is_made_good(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        r->fail_commits = true;
        scrape_stored(r, "a 2\nc 7\n"); /* b vanishes, c is new: all of it lost */
        r->fail_commits = false;
        assert_int_equal(count(r, "STALE"), 0);
        scrape_stored(r, "a 3\nc 8\n");
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        assert_int_equal(count(r, "c{instance=\"i\",job=\"node\"} 8 "), 1);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 2 "), 0);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 3 "), 1);
}

/* Batches queued behind the lost one refer to what was in it: none of them may be stored. */
static void
nothing_refers_to_a_lost_commit(void **state)
{
        struct rig *r = *state;

        r->fail_commits = true;
        scrape(r, "a 1\nb 2\n");
        scrape(r, "a 2\nb 3\n");
        scrape(r, "a 3\n");
        settle(r);
        r->fail_commits = false;
        scrape(r, "a 4\nb 5\n");
        scrape(r, "a 5\n");
        settle(r);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 4 "), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        assert_int_equal(count(r, "\n"), 7 + 7);
}

/* The answer to the lost batch has not been heard yet: what follows must not refer to it either. */
static void
a_batch_behind_a_lost_one_is_not_stored(void **state)
{
        struct rig *r = *state;
        struct wal_stats stats;

        r->fail_commits = true;
        scrape(r, "a 1\nb 2\n");
        wal_flush(r->wal);
        r->fail_commits = false;
        scrape(r, "a 2\nb 3\n");
        wal_flush(r->wal);
        scrape(r, "a 3\nb 4\n");
        settle(r);
        assert_int_equal(count(r, "\n"), 0);
        wal_stats(r->wal, &stats);
        assert_int_equal(stats.not_stored[NOT_STORED_DISK], 3 * 7);
        scrape_stored(r, "a 4\nb 5\n");
        assert_int_equal(count(r, "\n"), 7);
}

/* A target that went and came back is not held up by what its former life lost. */
static void
a_target_s_next_life_is_not_held_up(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\n");
        for (int i = 0; i < 3; i++) {
                r->fail_commits = true;
                scrape_stored(r, "a 2\nb 1\n");
        }
        r->fail_commits = false;
        series_free(r->series);
        testing_ok(series_new(r->pool, &r->target, &r->series, &r->error), &r->error);
        scrape_stored(r, "a 3\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 3 "), 1);
}

static void
every_kth_commit_lost_leaves_the_rest_readable(void **state)
{
        struct rig *r = *state;
        char page[200];

        for (int k = 0; k < 59; k++) {
                r->fail_commits = k % 7 == 3;
                (void)snprintf(page, sizeof(page), "a %d\nb_%d 1\n", k, k / 3);
                scrape_stored(r, page);
        }
        /* the dump asserts that everything decodes; 8 of 59 were lost */
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 1 "), 59 - 8);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 58 "), 1);
        /* every b_n that was stored and went away has its marker */
        assert_int_equal(count(r, "STALE"), 19);
}

static void
a_vanished_target_gets_markers(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        testing_ok(series_vanish(r->series, r->tick + 15000, &r->error), &r->error);
        settle(r);
        assert_int_equal(count(r, "STALE"), 7);
        series_free(r->series);
        testing_ok(series_new(r->pool, &r->target, &r->series, &r->error), &r->error);
        r->tick += 15000;
        scrape_stored(r, "a 1\nb 2\n");
        assert_int_equal(count(r, "STALE"), 7);
        assert_int_equal(count(r, "a{"), 3);
}

/* What its last records refer to must outlive them, also when all before them has been sent. */
static void
markers_of_a_vanished_target_can_be_read_when_all_else_is_sent(void **state)
{
        struct rig *r = *state;
        struct wal_endpoint *ep = NULL;
        struct wal_ledger sent = {.acknowledged = 7};
        struct wal_stats stats;

        testing_ok(wal_endpoint_open(r->wal, "e", WAL_START_OLDEST, &ep, &r->error), &r->error);
        scrape_stored(r, "a 1\nb 2\n");
        wal_stats(r->wal, &stats);
        wal_window_begin(r->wal, ep, stats.next_block);
        wal_window_settle(r->wal, ep, 1, &sent);
        wal_window_end(r->wal, ep);
        testing_ok(series_vanish(r->series, r->tick + 15000, &r->error), &r->error);
        settle(r);
        settle(r);
        assert_int_equal(count(r, "\n"), 7);
        assert_int_equal(count(r, "STALE"), 7);
}

static void
half_dead_chunks_are_compacted(void **state)
{
        struct rig *r = *state;
        struct series_counts counts;
        char *all = big_page(3000, 1, 0);
        char *few = big_page(3000, 10, 0);
        size_t before;

        scrape_stored(r, all);
        for (int i = 0; i < 130; i++)
                scrape(r, few);
        settle(r);
        assert_true(series_wants_compaction(r->series, r->tick));
        before = count(r, "\n");
        testing_ok(series_pool_barrier(r->pool, &r->error), &r->error);
        testing_ok(series_compact(r->series, r->tick, &r->error), &r->error);
        settle(r);
        series_count(r->series, &counts);
        assert_int_equal(counts.slots, 300 + 5);
        assert_int_equal(counts.chunks, 1);
        assert_false(series_wants_compaction(r->series, r->tick));
        scrape_stored(r, few);
        assert_int_equal(r->report.added, 0);
        assert_int_equal(count(r, "\n"), before + 305);
        assert_int_equal(count(r, "STALE"), 2700);
        free(all);
        free(few);
}

/* Scrapes "a" with a timestamp of its own, so long before the tick. */
static void
scrape_stamped(struct rig *r, int64_t before_tick_ms)
{
        char page[64];

        (void)snprintf(
            page, sizeof(page), "b 2\na 1 %lld\n", (long long)(r->tick + 15000 - before_tick_ms));
        scrape_stored(r, page);
}

static void
restart(struct rig *r)
{
        close_log(r);
        open_log(r);
}

/* track_timestamps_staleness: the receiver would refuse what comes behind the marker. */
static void
a_sample_does_not_come_behind_its_marker(void **state)
{
        struct rig *r = *state;

        r->job.track_timestamps_staleness = true;
        for (int restarts = 0; restarts < 2; restarts++) {
                scrape_stamped(r, 5000);
                assert_int_equal(r->report.out_of_order, 0);
                scrape_stored(r, "b 2\n"); /* its marker bears this tick */
                assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} STALE"), restarts + 1);
                if (restarts > 0)
                        restart(r);
                scrape_stamped(r, 15000 + 1000);
                assert_int_equal(r->report.out_of_order, 1);
                scrape_stamped(r, 30000); /* the very tick of the marker */
                assert_int_equal(r->report.out_of_order, 1);
                scrape_stamped(r, 2000);
                assert_int_equal(r->report.out_of_order, 0);
        }
        /* the scrape after the restart ends it, the marker counts as well */
        restart(r);
        scrape_stored(r, "b 2\n");
        restart(r);
        scrape_stamped(r, 15000 + 1000);
        assert_int_equal(r->report.out_of_order, 1);
}

static void
an_old_sample_does_not_come_again_after_a_restart(void **state)
{
        struct rig *r = *state;
        const char *page = "b 2\na 1 1699990000000\n"; /* hours ago */

        scrape_stored(r, page);
        restart(r);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(count(r, "a{"), 1);
        page = "b 2\na 1 1700000010000\n"; /* just now; it becomes old */
        for (int i = 0; i < 90; i++)
                scrape_stored(r, page);
        restart(r);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(count(r, "a{"), 2);
}

static void
timestamps_outlive_a_compaction(void **state)
{
        struct rig *r = *state;
        char *all = big_page(1500, 1, 0);
        struct series_counts counts;

        r->job.track_timestamps_staleness = true;
        scrape_stored(r, all);
        for (int i = 0; i < 130; i++)
                scrape_stamped(r, 5000);
        testing_ok(series_compact(r->series, r->tick, &r->error), &r->error);
        settle(r);
        series_count(r->series, &counts);
        assert_int_equal(counts.chunks, 1);
        scrape_stamped(r, 15000 + 5000); /* the last one again */
        assert_int_equal(r->report.out_of_order, 1);
        restart(r);
        scrape_stamped(r, 30000 + 5000);
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 1 "), 130);
        free(all);
}

static void
new_series_are_refused_over_the_memory_limit(void **state)
{
        struct rig *r = *state;
        struct wal_stats stats;

        scrape_stored(r, "a 1\n");
        memory_set_limit(1);
        memory_check();
        scrape_stored(r, "a 2\nb 3\n");
        assert_true(r->report.up);
        assert_int_equal(r->report.refused_memory, 1);
        wal_stats(r->wal, &stats);
        assert_int_equal(stats.not_stored[NOT_STORED_MEMORY], 1);
        assert_int_equal(count(r, "b{"), 0);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 2 "), 1);
        memory_set_limit(0);
        memory_check();
        scrape_stored(r, "a 2\nb 3\n");
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} 3 "), 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_RIG(a_restart_knows_the_series_again),
            WITH_RIG(a_lost_commit_is_made_good),
            WITH_RIG(nothing_refers_to_a_lost_commit),
            WITH_RIG(a_batch_behind_a_lost_one_is_not_stored),
            WITH_RIG(a_target_s_next_life_is_not_held_up),
            WITH_RIG(every_kth_commit_lost_leaves_the_rest_readable),
            WITH_RIG(a_vanished_target_gets_markers),
            WITH_RIG(markers_of_a_vanished_target_can_be_read_when_all_else_is_sent),
            WITH_RIG(half_dead_chunks_are_compacted),
            WITH_RIG(a_sample_does_not_come_behind_its_marker),
            WITH_RIG(an_old_sample_does_not_come_again_after_a_restart),
            WITH_RIG(timestamps_outlive_a_compaction),
            WITH_RIG(new_series_are_refused_over_the_memory_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
