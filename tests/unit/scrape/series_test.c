/*
 * A target's series against a real log: what is scraped is what is read back, over vanished
 * series, failed scrapes, limits, restarts, lost commits and compactions.
 */
#include "scrape/series.h"

#include "base/clock.h"
#include "base/memory.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "tests/testing/testing.h"
#include "tests/testing/wal_reader.h"
#include "wal/wal.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWERS = 256 };

struct answer {
        uint64_t target;
        uint64_t serial;
        bool stored;
};

struct rig {
        char *dir;
        struct wal *wal;
        struct series_pool *pool;
        struct series *series;
        struct scrape_job job;
        struct scrape_config config;
        struct target target;
        struct label labels[2];
        struct clock_manual clock;
        bool fail_commits;
        int64_t tick;
        struct series_report report;
        struct err error; /* of the last scrape */
        /* under mtx: what the log answered */
        pthread_mutex_t mtx;
        pthread_cond_t cond;
        struct answer answers[ANSWERS];
        size_t n_answers;
        size_t n_taken;
};

static void
on_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        struct rig *r = arg;

        (void)pthread_mutex_lock(&r->mtx);
        r->answers[r->n_answers++ % ANSWERS] = (struct answer){target, serial, stored};
        (void)pthread_cond_signal(&r->cond);
        (void)pthread_mutex_unlock(&r->mtx);
}

static int
on_commit(void *arg)
{
        const struct rig *r = arg;

        return r->fail_commits ? EIO : 0;
}

/* Commits and hands every answer that is due to the series. */
static void
settle(struct rig *r)
{
        struct wal_stats stats;

        wal_flush(r->wal);
        (void)pthread_mutex_lock(&r->mtx);
        for (;;) {
                while (r->n_taken < r->n_answers) {
                        struct answer a = r->answers[r->n_taken++ % ANSWERS];

                        if (r->series != NULL && a.target == series_target_number(r->series))
                                series_answered(r->series, a.serial, a.stored);
                }
                (void)pthread_mutex_unlock(&r->mtx);
                wal_stats(r->wal, &stats);
                (void)pthread_mutex_lock(&r->mtx);
                if (stats.queue_batches == 0 && r->n_taken == r->n_answers)
                        break;
                if (r->n_taken == r->n_answers)
                        (void)pthread_cond_wait(&r->cond, &r->mtx);
        }
        (void)pthread_mutex_unlock(&r->mtx);
}

static void
open_log(struct rig *r)
{
        const struct wal_options o = {.dir = r->dir,
            .tenant = "t",
            .max_size = 64 << 20,
            .max_age_ms = 48LL * 3600 * 1000,
            .sync_interval_ms = 3600 * 1000,
            .clock = &r->clock.clock,
            .answer = on_answer,
            .answer_arg = r,
            .commit_fault = on_commit,
            .commit_fault_arg = r};
        struct err e = ERR_INIT;

        testing_ok(wal_open(&o, &r->wal, &e), &e);
        testing_ok(series_pool_new(r->wal, &r->pool, &e), &e);
        testing_ok(series_new(r->pool, &r->target, &r->series, &e), &e);
}

static void
close_log(struct rig *r)
{
        series_free(r->series);
        r->series = NULL;
        series_pool_free(r->pool);
        wal_close(r->wal);
}

static int
setup(void **state)
{
        struct rig *r = calloc(1, sizeof(*r));

        assert_non_null(r);
        r->dir = testing_directory();
        (void)pthread_mutex_init(&r->mtx, NULL);
        (void)pthread_cond_init(&r->cond, NULL);
        clock_manual_init(&r->clock, 1700000000000);
        r->tick = 1700000000000;
        r->job.name = "node";
        r->job.honor_timestamps = true;
        r->labels[0] = (struct label){VIEW_LIT("instance"), VIEW_LIT("i")};
        r->labels[1] = (struct label){VIEW_LIT("job"), VIEW_LIT("node")};
        r->target.job = &r->job;
        r->target.config = &r->config;
        r->target.url = (char *)(uintptr_t) "http://i/metrics";
        r->target.identity = (char *)(uintptr_t) "node i http://i/metrics";
        r->target.labels = r->labels;
        r->target.n_labels = 2;
        r->target.interval_ms = 15000;
        open_log(r);
        *state = r;
        return 0;
}

