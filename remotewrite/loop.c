#include "remotewrite/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/log.h"
#include "base/memory.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/loop_parts.h"
#include "remotewrite/post.h"
#include "remotewrite/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
        BEAT_MS = 1000, /* the thread shows that it lives at least so often */
        PAUSE_MS = 1000,
        TROUBLE_TOLD_MS = 60000,
};

struct health_now
loop_now(const struct loop *l)
{
        return (struct health_now){clock_mono(l->clock), clock_wall(l->clock)};
}

void
loop_tell(struct loop *l, const char *what, const struct err *e)
{
        int64_t now = clock_mono(l->clock);

        if (l->trouble_told_ms != 0 && now - l->trouble_told_ms < TROUBLE_TOLD_MS)
                return;
        l->trouble_told_ms = now;
        log_error(what, LOG_STR("endpoint", l->name), LOG_STR("err", e->msg));
}

void
loop_trouble(struct loop *l, const struct err *e)
{
        l->pause_until_ms = clock_mono(l->clock) + PAUSE_MS;
        loop_tell(l, "cannot prepare samples for sending, trying again", e);
}

/* ---- settings ---- */

static void
setting_release(struct setting *s)
{
        remote_config_unref(s->config);
        *s = (struct setting){NULL, NULL};
}

static unsigned
max_in_flight(const struct remote_endpoint *x)
{
        return x->max_shards < POST_MAX_FLYING ? (unsigned)x->max_shards : POST_MAX_FLYING;
}

static int64_t
next_tick(const struct loop *l, int64_t now)
{
        int64_t every = l->now.endpoint->batch_send_deadline_ms;
        int64_t at = l->next_tick_ms;

        if (at > now)
                return at;
        return at + ((now - at) / every + 1) * every;
}

static void
show_url(struct loop *l)
{
        (void)pthread_mutex_lock(&l->mtx);
        http_url_masked(l->now.endpoint->url, l->stats.url, sizeof(l->stats.url));
        (void)pthread_mutex_unlock(&l->mtx);
}

/* Connections, delays and limits of a configuration; nothing may be in flight. */
static void
use_setting(struct loop *l, struct setting *s)
{
        struct err e = ERR_INIT;
        int64_t now = clock_mono(l->clock);

        if (post_configure(l->post, s->endpoint, &e) < 0) {
                loop_tell(l, "cannot use the new configuration, going on with the one before", &e);
                setting_release(s);
                return;
        }
        setting_release(&l->now);
        l->now = *s;
        *s = (struct setting){NULL, NULL};
        l->identity_old = true;
        show_url(l);
        l->adapt.timeout_ms = l->now.endpoint->remote_timeout_ms;
        l->adapt.max_in_flight = max_in_flight(l->now.endpoint);
        l->adapt.in_flight = 1;
        if (l->next_tick_ms > now + l->now.endpoint->batch_send_deadline_ms)
                l->next_tick_ms = now + l->now.endpoint->batch_send_deadline_ms;
        health_set_backoff(
            &l->health, l->now.endpoint->min_backoff_ms, l->now.endpoint->max_backoff_ms);
        health_probe(&l->health, now);
}

/* True while a reload waits for what is in flight: nothing new is begun then. */
static bool
take_reload(struct loop *l)
{
        struct setting s = {NULL, NULL};
        bool waiting;

        (void)pthread_mutex_lock(&l->mtx);
        waiting = l->next.config != NULL && post_flying(l->post) > 0;
        if (!waiting) {
                s = l->next;
                l->next = (struct setting){NULL, NULL};
        }
        (void)pthread_mutex_unlock(&l->mtx);
        if (s.config != NULL)
                use_setting(l, &s);
        return waiting;
}

/* ---- the thread ---- */

/* A failing endpoint gets one more try, the others all the time there is. What is left is safe in
 * the log. */
static bool
stop_now(struct loop *l, int64_t stop_at)
{
        int64_t now = clock_mono(l->clock);

        if (now >= stop_at || l->clock_held)
                return true;
        if (!l->stopping) {
                l->stopping = true;
                l->draining = true;
                l->one_try = l->health.state != ENDPOINT_FINE;
                health_probe(&l->health, now);
        }
        if (l->one_try && l->health.state != ENDPOINT_FINE && now < l->health.retry_at_ms)
                return true;
        return !l->under_way && !l->draining;
}

