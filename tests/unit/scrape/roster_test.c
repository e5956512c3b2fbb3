#include "scrape/roster.h"

#include "scrape/fetch.h"
#include "scrape/mailbox.h"
#include "scrape/metadata.h"
#include "scrape/orphans.h"
#include "scrape/runner.h"
#include "tests/unit/scrape/rig.h"

struct world {
        struct rig *rig;
        struct runner_env env;
        struct schedule *schedule;
        struct orphans *orphans;
        struct roster roster;
        struct roster_time now;
};

static bool
has_number(void *arg, uint64_t number)
{
        return roster_by_number(&((struct world *)arg)->roster, number) != NULL;
}

static bool
has_labels(void *arg, const char *identity)
{
        return roster_has_labels(&((struct world *)arg)->roster, identity);
}

static int
set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        const struct orphans_owner owner = {has_number, has_labels, w};
        struct err e = ERR_INIT;

        assert_non_null(w);
        w->rig = rig_new();
        w->now = (struct roster_time){RIG_EPOCH_MS, 1000};
        (void)pthread_mutex_init(&w->env.mtx, NULL);
        testing_ok(fetcher_new(&w->env.fetcher, &e), &e);
        testing_ok(series_pool_new(w->rig->wal, &w->env.pool, &e), &e);
        testing_ok(metadata_pool_new(&w->env.metadata, &e), &e);
        testing_ok(schedule_new(&w->schedule, &e), &e);
        testing_ok(orphans_new(w->rig->wal, &owner, &w->orphans, &e), &e);
        roster_init(&w->roster, &w->env, w->schedule, w->orphans);
        *state = w;
        return 0;
}

static int
tear_down(void **state)
{
        struct world *w = *state;

        roster_release(&w->roster);
        assert_int_equal(schedule_count(w->schedule), 0);
        assert_null(w->env.clients.head);
        orphans_free(w->orphans);
        schedule_free(w->schedule);
        fetcher_free(w->env.fetcher);
        series_pool_free(w->env.pool);
        metadata_pool_free(w->env.metadata);
        (void)pthread_mutex_destroy(&w->env.mtx);
        rig_free(w->rig);
        free(w);
        return 0;
}

static void
apply(struct world *w, const struct rig_job *jobs, size_t n)
{
        struct err e = ERR_INIT;

        testing_ok(roster_apply(&w->roster, rig_set(w->rig, jobs, n), w->now, &e), &e);
        for (size_t i = 0; i < w->roster.n; i++) {
                struct runner *r = w->roster.v[i];

                assert_ptr_equal(roster_by_number(&w->roster, series_target_number(r->series)), r);
                assert_true(r->leaving == (r->entry.position == SIZE_MAX));
        }
}

