#include "scrape/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "scrape/fetch.h"
#include "scrape/mailbox.h"
#include "scrape/metadata.h"
#include "scrape/orphans.h"
#include "scrape/schedule.h"
#include "scrape/series.h"
#include "scrape/target.h"

#include <assert.h>
#include <stdlib.h>

enum {
        TURN_MAX_MS = 1000,
        STEP_MS = 100, /* the clocks differ by more between two turns: one of them was stepped */
        READ_MS = 20, /* reading both clocks took longer: read again */
        ENCODE_CHUNKS = 4, /* of one target at a time */
        ENCODE_TARGETS = 8, /* per turn; then the network has a go */
        COMPACT_MS = 10 * 60 * 1000, /* at most one barrier for compactions in this time */
};

static void
count(struct loop *l, uint64_t *counter, uint64_t n)
{
        (void)pthread_mutex_lock(&l->env.mtx);
        *counter += n;
        (void)pthread_mutex_unlock(&l->env.mtx);
}

/* ---- time ---- */

static struct roster_time
read_clocks(const struct clock *c)
{
        struct roster_time t = {0};

        for (int i = 0; i < 3; i++) {
                t.mono_ms = clock_mono(c);
                t.wall_ms = clock_wall(c);
                if (clock_mono(c) - t.mono_ms <= READ_MS)
                        break;
        }
        return t;
}

static bool
write_barrier(struct loop *l)
{
        struct err e = ERR_INIT;

        if (series_pool_barrier(l->env.pool, &e) < 0) {
                log_error(
                    "cannot write a barrier to the log, will try again", LOG_STR("err", e.msg));
                return false;
        }
        count(l, &l->env.stats.barriers, 1);
        return true;
}

/*
 * Ticks are counted anew from the time that it is now. After a step back no window may hold samples
 * of both times: those that are busy write theirs of before behind this barrier, and so want one
 * more before they go on.
 */
static void
follow_step(struct loop *l, int64_t step_ms)
{
        log_warn("the clock was stepped, scrapes follow it", LOG_INT("step_ms", step_ms));
        schedule_rebase(l->schedule, l->now.wall_ms);
        for (size_t i = 0; i < l->roster.n; i++)
                runner_forget_tick(l->roster.v[i]);
        if (step_ms > 0)
                return;
        (void)write_barrier(l);
        for (size_t i = 0; i < l->roster.n; i++) {
                struct runner *r = l->roster.v[i];

                series_renew(r->series);
                if (r->phase != RUNNER_IDLE)
                        runner_want_barrier(r);
        }
}

static void
hold_or_release(struct loop *l)
{
        bool held = l->now.wall_ms < l->o.earliest_wall_ms;

        if (held == l->held)
                return;
        l->held = held;
        if (held)
                log_warn("the clock cannot be right, scrapes are held until it is",
                    LOG_INT("wall_ms", l->now.wall_ms));
        else
                log_info(
                    "the clock is plausible again, scraping", LOG_INT("wall_ms", l->now.wall_ms));
        (void)pthread_mutex_lock(&l->env.mtx);
        l->clock_held = held;
        (void)pthread_mutex_unlock(&l->env.mtx);
}

static void
look_at_clocks(struct loop *l)
{
        int64_t step;

        l->now = read_clocks(l->o.clock);
        atomic_store(&l->loop_beat_ms, l->now.mono_ms);
        step = (l->now.wall_ms - l->before.wall_ms) - (l->now.mono_ms - l->before.mono_ms);
        if (l->before.mono_ms != 0 && (step > STEP_MS || step < -STEP_MS))
                follow_step(l, step);
        l->before = l->now;
        hold_or_release(l);
}

/* ---- what came in ---- */

static bool
has_number(void *arg, uint64_t number)
{
        const struct loop *l = arg;

        return roster_by_number(&l->roster, number) != NULL;
}

static bool
has_labels(void *arg, const char *identity)
{
        const struct loop *l = arg;

        return roster_has_labels(&l->roster, identity);
}

