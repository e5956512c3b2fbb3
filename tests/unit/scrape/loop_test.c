/*
 * The scrape loop with a clock that is set by hand: minutes of ticks in milliseconds.
 */
#include "scrape/loop.h"

#include "scrape/fetch.h"
#include "scrape/mailbox.h"
#include "scrape/orphans.h"
#include "scrape/runner.h"
#include "tests/unit/scrape/rig.h"

struct world {
        struct rig *rig;
        struct loop *loop;
        int64_t earliest_wall_ms;
};

static void
wake(void *arg)
{
        loop_wake(arg);
}

static void
start(struct world *w)
{
        const struct loop_options o = {.wal = w->rig->wal,
            .clock = &w->rig->clock.clock,
            .mailbox = w->rig->mailbox,
            .earliest_wall_ms = w->earliest_wall_ms};
        struct err e = ERR_INIT;

        testing_ok(loop_new(&o, &w->loop, &e), &e);
        mailbox_attach(w->rig->mailbox, wake, w->loop);
}

static void
stop(struct world *w)
{
        mailbox_attach(w->rig->mailbox, NULL, NULL);
        loop_free(w->loop);
        w->loop = NULL;
}

static int
set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->rig = rig_new();
        *state = w;
        return 0;
}

static int
tear_down(void **state)
{
        struct world *w = *state;

        stop(w);
        rig_free(w->rig);
        free(w);
        return 0;
}

static void
offer(struct world *w, const struct rig_job *jobs, size_t n)
{
        loop_offer(w->loop, rig_set(w->rig, jobs, n));
}

static void
turn(struct world *w)
{
        loop_wake(w->loop); /* the test's clock does not wait */
        loop_turn(w->loop);
}

/* To the moment of the target's next tick. */
static void
jump_to_tick(struct world *w, size_t target)
{
        clock_manual_advance(
            &w->rig->clock, w->loop->roster.v[target]->entry.due_ms - w->rig->clock.wall);
}

/* Turns until nothing is in flight. */
static void
settle(struct world *w)
{
        do {
                turn(w);
        } while (fetcher_in_flight(w->loop->env.fetcher) > 0 || w->loop->env.encoding != NULL);
        rig_settle(w->rig);
        turn(w);
}

/* Lets time pass in steps, with every scrape of a step over before the next. */
static void
pass(struct world *w, int64_t ms, int64_t step_ms)
{
        for (int64_t t = 0; t < ms; t += step_ms) {
                clock_manual_advance(&w->rig->clock, step_ms);
                settle(w);
        }
}

static struct runner *
only(struct world *w)
{
        assert_int_equal(w->loop->roster.n, 1);
        return w->loop->roster.v[0];
}

static void
scrapes_every_tick(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;
        int64_t first;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        settle(w);
        first = only(w)->entry.due_ms;
        pass(w, 10000, 50);
        assert_int_equal(w->loop->env.stats.scrapes, 10);
        assert_int_equal(w->loop->env.stats.scrapes_failed, 0);
        assert_int_equal(w->loop->env.stats.scrapes_skipped_late, 0);
        assert_int_equal(rig_count(w->rig, "x{"), 10);
        for (int i = 0; i < 10; i++) {
                char want[64];

                (void)snprintf(want, sizeof(want), "x{instance=\"i\",job=\"a\"} 1 %lld\n",
                    (long long)first + i * 1000);
                assert_int_equal(rig_count(w->rig, want), 1);
        }
        assert_true(w->loop->first_sync_done);
        assert_int_equal(atomic_load(&w->loop->loop_beat_ms), w->rig->clock.mono);
}