/* Any identity is a place to go on from, also one that has left. */
static void
walks_on_behind_an_identity(void **state)
{
        static const struct rig_job jobs[] = {
            {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
        struct world *w = *state;
        struct roster *r = &w->roster;
        char between[512];

        assert_int_equal(roster_behind(r, NULL), 0);
        assert_int_equal(roster_behind(r, "x"), 0);
        apply(w, jobs, 4);
        assert_int_equal(roster_behind(r, NULL), 0);
        assert_int_equal(roster_behind(r, ""), 0);
        assert_int_equal(roster_behind(r, "\x7f"), 4);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(roster_behind(r, r->v[i]->target->identity), i + 1);
                (void)snprintf(between, sizeof(between), "%s!", r->v[i]->target->identity);
                assert_int_equal(roster_behind(r, between), i + 1);
        }
}

static void
advance(struct world *w, int64_t ms)
{
        w->now.wall_ms += ms;
        w->now.mono_ms += ms;
}

static struct runner *
find(struct world *w, const char *job)
{
        for (size_t i = 0; i < w->roster.n; i++) {
                if (strcmp(w->roster.v[i]->target->job->name, job) == 0)
                        return w->roster.v[i];
        }
        return NULL;
}

static void
scrape(struct world *w, struct runner *r)
{
        runner_begin(r, w->now.wall_ms);
        while (r->phase != RUNNER_IDLE) {
                testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
                (void)runner_encode_some(&w->env, 1);
        }
}

static void
unchanged_ones_go_on(void **state)
{
        static const struct rig_job one[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
        static const struct rig_job two[] = {{.name = "b"}, {.name = "d"}, {.name = "c"}};
        struct world *w = *state;
        struct runner *b;
        struct runner *c;
        int64_t due;

        apply(w, one, 3);
        assert_int_equal(w->roster.n, 3);
        b = find(w, "b");
        c = find(w, "c");
        due = b->entry.due_ms;
        apply(w, two, 3);
        assert_int_equal(w->roster.n, 4); /* a is leaving */
        assert_ptr_equal(find(w, "b"), b);
        assert_ptr_equal(find(w, "c"), c);
        assert_int_equal(b->entry.due_ms, due);
        assert_true(find(w, "a")->leaving);
        assert_false(find(w, "d")->leaving);
        assert_int_equal(w->env.stats.barriers, 0);
        assert_int_equal(schedule_count(w->schedule), 3);
        apply(w, NULL, 0);
        assert_int_equal(schedule_count(w->schedule), 0);
        assert_int_equal(roster_longest_interval_ms(&w->roster), RIG_INTERVAL_MS);
}

static void
another_interval_is_followed(void **state)
{
        static const struct rig_job before = {.name = "a", .interval_ms = 60000};
        static const struct rig_job after = {.name = "a", .interval_ms = 5000};
        struct world *w = *state;
        struct runner *a;

        apply(w, &before, 1);
        a = find(w, "a");
        assert_int_equal(roster_longest_interval_ms(&w->roster), 60000);
        apply(w, &after, 1);
        assert_ptr_equal(find(w, "a"), a);
        assert_in_range(a->entry.due_ms - w->now.wall_ms, 1, 5000);
        assert_int_equal(roster_longest_interval_ms(&w->roster), 5000);
}

/* The time of the next tick; two ticks and a tenth of the interval until it is written. */
static void
gone_ones_get_markers(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;
        struct runner *r;
        char want[80];
        int64_t tick;

        rig_text(w->rig, "/a", "x 1\n");
        apply(w, &a, 1);
        r = find(w, "a");
        scrape(w, r);
        advance(w, 300);
        tick = schedule_next_tick(RIG_INTERVAL_MS, r->entry.offset_ms, w->now.wall_ms);
        apply(w, NULL, 0);
        assert_int_equal(w->roster.leave_mono_ms,
            w->now.mono_ms + (tick - w->now.wall_ms) + RIG_INTERVAL_MS + RIG_INTERVAL_MS / 10);
        advance(w, w->roster.leave_mono_ms - w->now.mono_ms - 1);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 1);
        advance(w, 1);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 0);
        assert_true(w->roster.leave_mono_ms == INT64_MAX);
        (void)snprintf(
            want, sizeof(want), "x{instance=\"i\",job=\"a\"} STALE %lld\n", (long long)tick);
        assert_int_equal(rig_count(w->rig, want), 1);
        assert_int_equal(rig_count(w->rig, "STALE"), 6);
        assert_int_equal(rig_known_targets(w->rig), 0);
        assert_int_equal(orphans_count(w->orphans), 1); /* until the answer is in */
}

static void
comes_back_in_time(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;
        struct runner *r;

        rig_text(w->rig, "/a", "x 1\n");
        apply(w, &a, 1);
        r = find(w, "a");
        scrape(w, r);
        apply(w, NULL, 0);
        assert_true(r->leaving);
        advance(w, 1500);
        apply(w, NULL, 0); /* the time is that of the first set without it */
        apply(w, &a, 1);
        assert_ptr_equal(find(w, "a"), r);
        assert_false(r->leaving);
        assert_true(r->entry.due_ms > w->now.wall_ms);
        advance(w, 10000);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 1);
        scrape(w, r);
        assert_int_equal(rig_count(w->rig, "STALE"), 0);
        assert_int_equal(rig_count(w->rig, "x{"), 2);
}

/* The URL has changed, the labels have not: the series go on. */
static void
another_url_of_the_same_labels(void **state)
{
        static const struct rig_job before = {.name = "a", .path = "/one"};
        static const struct rig_job after = {.name = "a", .path = "/two"};
        struct world *w = *state;

        rig_text(w->rig, "/one", "x 1\n");
        rig_text(w->rig, "/two", "x 2\n");
        apply(w, &before, 1);
        scrape(w, w->roster.v[0]);
        runner_begin(w->roster.v[0], w->now.wall_ms + 1); /* is given up */
        advance(w, 1000);
        apply(w, &after, 1);
        assert_int_equal(w->roster.n, 1);
        assert_int_equal(w->env.stats.barriers, 1);
        scrape(w, w->roster.v[0]);
        assert_int_equal(rig_count(w->rig, "x{instance=\"i\",job=\"a\"} 1 "), 1);
        assert_int_equal(rig_count(w->rig, "x{instance=\"i\",job=\"a\"} 2 "), 1);
        assert_int_equal(rig_known_targets(w->rig), 2);
        advance(w, 120000);
        while (orphans_due(w->orphans) <= w->now.mono_ms)
                testing_ok(orphans_step(w->orphans, w->now.mono_ms, w->now.wall_ms, NULL), NULL);
        assert_int_equal(rig_known_targets(w->rig), 1);
        assert_int_equal(rig_count(w->rig, "STALE"), 0);
}

