#include "remotewrite/drain.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/drain_parts.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/post.h"
#include "remotewrite/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        BEAT_MS = 1000, /* the thread shows that it lives at least so often */
        PAUSE_MS = 1000,
        TROUBLE_TOLD_MS = 60000,
};

struct health_now
drain_now(const struct drain *d)
{
        return (struct health_now){clock_mono(d->clock), clock_wall(d->clock)};
}

void
drain_tell(struct drain *d, const char *what, const struct err *e)
{
        int64_t now = clock_mono(d->clock);

        if (d->trouble_told_ms != 0 && now - d->trouble_told_ms < TROUBLE_TOLD_MS)
                return;
        d->trouble_told_ms = now;
        log_error(what, LOG_STR("endpoint", d->name), LOG_STR("err", e->msg));
}

void
drain_trouble(struct drain *d, const struct err *e)
{
        d->pause_until_ms = clock_mono(d->clock) + PAUSE_MS;
        drain_tell(d, "cannot prepare samples for sending, trying again", e);
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
next_tick(const struct drain *d, int64_t now)
{
        int64_t every = d->now.endpoint->batch_send_deadline_ms;
        int64_t at = d->next_tick_ms;

        if (at > now)
                return at;
        return at + ((now - at) / every + 1) * every;
}

static void
show_url(struct drain *d)
{
        (void)pthread_mutex_lock(&d->mtx);
        http_url_masked(d->now.endpoint->url, d->stats.url, sizeof(d->stats.url));
        (void)pthread_mutex_unlock(&d->mtx);
}

/* Connections, delays and limits of a configuration; nothing may be in flight. */
static void
use_setting(struct drain *d, struct setting *s)
{
        struct err e = ERR_INIT;
        int64_t now = clock_mono(d->clock);

        if (post_configure(d->post, s->endpoint, &e) < 0) {
                drain_tell(d, "cannot use the new configuration, going on with the one before", &e);
                setting_release(s);
                return;
        }
        setting_release(&d->now);
        d->now = *s;
        *s = (struct setting){NULL, NULL};
        d->identity_old = true;
        show_url(d);
        protocol_set(&d->protocol, d->now.endpoint->message);
        d->adapt.timeout_ms = d->now.endpoint->remote_timeout_ms;
        d->adapt.max_in_flight = max_in_flight(d->now.endpoint);
        d->adapt.in_flight = 1;
        if (d->next_tick_ms > now + d->now.endpoint->batch_send_deadline_ms)
                d->next_tick_ms = now + d->now.endpoint->batch_send_deadline_ms;
        health_set_backoff(
            &d->health, d->now.endpoint->min_backoff_ms, d->now.endpoint->max_backoff_ms);
        health_probe(&d->health, now);
        receiver_clock_doubt(&d->receiver); /* it may be another receiver */
}

/* True while a reload waits for what is in flight: nothing new is begun then. */
static bool
take_reload(struct drain *d)
{
        struct setting s = {NULL, NULL};
        bool waiting;

        (void)pthread_mutex_lock(&d->mtx);
        waiting = d->next.config != NULL && post_flying(d->post) > 0;
        if (!waiting) {
                s = d->next;
                d->next = (struct setting){NULL, NULL};
        }
        (void)pthread_mutex_unlock(&d->mtx);
        if (s.config != NULL)
                use_setting(d, &s);
        return waiting;
}

/* ---- the thread ---- */

/* A failing endpoint gets one more try, the others all the time there is. What is left is safe in
 * the log. */
static bool
stop_now(struct drain *d, int64_t stop_at)
{
        int64_t now = clock_mono(d->clock);
        struct wal_cursor c;

        if (!d->stopping) {
                wal_endpoint_get(d->wal, d->cursor, &c);
                d->at_stop = c.ledger;
                d->stopping = true;
                d->draining = true;
                d->one_try = d->health.state != ENDPOINT_FINE;
                health_probe(&d->health, now);
        }
        if (now >= stop_at || d->clock_held)
                return true;
        if (d->one_try && d->health.state != ENDPOINT_FINE && now < d->health.retry_at_ms)
                return true;
        return !d->under_way && !d->draining;
}

static bool
must_stop(struct drain *d)
{
        bool stop;
        int64_t stop_at;

        (void)pthread_mutex_lock(&d->mtx);
        stop = d->stop;
        stop_at = d->stop_at_ms;
        (void)pthread_mutex_unlock(&d->mtx);
        return stop && stop_now(d, stop_at);
}

/* Until when there is nothing to do but to wait for answers. */
static int64_t
wait_ms(const struct drain *d, int64_t now)
{
        int64_t at = now + BEAT_MS;
        int64_t send_at = drain_send_at(d);

        if (d->stopping && !d->under_way && !d->draining)
                return 0;
        if (!d->under_way && !d->draining && d->next_tick_ms < at)
                at = d->next_tick_ms;
        if (!d->under_way && d->draining && !d->unasked && d->pause_until_ms <= now)
                return 0;
        if (send_at > now && send_at < at)
                at = send_at;
        if (d->health.state == ENDPOINT_FAILING && d->health.knock_at_ms > now &&
            d->health.knock_at_ms < at)
                at = d->health.knock_at_ms;
        /* waiting for tokens has no event of its own */
        if (d->under_way && post_flying(d->post) == 0 && d->tokens < 0)
                at = at < now + 50 ? at : now + 50;
        return at > now ? at - now : 0;
}

static void
step(struct drain *d)
{
        int64_t now = clock_mono(d->clock);
        bool quiet = take_reload(d);

        if (now >= d->next_tick_ms) {
                d->draining = true;
                d->next_tick_ms = next_tick(d, now);
                if (d->clock_held)
                        receiver_clock_doubt(&d->receiver); /* a clock may have been mended */
        }
        if (!quiet)
                quiet = drain_ask(d);
        if (!d->under_way && d->draining && !quiet && now >= d->pause_until_ms)
                (void)drain_window_begin(d);
        if (d->under_way && !quiet)
                drain_send(d);
        if (d->under_way && flight_empty(&d->flight) && drain_window_read(d))
                drain_window_end(d);
}

static const char *
why_pending(const struct drain *d)
{
        if (d->health.state != ENDPOINT_FINE)
                return d->health.text;
        if (d->clock_held)
                return "samples are ahead of the receiver's time";
        return "the time for sending is over";
}

/* What sending at the end came to. */
static void
tell_end(const struct drain *d)
{
        struct wal_cursor c;
        uint64_t sent;
        uint64_t lost = 0;

        wal_endpoint_get(d->wal, d->cursor, &c);
        sent = c.ledger.acknowledged - d->at_stop.acknowledged;
        for (size_t i = 0; i < LOST_REASONS; i++)
                lost += c.ledger.lost[i] - d->at_stop.lost[i];
        if (c.pending == 0)
                log_info("endpoint stopped, nothing is pending", LOG_STR("endpoint", d->name),
                    LOG_UINT("sent_samples", sent), LOG_UINT("lost_samples", lost));
        else
                log_warn("endpoint stopped, what is pending stays in the log",
                    LOG_STR("endpoint", d->name), LOG_UINT("sent_samples", sent),
                    LOG_UINT("lost_samples", lost), LOG_UINT("pending_samples", c.pending),
                    LOG_STR("why", why_pending(d)));
}

static void *
run(void *arg)
{
        struct drain *d = arg;
        struct post_result r;

        while (!must_stop(d)) {
                int64_t now = clock_mono(d->clock);

                atomic_store_explicit(&d->beat_ms, now, memory_order_relaxed);
                step(d);
                drain_publish(d);
                if (!post_wait(d->post, wait_ms(d, clock_mono(d->clock)), &r))
                        continue;
                if (r.tag == &d->asking)
                        drain_ask_result(d, &r);
                else
                        drain_result(d, &r);
        }
        post_cancel(d->post);
        tell_end(d);
        return NULL;
}

/* ---- from outside ---- */

static int
make_parts(struct drain *d, struct err *e)
{
        int rc = post_new(&d->post, e);

        if (rc == 0)
                rc = post_configure(d->post, d->now.endpoint, e);
        if (rc == 0)
                rc = window_new(d->wal, &d->window, e);
        if (rc == 0)
                rc = block_cache_new(d->wal, &d->cache, e);
        if (rc == 0)
                rc = group_new(d->wal, d->cache, &d->group, e);
        if (rc == 0)
                rc = builder_new(&d->builder, e);
        return rc;
}

static void
free_parts(struct drain *d)
{
        flight_release(&d->flight);
        post_free(d->post);
        window_free(d->window);
        group_free(d->group);
        block_cache_free(d->cache);
        builder_free(d->builder);
        identity_free(d->identity);
        setting_release(&d->now);
        setting_release(&d->next);
        (void)pthread_mutex_destroy(&d->mtx);
        memory_account(MEMORY_SEND, -(int64_t)sizeof(*d));
        free(d);
}

/* Differs between agents and between starts: what it seeds must not run in step. */
static uint64_t
seed(const struct drain *d)
{
        const int64_t parts[] = {clock_wall(d->clock), (int64_t)getpid()};
        char host[256] = "";

        (void)gethostname(host, sizeof(host) - 1);
        return hash_stable(host, strlen(host), hash_stable(parts, sizeof(parts), 0)) ^
            hash_stable(d->name, strlen(d->name), 0);
}

/* send-1 is the first endpoint of the file that it was started from. */
static int
start_thread(struct drain *d, struct err *e)
{
        char name[32];

        (void)snprintf(
            name, sizeof(name), "send-%td", d->now.endpoint - d->now.config->endpoints + 1);
        return thread_start(&d->thread, name, run, d, e);
}

int
drain_start(const struct senders_options *o, struct remote_config *config,
    const struct remote_endpoint *endpoint, struct drain **out, struct err *e)
{
        struct drain *d = calloc(1, sizeof(*d));
        int rc;

        if (d == NULL)
                return err_nomem(e, "a sender");
        memory_account(MEMORY_SEND, (int64_t)sizeof(*d));
        (void)pthread_mutex_init(&d->mtx, NULL);
        d->wal = o->wal;
        d->clock = o->clock;
        memcpy(d->name, endpoint->name,
            utf8_cut(endpoint->name, strlen(endpoint->name), sizeof(d->name) - 1));
        d->now = (struct setting){remote_config_ref(config), endpoint};
        d->stats.receiver_skew_ms = INT64_MIN;
        show_url(d);
        rc = make_parts(d, e);
        if (rc == 0)
                rc = wal_endpoint_open(d->wal, d->name, WAL_START_NOW, &d->cursor, e);
        if (rc < 0) {
                free_parts(d);
                return rc;
        }
        protocol_set(&d->protocol, endpoint->message);
        d->next_tick_ms = d->tokens_ms = clock_mono(d->clock);
        atomic_init(&d->beat_ms, d->next_tick_ms);
        flight_init(&d->flight, d->wal, d->cursor, builder_packer(d->builder));
        adapt_init(
            &d->adapt, endpoint->remote_timeout_ms, max_in_flight(endpoint), clock_mono(d->clock));
        health_init(&d->health, endpoint->min_backoff_ms, endpoint->max_backoff_ms, seed(d));
        rc = start_thread(d, e);
        if (rc < 0) {
                free_parts(d);
                return rc;
        }
        *out = d;
        return 0;
}

const char *
drain_name(const struct drain *d)
{
        return d->name;
}

void
drain_reload(struct drain *d, struct remote_config *config, const struct remote_endpoint *endpoint)
{
        struct setting old;

        (void)pthread_mutex_lock(&d->mtx);
        old = d->next;
        d->next = (struct setting){remote_config_ref(config), endpoint};
        (void)pthread_mutex_unlock(&d->mtx);
        setting_release(&old);
        post_wake(d->post);
}

static enum sender_state
state_of(const struct drain *d)
{
        switch (d->health.state) {
        case ENDPOINT_FAILING:
                return SENDER_BACKOFF;
        case ENDPOINT_HELD:
                return SENDER_HELD;
        case ENDPOINT_FINE:
                break;
        }
        if (d->clock_held)
                return SENDER_HELD;
        return d->under_way ? SENDER_SENDING : SENDER_IDLE;
}

static void
describe_hold(const struct drain *d, char *to, size_t cap)
{
        char skew[64] = "";

        if (d->receiver.seen)
                (void)snprintf(skew, sizeof(skew), " (its clock less ours: %.0f s)",
                    (double)d->receiver.skew_ms / 1000);
        (void)snprintf(to, cap,
            "samples are ahead of the receiver's time%s: check the clocks of both sides", skew);
}

void
drain_publish(struct drain *d)
{
        struct sender_stats *s = &d->stats;

        (void)pthread_mutex_lock(&d->mtx);
        s->state = state_of(d);
        if (d->health.state == ENDPOINT_FINE && d->clock_held)
                describe_hold(d, s->last_error, sizeof(s->last_error));
        else
                (void)snprintf(s->last_error, sizeof(s->last_error), "%s", d->health.text);
        s->failing_since_ms = d->health.state == ENDPOINT_FINE ? 0 : d->health.since_wall_ms;
        s->requests_refused = d->flight.refused;
        s->requests_split = d->flight.split;
        s->samples_sent = d->flight.acknowledged;
        s->bytes_acknowledged = d->flight.acknowledged_bytes;
        s->request_bound = d->adapt.bound;
        s->protocol_version = d->protocol.now == WRITE_2 ? 2 : 1;
        s->cert_expiry_ms = post_cert_expiry_ms(d->post);
        d->shown_speed = d->speed;
        (void)pthread_mutex_unlock(&d->mtx);
}

void
drain_stats(struct drain *d, struct sender_stats *out)
{
        double rate;

        (void)pthread_mutex_lock(&d->mtx);
        *out = d->stats;
        rate = d->shown_speed;
        (void)pthread_mutex_unlock(&d->mtx);
        (void)snprintf(out->name, sizeof(out->name), "%s", d->name);
        out->loop_beat_ms = atomic_load_explicit(&d->beat_ms, memory_order_relaxed);
        wal_endpoint_get(d->wal, d->cursor, &out->cursor);
        if (out->cursor.pending == 0)
                out->drained_in_ms = 0;
        else
                out->drained_in_ms = rate > 0 ? (int64_t)((double)out->cursor.pending / rate) : -1;
}

void
drain_stop(struct drain *d, int64_t timeout_ms)
{
        (void)pthread_mutex_lock(&d->mtx);
        d->stop = true;
        d->stop_at_ms = clock_mono(d->clock) + timeout_ms;
        (void)pthread_mutex_unlock(&d->mtx);
        post_wake(d->post);
}

void
drain_free(struct drain *d, bool forget)
{
        (void)pthread_join(d->thread, NULL);
        if (forget)
                wal_endpoint_close(d->wal, d->cursor);
        free_parts(d);
}
