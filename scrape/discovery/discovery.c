/*
 * One loop: wait for a wake-up, an event of inotify or the next refresh; read what changed; when
 * it makes a difference, build the whole target set anew and hand it over. Building everything
 * costs microseconds per target and leaves no half-updated state.
 */
#include "scrape/discovery/discovery.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thread.h"
#include "scrape/discovery/assembly.h"
#include "scrape/discovery/feed.h"
#include "scrape/discovery/providers.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        SETTLE_MS = 200, /* after an event: others of the same change follow */
        REFRESH_MS = 1000, /* events make us read no more often than this */
        DELIVER_MS = 2000, /* sets are put together no more often than this */
        DELIVER_MAX_MS = 5000, /* a site with many targets and changes: no more often than this */
        DELIVER_REST = 100, /* and the rest is so many times what the last one took */
        RETRY_MS = 5000, /* after a lack of memory */
        MAX_FDS = 16 * SOURCE_MAX_FDS, /* to wait for; sources beyond wait for their time */
};

struct discovery {
        /* set before start */
        pthread_t thread;
        char *host_name; /* owned */
        char *folder; /* owned; NULL: nothing is kept */
        discovery_sink sink;
        void *arg;
        int wake_fd;

        /* discover thread only */
        struct providers providers;
        int inotify_fd; /* -1: none is to be had */
        int64_t read_at_ms; /* monotonic: when events are followed by reading; 0: none came */
        int64_t last_read_ms;
        int64_t deliver_at_ms; /* monotonic; INT64_MAX: nothing new */
        int64_t deliver_not_before_ms;
        bool first_sync_done; /* of the set that was handed over last */
        uint64_t refusals_hash; /* what was refused and logged */

        /* under mtx */
        pthread_mutex_t mtx;
        struct scrape_config *next; /* a reference; NULL: no reload is due */
        bool stop;
        struct discovery_stats stats;
        struct feed_view *shown; /* owned */
        size_t n_shown;
        struct scrape_config *shown_config; /* a reference: the names of jobs live there */
        struct scrape_config *counted_config; /* the same, of counts */
        struct job_targets *counts; /* owned; by job of counted_config */
};

/* ---- once, for tools ---- */

int
discovery_once(struct scrape_config *config, const char *host_name, struct target_set **out,
    struct discovery_stats *stats, struct err *e)
{
        struct providers p = {0};
        struct providers_read got = {0};
        struct assembly_report report = {0};
        int rc = providers_set(&p, config, 0, e);

        if (rc == 0)
                rc = providers_read(&p, true, 0, &got, e);
        if (rc == 0)
                rc = providers_assemble(&p, host_name, out, &report, e);
        if (rc == 0) {
                *stats = (struct discovery_stats){.refreshes = got.refreshes,
                    .failures = got.failures,
                    .targets_refused = report.refused,
                    .targets_dropped = report.dropped};
                memcpy(stats->first_refusal, report.first_refusal, sizeof(stats->first_refusal));
        }
        providers_release(&p);
        return rc;
}

/* ---- the thread ---- */

static int64_t
now(void)
{
        return clock_mono(clock_system());
}

/* A new inotify each time: the folders of the configuration before are forgotten with the old. */
static void
watch(struct discovery *d, bool afresh)
{
        if (afresh && d->inotify_fd >= 0) {
                (void)close(d->inotify_fd);
                d->inotify_fd = -1;
        }
        if (d->providers.n == 0)
                return;
        if (d->inotify_fd < 0)
                d->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (d->inotify_fd >= 0)
                providers_watch(&d->providers, d->inotify_fd);
}

static void
read_sources(struct discovery *d, bool all)
{
        struct providers_read got = {0};
        struct err e = ERR_INIT;
        int64_t t = now();

        /* the watch comes first: what happens while we read is an event */
        watch(d, false);
        if (providers_read(&d->providers, all, t, &got, &e) < 0)
                log_error("cannot read discovery files, will try again", LOG_STR("err", e.msg));
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.refreshes += got.refreshes;
        d->stats.failures += got.failures;
        (void)pthread_mutex_unlock(&d->mtx);
        d->read_at_ms = 0;
        d->last_read_ms = t;
        if (got.changed && d->deliver_at_ms == INT64_MAX)
                d->deliver_at_ms = d->deliver_not_before_ms;
}