static bool
must_stop(struct loop *l)
{
        bool stop;
        int64_t stop_at;

        (void)pthread_mutex_lock(&l->mtx);
        stop = l->stop;
        stop_at = l->stop_at_ms;
        (void)pthread_mutex_unlock(&l->mtx);
        return stop && stop_now(l, stop_at);
}

/* Until when there is nothing to do but to wait for answers. */
static int64_t
wait_ms(const struct loop *l, int64_t now)
{
        int64_t at = now + BEAT_MS;
        int64_t send_at = loop_send_at(l);

        if (l->stopping && !l->under_way && !l->draining)
                return 0;
        if (!l->under_way && !l->draining && l->next_tick_ms < at)
                at = l->next_tick_ms;
        if (!l->under_way && l->draining && l->pause_until_ms <= now)
                return 0;
        if (send_at > now && send_at < at)
                at = send_at;
        /* waiting for tokens has no event of its own */
        if (l->under_way && post_flying(l->post) == 0 && l->tokens < 0)
                at = at < now + 50 ? at : now + 50;
        return at > now ? at - now : 0;
}

static void
step(struct loop *l)
{
        int64_t now = clock_mono(l->clock);
        bool quiet = take_reload(l);

        if (now >= l->next_tick_ms) {
                l->draining = true;
                l->next_tick_ms = next_tick(l, now);
        }
        if (!l->under_way && l->draining && !quiet && now >= l->pause_until_ms)
                (void)loop_window_begin(l);
        if (l->under_way && !quiet)
                loop_send(l);
        if (l->under_way && flight_empty(&l->flight) && loop_window_read(l))
                loop_window_end(l);
}

static void *
run(void *arg)
{
        struct loop *l = arg;
        struct post_result r;

        (void)prctl(PR_SET_NAME, "send");
        while (!must_stop(l)) {
                int64_t now = clock_mono(l->clock);

                atomic_store_explicit(&l->beat_ms, now, memory_order_relaxed);
                step(l);
                loop_publish(l);
                if (post_wait(l->post, wait_ms(l, clock_mono(l->clock)), &r))
                        loop_result(l, &r);
        }
        post_cancel(l->post);
        return NULL;
}

/* ---- from outside ---- */

static int
make_parts(struct loop *l, struct err *e)
{
        int rc = post_new(&l->post, e);

        if (rc == 0)
                rc = post_configure(l->post, l->now.endpoint, e);
        if (rc == 0)
                rc = window_new(l->wal, &l->window, e);
        if (rc == 0)
                rc = block_cache_new(l->wal, &l->cache, e);
        if (rc == 0)
                rc = group_new(l->wal, l->cache, &l->group, e);
        if (rc == 0)
                rc = builder_new(&l->builder, e);
        return rc;
}

static void
free_parts(struct loop *l)
{
        flight_release(&l->flight);
        post_free(l->post);
        window_free(l->window);
        group_free(l->group);
        block_cache_free(l->cache);
        builder_free(l->builder);
        identity_free(l->identity);
        setting_release(&l->now);
        setting_release(&l->next);
        (void)pthread_mutex_destroy(&l->mtx);
        memory_account(MEMORY_SEND, -(int64_t)sizeof(*l));
        free(l);
}

/* Differs between agents and between starts: what it seeds must not run in step. */
static uint64_t
seed(const struct loop *l)
{
        const int64_t parts[] = {clock_wall(l->clock), (int64_t)getpid()};
        char host[256] = "";

        (void)gethostname(host, sizeof(host) - 1);
        return hash_stable(host, strlen(host), hash_stable(parts, sizeof(parts), 0)) ^
            hash_stable(l->name, strlen(l->name), 0);
}

