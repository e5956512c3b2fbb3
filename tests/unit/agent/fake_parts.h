/*
 * Stand-ins for the running parts (log, scraper, senders) that the endpoints ask: the linker takes
 * these definitions instead of the libraries'. Included by one file of a test program.
 */
#ifndef UNIT_AGENT_FAKE_PARTS_H
#define UNIT_AGENT_FAKE_PARTS_H

#include "agent/status.h"
#include "base/err.h"
#include "remotewrite/sender.h"
#include "scrape/discovery/feed.h"
#include "scrape/job.h"
#include "scrape/scrape.h"
#include "scrape/target.h"
#include "wal/wal.h"

#include <string.h>

enum { FAKE_MAX = 8 };

static struct {
        struct wal_stats log;
        bool usable;
        struct scraper_stats scraper;
        struct {
                const char *name;
                struct job_targets n;
        } jobs[FAKE_MAX];
        size_t n_jobs;
        struct target_status active[FAKE_MAX];
        size_t n_active;
        bool repeats; /* behind the last one comes the first */
        struct target_status dropped[FAKE_MAX];
        size_t n_dropped;
        struct feed_view feeds[4];
        size_t n_feeds;
        struct sender_stats remotes[FAKE_MAX];
        size_t n_remotes;
} fake;

/* Never looked into: only that they are not NULL matters. */
static inline struct status_parts
fake_parts(void)
{
        static char place[3];

        return (struct status_parts){(struct wal *)(void *)&place[0],
            (struct scraper *)(void *)&place[1], (struct senders *)(void *)&place[2]};
}

const char *const wal_not_stored_names[NOT_STORED_REASONS] = {"disk", "queue", "memory"};
const char *const wal_lost_names[LOST_REASONS] = {
    "age", "size", "refused", "conflict", "damaged", "clock"};
const char *const sender_state_names[] = {"idle", "sending", "backoff", "held"};

void
wal_stats(struct wal *w, struct wal_stats *out)
{
        (void)w;
        *out = fake.log;
}

bool
wal_usable(struct wal *w, struct err *e)
{
        (void)w;
        if (!fake.usable)
                (void)err_set(e, ERR_SYS, "the last commit failed: no space left on device");
        return fake.usable;
}

void
scraper_stats(struct scraper *s, struct scraper_stats *out)
{
        (void)s;
        *out = fake.scraper;
}

static inline int
fake_visit(const struct target_status *v, size_t n, target_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = visit(arg, &v[i], e);
        return rc;
}

/* Those that are to be walked in several steps have identities, in order. */
int
scraper_visit_active(
    struct scraper *s, const char *after, target_visitor visit, void *arg, struct err *e)
{
        size_t first = 0;

        (void)s;
        while (after != NULL && !fake.repeats && first < fake.n_active &&
            strcmp(fake.active[first].target->identity, after) <= 0)
                first++;
        return fake_visit(fake.active + first, fake.n_active - first, visit, arg, e);
}

int
scraper_visit_dropped(struct scraper *s, target_visitor visit, void *arg, struct err *e)
{
        (void)s;
        return fake_visit(fake.dropped, fake.n_dropped, visit, arg, e);
}

int
scraper_visit_jobs(struct scraper *s, job_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        (void)s;
        for (size_t i = 0; rc == 0 && i < fake.n_jobs; i++)
                rc = visit(arg, fake.jobs[i].name, &fake.jobs[i].n, e);
        return rc;
}

int
scraper_visit_feeds(struct scraper *s, feed_visitor visit, void *arg, struct err *e)
{
        int rc = 0;

        (void)s;
        for (size_t i = 0; rc == 0 && i < fake.n_feeds; i++)
                rc = visit(arg, &fake.feeds[i], e);
        return rc;
}

size_t
senders_stats(struct senders *s, struct sender_stats *out, size_t cap)
{
        (void)s;
        for (size_t i = 0; i < fake.n_remotes && i < cap; i++)
                out[i] = fake.remotes[i];
        return fake.n_remotes;
}

#endif
