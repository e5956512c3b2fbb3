#include "agent/api.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "scrape/job.h"
#include "scrape/scrape.h"
#include "scrape/target.h"

#include <stdint.h>
#include <string.h>

enum { POOLS_MAX_BYTES = 1 << 20 };

/* A job and how many of its targets were seen. */
struct pool {
        const char *name; /* in the arena */
        uint64_t count;
        struct pool *next;
};

struct listing {
        struct arena arena;
        struct pool *pools; /* sorted by name */
};

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

/* ---- jobs ---- */

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
add_pools(struct listing *l, const struct api_jobs *jobs, struct err *e)
{
        return jobs != NULL ? jobs->visit(jobs->arg, add_pool, l, e) : 0;
}

int
api_put_dropped_counts(
    struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e)
{
        struct listing l = {.arena = ARENA_INIT(POOLS_MAX_BYTES)};
        int rc = add_pools(&l, jobs, e);

        if (rc == 0)
                rc = scraper_visit_jobs(s, count_dropped, &l, e);
        if (rc == 0)
                rc = buf_putc(out, '{', e);
        for (const struct pool *p = l.pools; rc == 0 && p != NULL; p = p->next) {
                rc = json_put_string(out, view_of(p->name), e);
                if (rc == 0)
                        rc = buf_printf(out, e, ":%llu%s", (unsigned long long)p->count,
                            p->next != NULL ? "," : "");
        }
        arena_release(&l.arena);
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

int
api_scrape_pools(struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e)
{
        struct listing l = {.arena = ARENA_INIT(POOLS_MAX_BYTES)};
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{\"scrapePools\":[", e);

        if (rc == 0)
                rc = add_pools(&l, jobs, e);
        if (rc == 0)
                rc = scraper_visit_active(s, NULL, count_pool, &l, e);
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