/* The log knows targets that are not discovered any more: their series end. */
static void
collect_orphans(struct loop *l)
{
        struct err e = ERR_INIT;

        l->collected = true;
        if (orphans_collect(l->orphans, l->now.mono_ms, &e) < 0)
                log_error("cannot look for targets that are gone, their series do not end",
                    LOG_STR("err", e.msg));
}

static void
take_set(struct loop *l)
{
        struct target_set *set;
        struct err e = ERR_INIT;
        bool synced;

        (void)pthread_mutex_lock(&l->env.mtx);
        set = l->next_set;
        l->next_set = NULL;
        (void)pthread_mutex_unlock(&l->env.mtx);
        if (set == NULL)
                return;
        synced = set->first_sync_done;
        if (roster_apply(&l->roster, set, l->now, &e) < 0) {
                log_error("cannot take over the new targets, the ones before stay",
                    LOG_STR("err", e.msg));
                return;
        }
        fetcher_expect(l->env.fetcher, l->roster.n, roster_longest_interval_ms(&l->roster));
        if (!synced)
                return;
        if (!l->collected)
                collect_orphans(l);
        (void)pthread_mutex_lock(&l->env.mtx);
        l->first_sync_done = true;
        (void)pthread_mutex_unlock(&l->env.mtx);
}

static void
take_answers(struct loop *l)
{
        const struct mailbox_answer *v = NULL;
        size_t n = mailbox_take(l->o.mailbox, &v);

        for (size_t i = 0; i < n; i++) {
                struct runner *r = roster_by_number(&l->roster, v[i].target);

                if (r != NULL)
                        series_answered(r->series, v[i].serial, v[i].stored);
                else
                        orphans_answered(l->orphans, v[i].target, v[i].stored, l->now.mono_ms);
        }
}

/* ---- barriers for many: resets after a reload, steps of the clock, compactions ---- */

/* Is one that wants a barrier busy, or may still come to want one? */
static bool
any_busy(const struct loop *l)
{
        for (size_t i = 0; i < l->roster.n; i++) {
                if (l->roster.v[i]->barrier_wanted && l->roster.v[i]->phase != RUNNER_IDLE)
                        return true;
        }
        return l->env.n_next > 0;
}

static bool
any_due(const struct loop *l)
{
        for (size_t i = 0; i < l->roster.n; i++) {
                const struct runner *r = l->roster.v[i];

                if (r->barrier_wanted && r->phase == RUNNER_IDLE && !r->leaving &&
                    (r->entry.due_ms <= l->now.wall_ms || r->waiting_tick_ms != INT64_MIN))
                        return true;
        }
        return false;
}

/*
 * One barrier serves all that want one, so those that are still busy are waited for; but no tick is
 * missed for their sake.
 */
static void
serve_barriers(struct loop *l)
{
        if (l->env.n_barriers == 0 || (any_busy(l) && !any_due(l)) || !write_barrier(l))
                return;
        for (size_t i = 0; i < l->roster.n; i++) {
                struct runner *r = l->roster.v[i];

                if (r->barrier_wanted && r->phase == RUNNER_IDLE)
                        runner_pass_barrier(r);
        }
}

static void
choose_compactions(struct loop *l)
{
        bool any = false;

        if (l->now.mono_ms < l->compact_mono_ms || l->n_compact > 0)
                return;
        l->compact_mono_ms = l->now.mono_ms + COMPACT_MS;
        for (size_t i = 0; i < l->roster.n && !any; i++)
                any = series_wants_compaction(l->roster.v[i]->series, l->now.wall_ms);
        if (!any || !write_barrier(l))
                return;
        for (size_t i = 0; i < l->roster.n; i++) {
                struct runner *r = l->roster.v[i];

                r->compact_wanted = r->phase == RUNNER_IDLE && !r->leaving &&
                    series_wants_compaction(r->series, l->now.wall_ms);
                l->n_compact += r->compact_wanted;
        }
}

