#include "agent/api.h"

#include "agent/api_status.h"
#include "agent/global_url.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "scrape/job.h"
#include "scrape/scrape.h"
#include "scrape/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POOLS_MAX_BYTES = 1 << 20, URL_MAX_BYTES = 1 << 20, LABELS_MAX_BYTES = 16 << 20 };

static const char *const health_names[] = {"unknown", "up", "down"};

/* A job and how many of its targets were seen. */
struct pool {
        const char *name; /* in the arena */
        uint64_t count;
        struct pool *next;
};

/* What a visit of the targets needs. */
struct listing {
        struct buf *out;
        const char *scrape_pool; /* NULL: all */
        const struct api_jobs *jobs; /* NULL: not known */
        const struct global_url_self *self; /* NULL: not known */
        size_t listed;
        struct arena arena;
        struct arena scratch; /* of one target */
        struct pool *pools;
};

/* ---- pieces of JSON ---- */

static int
put_key(struct buf *out, const char *before, const char *key, struct err *e)
{
        return buf_printf(out, e, "%s\"%s\":", before, key);
}

static int
put_text(struct buf *out, const char *key, const char *value, struct err *e)
{
        int rc = put_key(out, ",", key, e);

        return rc == 0 ? json_put_string(out, view_of(value), e) : rc;
}

static int
put_count(struct buf *out, const char *key, uint64_t n, struct err *e)
{
        return buf_printf(out, e, ",\"%s\":%llu", key, (unsigned long long)n);
}

