/*
 * What the tests of the scraper's parts share: a log in a temporary directory, a server whose pages
 * the test changes, configurations and target sets, and a clock that is set by hand.
 */
#ifndef UNIT_SCRAPE_RIG_H
#define UNIT_SCRAPE_RIG_H

#include "base/clock.h"
#include "base/err.h"
#include "base/http.h"
#include "base/log.h"
#include "scrape/discovery/discovery.h"
#include "scrape/job.h"
#include "scrape/scrape.h"
#include "scrape/target.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/testing/wal_reader.h"
#include "wal/wal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RIG_PAGES = 32, RIG_INTERVAL_MS = 1000, RIG_TIMEOUT_MS = 900, RIG_OFFSET_MS = 370 };

/* 2024-01-01, a multiple of every interval used */
#define RIG_EPOCH_MS INT64_C(1704067200000)

struct rig_page {
        char path[32];
        struct testing_reply reply;
        char *body; /* owned; malloc'ed */
};

struct rig {
        char *dir; /* owned */
        struct wal *wal;
        struct scraper_mailbox *mailbox;
        struct clock_manual clock;
        atomic_bool fail_commits;
        struct testing_server *server;
        /* under mtx: what the server answers */
        pthread_mutex_t mtx;
        struct rig_page pages[RIG_PAGES];
        size_t n_pages;
};

/* ---- the server ---- */

static inline void
rig_serve(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        struct rig *r = arg;
        static _Thread_local char body[1 << 16];

        (void)pthread_mutex_lock(&r->mtx);
        reply->status = 404;
        for (size_t i = 0; i < r->n_pages; i++) {
                if (strcmp(r->pages[i].path, request->target) != 0)
                        continue;
                *reply = r->pages[i].reply;
                if (r->pages[i].body != NULL) {
                        (void)snprintf(body, sizeof(body), "%s", r->pages[i].body);
                        reply->body = body;
                }
        }
        (void)pthread_mutex_unlock(&r->mtx);
}

/* From now on the path answers with this; text/plain when it is a 200. */
static inline void
rig_page(struct rig *r, const char *path, struct testing_reply reply)
{
        size_t i = 0;

        (void)pthread_mutex_lock(&r->mtx);
        while (i < r->n_pages && strcmp(r->pages[i].path, path) != 0)
                i++;
        assert_true(i < RIG_PAGES);
        r->n_pages += i == r->n_pages;
        free(r->pages[i].body);
        (void)snprintf(r->pages[i].path, sizeof(r->pages[i].path), "%s", path);
        r->pages[i].reply = reply;
        r->pages[i].body = reply.body != NULL ? strdup(reply.body) : NULL;
        (void)pthread_mutex_unlock(&r->mtx);
}

static inline void
rig_text(struct rig *r, const char *path, const char *body)
{
        rig_page(r, path,
            (struct testing_reply){
                .status = 200, .headers = "Content-Type: text/plain\r\n", .body = body});
}

/* ---- the log ---- */

static inline int
rig_commit_fault(void *arg)
{
        struct rig *r = arg;

        return atomic_load(&r->fail_commits) ? EIO : 0;
}

static inline void
rig_open_wal(struct rig *r)
{
        const struct wal_options o = {.dir = r->dir,
            .tenant = "t",
            .max_size = 64 << 20,
            .max_age_ms = INT64_C(48) * 3600 * 1000,
            .sync_interval_ms = 20,
            .clock = clock_system(),
            .answer = scraper_answer,
            .answer_arg = r->mailbox,
            .commit_fault = rig_commit_fault,
            .commit_fault_arg = r};
        struct err e = ERR_INIT;

        testing_ok(wal_open(&o, &r->wal, &e), &e);
}

