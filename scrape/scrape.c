/*
 * The scraper's two threads and what others may ask of them. The scrape thread runs loop_turn, the
 * discover thread hands it target sets.
 */
#include "scrape/scrape.h"

#include "base/err.h"
#include "base/thread.h"
#include "scrape/discovery/discovery.h"
#include "scrape/loop.h"
#include "scrape/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct scraper {
        /* set before start */
        pthread_t thread;
        struct loop *loop; /* owned; turned by the thread */
        struct scraper_mailbox *mailbox; /* borrowed */
        struct discovery *discovery; /* owned; has its own thread */

        /* any thread */
        atomic_bool stop;
};

static void *
run(void *arg)
{
        struct scraper *s = arg;

        while (!atomic_load(&s->stop))
                loop_turn(s->loop);
        return NULL;
}

/* On the log's thread. */
static void
wake(void *arg)
{
        loop_wake(arg);
}

/* On the discover thread. */
static void
take_discovered(void *arg, struct target_set *set)
{
        loop_offer(arg, set);
}

static void
stop_thread(struct scraper *s)
{
        mailbox_attach(s->mailbox, NULL, NULL);
        atomic_store(&s->stop, true);
        loop_wake(s->loop);
        (void)pthread_join(s->thread, NULL);
}

static int
start_threads(
    struct scraper *s, const struct scraper_options *o, struct scrape_config *config, struct err *e)
{
        const struct discovery_options discover = {.host_name = o->host_name,
            .folder = o->targets_folder,
            .sink = take_discovered,
            .arg = s->loop};
        int rc;

        mailbox_attach(s->mailbox, wake, s->loop);
        rc = thread_start(&s->thread, "scrape", run, s, e);
        if (rc < 0) {
                mailbox_attach(s->mailbox, NULL, NULL);
                return rc;
        }
        rc = discovery_start(&discover, config, &s->discovery, e);
        if (rc < 0)
                stop_thread(s);
        return rc;
}

int
scraper_start(const struct scraper_options *o, struct scraper_mailbox *m,
    struct scrape_config *config, struct scraper **out, struct err *e)
{
        const struct loop_options options = {.wal = o->wal,
            .clock = o->clock,
            .mailbox = m,
            .earliest_wall_ms = o->earliest_wall_ms};
        struct scraper *s = calloc(1, sizeof(*s));
        int rc;

        if (s == NULL)
                return err_nomem(e, "the scraper");
        s->mailbox = m;
        rc = loop_new(&options, &s->loop, e);
        if (rc == 0)
                rc = start_threads(s, o, config, e);
        if (rc < 0) {
                loop_free(s->loop);
                free(s);
                return rc;
        }
        *out = s;
        return 0;
}

void
scraper_stop(struct scraper *s)
{
        if (s == NULL)
                return;
        discovery_stop(s->discovery);
        stop_thread(s);
        /* pages that have come in whole are not given up */
        while (runner_encode_some(&s->loop->env, UINT32_MAX))
                continue;
        loop_free(s->loop);
        free(s);
}

int
scraper_reload(struct scraper *s, struct scrape_config *config, struct err *e)
{
        return discovery_reload(s->discovery, config, e);
}

/* ---- the API's side ---- */

static struct target_status
status_of(const struct runner *r)
{
        return (struct target_status){.target = r->target,
            .health = r->health,
            .leaving = r->leaving,
            .last_error = r->last_error != NULL ? r->last_error : "",
            .last_scrape_ms = r->last_scrape_ms,
            .last_duration_seconds = r->last_duration_seconds,
            .last_samples = r->last_samples,
            .last_size_bytes = r->last_size_bytes,
            .series_slots = r->counts.slots,
            .series_alive = r->counts.alive,
            .refused_memory = r->refused_memory,
            .metadata = r->metadata};
}

int
scraper_visit_active(
    struct scraper *s, const char *after, target_visitor visit, void *arg, struct err *e)
{
        const struct roster *roster = &s->loop->roster;
        int rc = 0;

        (void)pthread_mutex_lock(&s->loop->env.mtx);
        for (size_t i = roster_behind(roster, after); i < roster->n && rc == 0; i++) {
                const struct target_status status = status_of(roster->v[i]);

                rc = visit(arg, &status, e);
        }
        (void)pthread_mutex_unlock(&s->loop->env.mtx);
        return rc;
}

int
scraper_visit_dropped(struct scraper *s, target_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        (void)pthread_mutex_lock(&s->loop->env.mtx);
        for (size_t i = 0; i < s->loop->roster.n_dropped && rc == 0; i++) {
                const struct target_status status = {
                    .target = s->loop->roster.dropped[i], .last_error = ""};

                rc = visit(arg, &status, e);
        }
        (void)pthread_mutex_unlock(&s->loop->env.mtx);
        return rc;
}

int
scraper_visit_feeds(struct scraper *s, feed_visitor visit, void *arg, struct err *e)
{
        return discovery_visit(s->discovery, visit, arg, e);
}

int
scraper_visit_jobs(struct scraper *s, job_visitor visit, void *arg, struct err *e)
{
        return discovery_visit_jobs(s->discovery, visit, arg, e);
}

void
scraper_stats(struct scraper *s, struct scraper_stats *out)
{
        struct discovery_stats d = {0};

        discovery_stats(s->discovery, &d);
        (void)pthread_mutex_lock(&s->loop->env.mtx);
        *out = s->loop->env.stats;
        out->targets = s->loop->roster.n;
        for (size_t i = 0; i < s->loop->roster.n; i++) {
                const struct runner *r = s->loop->roster.v[i];

                out->targets_up += r->health == HEALTH_UP;
                out->series_alive += r->counts.alive;
                out->series_slots += r->counts.slots;
                out->chunks += r->counts.chunks;
                out->samples_held += r->counts.held;
        }
        out->clock_held = s->loop->clock_held;
        out->first_sync_done = s->loop->first_sync_done;
        (void)pthread_mutex_unlock(&s->loop->env.mtx);
        out->sd_refreshes = d.refreshes;
        out->sd_failures = d.failures;
        out->targets_dropped = d.targets_dropped;
        out->targets_refused = d.targets_refused;
        out->net = d.net;
        out->loop_beat_ms = atomic_load(&s->loop->loop_beat_ms);
}