static void
log_refusals(struct discovery *d, const struct assembly_report *r)
{
        if (r->refusals_hash == d->refusals_hash)
                return;
        d->refusals_hash = r->refusals_hash;
        if (r->refused > 0)
                log_warn("targets are refused, they are not scraped",
                    LOG_UINT("refused", r->refused), LOG_STR("first", r->first_refusal));
}

/* Putting a set together costs by its size: the larger it is, the rarer. */
static void
rest(struct discovery *d, int64_t began_ms)
{
        int64_t t = now();
        int64_t ms = (t - began_ms) * DELIVER_REST;

        if (ms < DELIVER_MS)
                ms = DELIVER_MS;
        if (ms > DELIVER_MAX_MS)
                ms = DELIVER_MAX_MS;
        d->deliver_not_before_ms = t + ms;
}

/* What discovery_visit_jobs hands out; under mtx. Without memory what was counted stays. */
static void
count_jobs(struct discovery *d)
{
        const struct providers *p = &d->providers;
        size_t bytes = p->config->n_jobs * sizeof(*d->counts);

        if (d->counted_config != p->config) {
                struct job_targets *counts = malloc(bytes + sizeof(*counts));

                if (counts == NULL)
                        return;
                free(d->counts);
                scrape_config_unref(d->counted_config);
                d->counts = counts;
                d->counted_config = scrape_config_ref(p->config);
        }
        memcpy(d->counts, p->counts, bytes);
}

static void
deliver(struct discovery *d)
{
        struct assembly_report report = {0};
        struct target_set *set = NULL;
        struct err e = ERR_INIT;
        int64_t began_ms = now();

        if (providers_assemble(&d->providers, d->host_name, &set, &report, &e) < 0) {
                log_error("cannot build the targets, keeping the ones before",
                    LOG_STR("err", e.msg), LOG_INT("retry_ms", RETRY_MS));
                d->deliver_at_ms = now() + RETRY_MS;
                return;
        }
        log_refusals(d, &report);
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.targets_refused = report.refused;
        d->stats.targets_dropped = report.dropped;
        memcpy(d->stats.first_refusal, report.first_refusal, sizeof(d->stats.first_refusal));
        count_jobs(d);
        (void)pthread_mutex_unlock(&d->mtx);
        d->deliver_at_ms = INT64_MAX;
        rest(d, began_ms);
        if (!report.changed && set->first_sync_done == d->first_sync_done) {
                target_set_free(set);
                return;
        }
        d->first_sync_done = set->first_sync_done;
        d->sink(d->arg, set);
}

/* Names of jobs as the newest configuration has them: a feed may be of one before. */
static const char *
name_of_job(const struct scrape_config *config, const char *name)
{
        for (size_t i = 0; i < config->n_jobs; i++) {
                if (strcmp(config->jobs[i].name, name) == 0)
                        return config->jobs[i].name;
        }
        return "";
}

/* What discovery_visit hands out. */
static void
show(struct discovery *d)
{
        const struct providers *p = &d->providers;
        struct feed_view *views;

        if (p->n_feeds == 0 && d->n_shown == 0)
                return;
        (void)pthread_mutex_lock(&d->mtx);
        views = d->shown;
        if (p->n_feeds > d->n_shown || d->shown_config != p->config)
                views = realloc(views, (p->n_feeds + 1) * sizeof(*views));
        if (views != NULL) { /* else what was shown is shown */
                d->shown = views;
                d->n_shown = p->n_feeds;
                for (size_t i = 0; i < p->n_feeds; i++) {
                        feed_show(p->feeds[i], &views[i]);
                        views[i].job = name_of_job(p->config, views[i].job);
                }
                if (d->shown_config != p->config) {
                        scrape_config_unref(d->shown_config);
                        d->shown_config = scrape_config_ref(p->config);
                }
        }
        if (p->net != NULL)
                d->stats.net = p->net->counters;
        (void)pthread_mutex_unlock(&d->mtx);
}

