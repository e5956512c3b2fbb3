/*
 * The answer is made piece by piece. Between two pieces nothing is locked: active targets are
 * walked on behind the last one that was put (its identity is the place), however the roster
 * changed meanwhile; of those that were dropped references are kept.
 */
#include "agent/api_targets.h"

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

enum {
        PIECE_BYTES = 32 << 10, /* a piece ends with the target that passes it */
        URL_MAX_BYTES = 1 << 20,
        LABELS_MAX_BYTES = 16 << 20,
        DROPPED_MAX_BYTES = 16 << 20, /* of references: two million */
};

static const char *const health_names[] = {"unknown", "up", "down"};

enum part { PART_HEAD, PART_ACTIVE, PART_DROPPED, PART_COUNTS };

struct api_targets {
        char *scrape_pool; /* owned; NULL: all */
        bool active; /* they are asked for */
        bool dropped;
        struct api_jobs jobs; /* visit NULL: not known */
        const struct global_url_self *self; /* borrowed; NULL: not known */
        enum part part; /* that comes next */
        size_t listed; /* in this part */
        struct target *last; /* a reference: the active one that was put last; NULL: none */
        struct buf drops; /* of struct target *, references */
        size_t drop; /* the next of them */
        struct buf *out; /* during a call */
        struct arena scratch; /* of one target; empty between calls */
};

/* ---- one target ---- */

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

static int
put_time(struct buf *out, const char *key, int64_t ms, struct err *e)
{
        char text[API_TIME_BYTES];

        api_format_time(ms, text);
        return put_text(out, key, text, e);
}

static bool
asked_for(const struct api_targets *a, const struct target *t)
{
        return a->scrape_pool == NULL || strcmp(a->scrape_pool, t->job->name) == 0;
}