static void
compact(struct loop *l, struct runner *r)
{
        struct err e = ERR_INIT;

        r->compact_wanted = false;
        if (series_compact(r->series, l->now.wall_ms, &e) < 0)
                log_error("cannot compact a target's series, will try again",
                    LOG_STR("target", r->target->url), LOG_STR("err", e.msg));
        else
                count(l, &l->env.stats.compactions, 1);
}

/* One per turn. */
static void
compact_some(struct loop *l)
{
        choose_compactions(l);
        for (size_t i = 0; i < l->roster.n && l->n_compact > 0; i++) {
                if (!l->roster.v[i]->compact_wanted)
                        continue;
                compact(l, l->roster.v[i]);
                l->n_compact--;
                return;
        }
        l->n_compact = 0; /* those that are left went meanwhile, or had their tick */
}

/* ---- ticks ---- */

static void
begin(struct loop *l, struct runner *r, int64_t tick_ms)
{
        if (r->compact_wanted)
                compact(l, r);
        r->last_tick_ms = tick_ms;
        runner_begin(r, tick_ms);
}

static void
take_tick(struct loop *l, struct runner *r, int64_t tick_ms, uint64_t skipped)
{
        struct scraper_stats *stats = &l->env.stats;
        int64_t late = l->now.wall_ms - tick_ms;

        if (l->held) {
                count(l, &stats->scrapes_held_clock, skipped + 1);
                return;
        }
        if (skipped > 0)
                count(l, &stats->scrapes_skipped_late, skipped);
        if (tick_ms == r->last_tick_ms)
                return; /* the clock went back a little, and this tick has been scraped */
        if (r->waiting_tick_ms != INT64_MIN) {
                runner_forget_tick(r);
                count(l, &stats->scrapes_skipped_busy, 1);
        }
        if (r->phase != RUNNER_IDLE || r->barrier_wanted) {
                runner_wait_tick(r, tick_ms);
        } else if (late > runner_allowed_late_ms(r->entry.interval_ms)) {
                count(l, &stats->scrapes_skipped_late, 1);
        } else {
                begin(l, r, tick_ms);
        }
}

/*
 * Ticks that came while their runner was busy: with a timeout as long as the interval a dead target
 * is given up just when its next tick is due, which must not cost every other tick.
 */
static void
take_waiting(struct loop *l)
{
        for (size_t i = 0; i < l->roster.n && l->env.n_waiting > 0; i++) {
                struct runner *r = l->roster.v[i];
                int64_t tick_ms = r->waiting_tick_ms;

                if (tick_ms == INT64_MIN)
                        continue;
                if (r->leaving) {
                        runner_forget_tick(r);
                } else if (l->now.wall_ms - tick_ms >
                    runner_allowed_late_ms(r->entry.interval_ms)) {
                        runner_forget_tick(r);
                        count(l, &l->env.stats.scrapes_skipped_busy, 1);
                } else if (r->phase == RUNNER_IDLE && !r->barrier_wanted) {
                        runner_forget_tick(r);
                        begin(l, r, tick_ms);
                }
        }
}

static void
take_ticks(struct loop *l)
{
        struct schedule_entry *x;
        int64_t tick_ms = 0;
        uint64_t skipped = 0;

        while ((x = schedule_take(l->schedule, l->now.wall_ms, &tick_ms, &skipped)) != NULL)
                take_tick(l, (struct runner *)x, tick_ms, skipped);
}

/* Markers bear wall time, so none are written while that is implausible. */
static void
end_series(struct loop *l)
{
        struct err e = ERR_INIT;

        if (l->held)
                return;
        roster_dismiss(&l->roster, l->now);
        if (orphans_due(l->orphans) <= l->now.mono_ms &&
            orphans_step(l->orphans, l->now.mono_ms, l->now.wall_ms, &e) < 0)
                log_error("cannot end the series of a target that is gone, will try again",
                    LOG_STR("err", e.msg));
}