static void
other_series_hash_wants_a_reset(void **state)
{
        static const struct rig_job before[] = {{.name = "a"}, {.name = "b"}};
        static const struct rig_job after[] = {{.name = "a", .series_hash = 1}, {.name = "b"}};
        struct world *w = *state;
        struct runner *a;

        apply(w, before, 2);
        a = find(w, "a");
        apply(w, after, 2);
        assert_ptr_equal(find(w, "a"), a);
        assert_true(a->reset_wanted && a->barrier_wanted);
        assert_false(find(w, "b")->barrier_wanted);
        assert_int_equal(w->env.n_barriers, 1);
}

static void
busy_ones_are_waited_for(void **state)
{
        static const struct rig_job hang = {.name = "hang"};
        struct world *w = *state;
        struct runner *r;

        rig_page(w->rig, "/hang", (struct testing_reply){.how = BREAK_HANG});
        apply(w, &hang, 1);
        r = find(w, "hang");
        runner_begin(r, w->now.wall_ms);
        apply(w, NULL, 0);
        advance(w, 5000);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 1); /* still in flight */
        assert_true(w->roster.leave_mono_ms > w->now.mono_ms);
        while (r->phase != RUNNER_IDLE) {
                testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
                (void)runner_encode_some(&w->env, 1);
        }
        advance(w, 5000);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 0);
}

static void
markers_that_were_not_stored(void **state)
{
        static const struct rig_job a = {.name = "a"};
        struct world *w = *state;
        const struct mailbox_answer *v = NULL;
        uint64_t number;

        rig_text(w->rig, "/a", "x 1\n");
        apply(w, &a, 1);
        scrape(w, w->roster.v[0]);
        number = series_target_number(w->roster.v[0]->series);
        apply(w, NULL, 0);
        advance(w, 5000);
        rig_settle(w->rig);
        atomic_store(&w->rig->fail_commits, true);
        roster_dismiss(&w->roster, w->now);
        assert_int_equal(w->roster.n, 0);
        rig_settle(w->rig);
        atomic_store(&w->rig->fail_commits, false);
        (void)mailbox_take(w->rig->mailbox, &v);
        orphans_answered(w->orphans, number, false, w->now.mono_ms);
        advance(w, 60000);
        testing_ok(orphans_step(w->orphans, w->now.mono_ms, w->now.wall_ms, NULL), NULL);
        assert_int_equal(rig_count(w->rig, "STALE"), 6);
        assert_int_equal(rig_known_targets(w->rig), 0);
}

/* Many sets in a row: nothing is lost, nothing is there twice. */
static void
random_sets(void **state)
{
        static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
        struct world *w = *state;
        struct testing_random random = {7};

        for (int step = 0; step < 200; step++) {
                struct rig_job jobs[8];
                size_t n = 0;
                size_t staying = 0;

                for (size_t i = 0; i < 8; i++) {
                        if (testing_random_below(&random, 2) == 0)
                                jobs[n++] = (struct rig_job){.name = names[i]};
                }
                apply(w, jobs, n);
                for (size_t i = 0; i < w->roster.n; i++) {
                        staying += !w->roster.v[i]->leaving;
                        if (i > 0)
                                assert_true(strcmp(w->roster.v[i - 1]->target->identity,
                                                w->roster.v[i]->target->identity) < 0);
                }
                assert_int_equal(staying, n);
                assert_int_equal(w->roster.n_leaving, w->roster.n - n);
                assert_int_equal(schedule_count(w->schedule), n);
                advance(w, (int64_t)testing_random_below(&random, 1500));
                roster_dismiss(&w->roster, w->now);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(walks_on_behind_an_identity, set_up, tear_down),
            cmocka_unit_test_setup_teardown(unchanged_ones_go_on, set_up, tear_down),
            cmocka_unit_test_setup_teardown(another_interval_is_followed, set_up, tear_down),
            cmocka_unit_test_setup_teardown(gone_ones_get_markers, set_up, tear_down),
            cmocka_unit_test_setup_teardown(comes_back_in_time, set_up, tear_down),
            cmocka_unit_test_setup_teardown(another_url_of_the_same_labels, set_up, tear_down),
            cmocka_unit_test_setup_teardown(other_series_hash_wants_a_reset, set_up, tear_down),
            cmocka_unit_test_setup_teardown(busy_ones_are_waited_for, set_up, tear_down),
            cmocka_unit_test_setup_teardown(markers_that_were_not_stored, set_up, tear_down),
            cmocka_unit_test_setup_teardown(random_sets, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
