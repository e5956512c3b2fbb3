#include "remotewrite/loop_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/settle.h"
#include "remotewrite/window.h"

#include <inttypes.h>

static struct clock_limits
clock_limits(const struct loop *l)
{
        return receiver_clock_limits(&l->receiver, clock_kernel_synchronised(),
            clock_wall(l->clock), l->now.config->clock_tolerance_ms);
}

/* Gives everything back that only a window needs: most of the time there is none. */
static void
release_memory(struct loop *l)
{
        window_reset(l->window);
        group_reset(l->group);
        block_cache_reset(l->cache);
        builder_reset(l->builder);
}

static void
set_clock_held(struct loop *l, bool held, uint64_t samples)
{
        if (held != l->clock_held && held)
                log_warn("samples are ahead of the receiver's time, holding them",
                    LOG_STR("endpoint", l->name), LOG_INT("skew_ms", l->receiver.skew_ms));
        l->clock_held = held;
        (void)pthread_mutex_lock(&l->mtx);
        l->stats.held_clock = held ? samples : 0;
        (void)pthread_mutex_unlock(&l->mtx);
}

/* A reload's labels and rules count from here on. */
static int
renew_identity(struct loop *l, struct err *e)
{
        struct identity *d = NULL;
        int rc;

        if (l->identity != NULL && !l->identity_old)
                return 0;
        rc = identity_new(l->now.config, l->now.endpoint, &d, e);
        if (rc < 0)
                return rc;
        identity_free(l->identity);
        l->identity = d;
        l->identity_old = false;
        return 0;
}

/* Reads the index of the window that the cursor stands at. */
static int
fill(struct loop *l, const struct wal_cursor *c, struct err *e)
{
        struct clock_limits limits = clock_limits(l);
        const struct window_bounds bounds = {
            .from = c->settled,
            .end = c->window_end,
            .hold_after_ms = limits.hold_after_ms,
            .give_up_after_ms = limits.give_up_after_ms,
        };

        return window_fill(l->window, &bounds, e);
}

/*
 * Groups that are settled already, of a window read again. Their numbers count from the window's
 * first block: when that was trimmed they are others, and all of them are sent again.
 */
static uint32_t
groups_to_skip(const struct wal_cursor *c, const struct window_info *info)
{
        if (c->window_end == 0 || info->first != c->settled)
                return 0;
        return c->groups_settled < info->groups ? (uint32_t)c->groups_settled : info->groups;
}

bool
loop_window_begin(struct loop *l)
{
        const struct window_info *info = window_info(l->window);
        struct err e = ERR_INIT;
        struct wal_cursor c;
        bool resumed;
        int rc = renew_identity(l, &e);

        wal_endpoint_get(l->wal, l->cursor, &c);
        if (rc == 0)
                rc = fill(l, &c, &e);
        if (rc < 0) {
                loop_trouble(l, &e);
                return false;
        }
        resumed = c.window_end != 0;
        set_clock_held(l, info->held && info->records == 0, c.pending);
        if (!resumed && info->records == 0) {
                l->draining = false;
                release_memory(l);
                return false;
        }
        if (!resumed)
                wal_window_begin(l->wal, l->cursor, info->end);
        flight_begin(&l->flight);
        l->under_way = true;
        l->ambiguous = resumed;
        l->catching_up =
            clock_wall(l->clock) - info->oldest_ms > 3 * l->now.endpoint->batch_send_deadline_ms;
        l->next_group = groups_to_skip(&c, info);
        l->group_open = false;
        l->damage_told = false;
        l->began_ms = clock_mono(l->clock);
        l->window_samples = info->samples;
        return true;
}

void
loop_window_end(struct loop *l)
{
        const struct window_info *info = window_info(l->window);
        int64_t ms = clock_mono(l->clock) - l->began_ms;
        bool at_end = info->at_end;

        wal_window_end(l->wal, l->cursor);
        l->drain_rate = (double)l->window_samples / (double)(ms > 0 ? ms : 1);
        l->under_way = false;
        l->draining = !at_end;
        (void)pthread_mutex_lock(&l->mtx);
        l->stats.windows++;
        (void)pthread_mutex_unlock(&l->mtx);
        if (at_end)
                release_memory(l);
}

void
loop_window_again(struct loop *l)
{
        flight_release(&l->flight);
        builder_reset(l->builder);
        group_reset(l->group);
        l->under_way = false;
        l->draining = true;
}

