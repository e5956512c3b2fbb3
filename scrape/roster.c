#include "scrape/roster.h"

#include "base/err.h"
#include "base/log.h"
#include "scrape/job.h"
#include "scrape/orphans.h"
#include "scrape/runner.h"
#include "scrape/schedule.h"
#include "scrape/series.h"
#include "scrape/target.h"

#include <stdlib.h>
#include <string.h>

enum {
        LEAVE_RETRY_MS = 1000, /* when the markers could not be handed to the log */
        FORGET_MS = 60 * 1000, /* a target whose labels another one has; its last batch is stored */
};

void
roster_init(
    struct roster *r, struct runner_env *env, struct schedule *schedule, struct orphans *orphans)
{
        *r = (struct roster){
            .env = env, .schedule = schedule, .orphans = orphans, .leave_mono_ms = INT64_MAX};
}

static void
free_runner(struct roster *r, struct runner *x)
{
        schedule_remove(r->schedule, &x->entry);
        runner_free(x);
}

static void
free_targets(struct target **v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                target_unref(v[i]);
        free(v);
}

void
roster_release(struct roster *r)
{
        for (size_t i = 0; i < r->n; i++)
                free_runner(r, r->v[i]);
        free(r->v);
        free(r->by_number);
        free_targets(r->dropped, r->n_dropped);
        roster_init(r, r->env, r->schedule, r->orphans);
}

/* ---- looking up ---- */

static int
compare_number(const void *a, const void *b)
{
        uint64_t x = series_target_number((*(struct runner *const *)a)->series);
        uint64_t y = series_target_number((*(struct runner *const *)b)->series);

        return (x > y) - (x < y);
}