static void
late_ticks_are_skipped(void **state)
{
        static const struct rig_job a = {.name = "a", .interval_ms = 10000};
        struct world *w = *state;
        struct scraper_stats *stats;

        start(w);
        stats = &w->loop->env.stats;
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        settle(w);
        /* a second late: just in time */
        jump_to_tick(w, 0);
        clock_manual_advance(&w->rig->clock, 1000);
        settle(w);
        assert_int_equal(stats->scrapes, 1);
        /* one more millisecond is too much */
        clock_manual_advance(&w->rig->clock, 10001);
        settle(w);
        assert_int_equal(stats->scrapes, 1);
        assert_int_equal(stats->scrapes_skipped_late, 1);
        /* three ticks passed over, the fourth on time */
        clock_manual_advance(&w->rig->clock, 38999);
        settle(w);
        assert_int_equal(stats->scrapes, 2);
        assert_int_equal(stats->scrapes_skipped_late, 4);
}

static void
busy_ticks_are_skipped(void **state)
{
        static const struct rig_job jobs[] = {{.name = "a", .offset_ms = 700}, {.name = "hang"}};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        rig_page(w->rig, "/hang", (struct testing_reply){.how = BREAK_HANG});
        offer(w, jobs, 2);
        turn(w);
        assert_string_equal(w->loop->roster.v[1]->target->job->name, "hang");
        jump_to_tick(w, 1);
        turn(w);
        assert_int_equal(fetcher_in_flight(w->loop->env.fetcher), 1);
        jump_to_tick(w, 0);
        while (w->loop->env.stats.scrapes == 0 || w->loop->env.encoding != NULL)
                turn(w); /* a is scraped beside it */
        jump_to_tick(w, 1);
        turn(w);
        clock_manual_advance(&w->rig->clock, 100); /* it might still begin */
        turn(w);
        assert_int_equal(w->loop->env.stats.scrapes_skipped_busy, 0);
        clock_manual_advance(&w->rig->clock, 1);
        turn(w);
        assert_int_equal(w->loop->env.stats.scrapes_skipped_busy, 1);
        settle(w); /* until the timeout */
        assert_int_equal(w->loop->env.stats.scrapes_failed, 1);
}

/* The timeout ends as the next tick is due: that one is scraped, if only a little late. */
static void
tick_waits_for_the_end_of_a_scrape(void **state)
{
        static const struct rig_job hang = {.name = "hang"};
        struct world *w = *state;
        int64_t first;

        start(w);
        rig_page(w->rig, "/hang", (struct testing_reply){.how = BREAK_HANG});
        offer(w, &hang, 1);
        turn(w);
        jump_to_tick(w, 0);
        first = w->rig->clock.wall;
        turn(w);
        jump_to_tick(w, 0);
        turn(w);
        assert_int_equal(w->loop->env.n_waiting, 1);
        rig_text(w->rig, "/hang", "x 1\n");
        clock_manual_advance(&w->rig->clock, 50);
        settle(w);
        assert_int_equal(w->loop->env.n_waiting, 0);
        assert_int_equal(w->loop->env.stats.scrapes, 2);
        assert_int_equal(w->loop->env.stats.scrapes_skipped_busy, 0);
        assert_int_equal(only(w)->last_scrape_ms, first + RIG_INTERVAL_MS);
        assert_int_equal(only(w)->health, HEALTH_UP);
        pass(w, 1000, 50);
        assert_int_equal(w->loop->env.stats.scrapes, 3);
}

static void
implausible_clock_holds(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;

        w->earliest_wall_ms = RIG_EPOCH_MS;
        clock_manual_init(&w->rig->clock, 5000); /* 1970 */
        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        pass(w, 3000, 100);
        assert_true(w->loop->clock_held);
        assert_int_equal(w->loop->env.stats.scrapes, 0);
        assert_int_equal(w->loop->env.stats.scrapes_held_clock, 3);
        w->rig->clock.wall = RIG_EPOCH_MS; /* NTP */
        pass(w, 2000, 100);
        assert_false(w->loop->clock_held);
        assert_int_equal(w->loop->env.stats.scrapes, 2);
        assert_int_equal(w->loop->env.stats.scrapes_held_clock, 3);
        assert_int_equal(w->loop->env.stats.scrapes_skipped_late, 0);
        assert_int_equal(rig_count(w->rig, " 5"), 0); /* nothing of 1970 */
}