static int
begin_target(struct api_targets *a, const struct target *t, struct err *e)
{
        int rc = put_key(a->out, a->listed++ > 0 ? ",{" : "{", "discoveredLabels", e);
        struct labels discovered;

        arena_reset(&a->scratch);
        labels_init(&discovered, &a->scratch);
        if (rc == 0)
                rc = target_discovered(t, &discovered, e);
        return rc == 0 ? api_put_labels(a->out, discovered.v, discovered.n, e) : rc;
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
put_global_url(struct api_targets *a, const char *url, struct err *e)
{
        struct buf text = BUF_INIT(URL_MAX_BYTES);
        int rc = a->self != NULL ? global_url_put(url, a->self, &text, e) : buf_puts(&text, url, e);

        if (rc == 0)
                rc = buf_putc(&text, '\0', e);
        if (rc == 0)
                rc = put_text(a->out, "globalUrl", text.ptr, e);
        buf_release(&text);
        return rc;
}

static int
put_active_target(struct api_targets *a, const struct target_status *s, struct err *e)
{
        const struct target *t = s->target;
        int rc = begin_target(a, t, e);

        if (rc == 0)
                rc = put_key(a->out, ",", "labels", e);
        if (rc == 0)
                rc = api_put_labels(a->out, t->labels, t->n_labels, e);
        if (rc == 0)
                rc = put_text(a->out, "scrapePool", t->job->name, e);
        if (rc == 0)
                rc = put_text(a->out, "scrapeUrl", t->url, e);
        if (rc == 0)
                rc = put_global_url(a, t->url, e);
        if (rc == 0)
                rc = put_last(a->out, s, e);
        if (rc == 0)
                rc = put_text(a->out, "scrapeInterval", t->interval, e);
        if (rc == 0)
                rc = put_text(a->out, "scrapeTimeout", t->timeout, e);
        if (rc == 0)
                rc = put_series(a->out, s, e);
        return rc == 0 ? buf_putc(a->out, '}', e) : rc;
}

static int
put_dropped_target(struct api_targets *a, const struct target *t, struct err *e)
{
        int rc = begin_target(a, t, e);

        if (rc == 0)
                rc = put_text(a->out, "scrapePool", t->job->name, e);
        return rc == 0 ? buf_putc(a->out, '}', e) : rc;
}

/* ---- the parts: each appends what fits into a piece; 1: it is not over ---- */

/* The target that fills the piece is where the next one goes on. */
static int
put_active(void *arg, const struct target_status *s, struct err *e)
{
        struct api_targets *a = arg;
        int rc;

        if (!asked_for(a, s->target) || s->leaving)
                return 0;
        rc = put_active_target(a, s, e);
        if (rc < 0 || a->out->len < PIECE_BYTES)
                return rc;
        target_unref(a->last);
        a->last = target_ref(s->target);
        return 1;
}

static int
put_actives(struct api_targets *a, struct scraper *s, struct err *e)
{
        return scraper_visit_active(
            s, a->last != NULL ? a->last->identity : NULL, put_active, a, e);
}

static int
keep_dropped(void *arg, const struct target_status *s, struct err *e)
{
        struct api_targets *a = arg;
        int rc;

        if (!asked_for(a, s->target))
                return 0;
        // NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer is what is kept
        rc = buf_append(&a->drops, &s->target, sizeof(s->target), e);
        if (rc == 0)
                (void)target_ref(s->target);
        return rc;
}

static struct target *
drop_at(const struct api_targets *a, size_t i)
{
        return ((struct target *const *)(const void *)a->drops.ptr)[i];
}

static int
put_drops(struct api_targets *a, struct err *e)
{
        size_t n = a->drops.len / sizeof(struct target *);
        int rc = 0;

        while (rc == 0 && a->drop < n && a->out->len < PIECE_BYTES)
                rc = put_dropped_target(a, drop_at(a, a->drop++), e);
        return rc == 0 && a->drop < n ? 1 : rc;
}

/* What stands before a part, and what it needs. */
static int
begin_part(struct api_targets *a, struct scraper *s, struct err *e)
{
        int rc;

        a->listed = 0;
        switch (a->part) {
        case PART_ACTIVE:
                return buf_puts(a->out, "{\"status\":\"success\",\"data\":{\"activeTargets\":[", e);
        case PART_DROPPED:
                rc = buf_puts(a->out, "],\"droppedTargets\":[", e);
                return rc == 0 && a->dropped ? scraper_visit_dropped(s, keep_dropped, a, e) : rc;
        default:
                return buf_puts(a->out, "],\"droppedTargetCounts\":", e);
        }
}

static int
put_part(struct api_targets *a, struct scraper *s, struct err *e)
{
        switch (a->part) {
        case PART_HEAD:
                return 0;
        case PART_ACTIVE:
                return a->active ? put_actives(a, s, e) : 0;
        case PART_DROPPED:
                return put_drops(a, e);
        default:
                return a->dropped
                    ? api_put_dropped_counts(s, a->jobs.visit != NULL ? &a->jobs : NULL, a->out, e)
                    : buf_puts(a->out, "null", e);
        }
}

int
api_targets_more(struct api_targets *a, struct scraper *s, struct buf *out, struct err *e)
{
        int rc;

        a->out = out;
        rc = put_part(a, s, e);
        while (rc == 0 && a->part < PART_COUNTS) {
                a->part++;
                rc = begin_part(a, s, e);
                if (rc == 0)
                        rc = put_part(a, s, e);
        }
        arena_release(&a->scratch);
        return rc == 0 ? buf_puts(out, "}}", e) : rc;
}

/* ---- beginning and end ---- */

static bool
is_given(const char *s)
{
        return s != NULL && s[0] != '\0';
}

static bool
state_is(const struct api_targets_query *q, const char *name)
{
        return !is_given(q->state) || strcasecmp(q->state, "any") == 0 ||
            strcasecmp(q->state, name) == 0;
}

int
api_targets_begin(const struct api_targets_query *q, struct api_targets **out, struct err *e)
{
        struct api_targets *a = calloc(1, sizeof(*a));

        if (a == NULL)
                return err_nomem(e, "the list of targets");
        a->drops = (struct buf)BUF_INIT(DROPPED_MAX_BYTES);
        a->scratch = (struct arena)ARENA_INIT(LABELS_MAX_BYTES);
        a->active = state_is(q, "active");
        a->dropped = state_is(q, "dropped");
        a->self = q->self;
        if (q->jobs != NULL)
                a->jobs = *q->jobs;
        if (is_given(q->scrape_pool) && (a->scrape_pool = strdup(q->scrape_pool)) == NULL) {
                free(a);
                return err_nomem(e, "the list of targets");
        }
        *out = a;
        return 0;
}

void
api_targets_end(struct api_targets *a)
{
        size_t n = a->drops.len / sizeof(struct target *);

        for (size_t i = 0; i < n; i++)
                target_unref(drop_at(a, i));
        buf_release(&a->drops);
        target_unref(a->last);
        free(a->scrape_pool);
        free(a);
}