/* Lets the sources go on that talk to the network. */
static void
turn_sources(struct discovery *d)
{
        if (d->providers.n_feeds == 0 && d->n_shown == 0)
                return;
        if (providers_turn(&d->providers, now()) && d->deliver_at_ms == INT64_MAX)
                d->deliver_at_ms = d->deliver_not_before_ms;
        show(d);
}

/* Takes a new configuration, if there is one. */
static void
take_config(struct discovery *d, struct scrape_config *config)
{
        struct err e = ERR_INIT;

        if (config == NULL)
                return;
        if (providers_set(&d->providers, config, now(), &e) < 0) {
                log_error("cannot take over the new configuration of the targets, the one before "
                          "stays",
                    LOG_STR("err", e.msg));
        } else {
                watch(d, true);
                read_sources(d, true);
                d->deliver_at_ms = now();
        }
        scrape_config_unref(config);
}

static int64_t
earliest(const struct discovery *d)
{
        int64_t t = d->deliver_at_ms;

        if (d->read_at_ms > 0 && d->read_at_ms < t)
                t = d->read_at_ms;
        if (providers_due(&d->providers) < t)
                t = providers_due(&d->providers);
        return t < providers_turn_due(&d->providers) ? t : providers_turn_due(&d->providers);
}

/* Something happened in a watched folder: read soon, but not for each of many events. */
static void
drain_events(struct discovery *d)
{
        char events[4096];
        int64_t t = now() + SETTLE_MS;
        bool some = false;

        while (d->inotify_fd >= 0 && read(d->inotify_fd, events, sizeof(events)) > 0)
                some = true;
        if (!some)
                return;
        if (t < d->last_read_ms + REFRESH_MS)
                t = d->last_read_ms + REFRESH_MS;
        if (d->read_at_ms == 0)
                d->read_at_ms = t;
}

/* libcurl waits for its own sockets, too. */
static void
wait_on(struct discovery *d, struct curl_waitfd *fds, unsigned n, int wait_ms)
{
        struct pollfd plain[2];
        int ready;

        if (d->providers.net != NULL) {
                (void)curl_multi_poll(d->providers.net->multi, fds, n, wait_ms, &ready);
                return;
        }
        for (unsigned i = 0; i < n && i < 2; i++)
                plain[i] = (struct pollfd){.fd = fds[i].fd, .events = POLLIN};
        (void)poll(plain, n < 2 ? n : 2, wait_ms);
}

static void
wait_for_work(struct discovery *d)
{
        struct curl_waitfd fds[2 + MAX_FDS];
        int64_t wait = earliest(d) - now();
        unsigned n = 0;
        uint64_t count;

        if (wait > INT32_MAX)
                wait = INT32_MAX;
        if (wait < 0)
                wait = 0;
        fds[n++] = (struct curl_waitfd){.fd = d->wake_fd, .events = CURL_WAIT_POLLIN};
        if (d->inotify_fd >= 0)
                fds[n++] = (struct curl_waitfd){.fd = d->inotify_fd, .events = CURL_WAIT_POLLIN};
        n += (unsigned)providers_fds(&d->providers, fds + n, MAX_FDS);
        wait_on(d, fds, n, (int)wait);
        (void)!read(d->wake_fd, &count, sizeof(count));
        drain_events(d);
}

static void *
run(void *arg)
{
        struct discovery *d = arg;

        read_sources(d, true);
        turn_sources(d);
        deliver(d);
        for (;;) {
                struct scrape_config *config;
                bool stop;

                wait_for_work(d);
                (void)pthread_mutex_lock(&d->mtx);
                config = d->next;
                d->next = NULL;
                stop = d->stop;
                (void)pthread_mutex_unlock(&d->mtx);
                take_config(d, config);
                if (stop)
                        return NULL;
                turn_sources(d);
                if (d->read_at_ms > 0 && d->read_at_ms <= now())
                        read_sources(d, true);
                else if (providers_due(&d->providers) <= now())
                        read_sources(d, false);
                if (d->deliver_at_ms <= now())
                        deliver(d);
        }
}

