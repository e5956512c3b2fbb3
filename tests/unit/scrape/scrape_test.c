/*
 * The real threads: scrape, discover and the log's, with twenty targets on a real clock. Run under
 * the thread sanitizer too.
 */
#include "scrape/scrape.h"

#include "tests/unit/scrape/rig.h"

enum { INTERVAL_MS = 200, TARGETS = 20, PATIENCE_S = 60 };

static char names[TARGETS][8];

struct world {
        struct rig *rig;
        struct scraper *scraper;
};

static void
jobs_of(struct rig_job *jobs, size_t n, uint64_t series_hash)
{
        for (size_t i = 0; i < n; i++)
                jobs[i] = (struct rig_job){
                    .name = names[i], .interval_ms = INTERVAL_MS, .series_hash = series_hash};
}

static void
start(struct world *w, const struct rig_job *jobs, size_t n)
{
        const struct scraper_options o = {
            .wal = w->rig->wal, .clock = clock_system(), .host_name = "host"};
        struct scrape_config *c = rig_config(w->rig, jobs, n);
        struct err e = ERR_INIT;

        for (size_t i = 0; i < c->n_jobs; i++)
                c->jobs[i].timeout_ms = INTERVAL_MS;
        testing_ok(scraper_start(&o, w->rig->mailbox, c, &w->scraper, &e), &e);
        scrape_config_unref(c);
}

static void
reload(struct world *w, const struct rig_job *jobs, size_t n)
{
        struct scrape_config *c = rig_config(w->rig, jobs, n);
        struct err e = ERR_INIT;

        for (size_t i = 0; i < c->n_jobs; i++)
                c->jobs[i].timeout_ms = INTERVAL_MS;
        testing_ok(scraper_reload(w->scraper, c, &e), &e);
        scrape_config_unref(c);
}

static int
set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->rig = rig_new();
        for (size_t i = 0; i < TARGETS; i++) {
                char path[16];

                (void)snprintf(names[i], sizeof(names[i]), "j%zu", i);
                (void)snprintf(path, sizeof(path), "/%s", names[i]);
                rig_text(w->rig, path, i % 7 == 6 ? "x{ 1\n" : "x 1\ny{z=\"1\"} 2\n");
        }
        *state = w;
        return 0;
}

static int
tear_down(void **state)
{
        struct world *w = *state;

        scraper_stop(w->scraper);
        rig_free(w->rig);
        free(w);
        return 0;
}