static void
clock_steps(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;
        struct scraper_stats *stats;

        start(w);
        stats = &w->loop->env.stats;
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        settle(w);
        pass(w, 3000, 100);
        assert_int_equal(stats->scrapes, 3);
        w->rig->clock.wall += 3600 * 1000; /* ahead: no tick counts as missed */
        pass(w, 2000, 100);
        assert_int_equal(stats->scrapes, 5);
        assert_int_equal(stats->scrapes_skipped_late, 0);
        assert_int_equal(stats->barriers, 0);
        w->rig->clock.wall -= 3600 * 1000; /* back: scraping goes on behind a barrier */
        pass(w, 2000, 100);
        assert_int_equal(stats->scrapes, 7);
        assert_int_equal(stats->barriers, 1);
        assert_int_equal(rig_count(w->rig, "x{"), 7);
}

/* Back by less than an interval, right after a tick: that tick is not scraped twice. */
static void
small_step_back(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        settle(w);
        jump_to_tick(w, 0);
        clock_manual_advance(&w->rig->clock, 50);
        settle(w);
        assert_int_equal(w->loop->env.stats.scrapes, 1);
        w->rig->clock.wall -= 200;
        settle(w);
        pass(w, 500, 50);
        assert_int_equal(w->loop->env.stats.scrapes, 1);
        pass(w, 1000, 50);
        assert_int_equal(w->loop->env.stats.scrapes, 2);
}

/* What is in flight at a step back ends with a time of before: a second barrier comes behind it. */
static void
step_back_during_a_scrape(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;

        start(w);
        rig_page(w->rig, "/a",
            (struct testing_reply){.status = 200,
                .headers = "Content-Type: text/plain\r\n",
                .body = "x 1\n",
                .delay_ms = 100});
        offer(w, &a, 1);
        turn(w);
        jump_to_tick(w, 0);
        turn(w);
        assert_int_equal(fetcher_in_flight(w->loop->env.fetcher), 1);
        w->rig->clock.wall -= 60000;
        turn(w);
        assert_int_equal(w->loop->env.stats.barriers, 1);
        assert_true(only(w)->barrier_wanted);
        settle(w);
        pass(w, 1000, 100);
        assert_int_equal(w->loop->env.stats.barriers, 2);
        assert_int_equal(w->loop->env.stats.scrapes, 2);
        assert_false(only(w)->barrier_wanted);
}