bool
loop_window_read(const struct loop *l)
{
        return l->next_group >= window_info(l->window)->groups;
}

/* ---- requests ---- */

static void
tell_damage(struct loop *l)
{
        const struct wal_ledger *out = group_left_out(l->group);

        if (out->lost[LOST_DAMAGED] == 0 || l->damage_told)
                return;
        l->damage_told = true;
        log_error("some of what the log holds cannot be read, sending the rest",
            LOG_STR("endpoint", l->name), LOG_STR("err", group_damage(l->group)),
            LOG_UINT("samples", out->lost[LOST_DAMAGED]));
}

/* Loads the next group. False: it failed, or its time has not come (clock_held). */
static int
open_group(struct loop *l, struct err *e)
{
        struct clock_limits limits = clock_limits(l);
        int64_t age = l->now.endpoint->sample_age_limit_ms;
        const struct group_limits g = {
            .give_up_after_ms = limits.give_up_after_ms,
            .oldest_ms = age > 0 ? clock_wall(l->clock) - age : INT64_MIN,
        };
        int rc = group_load(l->group, l->window, l->next_group, &g, e);

        if (rc < 0)
                return rc;
        l->group_filtered = (struct wal_ledger){0};
        if (group_newest_ms(l->group) > limits.hold_after_ms) {
                set_clock_held(l, true, window_info(l->window)->samples);
                return ERR_AGAIN;
        }
        if (l->clock_held)
                set_clock_held(l, false, 0);
        l->group_open = true;
        return 0;
}

static void
close_group(struct loop *l)
{
        settle_add(&l->group_filtered, group_left_out(l->group));
        builder_count(l->builder, &l->group_filtered);
        builder_group_end(l->builder);
        tell_damage(l);
        l->group_open = false;
        l->next_group++;
}

/* Moves series of the open group into the builder until that is full or there are no more. */
static int
take_series(struct loop *l, bool *out_more, struct err *e)
{
        struct group_series s;
        struct identity_result identity;

        *out_more = true;
        while (!builder_full(l->builder)) {
                int rc;

                if (!group_next(l->group, &s)) {
                        *out_more = false;
                        return 0;
                }
                rc = identity_of(l->identity, &s, &identity, e);
                if (rc == ERR_LIMIT || rc == ERR_REFUSED) {
                        l->group_filtered.lost[LOST_REFUSED] += s.n_samples;
                        loop_tell(l, "cannot relabel a series, its samples are lost", e);
                } else if (rc < 0) {
                        return rc;
                } else if (!identity.kept) {
                        l->group_filtered.filtered += s.n_samples;
                } else {
                        rc = builder_add(l->builder, &identity, s.samples, s.n_samples, e);
                        if (rc < 0)
                                return rc;
                }
        }
        return 0;
}

static int
fill_builder(struct loop *l, struct err *e)
{
        int rc = 0;

        while (rc == 0 && !builder_full(l->builder) && !loop_window_read(l)) {
                bool more = true;

                if (!l->group_open)
                        rc = open_group(l, e);
                if (rc == 0)
                        rc = take_series(l, &more, e);
                if (rc == 0 && !more)
                        close_group(l);
        }
        return rc;
}

bool
loop_window_request(struct loop *l)
{
        const struct builder_bounds bounds = {
            .bytes = l->adapt.bound, .samples = l->now.endpoint->max_samples_per_send};
        uint32_t before = l->next_group;
        struct request *r = NULL;
        struct err e = ERR_INIT;
        int rc;

        builder_begin(l->builder, &bounds);
        rc = fill_builder(l, &e);
        /* held by the clock: what stands before that group may go */
        if (rc == ERR_AGAIN && builder_empty(l->builder) && l->next_group == before)
                return false;
        if (rc == 0 || rc == ERR_AGAIN)
                rc = builder_finish(l->builder, &r, &e);
        if (rc < 0) {
                loop_trouble(l, &e);
                loop_window_again(l);
                return false;
        }
        if (l->catching_up && l->now.config->catchup_samples_per_second > 0) {
                for (const struct part *p = r->parts; p != NULL; p = p->next)
                        l->tokens -= (double)p->samples;
        }
        flight_take(&l->flight, &r, l->ambiguous);
        return true;
}