int
api_put_labels(struct buf *out, const struct label *l, size_t n, struct err *e)
{
        int rc = buf_putc(out, '{', e);

        for (size_t i = 0; rc == 0 && i < n; i++) {
                if (i > 0)
                        rc = buf_putc(out, ',', e);
                if (rc == 0)
                        rc = json_put_string(out, l[i].name, e);
                if (rc == 0)
                        rc = buf_putc(out, ':', e);
                if (rc == 0)
                        rc = json_put_string(out, l[i].value, e);
        }
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

static int
put_time(struct buf *out, const char *key, int64_t ms, struct err *e)
{
        char text[API_TIME_BYTES];

        api_format_time(ms, text);
        return put_text(out, key, text, e);
}

/* ---- targets ---- */

static struct pool *
find_pool(struct listing *l, const char *name)
{
        struct pool **at = &l->pools;

        while (*at != NULL && strcmp((*at)->name, name) < 0)
                at = &(*at)->next;
        if (*at == NULL || strcmp((*at)->name, name) != 0) {
                struct pool *pool = arena_calloc(&l->arena, 1, sizeof(*pool));

                if (pool == NULL || (pool->name = arena_strdup(&l->arena, name)) == NULL)
                        return NULL;
                pool->next = *at;
                *at = pool;
        }
        return *at;
}

static int
count_pool(void *arg, const struct target_status *s, struct err *e)
{
        struct pool *pool;

        if (s->leaving)
                return 0;
        pool = find_pool(arg, s->target->job->name);
        if (pool == NULL)
                return err_nomem(e, "the list of jobs");
        pool->count++;
        return 0;
}

/* All of them, kept for display or not. */
static int
count_dropped(void *arg, const char *job, const struct job_targets *n, struct err *e)
{
        struct pool *pool = find_pool(arg, job);

        if (pool == NULL)
                return err_nomem(e, "the list of jobs");
        pool->count = n->dropped;
        return 0;
}

static int
add_pool(void *arg, const char *name, struct err *e)
{
        return find_pool(arg, name) != NULL ? 0 : err_nomem(e, "the list of jobs");
}

/* The pools of the configuration, with nothing counted yet. */
static int
add_pools(struct listing *l, struct err *e)
{
        return l->jobs != NULL ? l->jobs->visit(l->jobs->arg, add_pool, l, e) : 0;
}

/* Opens the object of a target that is asked for; false when it is not. */
static bool
asked_for(const struct listing *l, const struct target *t)
{
        return l->scrape_pool == NULL || strcmp(l->scrape_pool, t->job->name) == 0;
}

static int
begin_target(struct listing *l, const struct target *t, struct err *e)
{
        int rc = put_key(l->out, l->listed++ > 0 ? ",{" : "{", "discoveredLabels", e);
        struct labels discovered;

        arena_reset(&l->scratch);
        labels_init(&discovered, &l->scratch);
        if (rc == 0)
                rc = target_discovered(t, &discovered, e);
        return rc == 0 ? api_put_labels(l->out, discovered.v, discovered.n, e) : rc;
}

/* Fields that Prometheus does not have, behind those that it has. */
static int
put_series(struct buf *out, const struct target_status *s, struct err *e)
{
        int rc = put_count(out, "lastSamples", s->last_samples, e);

        if (rc == 0)
                rc = put_count(out, "lastSizeBytes", s->last_size_bytes, e);
        if (rc == 0)
                rc = put_count(out, "series", s->series_alive, e);
        if (rc == 0)
                rc = put_count(out, "seriesRefused", s->refused_memory, e);
        return rc;
}

static int
put_last(struct buf *out, const struct target_status *s, struct err *e)
{
        int rc = put_text(out, "lastError", s->last_error, e);

        if (rc == 0)
                rc = put_time(out, "lastScrape", s->last_scrape_ms, e);
        if (rc == 0)
                rc = buf_printf(out, e, ",\"lastScrapeDuration\":%.9g", s->last_duration_seconds);
        if (rc == 0)
                rc = put_text(out, "health", health_names[s->health], e);
        return rc;
}

static int
put_global_url(struct listing *l, const char *url, struct err *e)
{
        struct buf text = BUF_INIT(URL_MAX_BYTES);
        int rc = l->self != NULL ? global_url_put(url, l->self, &text, e) : buf_puts(&text, url, e);

        if (rc == 0)
                rc = buf_putc(&text, '\0', e);
        if (rc == 0)
                rc = put_text(l->out, "globalUrl", text.ptr, e);
        buf_release(&text);
        return rc;
}

static int
put_active(void *arg, const struct target_status *s, struct err *e)
{
        struct listing *l = arg;
        const struct target *t = s->target;
        int rc;

        if (!asked_for(l, t) || s->leaving)
                return 0;
        rc = begin_target(l, t, e);
        if (rc == 0)
                rc = put_key(l->out, ",", "labels", e);
        if (rc == 0)
                rc = api_put_labels(l->out, t->labels, t->n_labels, e);
        if (rc == 0)
                rc = put_text(l->out, "scrapePool", t->job->name, e);
        if (rc == 0)
                rc = put_text(l->out, "scrapeUrl", t->url, e);
        if (rc == 0)
                rc = put_global_url(l, t->url, e);
        if (rc == 0)
                rc = put_last(l->out, s, e);
        if (rc == 0)
                rc = put_text(l->out, "scrapeInterval", t->interval, e);
        if (rc == 0)
                rc = put_text(l->out, "scrapeTimeout", t->timeout, e);
        if (rc == 0)
                rc = put_series(l->out, s, e);
        return rc == 0 ? buf_putc(l->out, '}', e) : rc;
}

static int
put_dropped(void *arg, const struct target_status *s, struct err *e)
{
        struct listing *l = arg;
        int rc;

        if (!asked_for(l, s->target))
                return 0;
        rc = begin_target(l, s->target, e);
        if (rc == 0)
                rc = put_text(l->out, "scrapePool", s->target->job->name, e);
        return rc == 0 ? buf_putc(l->out, '}', e) : rc;
}

/* Of all jobs, whatever pool is asked for. */
static int
put_dropped_counts(struct listing *l, struct scraper *s, bool shown, struct err *e)
{
        const char *before = "{";
        int rc = put_key(l->out, ",", "droppedTargetCounts", e);

        if (rc == 0 && !shown)
                return buf_puts(l->out, "null", e);
        if (rc == 0)
                rc = add_pools(l, e);
        if (rc == 0)
                rc = scraper_visit_jobs(s, count_dropped, l, e);
        if (rc == 0 && l->pools == NULL)
                rc = buf_putc(l->out, '{', e);
        for (const struct pool *p = l->pools; rc == 0 && p != NULL; p = p->next) {
                rc = buf_puts(l->out, before, e);
                if (rc == 0)
                        rc = json_put_string(l->out, view_of(p->name), e);
                if (rc == 0)
                        rc = buf_printf(l->out, e, ":%llu", (unsigned long long)p->count);
                before = ",";
        }
        return rc == 0 ? buf_putc(l->out, '}', e) : rc;
}

static bool
state_is(const struct api_targets_query *q, const char *name)
{
        return q->state == NULL || q->state[0] == '\0' || strcasecmp(q->state, "any") == 0 ||
            strcasecmp(q->state, name) == 0;
}

int
api_targets(struct scraper *s, const struct api_targets_query *q, struct buf *out, struct err *e)
{
        bool any_pool = q->scrape_pool == NULL || q->scrape_pool[0] == '\0';
        bool dropped = state_is(q, "dropped");
        struct listing l = {.out = out,
            .scrape_pool = any_pool ? NULL : q->scrape_pool,
            .jobs = q->jobs,
            .self = q->self,
            .arena = ARENA_INIT(POOLS_MAX_BYTES),
            .scratch = ARENA_INIT(LABELS_MAX_BYTES)};
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{\"activeTargets\":[", e);

        if (rc == 0 && state_is(q, "active"))
                rc = scraper_visit_active(s, put_active, &l, e);
        if (rc == 0)
                rc = buf_puts(out, "],\"droppedTargets\":[", e);
        l.listed = 0;
        if (rc == 0 && dropped)
                rc = scraper_visit_dropped(s, put_dropped, &l, e);
        if (rc == 0)
                rc = buf_putc(out, ']', e);
        if (rc == 0)
                rc = put_dropped_counts(&l, s, dropped, e);
        if (rc == 0)
                rc = buf_puts(out, "}}", e);
        arena_release(&l.arena);
        arena_release(&l.scratch);
        return rc;
}

int
api_scrape_pools(struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e)
{
        struct listing l = {.out = out, .jobs = jobs, .arena = ARENA_INIT(POOLS_MAX_BYTES)};
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{\"scrapePools\":[", e);

        if (rc == 0)
                rc = add_pools(&l, e);
        if (rc == 0)
                rc = scraper_visit_active(s, count_pool, &l, e);
        if (rc == 0)
                rc = scraper_visit_dropped(s, count_pool, &l, e);
        for (const struct pool *p = l.pools; rc == 0 && p != NULL; p = p->next) {
                rc = json_put_string(out, view_of(p->name), e);
                if (rc == 0 && p->next != NULL)
                        rc = buf_putc(out, ',', e);
        }
        if (rc == 0)
                rc = buf_puts(out, "]}}", e);
        arena_release(&l.arena);
        return rc;
}