static int
teardown(void **state)
{
        struct rig *r = *state;

        close_log(r);
        relabel_rules_release(&r->job.metric_relabel);
        testing_remove(r->dir);
        (void)pthread_mutex_destroy(&r->mtx);
        (void)pthread_cond_destroy(&r->cond);
        free(r);
        return 0;
}

static int
on_sample(void *arg, const struct text_sample *s, struct err *e)
{
        return series_sample(arg, s, e);
}

/* One scrape of the page (NULL: the target is away). The batch is handed over, not committed. */
static void
scrape(struct rig *r, const char *page)
{
        const struct textparse_options o = {.sink = on_sample, .arg = r->series};
        struct textparse *t = NULL;
        bool done = false;
        int rc = page != NULL ? 0 : ERR_SYS;

        r->tick += 15000;
        clock_manual_advance(&r->clock, 15000);
        testing_ok(textparse_new(&o, &t, NULL), NULL);
        testing_ok(series_begin(r->series, r->tick, &r->error), &r->error);
        if (rc == 0)
                rc = textparse_feed(t, page, strlen(page), &r->error);
        if (rc == 0)
                rc = textparse_finish(t, &r->error);
        rc = series_end(r->series, rc == 0, 0.25, &r->report, &r->error);
        assert_true(rc == 0 || rc == ERR_LIMIT);
        while (!done)
                (void)series_encode(r->series, 1, &done, NULL);
        assert_false(series_busy(r->series));
        textparse_free(t);
}

static void
scrape_stored(struct rig *r, const char *page)
{
        scrape(r, page);
        settle(r);
}

static size_t
count(struct rig *r, const char *text)
{
        struct buf dump = BUF_INIT((size_t)64 << 20);
        size_t n;

        (void)testing_wal_dump(r->wal, &dump);
        n = testing_count_lines(&dump, text);
        buf_release(&dump);
        return n;
}

static void
what_is_scraped_is_stored(void **state)
{
        struct rig *r = *state;
        char line[200];

        scrape_stored(r, "a 1\nb{x=\"y\"} 2.5\n");
        assert_int_equal(count(r, "\n"), 7);
        (void)snprintf(
            line, sizeof(line), "a{instance=\"i\",job=\"node\"} 1 %lld\n", (long long)r->tick);
        assert_int_equal(count(r, line), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\",x=\"y\"} 2.5 "), 1);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 1 "), 1);
        assert_int_equal(count(r, "scrape_duration_seconds{instance=\"i\",job=\"node\"} 0.25 "), 1);
        assert_int_equal(count(r, "scrape_samples_scraped{instance=\"i\",job=\"node\"} 2 "), 1);
        assert_int_equal(count(r, "scrape_series_added{instance=\"i\",job=\"node\"} 2 "), 1);
        scrape_stored(r, "a 1\nb{x=\"y\"} 3.5\n");
        assert_int_equal(r->report.added, 0);
        assert_int_equal(count(r, "\n"), 14);
        assert_int_equal(count(r, "3.5 "), 1);
}

static void
a_series_that_comes_back_is_added_again(void **state)
{
        static const struct {
                const char *page; /* NULL: the target is away */
                uint64_t added;
        } rows[] = {
            {"a 1\nb 1\n", 2},
            {"a 1\n", 0},
            {"a 1\nb 1\n", 1},
            {"a 1\nb 1\n", 0},
            {NULL, 0},
            {"a 1\nb 1\n", 0}, /* a failed scrape is no page without them */
            {"", 0},
            {"a 1\nb 1\n", 0}, /* nor is an empty one */
            {"a 1\nc 1\n", 1},
            {"c 1\nb 1\nb 2\na 1\n", 1},
        };
        struct rig *r = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                scrape_stored(r, rows[i].page);
                assert_int_equal(r->report.added, rows[i].added);
        }
}

static void
a_vanished_series_gets_one_marker(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, "a 1\n");
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "STALE"), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, "a 1\nb 3\n");
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} 3 "), 1);
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "STALE"), 2);
}

static void
a_failed_scrape_marks_all_that_was_alive(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, NULL);
        assert_int_equal(count(r, "STALE"), 2);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 0 "), 1);
        scrape_stored(r, NULL);
        assert_int_equal(count(r, "STALE"), 2);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 0 "), 2);
}