/* ---- the turn ---- */

static int64_t
min_ms(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* How long there is nothing to do but the network. */
static int
time_to_wait(const struct loop *l)
{
        const struct schedule_entry *x = schedule_peek(l->schedule);
        int64_t wait = TURN_MAX_MS;

        if (l->env.encoding != NULL || l->n_compact > 0)
                return 0;
        if (x != NULL)
                wait = min_ms(wait, x->due_ms - l->now.wall_ms);
        if (!l->held && l->roster.leave_mono_ms != INT64_MAX)
                wait = min_ms(wait, l->roster.leave_mono_ms - l->now.mono_ms);
        if (!l->held && orphans_due(l->orphans) != INT64_MAX)
                wait = min_ms(wait, orphans_due(l->orphans) - l->now.mono_ms);
        return wait > 0 ? (int)wait : 0;
}

void
loop_turn(struct loop *l)
{
        struct err e = ERR_INIT;

        look_at_clocks(l);
        take_answers(l);
        /* first, so that those that are done with it are idle for what follows */
        for (int i = 0; i < ENCODE_TARGETS && runner_encode_some(&l->env, ENCODE_CHUNKS); i++)
                continue;
        take_set(l);
        serve_barriers(l);
        take_waiting(l);
        take_ticks(l);
        end_series(l);
        compact_some(l);
        if (fetcher_turn(l->env.fetcher, time_to_wait(l), &e) < 0)
                log_error("cannot drive the scrapes' connections", LOG_STR("err", e.msg));
}

void
loop_offer(struct loop *l, struct target_set *set)
{
        struct target_set *older;

        (void)pthread_mutex_lock(&l->env.mtx);
        older = l->next_set;
        l->next_set = set;
        (void)pthread_mutex_unlock(&l->env.mtx);
        target_set_free(older);
        loop_wake(l);
}

void
loop_wake(struct loop *l)
{
        fetcher_wake(l->env.fetcher);
}

/* ---- birth and death ---- */

static int
make_parts(struct loop *l, struct err *e)
{
        const struct orphans_owner owner = {
            .has_number = has_number, .has_labels = has_labels, .arg = l};
        int rc = series_pool_new(l->o.wal, &l->env.pool, e);

        if (rc == 0)
                rc = metadata_pool_new(&l->env.metadata, e);
        if (rc == 0)
                rc = fetcher_new(&l->env.fetcher, e);
        if (rc == 0)
                rc = schedule_new(&l->schedule, e);
        if (rc == 0)
                rc = orphans_new(l->o.wal, &owner, &l->orphans, e);
        if (rc == 0)
                roster_init(&l->roster, &l->env, l->schedule, l->orphans);
        return rc;
}

int
loop_new(const struct loop_options *o, struct loop **out, struct err *e)
{
        struct loop *l = calloc(1, sizeof(*l));
        int rc;

        if (l == NULL)
                return err_nomem(e, "the scraper");
        (void)pthread_mutex_init(&l->env.mtx, NULL);
        roster_init(&l->roster, &l->env, NULL, NULL);
        l->o = *o;
        l->compact_mono_ms = clock_mono(o->clock) + COMPACT_MS;
        atomic_store(&l->loop_beat_ms, clock_mono(o->clock));
        rc = make_parts(l, e);
        if (rc < 0) {
                loop_free(l);
                return rc;
        }
        *out = l;
        return 0;
}

void
loop_free(struct loop *l)
{
        if (l == NULL)
                return;
        roster_release(&l->roster);
        assert(l->env.clients.head == NULL && l->env.encoding == NULL);
        target_set_free(l->next_set);
        orphans_free(l->orphans);
        schedule_free(l->schedule);
        fetcher_free(l->env.fetcher);
        metadata_pool_free(l->env.metadata);
        series_pool_free(l->env.pool);
        (void)pthread_mutex_destroy(&l->env.mtx);
        free(l);
}
