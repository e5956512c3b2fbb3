#include "remotewrite/drain_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/post.h"
#include "remotewrite/settle.h"
#include "remotewrite/window.h"

#include <inttypes.h>

enum { HOLD_MARGIN_MS = 2000 };

/* Gives everything back that only a window needs: most of the time there is none. */
static void
release_memory(struct drain *d)
{
        window_reset(d->window);
        group_reset(d->group);
        block_cache_reset(d->cache);
        builder_reset(d->builder);
}

/* A reload's labels and rules count from here on. */
static int
renew_identity(struct drain *d, struct err *e)
{
        struct identity *fresh = NULL;
        int rc;

        if (d->identity != NULL && !d->identity_old)
                return 0;
        rc = identity_new(d->now.config, d->now.endpoint, &fresh, e);
        if (rc < 0)
                return rc;
        identity_free(d->identity);
        d->identity = fresh;
        d->identity_old = false;
        return 0;
}

/*
 * What may be taken for sending now. Dates have whole seconds and are late by the way of the
 * answer: what is taken should not be ahead by the next one.
 */
static struct clock_limits
taking_limits(const struct drain *d)
{
        struct clock_limits l = drain_limits(d);

        l.hold_after_ms -= HOLD_MARGIN_MS;
        return l;
}

/* Reads the index of the window that the cursor stands at. */
static int
fill(struct drain *d, const struct wal_cursor *c, struct err *e)
{
        struct clock_limits limits = taking_limits(d);
        const struct window_bounds bounds = {
            .from = c->settled,
            .end = c->window_end,
            .hold_after_ms = limits.hold_after_ms,
            .give_up_after_ms = limits.give_up_after_ms,
        };

        return window_fill(d->window, &bounds, e);
}

/*
 * Groups that are settled already, of a window read again: they are read, as the requests must have
 * the same borders (request.h), and not sent. Their numbers count from the window's
 * first block: when that was trimmed they are others, and all of them are sent again.
 */
static uint32_t
settled_groups(const struct wal_cursor *c, const struct window_info *info)
{
        if (c->window_end == 0 || info->first != c->settled)
                return 0;
        return c->groups_settled < info->groups ? (uint32_t)c->groups_settled : info->groups;
}

bool
drain_window_begin(struct drain *d)
{
        const struct window_info *info = window_info(d->window);
        struct err e = ERR_INIT;
        struct wal_cursor c;
        bool resumed;
        int rc = renew_identity(d, &e);

        wal_endpoint_get(d->wal, d->cursor, &c);
        if (rc == 0)
                rc = fill(d, &c, &e);
        if (rc < 0) {
                drain_trouble(d, &e);
                return false;
        }
        resumed = c.window_end != 0;
        drain_set_held(d, info->held && info->records == 0, c.pending);
        if (!info->held && !resumed)
                drain_none_ahead(d);
        if (!resumed && info->records == 0) {
                d->draining = false;
                release_memory(d);
                return false;
        }
        if (!resumed)
                wal_window_begin(d->wal, d->cursor, info->end);
        flight_begin(&d->flight);
        protocol_tick(&d->protocol, clock_mono(d->clock));
        d->under_way = true;
        d->draining = !info->at_end; /* a tick that passes meanwhile sets it again */
        d->ambiguous = resumed;
        d->catching_up =
            clock_wall(d->clock) - info->oldest_ms > 3 * d->now.endpoint->batch_send_deadline_ms;
        d->next_group = 0;
        d->settled_groups = settled_groups(&c, info);
        d->group_open = d->series_open = false;
        d->series_at = 0;
        d->damage_told = false;
        d->began_ms = clock_mono(d->clock);
        d->window_samples = info->samples;
        return true;
}

void
drain_window_end(struct drain *d)
{
        int64_t ms = clock_mono(d->clock) - d->began_ms;

        wal_window_end(d->wal, d->cursor);
        d->speed = (double)d->window_samples / (double)(ms > 0 ? ms : 1);
        d->under_way = false;
        d->draining |= d->stopping; /* at the end of all, what was committed since too */
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.windows++;
        (void)pthread_mutex_unlock(&d->mtx);
        if (!d->draining)
                release_memory(d);
}

void
drain_window_again(struct drain *d)
{
        post_cancel(d->post);
        flight_release(&d->flight);
        builder_reset(d->builder);
        group_reset(d->group);
        d->group_open = d->series_open = false;
        d->series_at = 0;
        d->under_way = false;
        d->draining = true;
}

bool
drain_window_read(const struct drain *d)
{
        return d->next_group >= window_info(d->window)->groups;
}

/* ---- requests ---- */

static void
tell_damage(struct drain *d)
{
        const struct wal_ledger *out = group_left_out(d->group);

        if (out->lost[LOST_DAMAGED] == 0 || d->damage_told)
                return;
        d->damage_told = true;
        log_error("some of what the log holds cannot be read, sending the rest",
            LOG_STR("endpoint", d->name), LOG_STR("err", group_damage(d->group)),
            LOG_UINT("samples", out->lost[LOST_DAMAGED]));
}