/* Prometheus scrape/scrape.go: series read before the failure get no marker in that scrape. */
static void
a_parse_error_drops_the_whole_page(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, "a 5\nc 6\n}broken\n");
        assert_int_equal(count(r, "} 5 "), 0);
        assert_int_equal(count(r, "} 6 "), 0);
        assert_int_equal(count(r, "STALE"), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, "b 2\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} STALE"), 1);
        assert_int_equal(count(r, "c{instance=\"i\",job=\"node\"}"), 0);
}

static void
a_repeated_line_is_a_duplicate(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\na 2\na{} 3\n");
        assert_int_equal(r->report.duplicates, 2);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 1 "), 1);
        assert_int_equal(count(r, "\n"), 6);
        scrape_stored(r, "a 1\na 2\na{} 3\n");
        assert_int_equal(r->report.duplicates, 2);
        /* the other spelling goes on when the first one is gone */
        scrape_stored(r, "a{} 4\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 4 "), 1);
        assert_int_equal(count(r, "STALE"), 0);
}

static void
sample_limit_fails_the_scrape(void **state)
{
        struct rig *r = *state;

        r->job.sample_limit = 2;
        scrape_stored(r, "a 1\nb 2\n");
        assert_true(r->report.up);
        scrape_stored(r, "a 1\nb 2\nc 3\n");
        assert_false(r->report.up);
        assert_non_null(strstr(r->error.msg, "sample_limit is 2"));
        assert_int_equal(r->report.scraped, 3);
        assert_int_equal(r->report.post_relabel, 3);
        assert_int_equal(count(r, "c{"), 0);
}

static void
explicit_timestamps_ride_along(void **state)
{
        struct rig *r = *state;
        char page[200];
        char want[200];

        (void)snprintf(page, sizeof(page), "a 1 %lld\na 2 %lld\nb 3\n", (long long)r->tick - 2000,
            (long long)r->tick - 1000);
        scrape_stored(r, page);
        (void)snprintf(want, sizeof(want), "a{instance=\"i\",job=\"node\"} 2 %lld\n",
            (long long)r->tick - 16000);
        assert_int_equal(count(r, want), 1);
        assert_int_equal(count(r, "a{"), 2);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 2);
        scrape_stored(r, "b 3\n");
        assert_int_equal(count(r, "STALE"), 0);
        (void)snprintf(page, sizeof(page), "a 1 %lld\n", (long long)r->tick + 3600000);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_bounds, 1);
}

static void
target_labels_win_over_scraped_ones(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a{job=\"x\",exported_job=\"z\"} 1\n");
        assert_int_equal(count(r,
                             "a{exported_exported_job=\"x\",exported_job=\"z\","
                             "instance=\"i\",job=\"node\"} 1 "),
            1);
        r->job.honor_labels = true;
        testing_ok(series_reset(r->series, NULL), NULL);
        scrape_stored(r, "a{job=\"x\"} 1\nb{job=\"\"} 2\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"x\"} 1 "), 1);
        assert_int_equal(count(r, "b{instance=\"i\"} 2 "), 1);
        /* the series of the old relabeling are gone, and said to be */
        assert_int_equal(count(r, "STALE"), 1);
}

static void
relabeled_away_series_are_remembered(void **state)
{
        struct rig *r = *state;
        const struct view sources[] = {VIEW_LIT("__name__")};
        struct relabel_options o;
        struct relabel_rule *rule = NULL;
        struct series_counts counts;
        struct err e = ERR_INIT;

        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = sources;
        o.n_source_labels = 1;
        o.regex = VIEW_LIT("b.*");
        testing_ok(relabel_compile(&o, &rule, &e), &e);
        testing_ok(relabel_rules_take(&r->job.metric_relabel, &rule, &e), &e);
        for (int i = 0; i < 3; i++)
                scrape_stored(r, "a 1\nb1 2\nb2 3\nc 4\n");
        series_count(r->series, &counts);
        assert_int_equal(counts.dropped, 2);
        assert_int_equal(counts.alive, 2 + 5);
        assert_int_equal(r->report.scraped, 4);
        assert_int_equal(r->report.post_relabel, 2);
        assert_int_equal(count(r, "c{"), 3);
        assert_int_equal(count(r, "b1{"), 0);
        /* forgotten when they do not come any more */
        for (int i = 0; i < 80; i++)
                scrape(r, "a 1\nc 4\n");
        settle(r);
        series_count(r->series, &counts);
        assert_int_equal(counts.dropped, 0);
}