int
loop_start(const struct senders_options *o, struct remote_config *config,
    const struct remote_endpoint *endpoint, struct loop **out, struct err *e)
{
        struct loop *l = calloc(1, sizeof(*l));
        int rc;

        if (l == NULL)
                return err_nomem(e, "a sender");
        memory_account(MEMORY_SEND, (int64_t)sizeof(*l));
        (void)pthread_mutex_init(&l->mtx, NULL);
        l->wal = o->wal;
        l->clock = o->clock;
        (void)snprintf(l->name, sizeof(l->name), "%s", endpoint->name);
        l->now = (struct setting){remote_config_ref(config), endpoint};
        l->stats.receiver_skew_ms = INT64_MIN;
        show_url(l);
        rc = make_parts(l, e);
        if (rc == 0)
                rc = wal_endpoint_open(l->wal, l->name, WAL_START_NOW, &l->cursor, e);
        if (rc < 0) {
                free_parts(l);
                return rc;
        }
        l->next_tick_ms = l->tokens_ms = clock_mono(l->clock);
        atomic_init(&l->beat_ms, l->next_tick_ms);
        flight_init(&l->flight, l->wal, l->cursor, builder_packer(l->builder));
        adapt_init(
            &l->adapt, endpoint->remote_timeout_ms, max_in_flight(endpoint), clock_mono(l->clock));
        health_init(&l->health, endpoint->min_backoff_ms, endpoint->max_backoff_ms, seed(l));
        rc = pthread_create(&l->thread, NULL, run, l);
        if (rc != 0) {
                free_parts(l);
                return err_sys(e, rc, "cannot start the sender's thread");
        }
        *out = l;
        return 0;
}

const char *
loop_name(const struct loop *l)
{
        return l->name;
}

void
loop_reload(struct loop *l, struct remote_config *config, const struct remote_endpoint *endpoint)
{
        struct setting old;

        (void)pthread_mutex_lock(&l->mtx);
        old = l->next;
        l->next = (struct setting){remote_config_ref(config), endpoint};
        (void)pthread_mutex_unlock(&l->mtx);
        setting_release(&old);
        post_wake(l->post);
}

static enum sender_state
state_of(const struct loop *l)
{
        switch (l->health.state) {
        case ENDPOINT_FAILING:
                return SENDER_BACKOFF;
        case ENDPOINT_HELD:
                return SENDER_HELD;
        case ENDPOINT_FINE:
                break;
        }
        return l->under_way ? SENDER_SENDING : SENDER_IDLE;
}

void
loop_publish(struct loop *l)
{
        struct sender_stats *s = &l->stats;

        (void)pthread_mutex_lock(&l->mtx);
        s->state = state_of(l);
        (void)snprintf(s->last_error, sizeof(s->last_error), "%s", l->health.text);
        s->failing_since_ms = l->health.state == ENDPOINT_FINE ? 0 : l->health.since_wall_ms;
        s->requests_refused = l->flight.refused;
        s->requests_split = l->flight.split;
        s->samples_sent = l->flight.acknowledged;
        s->bytes_acknowledged = l->flight.acknowledged_bytes;
        s->request_bound = l->adapt.bound;
        s->cert_expiry_ms = post_cert_expiry_ms(l->post);
        l->shown_drain_rate = l->drain_rate;
        (void)pthread_mutex_unlock(&l->mtx);
}

void
loop_stats(struct loop *l, struct sender_stats *out)
{
        double rate;

        (void)pthread_mutex_lock(&l->mtx);
        *out = l->stats;
        rate = l->shown_drain_rate;
        (void)pthread_mutex_unlock(&l->mtx);
        (void)snprintf(out->name, sizeof(out->name), "%s", l->name);
        out->loop_beat_ms = atomic_load_explicit(&l->beat_ms, memory_order_relaxed);
        wal_endpoint_get(l->wal, l->cursor, &out->cursor);
        if (out->cursor.pending == 0)
                out->drained_in_ms = 0;
        else
                out->drained_in_ms = rate > 0 ? (int64_t)((double)out->cursor.pending / rate) : -1;
}

void
loop_stop(struct loop *l, int64_t timeout_ms)
{
        (void)pthread_mutex_lock(&l->mtx);
        l->stop = true;
        l->stop_at_ms = clock_mono(l->clock) + timeout_ms;
        (void)pthread_mutex_unlock(&l->mtx);
        post_wake(l->post);
}

void
loop_close(struct loop *l, bool forget)
{
        (void)pthread_join(l->thread, NULL);
        if (forget)
                wal_endpoint_close(l->wal, l->cursor);
        free_parts(l);
}
