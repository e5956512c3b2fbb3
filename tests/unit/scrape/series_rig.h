/*
 * A target's series on a real log, for the tests of what becomes of a scrape.
 */
#ifndef TESTS_UNIT_SCRAPE_SERIES_RIG_H
#define TESTS_UNIT_SCRAPE_SERIES_RIG_H

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

static inline void
on_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        struct rig *r = arg;

        (void)pthread_mutex_lock(&r->mtx);
        r->answers[r->n_answers++ % ANSWERS] = (struct answer){target, serial, stored};
        (void)pthread_cond_signal(&r->cond);
        (void)pthread_mutex_unlock(&r->mtx);
}

static inline int
on_commit(void *arg)
{
        const struct rig *r = arg;

        return r->fail_commits ? EIO : 0;
}

/* At every look: offered = appended + not stored + queued. */
static inline void
check_tally(struct rig *r)
{
        struct wal_stats s;
        uint64_t sum;

        wal_stats(r->wal, &s);
        sum = s.samples_appended + s.samples_queued;
        for (int i = 0; i < NOT_STORED_REASONS; i++)
                sum += s.not_stored[i];
        assert_int_equal(s.samples_offered, sum);
}

/* Commits and hands every answer that is due to the series. */
static inline void
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
        check_tally(r);
}

static inline void
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

static inline void
close_log(struct rig *r)
{
        series_free(r->series);
        r->series = NULL;
        series_pool_free(r->pool);
        wal_close(r->wal);
}

static inline int
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
        r->config.clock_tolerance_ms = 120000;
        r->target.url = (char *)(uintptr_t) "http://i/metrics";
        r->target.identity = (char *)(uintptr_t) "node i http://i/metrics";
        r->target.labels = r->labels;
        r->target.n_labels = 2;
        r->target.interval_ms = 15000;
        open_log(r);
        *state = r;
        return 0;
}

static inline int
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

static inline int
on_sample(void *arg, const struct text_sample *s, struct err *e)
{
        return series_sample(arg, s, e);
}

static inline bool
on_guess(void *arg, struct view text)
{
        return series_guess(arg, text);
}

/* One scrape of the page (NULL: the target is away). The batch is handed over, not committed. */
static inline void
scrape(struct rig *r, const char *page)
{
        const struct textparse_options o = {.sink = on_sample, .arg = r->series, .guess = on_guess};
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
        check_tally(r);
        textparse_free(t);
}

static inline void
scrape_stored(struct rig *r, const char *page)
{
        scrape(r, page);
        settle(r);
}

static inline size_t
count(struct rig *r, const char *text)
{
        struct buf dump = BUF_INIT((size_t)64 << 20);
        size_t n;

        (void)testing_wal_dump(r->wal, &dump);
        n = testing_count_lines(&dump, text);
        buf_release(&dump);
        return n;
}

/* A page of several thousand series: several chunks, layouts ahead of the scrape. */
static inline char *
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

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
