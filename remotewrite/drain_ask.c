/*
 * Requests without samples: to learn the receiver's time, and whether a receiver that was away is
 * back (health.h).
 *
 * While our own clock is not synchronised, no sample leaves before the
 * receiver's time is known: a request without samples asks for it. Receivers take that like any
 * other (Prometheus and VictoriaMetrics answer 204, Thanos 200); what else comes back is judged as
 * for any request, so nothing goes on while the receiver is away or turns us away.
 *
 * In the steady state nothing is asked: each answer has a Date. While samples are held for being
 * ahead, the receiver is asked once a tick, so that a clock that is mended is noticed.
 */
#include "remotewrite/drain_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "remotewrite/encode_bytes.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/post.h"

/* A request without series has no bytes: in snappy's form that is their number, 0. A 2.0 one has
 * the table of texts still, with the empty one in it: two bytes, as a literal. */
static const char empty_request[] = {0};
static const char empty_request_2[] = {2, 1 << 2, TAG_SYMBOL, 0};

struct clock_reading
drain_clock(const struct drain *d)
{
        return (struct clock_reading){
            clock_wall(d->clock), clock_mono(d->clock), clock_synchronised(d->clock)};
}

struct clock_limits
drain_limits(const struct drain *d)
{
        struct clock_reading now = drain_clock(d);

        return receiver_clock_limits(&d->receiver, &now, d->now.config->clock_tolerance_ms);
}

void
drain_set_held(struct drain *d, bool held, uint64_t samples)
{
        if (held && !d->ahead_told)
                log_warn("samples are ahead of the receiver's time, holding them",
                    LOG_STR("endpoint", d->name), LOG_INT("skew_ms", d->receiver.skew_ms));
        d->ahead_told = d->ahead_told || held;
        d->clock_held = held;
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.held_clock = held ? samples : 0;
        (void)pthread_mutex_unlock(&d->mtx);
}

void
drain_none_ahead(struct drain *d)
{
        if (d->ahead_told)
                log_info("samples are not ahead of the receiver's time any more",
                    LOG_STR("endpoint", d->name), LOG_INT("skew_ms", d->receiver.skew_ms));
        d->ahead_told = false;
}

/* ---- asking ---- */

/* Is there anything to send, and the receiver's time not known? */
static bool
is_wanted(const struct drain *d)
{
        struct clock_reading now = drain_clock(d);
        struct wal_cursor c;

        if ((!d->under_way && !d->draining) || !receiver_clock_wanted(&d->receiver, &now))
                return false;
        if (d->under_way)
                return true;
        wal_endpoint_get(d->wal, d->cursor, &c);
        return c.pending > 0 || c.window_end != 0;
}

static bool
may_knock(const struct drain *d, int64_t now)
{
        return d->health.state == ENDPOINT_FAILING && now >= d->health.knock_at_ms &&
            now < d->health.retry_at_ms;
}

static void
ask(struct drain *d)
{
        const struct view body = d->protocol.now == WRITE_2
            ? (struct view){empty_request_2, sizeof(empty_request_2)}
            : (struct view){empty_request, sizeof(empty_request)};
        const struct post_job job = {.body = body, .message = d->protocol.now, .tag = &d->asking};
        struct err e = ERR_INIT;

        if (post_start(d->post, &job, &e) < 0) {
                struct judgement j = {.verdict = VERDICT_RETRY};

                (void)snprintf(j.text, sizeof(j.text), "%s", e.msg);
                drain_failed(d, &j);
                return;
        }
        d->asking = true;
        d->asked = d->protocol.now;
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.requests++;
        d->stats.empty_requests++;
        d->stats.bytes_sent += body.n;
        (void)pthread_mutex_unlock(&d->mtx);
}

bool
drain_ask(struct drain *d)
{
        int64_t now = clock_mono(d->clock);

        d->unasked = d->asking || is_wanted(d);
        if (d->asking || post_flying(d->post) > 0)
                return d->unasked;
        if (may_knock(d, now) || (d->unasked && now >= drain_send_at(d)))
                ask(d);
        return d->unasked;
}

/* ---- what comes back ---- */

void
drain_heard(struct drain *d, const struct post_result *r, const struct judgement *j)
{
        struct clock_reading now = drain_clock(d);
        const struct receiver_date a = {
            .date_ms = r->date_ms,
            .trusted = r->date_verified,
            .good = j->verdict != VERDICT_RETRY && j->verdict != VERDICT_HOLD &&
                j->verdict != VERDICT_RETRY_AT_ONCE,
        };

        if (r->answer.status != 0)
                receiver_clock_observe(&d->receiver, &a, &now);
}

void
drain_ask_result(struct drain *d, const struct post_result *r)
{
        const struct answer_context c = {
            .again_at_once = d->ask_again,
            .message = d->asked,
            .knows_2 = d->protocol.proved,
            .now_wall_ms = clock_wall(d->clock),
        };
        struct judgement j;

        answer_judge(&r->answer, &c, &j);
        d->asking = false;
        d->ask_again = j.verdict == VERDICT_RETRY_AT_ONCE;
        drain_heard(d, r, &j);
        drain_count(d, r, &j);
        drain_message_heard(d, d->asked, r, &j);
        if (j.verdict == VERDICT_RETRY_AT_ONCE)
                return;
        health_knocked(&d->health, &j, clock_mono(d->clock));
        if (j.verdict == VERDICT_RETRY || j.verdict == VERDICT_HOLD)
                drain_failed(d, &j);
        else if (d->clock_held) /* none may be sent: this is all that there is to go by */
                drain_went_through(d);
}