struct runner *
roster_by_number(const struct roster *r, uint64_t number)
{
        size_t low = 0;
        size_t high = r->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                uint64_t x = series_target_number(r->by_number[middle]->series);

                if (x == number)
                        return r->by_number[middle];
                if (x < number)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

size_t
roster_behind(const struct roster *r, const char *identity)
{
        size_t low = 0;
        size_t high = identity != NULL ? r->n : 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(r->v[middle]->target->identity, identity) > 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

bool
roster_has_labels(const struct roster *r, const char *identity)
{
        struct view labels = target_identity_labels(identity);

        for (size_t i = 0; i < r->n; i++) {
                if (view_eq(target_identity_labels(r->v[i]->target->identity), labels))
                        return true;
        }
        return false;
}

int64_t
roster_longest_interval_ms(const struct roster *r)
{
        int64_t longest = 0;

        for (size_t i = 0; i < r->n; i++) {
                if (r->v[i]->entry.interval_ms > longest)
                        longest = r->v[i]->entry.interval_ms;
        }
        return longest;
}

/* ---- leaving ---- */

static void
note_leave(struct roster *r, const struct runner *x)
{
        if (x->leave_mono_ms < r->leave_mono_ms)
                r->leave_mono_ms = x->leave_mono_ms;
}

static void
set_leaving(struct runner *x, bool leaving)
{
        (void)pthread_mutex_lock(&x->env->mtx);
        x->leaving = leaving;
        (void)pthread_mutex_unlock(&x->env->mtx);
}

/* Its markers bear the time of its next tick; one more interval and a tenth pass before them. */
static void
begin_leaving(struct roster *r, struct runner *x, struct roster_time now)
{
        int64_t interval = x->entry.interval_ms;

        if (x->leaving)
                return;
        schedule_remove(r->schedule, &x->entry);
        set_leaving(x, true);
        x->marker_ms = schedule_next_tick(interval, x->entry.offset_ms, now.wall_ms);
        x->leave_mono_ms = now.mono_ms + (x->marker_ms - now.wall_ms) + interval + interval / 10;
        r->n_leaving++;
        note_leave(r, x);
}

static void
stay(struct roster *r, struct runner *x)
{
        set_leaving(x, false);
        r->n_leaving--;
}

/* Puts the runner into the schedule, or there again with another interval. */
static void
schedule_runner(struct roster *r, struct runner *x, struct roster_time now)
{
        struct err e = ERR_INIT;

        schedule_remove(r->schedule, &x->entry);
        if (schedule_add(r->schedule, &x->entry, now.wall_ms, &e) < 0)
                log_error("cannot schedule a target, it is not scraped",
                    LOG_STR("target", x->target->url), LOG_STR("err", e.msg));
}

/* ---- a new set ---- */

static int
compare_targets(const void *a, const void *b)
{
        return strcmp(
            (*(struct target *const *)a)->identity, (*(struct target *const *)b)->identity);
}

static int
compare_runners(const void *a, const void *b)
{
        return strcmp((*(struct runner *const *)a)->target->identity,
            (*(struct runner *const *)b)->target->identity);
}

static int
compare_labels_hash(const void *a, const void *b)
{
        uint64_t x = (*(struct target *const *)a)->labels_hash;
        uint64_t y = (*(struct target *const *)b)->labels_hash;

        return (x > y) - (x < y);
}

static bool
same_labels(const struct target *a, const struct target *b)
{
        if (a->n_labels != b->n_labels)
                return false;
        for (size_t i = 0; i < a->n_labels; i++) {
                if (!view_eq(a->labels[i].name, b->labels[i].name) ||
                    !view_eq(a->labels[i].value, b->labels[i].value))
                        return false;
        }
        return true;
}

/* The difference of the runners and a set, in pieces. */
struct diff {
        struct runner **kept; /* of the old ones: in the set, or still leaving */
        size_t n_kept;
        struct runner **gone; /* of the old ones: to be freed now, quietly */
        size_t n_gone;
        struct target **fresh; /* of the set: without a runner; borrowed */
        size_t n_fresh;
        struct runner **missing; /* of the old ones: not in the set */
        size_t n_missing;
        struct runner **by_number; /* room for the kept ones in the other order */
};

static void
diff_release(struct diff *d)
{
        free(d->kept);
        free(d->gone);
        free(d->fresh);
        free(d->missing);
        free(d->by_number);
}

static int
diff_reserve(struct diff *d, size_t runners, size_t targets, struct err *e)
{
        d->kept = calloc(runners + targets + 1, sizeof(struct runner *));
        d->gone = calloc(runners + 1, sizeof(struct runner *));
        d->missing = calloc(runners + 1, sizeof(struct runner *));
        d->fresh = calloc(targets + 1, sizeof(struct target *));
        d->by_number = calloc(runners + targets + 1, sizeof(struct runner *));
        if (d->kept == NULL || d->gone == NULL || d->missing == NULL || d->fresh == NULL ||
            d->by_number == NULL)
                return err_nomem(e, "a new set of targets");
        return 0;
}

static void
update(struct roster *r, struct runner *x, struct target *t, struct roster_time now)
{
        int64_t interval = x->entry.interval_ms;
        int64_t offset = x->entry.offset_ms;

        runner_set_target(x, t);
        if (x->leaving) {
                stay(r, x);
                schedule_runner(r, x, now);
        } else if (x->entry.interval_ms != interval || x->entry.offset_ms != offset) {
                schedule_runner(r, x, now);
        }
}

/* Both are sorted by identity. */
static void
walk(struct roster *r, struct target_set *set, struct diff *d, struct roster_time now)
{
        size_t i = 0;
        size_t k = 0;

        while (i < r->n || k < set->n_active) {
                int c;

                if (i == r->n)
                        c = 1;
                else if (k == set->n_active)
                        c = -1;
                else
                        c = strcmp(r->v[i]->target->identity, set->active[k]->identity);
                if (c == 0) {
                        update(r, r->v[i], set->active[k], now);
                        d->kept[d->n_kept++] = r->v[i];
                } else if (c < 0) {
                        d->missing[d->n_missing++] = r->v[i];
                } else {
                        d->fresh[d->n_fresh++] = set->active[k];
                }
                i += c <= 0;
                k += c >= 0;
        }
}

/* Is there a target among the fresh ones (sorted by labels_hash) with the labels of t? */
static bool
is_replaced(const struct diff *d, const struct target *t)
{
        size_t low = 0;
        size_t high = d->n_fresh;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (d->fresh[middle]->labels_hash < t->labels_hash)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (; low < d->n_fresh && d->fresh[low]->labels_hash == t->labels_hash; low++) {
                if (same_labels(d->fresh[low], t))
                        return true;
        }
        return false;
}

/*
 * Those that are not in the set leave. If a new target has the same labels (its URL changed), the
 * series go on under it: markers would end what has not ended, so the old one just goes, and a
 * barrier stands between what the two of them write.
 */
static void
dismiss_missing(struct roster *r, struct diff *d, struct roster_time now)
{
        qsort(d->fresh, d->n_fresh, sizeof(struct target *), compare_labels_hash);
        for (size_t i = 0; i < d->n_missing; i++) {
                struct runner *x = d->missing[i];

                if (!is_replaced(d, x->target)) {
                        begin_leaving(r, x, now);
                        d->kept[d->n_kept++] = x;
                        continue;
                }
                runner_encode_all(x);
                if (x->leaving)
                        stay(r, x);
                d->gone[d->n_gone++] = x;
        }
}

static void
write_barrier(struct roster *r)
{
        struct err e = ERR_INIT;

        if (series_pool_barrier(r->env->pool, &e) < 0)
                log_error("cannot write a barrier to the log, samples may arrive out of order",
                    LOG_STR("err", e.msg));
        (void)pthread_mutex_lock(&r->env->mtx);
        r->env->stats.barriers++;
        (void)pthread_mutex_unlock(&r->env->mtx);
}

static void
begin_fresh(struct roster *r, struct diff *d, struct roster_time now)
{
        for (size_t i = 0; i < d->n_fresh; i++) {
                struct runner *x = NULL;
                struct err e = ERR_INIT;

                if (runner_new(r->env, d->fresh[i], &x, &e) < 0) {
                        log_error("cannot take up a target, it is not scraped",
                            LOG_STR("target", d->fresh[i]->url), LOG_STR("err", e.msg));
                        continue;
                }
                schedule_runner(r, x, now);
                d->kept[d->n_kept++] = x;
        }
}

/* Makes the kept ones the runners, and the set's dropped ones what is shown. */
static void
swap(struct roster *r, struct diff *d, struct target_set *set)
{
        struct runner **old = r->v;
        struct target **old_dropped = r->dropped;
        size_t n_old_dropped = r->n_dropped;

        qsort(d->kept, d->n_kept, sizeof(struct runner *), compare_runners);
        for (size_t i = 0; i < d->n_kept; i++)
                d->by_number[i] = d->kept[i];
        qsort(d->by_number, d->n_kept, sizeof(struct runner *), compare_number);
        (void)pthread_mutex_lock(&r->env->mtx);
        r->v = d->kept;
        r->n = d->n_kept;
        r->dropped = set->dropped;
        r->n_dropped = set->n_dropped;
        (void)pthread_mutex_unlock(&r->env->mtx);
        d->kept = NULL;
        free(r->by_number);
        r->by_number = d->by_number;
        d->by_number = NULL;
        set->dropped = NULL;
        set->n_dropped = 0;
        free(old);
        free_targets(old_dropped, n_old_dropped);
}

static void
free_gone(struct roster *r, struct diff *d, struct roster_time now)
{
        for (size_t i = 0; i < d->n_gone; i++) {
                uint64_t number = series_target_number(d->gone[i]->series);
                struct err e = ERR_INIT;

                if (r->orphans != NULL &&
                    orphans_add(r->orphans, number, true, now.mono_ms + FORGET_MS, &e) < 0)
                        log_error("cannot note a target to be forgotten", LOG_STR("err", e.msg));
                free_runner(r, d->gone[i]);
        }
}

int
roster_apply(struct roster *r, struct target_set *set, struct roster_time now, struct err *e)
{
        struct diff d = {0};
        int rc = diff_reserve(&d, r->n, set->n_active, e);

        if (rc < 0)
                goto out;
        if (set->n_active > 0)
                qsort(set->active, set->n_active, sizeof(struct target *), compare_targets);
        walk(r, set, &d, now);
        dismiss_missing(r, &d, now);
        if (d.n_gone > 0)
                write_barrier(r);
        begin_fresh(r, &d, now);
        swap(r, &d, set);
        free_gone(r, &d, now);
out:
        diff_release(&d);
        target_set_free(set);
        return rc;
}

/* ---- the end of those that leave ---- */

/* True when the runner is over. */
static bool
dismiss(struct roster *r, struct runner *x, struct roster_time now)
{
        uint64_t number = series_target_number(x->series);
        struct err e = ERR_INIT;

        if (x->phase != RUNNER_IDLE || series_vanish(x->series, x->marker_ms, &e) < 0) {
                x->leave_mono_ms = now.mono_ms + LEAVE_RETRY_MS;
                return false;
        }
        if (r->orphans != NULL && orphans_watch(r->orphans, number, &e) < 0)
                log_error("cannot watch over a target's last markers", LOG_STR("err", e.msg));
        log_info("target is gone, its series end", LOG_STR("job", x->target->job->name),
            LOG_STR("target", x->target->url));
        return true;
}

static void
remove_from(struct runner **v, size_t n, const struct runner *x)
{
        size_t i = 0;

        while (v[i] != x)
                i++;
        memmove(v + i, v + i + 1, (n - i - 1) * sizeof(struct runner *));
}

void
roster_dismiss(struct roster *r, struct roster_time now)
{
        if (now.mono_ms < r->leave_mono_ms)
                return;
        r->leave_mono_ms = INT64_MAX;
        for (size_t i = r->n; i-- > 0;) {
                struct runner *x = r->v[i];

                if (!x->leaving)
                        continue;
                if (x->leave_mono_ms > now.mono_ms || !dismiss(r, x, now)) {
                        note_leave(r, x);
                        continue;
                }
                remove_from(r->by_number, r->n, x);
                (void)pthread_mutex_lock(&r->env->mtx);
                remove_from(r->v, r->n, x);
                r->n--;
                (void)pthread_mutex_unlock(&r->env->mtx);
                r->n_leaving--;
                free_runner(r, x);
        }
}