/* Waits until the log has taken in and answered what it was given. */
static inline void
rig_settle(struct rig *r)
{
        struct wal_stats s;

        wal_flush(r->wal);
        do {
                (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
                wal_stats(r->wal, &s);
        } while (s.queue_batches > 0);
}

/* How often the text occurs in what is stored. */
static inline size_t
rig_count(struct rig *r, const char *text)
{
        struct buf dump = BUF_INIT((size_t)64 << 20);
        size_t n;

        rig_settle(r);
        (void)testing_wal_dump(r->wal, &dump);
        testing_ok(buf_putc(&dump, '\0', NULL), NULL);
        dump.len--;
        n = testing_count_lines(&dump, text);
        buf_release(&dump);
        return n;
}

/* Targets that the log remembers. */
static inline int
rig_count_state(void *arg, const struct target_state *s, struct err *e)
{
        (void)s;
        (void)e;
        ++*(size_t *)arg;
        return 0;
}

static inline size_t
rig_known_targets(struct rig *r)
{
        size_t n = 0;

        rig_settle(r);
        testing_ok(wal_read_targets(r->wal, rig_count_state, &n, NULL), NULL);
        return n;
}

/* ---- the whole ---- */

static inline struct rig *
rig_new(void)
{
        struct rig *r = calloc(1, sizeof(*r));
        struct testing_server_options o = {.handler = rig_serve, .arg = r};

        assert_non_null(r);
        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        r->dir = testing_directory();
        (void)pthread_mutex_init(&r->mtx, NULL);
        clock_manual_init(&r->clock, RIG_EPOCH_MS);
        testing_ok(scraper_mailbox_new(&r->mailbox, NULL), NULL);
        r->server = testing_server_start(&o);
        rig_open_wal(r);
        return r;
}

static inline void
rig_free(struct rig *r)
{
        wal_close(r->wal);
        testing_server_stop(r->server);
        scraper_mailbox_free(r->mailbox);
        for (size_t i = 0; i < r->n_pages; i++)
                free(r->pages[i].body);
        (void)pthread_mutex_destroy(&r->mtx);
        testing_remove(r->dir);
        free(r);
}

/* The log as the next process finds it. */
static inline void
rig_restart_wal(struct rig *r)
{
        wal_close(r->wal);
        rig_open_wal(r);
}

/* ---- configurations ---- */

/* A job "name" with one target at the server, whose metrics_path is "/name". */
struct rig_job {
        const char *name;
        const char *path; /* NULL: "/name" */
        const char *job_label; /* NULL: name */
        int64_t interval_ms; /* 0: RIG_INTERVAL_MS */
        uint64_t series_hash;
        uint64_t target_limit;
        uint64_t sample_limit;
        unsigned targets; /* 0: one; else so many, told apart by a label */
        int64_t offset_ms; /* 0: RIG_OFFSET_MS */
};

static inline struct target_group
rig_group(struct rig *r, struct arena *a, const struct rig_job *j, unsigned i)
{
        struct target_group g = {0};
        char text[64];

        g.targets = arena_calloc(a, 1, sizeof(*g.targets));
        g.labels = arena_calloc(a, 3, sizeof(*g.labels));
        assert_true(g.targets != NULL && g.labels != NULL);
        (void)snprintf(text, sizeof(text), "127.0.0.1:%u", testing_server_port(r->server));
        g.targets[0] = arena_strdup(a, text);
        g.n_targets = 1;
        g.labels[g.n_labels++] = (struct label){VIEW_LIT("instance"), VIEW_LIT("i")};
        if (j->job_label != NULL)
                g.labels[g.n_labels++] = (struct label){VIEW_LIT("job"), view_of(j->job_label)};
        (void)snprintf(text, sizeof(text), "%u", i);
        if (j->targets > 0)
                g.labels[g.n_labels++] =
                    (struct label){VIEW_LIT("n"), view_of(arena_strdup(a, text))};
        return g;
}

static inline struct scrape_config *
rig_config(struct rig *r, const struct rig_job *jobs, size_t n)
{
        struct scrape_config *c = NULL;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        c->jobs = arena_calloc(&c->arena, n + 1, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = n;
        for (size_t i = 0; i < n; i++) {
                struct scrape_job *j = &c->jobs[i];
                unsigned targets = jobs[i].targets > 0 ? jobs[i].targets : 1;
                char path[64];

                (void)snprintf(path, sizeof(path), "/%s", jobs[i].name);
                j->name = jobs[i].name;
                j->metrics_path =
                    jobs[i].path != NULL ? jobs[i].path : arena_strdup(&c->arena, path);
                j->interval_ms = jobs[i].interval_ms > 0 ? jobs[i].interval_ms : RIG_INTERVAL_MS;
                j->timeout_ms = RIG_TIMEOUT_MS;
                j->scheme = "http";
                j->honor_timestamps = true;
                j->enable_compression = true;
                j->protocols = (struct scrape_protocols){{SCRAPE_TEXT_0_0_4}, 1};
                j->escaping = "allow-utf-8";
                j->series_hash = jobs[i].series_hash;
                j->target_limit = jobs[i].target_limit;
                j->sample_limit = jobs[i].sample_limit;
                http_options_init(&j->http);
                j->static_groups = arena_calloc(&c->arena, targets, sizeof(*j->static_groups));
                assert_non_null(j->static_groups);
                j->n_static_groups = targets;
                for (unsigned k = 0; k < targets; k++)
                        j->static_groups[k] = rig_group(r, &c->arena, &jobs[i], k);
        }
        return c;
}

/* What discovery makes of these jobs, but with the ticks where the test wants them. */
static inline struct target_set *
rig_set(struct rig *r, const struct rig_job *jobs, size_t n)
{
        struct scrape_config *c = rig_config(r, jobs, n);
        struct target_set *set = NULL;
        struct discovery_stats stats;
        struct err e = ERR_INIT;

        testing_ok(discovery_once(c, "host", &set, &stats, &e), &e);
        scrape_config_unref(c);
        for (size_t i = 0; i < set->n_active; i++) {
                size_t k = 0;

                while (strcmp(jobs[k].name, set->active[i]->job->name) != 0)
                        k++;
                set->active[i]->offset_ms =
                    jobs[k].offset_ms > 0 ? jobs[k].offset_ms : RIG_OFFSET_MS;
        }
        return set;
}

#endif