/* Waits for something about the statistics. */
static void
wait_for(struct world *w, bool (*ready)(const struct scraper_stats *s, uint64_t n), uint64_t n)
{
        struct scraper_stats s;

        for (int i = 0; i < PATIENCE_S * 100; i++) {
                scraper_stats(w->scraper, &s);
                if (ready(&s, n))
                        return;
                (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
        }
        fail_msg("waited in vain; scrapes %llu, targets %llu, up %llu",
            (unsigned long long)s.scrapes, (unsigned long long)s.targets,
            (unsigned long long)s.targets_up);
}

static bool
have_scrapes(const struct scraper_stats *s, uint64_t n)
{
        return s->scrapes >= n;
}

static bool
have_targets(const struct scraper_stats *s, uint64_t n)
{
        return s->targets == n;
}

static bool
have_barriers(const struct scraper_stats *s, uint64_t n)
{
        return s->barriers >= n;
}

static bool
are_up(const struct scraper_stats *s, uint64_t n)
{
        return s->targets_up >= n;
}

struct visit {
        size_t n;
        size_t up;
        size_t down;
        uint64_t alive;
};

static int
visit_one(void *arg, const struct target_status *s, struct err *e)
{
        struct visit *v = arg;

        (void)e;
        v->n++;
        v->up += s->health == HEALTH_UP;
        v->down += s->health == HEALTH_DOWN;
        v->alive += s->series_alive;
        assert_non_null(s->target->url);
        if (s->health == HEALTH_DOWN)
                assert_true(strlen(s->last_error) > 0);
        return 0;
}

static void
twenty_targets(void **state)
{
        struct world *w = *state;
        struct rig_job jobs[TARGETS];
        struct scraper_stats s;
        struct visit v = {0};

        jobs_of(jobs, TARGETS, 0);
        start(w, jobs, TARGETS);
        wait_for(w, have_scrapes, 3 * TARGETS);
        wait_for(w, are_up, TARGETS - 2);
        scraper_stats(w->scraper, &s);
        assert_int_equal(s.targets, TARGETS);
        assert_int_equal(s.targets_up, TARGETS - 2); /* j6 and j13 have a broken page */
        assert_true(s.first_sync_done);
        assert_false(s.clock_held);
        assert_true(s.loop_beat_ms > 0);
        testing_ok(scraper_visit_active(w->scraper, NULL, visit_one, &v, NULL), NULL);
        assert_int_equal(v.n, TARGETS);
        assert_int_equal(v.up, TARGETS - 2);
        assert_int_equal(v.down, 2);
        assert_int_equal(s.series_alive, s.chunks * 7 - 2 * 2);
        v.n = 0;
        testing_ok(scraper_visit_dropped(w->scraper, visit_one, &v, NULL), NULL);
        assert_int_equal(v.n, 0);
        /* new series for all of them, then half of them, then all again */
        jobs_of(jobs, TARGETS, 1);
        reload(w, jobs, TARGETS);
        wait_for(w, have_barriers, 1);
        reload(w, jobs, TARGETS / 2);
        wait_for(w, have_targets, TARGETS / 2);
        reload(w, jobs, TARGETS);
        wait_for(w, have_targets, TARGETS);
        wait_for(w, are_up, TARGETS - 2);
        scraper_stats(w->scraper, &s);
        wait_for(w, have_scrapes, s.scrapes + 2 * TARGETS);
        scraper_stop(w->scraper);
        w->scraper = NULL;
        /* those that went got markers: j10 to j19, but for the broken one two series and reports */
        assert_int_equal(rig_count(w->rig, "job=\"j10\"} STALE"), 6);
        assert_int_equal(rig_count(w->rig, "job=\"j1\"} STALE"), 0);
        assert_true(rig_count(w->rig, "x{instance=\"i\",job=\"j0\"} 1 ") >= 5);
}

/* A slow and a dead target beside good ones, visits and reloads from other threads meanwhile. */
static void *
pester(void *arg)
{
        struct world *w = arg;
        struct rig_job jobs[TARGETS];

        for (int i = 0; i < 20; i++) {
                struct scraper_stats s;
                struct visit v = {0};

                jobs_of(jobs, TARGETS, 0);
                jobs[i % TARGETS].sample_limit = 100;
                reload(w, jobs, TARGETS);
                scraper_stats(w->scraper, &s);
                (void)scraper_visit_active(w->scraper, NULL, visit_one, &v, NULL);
                (void)nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
        return NULL;
}

static void
reloads_leave_no_gap(void **state)
{
        struct world *w = *state;
        struct rig_job jobs[TARGETS];
        struct scraper_stats before;
        struct scraper_stats after;
        pthread_t thread;

        rig_page(w->rig, "/j1", (struct testing_reply){.how = BREAK_HANG});
        rig_page(w->rig, "/j2", (struct testing_reply){.how = BREAK_BEFORE});
        jobs_of(jobs, TARGETS, 0);
        start(w, jobs, TARGETS);
        wait_for(w, are_up, TARGETS - 4);
        scraper_stats(w->scraper, &before);
        assert_int_equal(pthread_create(&thread, NULL, pester, w), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        wait_for(w, have_scrapes, before.scrapes + 2 * TARGETS);
        scraper_stats(w->scraper, &after);
        assert_int_equal(after.targets, TARGETS);
        assert_int_equal(after.targets_up, TARGETS - 4);
        assert_int_equal(after.barriers, 0);
        assert_int_equal(rig_count(w->rig, "x{instance=\"i\",job=\"j0\"} STALE"), 0);
}

static void
starts_and_stops(void **state)
{
        struct world *w = *state;
        struct rig_job jobs[TARGETS];

        jobs_of(jobs, TARGETS, 0);
        for (int i = 0; i < 10; i++) {
                start(w, jobs, TARGETS);
                if (i % 2 == 0)
                        wait_for(w, have_targets, TARGETS);
                scraper_stop(w->scraper);
                w->scraper = NULL;
        }
        assert_int_equal(rig_count(w->rig, "STALE"), 0); /* none at a shutdown */
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(twenty_targets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(reloads_leave_no_gap, set_up, tear_down),
            cmocka_unit_test_setup_teardown(starts_and_stops, set_up, tear_down),
        };
        int rc;

        testing_ok(http_setup(NULL), NULL);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        http_teardown();
        return rc;
}