static void
label_checks_fail_the_scrape(void **state)
{
        struct rig *r = *state;

        r->job.label_limit = 3;
        scrape_stored(r, "a 1\n");
        assert_true(r->report.up);
        scrape_stored(r, "a{x=\"1\"} 1\n");
        assert_false(r->report.up);
        assert_non_null(strstr(r->error.msg, "label_limit"));
        r->job.label_limit = 0;
        scrape_stored(r, "a{x=\"1\",x=\"2\"} 1\n");
        assert_false(r->report.up);
        scrape_stored(r, "{x=\"1\"} 1\n");
        assert_false(r->report.up);
}

/* A page of several thousand series: several chunks, layouts ahead of the scrape. */
static char *
big_page(unsigned n, unsigned step, unsigned value)
{
        char *page = malloc((size_t)n * 96 + 1);
        size_t at = 0;

        assert_non_null(page);
        page[0] = '\0';
        for (unsigned i = 0; i < n; i += step)
                at += (size_t)sprintf(page + at, // NOLINT: 96 bytes a line are room enough
                    "metric_number_%u{pod=\"pod-%08x\",namespace=\"default\"} %u\n", i % 37,
                    i * 2654435761U, value + i);
        return page;
}

static void
a_page_of_many_chunks_comes_back_whole(void **state)
{
        struct rig *r = *state;
        struct series_counts counts;
        char *page = big_page(5000, 1, 7);
        char *next = big_page(5000, 1, 8);

        scrape_stored(r, page);
        series_count(r->series, &counts);
        assert_int_equal(counts.alive, 5005);
        assert_int_equal(counts.chunks, 5);
        assert_int_equal(count(r, "\n"), 5005);
        assert_int_equal(count(r, "} 5006 "), 1);
        for (int i = 0; i < 40; i++)
                scrape_stored(r, next);
        assert_int_equal(count(r, "\n"), 41 * 5005);
        assert_int_equal(count(r, "} 5007 "), 40);
        free(page);
        free(next);
}

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

static void
new_series_are_refused_over_the_memory_limit(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\n");
        memory_set_limit(1);
        memory_check();
        scrape_stored(r, "a 2\nb 3\n");
        assert_true(r->report.up);
        assert_int_equal(r->report.refused_memory, 1);
        assert_int_equal(count(r, "b{"), 0);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 2 "), 1);
        memory_set_limit(0);
        memory_check();
        scrape_stored(r, "a 2\nb 3\n");
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} 3 "), 1);
}

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_RIG(what_is_scraped_is_stored),
            WITH_RIG(a_series_that_comes_back_is_added_again),
            WITH_RIG(a_vanished_series_gets_one_marker),
            WITH_RIG(a_failed_scrape_marks_all_that_was_alive),
            WITH_RIG(a_parse_error_drops_the_whole_page),
            WITH_RIG(a_repeated_line_is_a_duplicate),
            WITH_RIG(sample_limit_fails_the_scrape),
            WITH_RIG(explicit_timestamps_ride_along),
            WITH_RIG(target_labels_win_over_scraped_ones),
            WITH_RIG(relabeled_away_series_are_remembered),
            WITH_RIG(label_checks_fail_the_scrape),
            WITH_RIG(a_page_of_many_chunks_comes_back_whole),
            WITH_RIG(a_restart_knows_the_series_again),
            WITH_RIG(a_lost_commit_is_made_good),
            WITH_RIG(nothing_refers_to_a_lost_commit),
            WITH_RIG(a_batch_behind_a_lost_one_is_not_stored),
            WITH_RIG(a_target_s_next_life_is_not_held_up),
            WITH_RIG(every_kth_commit_lost_leaves_the_rest_readable),
            WITH_RIG(a_vanished_target_gets_markers),
            WITH_RIG(markers_of_a_vanished_target_can_be_read_when_all_else_is_sent),
            WITH_RIG(half_dead_chunks_are_compacted),
            WITH_RIG(new_series_are_refused_over_the_memory_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
