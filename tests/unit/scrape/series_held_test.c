/*
 * Samples ahead of their time wait outside of the log, and go there in order when it has come.
 */
#include "scrape/series.h"

#include "base/memory.h"
#include "tests/unit/scrape/series_rig.h"

enum { MINUTE = 60 * 1000, TICK = 15 * 1000 };

static uint64_t
held(const struct rig *r)
{
        struct series_counts c = {0};

        series_count(r->series, &c);
        return c.held;
}

/* A page with one line, `ahead_ms` ahead of its scrape, and one without a timestamp. */
static void
scrape_ahead(struct rig *r, int value, int64_t ahead_ms)
{
        char page[100];

        (void)snprintf(
            page, sizeof(page), "a %d %lld\nb 1\n", value, (long long)r->tick + TICK + ahead_ms);
        scrape_stored(r, page);
}

/* Samples of a in the log. */
static size_t
stored(struct rig *r)
{
        return count(r, "a{");
}

static void
only_what_is_ahead_waits(void **state)
{
        static const struct {
                const char *name;
                int64_t ahead_ms;
                uint64_t stored;
                uint64_t held;
                uint64_t out_of_bounds;
        } cases[] = {
            {"behind", -MINUTE, 1, 0, 0},
            {"at half the tolerance", MINUTE, 1, 0, 0},
            {"beyond it", MINUTE + 1, 0, 1, 0},
            {"as far as it goes", SERIES_AHEAD_MS, 0, 1, 0},
            {"further", SERIES_AHEAD_MS + 1, 0, 0, 1},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct rig *r;

                if (i > 0)
                        assert_int_equal(setup(state), 0);
                r = *state;
                scrape_ahead(r, 1, cases[i].ahead_ms);
                if (stored(r) != cases[i].stored || held(r) != cases[i].held ||
                    r->report.out_of_bounds != cases[i].out_of_bounds)
                        fail_msg("%s", cases[i].name);
                assert_int_equal(count(r, "b{"), 1); /* the rest of the page does not wait */
                assert_true(r->report.up);
                if (i + 1 < sizeof(cases) / sizeof(cases[0]))
                        (void)teardown(state);
        }
}

static void
a_sample_is_stored_when_its_time_has_come(void **state)
{
        struct rig *r = *state;
        char want[100];

        scrape_ahead(r, 7, MINUTE + 2 * TICK);
        (void)snprintf(want, sizeof(want), "a{instance=\"i\",job=\"node\"} 7 %lld\n",
            (long long)r->tick + MINUTE + 2 * TICK);
        scrape_stored(r, "b 1\n");
        assert_int_equal(held(r), 1);
        scrape_stored(r, "b 1\n"); /* now it is a minute ahead, no more */
        assert_int_equal(held(r), 0);
        assert_int_equal(count(r, want), 1);
        scrape_stored(r, "b 1\n");
        assert_int_equal(stored(r), 1);
}

static void
an_exporter_whose_clock_is_ahead_is_late_but_whole(void **state)
{
        struct rig *r = *state;

        for (int i = 0; i < 40; i++)
                scrape_ahead(r, i, 5 * MINUTE);
        assert_int_equal(held(r), 16); /* four minutes */
        assert_int_equal(stored(r), 40 - 16);
        for (int i = 0; i < 16; i++)
                scrape_stored(r, "b 1\n");
        assert_int_equal(held(r), 0);
        assert_int_equal(stored(r), 40);
        assert_int_equal(r->report.out_of_order, 0);
}

static void
a_page_that_repeats_itself_is_held_once(void **state)
{
        struct rig *r = *state;
        char page[100];

        (void)snprintf(
            page, sizeof(page), "a 1 %lld\n", (long long)r->tick + TICK + MINUTE + 2 * TICK);
        for (int i = 0; i < 6; i++)
                scrape_stored(r, page);
        assert_int_equal(held(r), 0);
        assert_int_equal(stored(r), 1);
}

static void
a_target_that_is_away_holds_nothing_longer(void **state)
{
        struct rig *r = *state;

        scrape_ahead(r, 1, MINUTE + TICK);
        assert_int_equal(held(r), 1);
        scrape_stored(r, NULL);
        assert_int_equal(held(r), 0);
        assert_int_equal(stored(r), 1);
}

static void
a_longer_tolerance_lets_it_pass(void **state)
{
        struct rig *r = *state;

        r->config.clock_tolerance_ms = (int64_t)20 * MINUTE;
        scrape_ahead(r, 1, 9 * MINUTE);
        assert_int_equal(held(r), 0);
        assert_int_equal(stored(r), 1);
}

static void
there_is_a_bound(void **state)
{
        enum { LINES = 70000, ROOM = 64 << 10 };
        struct rig *r = *state;
        char *page = malloc((size_t)LINES * 48);
        size_t at = 0;

        assert_non_null(page);
        for (int i = 0; i < LINES; i++)
                at += (size_t)sprintf(page + at, // NOLINT: 48 bytes a line are room enough
                    "a{i=\"%d\"} 1 %lld\n", i, (long long)r->tick + TICK + 2 * MINUTE);
        scrape_stored(r, page);
        assert_int_equal(held(r), ROOM);
        assert_int_equal(r->report.out_of_bounds, LINES - ROOM);
        for (int i = 0; i < 4; i++)
                scrape_stored(r, "b 1\n");
        assert_int_equal(held(r), 0);
        assert_int_equal(stored(r), ROOM);
        free(page);
}

static void
a_restart_takes_again_what_was_held(void **state)
{
        struct rig *r = *state;
        char page[100];

        r->job.track_timestamps_staleness = true; /* timestamps are kept over restarts then */
        (void)snprintf(
            page, sizeof(page), "a 1 %lld\n", (long long)r->tick + TICK + MINUTE + 4 * TICK);
        scrape_stored(r, page);
        assert_int_equal(held(r), 1);
        close_log(r);
        open_log(r);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 0);
        assert_int_equal(held(r), 1);
        for (int i = 0; i < 4; i++)
                scrape_stored(r, page);
        assert_int_equal(held(r), 0);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 1 "), 1);
}

static void
held_samples_of_slots_that_go_are_counted(void **state)
{
        struct rig *r = *state;

        scrape_ahead(r, 1, 5 * MINUTE);
        testing_ok(series_compact(r->series, r->tick, NULL), NULL);
        assert_int_equal(held(r), 0);
        scrape_stored(r, "b 1\n");
        assert_int_equal(r->report.out_of_bounds, 1);
        scrape_stored(r, "b 1\n");
        assert_int_equal(r->report.out_of_bounds, 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_RIG(only_what_is_ahead_waits),
            WITH_RIG(a_sample_is_stored_when_its_time_has_come),
            WITH_RIG(an_exporter_whose_clock_is_ahead_is_late_but_whole),
            WITH_RIG(a_page_that_repeats_itself_is_held_once),
            WITH_RIG(a_target_that_is_away_holds_nothing_longer),
            WITH_RIG(a_longer_tolerance_lets_it_pass),
            WITH_RIG(there_is_a_bound),
            WITH_RIG(a_restart_takes_again_what_was_held),
            WITH_RIG(held_samples_of_slots_that_go_are_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