/* ---- the other threads' side ---- */

static void
wake(struct discovery *d)
{
        const uint64_t one = 1;

        (void)!write(d->wake_fd, &one, sizeof(one));
}

static void
free_discovery(struct discovery *d)
{
        providers_release(&d->providers);
        scrape_config_unref(d->next);
        if (d->inotify_fd >= 0)
                (void)close(d->inotify_fd);
        if (d->wake_fd >= 0)
                (void)close(d->wake_fd);
        (void)pthread_mutex_destroy(&d->mtx);
        free(d->host_name);
        free(d->folder);
        free(d->shown);
        free(d->counts);
        scrape_config_unref(d->shown_config);
        scrape_config_unref(d->counted_config);
        free(d);
}

/* What is kept there holds no secrets, but it names the site's hosts. */
static int
make_folder(struct discovery *d, const char *folder, struct err *e)
{
        if (folder == NULL)
                return 0;
        d->folder = strdup(folder);
        if (d->folder == NULL)
                return err_nomem(e, "the discovery");
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return err_sys(e, errno, "cannot make the folder \"%s\"", folder);
        d->providers.folder = d->folder;
        return 0;
}

static int
prepare(struct discovery *d, const struct discovery_options *o, struct scrape_config *config,
    struct err *e)
{
        int rc;

        (void)pthread_mutex_init(&d->mtx, NULL);
        d->sink = o->sink;
        d->arg = o->arg;
        d->inotify_fd = -1;
        d->deliver_at_ms = INT64_MAX;
        d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        d->host_name = strdup(o->host_name);
        if (d->wake_fd < 0)
                return err_sys(e, errno, "cannot make the discovery's event descriptor");
        if (d->host_name == NULL)
                return err_nomem(e, "the discovery");
        rc = make_folder(d, o->folder, e);
        return rc == 0 ? providers_set(&d->providers, config, now(), e) : rc;
}

int
discovery_start(const struct discovery_options *o, struct scrape_config *config,
    struct discovery **out, struct err *e)
{
        struct discovery *d = calloc(1, sizeof(*d));
        int rc;

        if (d == NULL)
                return err_nomem(e, "the discovery");
        rc = prepare(d, o, config, e);
        if (rc == 0)
                rc = thread_start(&d->thread, "discover", run, d, e);
        if (rc < 0) {
                free_discovery(d);
                return rc;
        }
        *out = d;
        return 0;
}

int
discovery_reload(struct discovery *d, struct scrape_config *config, struct err *e)
{
        (void)e;
        (void)pthread_mutex_lock(&d->mtx);
        scrape_config_unref(d->next);
        d->next = scrape_config_ref(config);
        (void)pthread_mutex_unlock(&d->mtx);
        wake(d);
        return 0;
}

void
discovery_stop(struct discovery *d)
{
        if (d == NULL)
                return;
        (void)pthread_mutex_lock(&d->mtx);
        d->stop = true;
        (void)pthread_mutex_unlock(&d->mtx);
        wake(d);
        (void)pthread_join(d->thread, NULL);
        free_discovery(d);
}

void
discovery_stats(struct discovery *d, struct discovery_stats *out)
{
        (void)pthread_mutex_lock(&d->mtx);
        *out = d->stats;
        (void)pthread_mutex_unlock(&d->mtx);
}

int
discovery_visit(struct discovery *d, discovery_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        (void)pthread_mutex_lock(&d->mtx);
        for (size_t i = 0; i < d->n_shown && rc == 0; i++)
                rc = visit(arg, &d->shown[i], e);
        (void)pthread_mutex_unlock(&d->mtx);
        return rc;
}

int
discovery_visit_jobs(struct discovery *d, discovery_job_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        (void)pthread_mutex_lock(&d->mtx);
        for (size_t i = 0; d->counted_config != NULL && i < d->counted_config->n_jobs && rc == 0;
             i++)
                rc = visit(arg, d->counted_config->jobs[i].name, &d->counts[i], e);
        (void)pthread_mutex_unlock(&d->mtx);
        return rc;
}
