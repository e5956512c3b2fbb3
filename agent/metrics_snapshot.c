#include "agent/metrics_snapshot.h"

#include "agent/metrics.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/resident.h"
#include "scrape/discovery/feed.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
        FDS_AT_ONCE = 256,
        FDS_MAX = 65536, /* descriptors above are not looked for */
        POOLS_MAX_BYTES = 1 << 20,
        REMOTES_MAX = 64,
};

/* poll(2) answers POLLNVAL for what is not open. /proc/self/fd cannot be read by a process that is
 * not dumpable. */
static double
count_open_fds(void)
{
        struct rlimit limit;
        int count = 0;
        int max = FDS_MAX;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FDS_MAX)
                max = (int)limit.rlim_cur;
        for (int from = 0; from < max; from += FDS_AT_ONCE) {
                struct pollfd fds[FDS_AT_ONCE];
                int n = max - from < FDS_AT_ONCE ? max - from : FDS_AT_ONCE;

                for (int i = 0; i < n; i++)
                        fds[i] = (struct pollfd){.fd = from + i};
                if (poll(fds, (nfds_t)n, 0) < 0)
                        return (double)NAN;
                for (int i = 0; i < n; i++)
                        count += (fds[i].revents & POLLNVAL) == 0;
        }
        return count;
}