static uint64_t
pending(const struct drain *d)
{
        struct wal_cursor c;

        wal_endpoint_get(d->wal, d->cursor, &c);
        return c.pending;
}

/* Loads the next group. False: it failed, or its time has not come (clock_held). */
static int
open_group(struct drain *d, struct err *e)
{
        struct clock_limits limits = taking_limits(d);
        int64_t age = d->now.endpoint->sample_age_limit_ms;
        const struct group_limits g = {
            .give_up_after_ms = limits.give_up_after_ms,
            .oldest_ms = age > 0 ? clock_wall(d->clock) - age : INT64_MIN,
        };
        int rc;

        /* decoded once, and again when it may go or some of it is to be given up */
        if (d->clock_held && d->group_newest_ms > limits.hold_after_ms &&
            d->group_newest_ms <= limits.give_up_after_ms)
                return ERR_AGAIN;
        rc = group_load(d->group, d->window, d->next_group, &g, e);
        if (rc < 0)
                return rc;
        d->group_filtered = (struct wal_ledger){0};
        identity_group_begins(d->identity);
        d->group_newest_ms = group_newest_ms(d->group);
        if (d->group_newest_ms > limits.hold_after_ms) {
                drain_set_held(d, true, pending(d));
                return ERR_AGAIN;
        }
        if (d->clock_held)
                drain_set_held(d, false, 0);
        d->group_open = true;
        return 0;
}

static void
close_group(struct drain *d)
{
        settle_add(&d->group_filtered, group_left_out(d->group));
        builder_count(d->builder, &d->group_filtered);
        builder_group_end(d->builder);
        tell_damage(d);
        d->group_open = d->series_open = false;
        d->next_group++;
        if (d->next_group == d->settled_groups)
                builder_forget(d->builder);
}

/* Adds the next n samples of d->series to the request, or counts them when they are not sent. */
static int
take_one(struct drain *d, size_t n, struct err *e)
{
        const struct group_series *s = &d->series;
        struct identity_result identity;
        int rc = identity_of(d->identity, s, &identity, e);

        if (rc == ERR_LIMIT || rc == ERR_REFUSED) {
                d->group_filtered.lost[LOST_REFUSED] += n;
                drain_tell(d, "cannot relabel a series, its samples are lost", e);
                return 0;
        }
        if (rc == 0 && !identity.kept)
                d->group_filtered.filtered += n;
        else if (rc == 0)
                rc = builder_add(d->builder, &identity, s->samples + d->series_at, n, e);
        return rc;
}

/* Moves series of the open group into the builder until that is full or there are no more. */
static int
take_series(struct drain *d, bool *out_more, struct err *e)
{
        *out_more = true;
        while (!builder_full(d->builder)) {
                size_t n;
                int rc;

                if (!d->series_open && !group_next(d->group, &d->series)) {
                        *out_more = false;
                        return 0;
                }
                d->series_open = true;
                n = builder_takes(d->builder, d->series.n_samples - d->series_at);
                if (n == 0)
                        return 0;
                rc = take_one(d, n, e);
                if (rc < 0)
                        return rc;
                d->series_at += n;
                d->series_open = d->series_at < d->series.n_samples;
                if (!d->series_open)
                        d->series_at = 0;
        }
        return 0;
}

static int
fill_builder(struct drain *d, struct err *e)
{
        int rc = 0;

        while (rc == 0 && !builder_full(d->builder) && !drain_window_read(d)) {
                bool more = true;

                if (!d->group_open)
                        rc = open_group(d, e);
                if (rc == 0)
                        rc = take_series(d, &more, e);
                if (rc == 0 && !more)
                        close_group(d);
        }
        return rc;
}

bool
drain_window_request(struct drain *d)
{
        const struct builder_bounds bounds = {
            .bytes = d->adapt.bound,
            .samples = d->now.endpoint->max_samples_per_send,
            .message = d->protocol.now,
        };
        bool continues = d->series_at > 0;
        uint32_t before = d->next_group;
        struct request *r = NULL;
        struct err e = ERR_INIT;
        int rc;

        builder_begin(d->builder, &bounds);
        rc = fill_builder(d, &e);
        /* held by the clock: what stands before that group may go */
        if (rc == ERR_AGAIN && builder_empty(d->builder) && d->next_group == before)
                return false;
        if (rc == 0 && d->next_group < d->settled_groups)
                return true; /* all of it is settled: it only tells where the next one begins */
        if (rc == 0 || rc == ERR_AGAIN)
                rc = builder_finish(d->builder, &r, &e);
        if (rc < 0) {
                drain_trouble(d, &e);
                drain_window_again(d);
                return false;
        }
        if (d->catching_up && d->now.config->catchup_samples_per_second > 0) {
                for (const struct part *p = r->parts; p != NULL; p = p->next)
                        d->tokens -= (double)p->samples;
        }
        r->continues = continues;
        flight_take(&d->flight, &r, d->ambiguous);
        return true;
}