static void
one_barrier_for_all_resets(void **state)
{
        struct rig_job jobs[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        rig_text(w->rig, "/b", "x 1\n");
        rig_text(w->rig, "/c", "x 1\n");
        offer(w, jobs, 3);
        settle(w);
        pass(w, 2000, 100);
        for (size_t i = 0; i < 3; i++)
                jobs[i].series_hash = 1;
        offer(w, jobs, 3);
        pass(w, 2000, 100);
        assert_int_equal(w->loop->env.stats.barriers, 1);
        assert_int_equal(w->loop->env.n_barriers, 0);
        assert_int_equal(w->loop->env.stats.scrapes, 12); /* no gap */
        assert_int_equal(rig_count(w->rig, "STALE"), 0);
}

static void
target_gone_while_down(void **state)
{
        static const struct rig_job jobs[] = {{.name = "a"}, {.name = "b"}};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        rig_text(w->rig, "/b", "y 1\ny{z=\"1\"} 1\n");
        offer(w, jobs, 2);
        settle(w);
        pass(w, 2000, 100);
        stop(w);
        rig_restart_wal(w->rig);
        start(w);
        offer(w, &jobs[0], 1);
        settle(w);
        assert_int_equal(orphans_count(w->loop->orphans), 1);
        pass(w, 1900, 100);
        assert_int_equal(rig_count(w->rig, "STALE"), 0);
        pass(w, 200, 100);
        assert_int_equal(rig_count(w->rig, "STALE"), 7);
        assert_int_equal(rig_count(w->rig, "job=\"b\"} STALE"), 6);
        assert_int_equal(rig_count(w->rig, "job=\"b\",z=\"1\"} STALE"), 1);
        assert_int_equal(orphans_count(w->loop->orphans), 0);
        assert_int_equal(rig_known_targets(w->rig), 1);
        assert_int_equal(rig_count(w->rig, "x{"), 4);
}

static void
target_gone_and_back(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\n");
        offer(w, &a, 1);
        settle(w);
        pass(w, 2000, 100);
        offer(w, NULL, 0);
        pass(w, 5000, 100);
        assert_int_equal(w->loop->roster.n, 0);
        assert_int_equal(rig_count(w->rig, "STALE"), 6);
        assert_int_equal(orphans_count(w->loop->orphans), 0);
        offer(w, &a, 1);
        settle(w);
        pass(w, 2000, 100);
        assert_int_equal(rig_count(w->rig, "x{instance=\"i\",job=\"a\"} 1 "), 4);
        assert_int_equal(rig_count(w->rig, "STALE"), 6);
}

/* A commit that fails: the samples are lost, what follows stands on its own. */
static void
answers_reach_the_series(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;

        start(w);
        rig_text(w->rig, "/a", "x 1\ny 2\n");
        offer(w, &a, 1);
        settle(w);
        pass(w, 2000, 100);
        atomic_store(&w->rig->fail_commits, true);
        rig_text(w->rig, "/a", "x 1\n"); /* y's marker is in the batch that is lost */
        pass(w, 1000, 100);
        atomic_store(&w->rig->fail_commits, false);
        pass(w, 3000, 100);
        assert_int_equal(rig_count(w->rig, "x{"), 5);
        assert_int_equal(rig_count(w->rig, "y{instance=\"i\",job=\"a\"} STALE"), 1);
}

/* A page that shrinks for good: its series move together, behind one barrier. */
static void
half_dead_chunks_are_compacted(void **state)
{
        static const struct rig_job jobs[] = {
            {.name = "a", .interval_ms = 60000}, {.name = "b", .interval_ms = 60000}};
        struct world *w = *state;
        struct buf page = BUF_INIT(1 << 16);

        start(w);
        for (int i = 0; i < 200; i++)
                testing_ok(buf_printf(&page, NULL, "x{i=\"%03d\"} %d\n", i, i), NULL);
        testing_ok(buf_putc(&page, '\0', NULL), NULL);
        rig_text(w->rig, "/a", page.ptr);
        rig_text(w->rig, "/b", page.ptr);
        offer(w, jobs, 2);
        settle(w);
        pass(w, 60000, 1000);
        *strstr(page.ptr, "x{i=\"020\"}") = '\0';
        rig_text(w->rig, "/a", page.ptr);
        rig_text(w->rig, "/b", page.ptr);
        pass(w, 45 * 60000, 1000);
        assert_int_equal(w->loop->env.stats.compactions, 2);
        assert_int_equal(w->loop->env.stats.barriers, 1);
        assert_int_equal(w->loop->env.stats.scrapes, 92);
        assert_int_equal(rig_count(w->rig, "x{i=\"019\""), 92);
        assert_int_equal(rig_count(w->rig, "STALE"), 360);
        buf_release(&page);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(scrapes_every_tick, set_up, tear_down),
            cmocka_unit_test_setup_teardown(late_ticks_are_skipped, set_up, tear_down),
            cmocka_unit_test_setup_teardown(busy_ticks_are_skipped, set_up, tear_down),
            cmocka_unit_test_setup_teardown(tick_waits_for_the_end_of_a_scrape, set_up, tear_down),
            cmocka_unit_test_setup_teardown(implausible_clock_holds, set_up, tear_down),
            cmocka_unit_test_setup_teardown(clock_steps, set_up, tear_down),
            cmocka_unit_test_setup_teardown(small_step_back, set_up, tear_down),
            cmocka_unit_test_setup_teardown(step_back_during_a_scrape, set_up, tear_down),
            cmocka_unit_test_setup_teardown(one_barrier_for_all_resets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(target_gone_while_down, set_up, tear_down),
            cmocka_unit_test_setup_teardown(target_gone_and_back, set_up, tear_down),
            cmocka_unit_test_setup_teardown(answers_reach_the_series, set_up, tear_down),
            cmocka_unit_test_setup_teardown(half_dead_chunks_are_compacted, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