static void
take_process(struct metrics_process *p, int64_t start_ms)
{
        struct resident r = resident_now();
        struct rlimit limit;
        struct timespec cpu = {0, 0};

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        p->cpu_seconds = (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
        p->start_seconds = (double)start_ms / 1e3;
        p->open_fds = count_open_fds();
        p->max_fds = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : (double)NAN;
        p->virtual_bytes = r.mapped > 0 ? (double)r.mapped : (double)NAN;
        p->resident_bytes = r.total > 0 ? (double)r.total : (double)NAN;
}

const char *const memory_shown_names[MEMORY_SHOWN] = {"series", "staging", "send", "queue",
    "targets", "curl", "tls", "other_heap", "stacks", "data", "code", "wal_map"};

static int64_t
at_least_0(int64_t n)
{
        return n > 0 ? n : 0;
}

/* Parts are looked at one by one, not derived from the whole: that they add up is a check. */
static void
take_parts(int64_t *parts, const struct resident *r, uint64_t wal_map)
{
        struct resident_anonymous own = resident_anonymous();

        parts[MEMORY_OTHER_HEAP] = (int64_t)own.heap;
        for (int i = 0; i < MEMORY_PARTS; i++) {
                parts[i] = memory_of((enum memory_part)i);
                parts[MEMORY_OTHER_HEAP] -= parts[i];
        }
        parts[MEMORY_OTHER_HEAP] = at_least_0(parts[MEMORY_OTHER_HEAP]);
        parts[MEMORY_STACKS] = (int64_t)own.stacks;
        parts[MEMORY_DATA] = (int64_t)own.data;
        parts[MEMORY_CODE] = at_least_0((int64_t)r->file - (int64_t)wal_map);
        parts[MEMORY_WAL_MAP] = (int64_t)wal_map;
}

static void
take_memory(struct metrics_memory *m, uint64_t wal_map)
{
        struct resident r = resident_now();

        take_parts(m->parts, &r, wal_map);
        m->limit = memory_limit();
        m->anonymous = r.total - r.file;
        m->refuses_new = memory_refuses_new();
}

/* The pool of a job, made when it is new; NULL when there is no memory for it. */
static struct metrics_pool *
find_pool(struct metrics_snapshot *s, const char *job)
{
        struct metrics_pool **at = &s->pools;

        for (; *at != NULL; at = &(*at)->next) {
                if (strcmp((*at)->job, job) == 0)
                        return *at;
        }
        *at = arena_calloc(&s->arena, 1, sizeof(**at));
        if (*at != NULL && ((*at)->job = arena_strdup(&s->arena, job)) == NULL)
                *at = NULL;
        return *at;
}

static int
count_active(void *arg, const struct target_status *t, struct err *e)
{
        struct metrics_pool *pool;

        if (t->leaving)
                return 0; /* only its markers are due */
        pool = find_pool(arg, t->target->job->name);
        if (pool == NULL)
                return err_nomem(e, "the numbers of a job");
        pool->active++;
        return 0;
}

/* A job without targets has a pool, too: that is what an alert asks for. */
static int
count_discovered(void *arg, const char *job, const struct job_targets *n, struct err *e)
{
        struct metrics_pool *pool = find_pool(arg, job);

        if (pool == NULL)
                return err_nomem(e, "the numbers of a job");
        pool->discovered = n->discovered;
        return 0;
}

/* That of a job and kind, made when it is new; NULL when there is no memory for it. */
static struct metrics_feed *
find_feed(struct metrics_snapshot *s, const struct feed_view *f)
{
        struct metrics_feed **at = &s->feeds;

        for (; *at != NULL; at = &(*at)->next) {
                if (strcmp((*at)->job, f->job) == 0 && (*at)->mechanism == f->mechanism)
                        return *at;
        }
        *at = arena_calloc(&s->arena, 1, sizeof(**at));
        if (*at == NULL || ((*at)->job = arena_strdup(&s->arena, f->job)) == NULL)
                return *at = NULL;
        (*at)->mechanism = f->mechanism;
        (*at)->known = true;
        (*at)->confirmed_ms = INT64_MAX;
        return *at;
}

static int
add_feed(void *arg, const struct feed_view *f, struct err *e)
{
        struct metrics_feed *sum = find_feed(arg, f);

        if (sum == NULL)
                return err_nomem(e, "the numbers of a job");
        sum->refreshes += f->refreshes;
        sum->failures += f->failures;
        sum->known = sum->known && f->known;
        sum->kept_in_use = sum->kept_in_use || f->kept_in_use;
        if (f->confirmed_ms < sum->confirmed_ms)
                sum->confirmed_ms = f->confirmed_ms;
        return 0;
}

static int
take_scraping(struct metrics_snapshot *s, struct scraper *scraper, struct err *e)
{
        int rc;

        s->has_scraping = true;
        scraper_stats(scraper, &s->scraping.stats);
        rc = scraper_visit_jobs(scraper, count_discovered, s, e);
        if (rc == 0)
                rc = scraper_visit_active(scraper, NULL, count_active, s, e);
        return rc == 0 ? scraper_visit_feeds(scraper, add_feed, s, e) : rc;
}

static int
take_remotes(struct metrics_snapshot *s, struct senders *senders, struct err *e)
{
        size_t n;

        s->remotes = calloc(REMOTES_MAX, sizeof(*s->remotes));
        if (s->remotes == NULL)
                return err_nomem(e, "the numbers of the endpoints");
        n = senders_stats(senders, s->remotes, REMOTES_MAX);
        s->n_remotes = n < REMOTES_MAX ? n : REMOTES_MAX;
        return 0;
}

int
metrics_snapshot_take(const struct metrics_input *in, struct metrics_snapshot *out, struct err *e)
{
        int rc = 0;

        *out = (struct metrics_snapshot){
            .wall_ms = clock_wall(in->clock),
            .mono_ms = clock_mono(in->clock),
            .start_ms = in->start_ms,
            .has_agent = in->agent != NULL,
            .arena = ARENA_INIT(POOLS_MAX_BYTES),
        };
        take_process(&out->process, in->start_ms);
        if (in->agent != NULL)
                out->agent = *in->agent;
        out->has_web = in->web != NULL;
        if (in->web != NULL)
                web_stats(in->web, &out->web);
        if (in->parts.wal != NULL) {
                out->has_log = true;
                wal_stats(in->parts.wal, &out->log.stats);
                out->log.usable = wal_usable(in->parts.wal, NULL);
        }
        take_memory(&out->memory, out->log.stats.bytes_resident);
        if (in->parts.scraper != NULL)
                rc = take_scraping(out, in->parts.scraper, e);
        if (rc == 0 && in->parts.senders != NULL)
                rc = take_remotes(out, in->parts.senders, e);
        if (rc < 0)
                metrics_snapshot_release(out);
        return rc;
}

void
metrics_snapshot_release(struct metrics_snapshot *s)
{
        free(s->remotes);
        s->remotes = NULL;
        arena_release(&s->arena);
}
