#include "remotewrite/drain_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/post.h"
#include "remotewrite/window.h"

enum { TELL_EVERY_MS = 60000 };

/* ---- when ---- */

/* Tokens for catching up come in at the configured rate, at most for a second ahead. */
static int64_t
tokens_at(struct drain *d)
{
        double rate = (double)d->now.config->catchup_samples_per_second;
        int64_t now = clock_mono(d->clock);

        if (rate <= 0 || !d->catching_up)
                return INT64_MIN;
        d->tokens += rate * (double)(now - d->tokens_ms) / 1000;
        d->tokens = d->tokens < rate ? d->tokens : rate;
        d->tokens_ms = now;
        return d->tokens >= 0 ? INT64_MIN : now + (int64_t)(-d->tokens / rate * 1000) + 1;
}

int64_t
drain_send_at(const struct drain *d)
{
        int64_t at = d->pause_until_ms;

        if (d->health.state != ENDPOINT_FINE && d->health.retry_at_ms > at)
                at = d->health.retry_at_ms;
        return at;
}

static unsigned
may_fly(const struct drain *d)
{
        return d->health.state == ENDPOINT_FINE && !protocol_trying(&d->protocol)
            ? d->adapt.in_flight
            : 1;
}

/* ---- sending ---- */

/* Samples that became too old while the request was tried again and again are left out. */
static struct part *
leave_out_old(struct drain *d, struct part *p)
{
        int64_t age = d->now.endpoint->sample_age_limit_ms;
        int64_t oldest = clock_wall(d->clock) - age;
        struct err e = ERR_INIT;

        if (age <= 0 || p->attempts == 0 || p->oldest_ms >= oldest)
                return p;
        if (flight_age(&d->flight, p, oldest, &e) < 0) {
                drain_trouble(d, &e);
                return NULL;
        }
        return flight_next(&d->flight);
}

/*
 * A part that was made before the link turned out to be thin is cut. Not one that is only somewhat
 * larger than the bound: that moves with every answer.
 */
static struct part *
cut_to_bound(struct drain *d, struct part *p)
{
        struct err e = ERR_INIT;

        while (p != NULL && p->series > 1 && p->body.n / 3 * 2 > d->adapt.bound) {
                if (flight_halve(&d->flight, p, &e) < 0) {
                        drain_trouble(d, &e);
                        return NULL;
                }
                p = flight_next(&d->flight);
        }
        return p;
}

static void
cannot_start(struct drain *d, struct part *p, const struct err *e)
{
        struct judgement j = {.verdict = VERDICT_RETRY, .ambiguous = p->ambiguous};
        struct err why = ERR_INIT;

        (void)snprintf(j.text, sizeof(j.text), "%s", e->msg);
        (void)flight_answer(&d->flight, p, &j, &why);
        drain_failed(d, &j);
}

/*
 * A request that was made when its samples were not ahead of the receiver's time, and now they are:
 * one of the clocks was stepped while it was tried again and again. The window is read again by
 * the time that is known now, as soon as nothing of it is in flight.
 */
static bool
is_ahead(struct drain *d, const struct part *p)
{
        if (p->newest_ms <= drain_limits(d).hold_after_ms)
                return false;
        if (post_flying(d->post) == 0)
                drain_window_again(d);
        return true;
}

static bool
start(struct drain *d, struct part *p)
{
        const struct post_job job = {
            .body = p->body, .message = p->message, .attempt = p->attempts, .tag = p};
        struct err e = ERR_INIT;

        if (post_start(d->post, &job, &e) < 0) {
                cannot_start(d, p, &e);
                return false;
        }
        p->flying = true;
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.requests++;
        d->stats.bytes_sent += p->body.n;
        if (p->attempts > 0) {
                d->stats.retries++;
                d->stats.samples_retried += p->samples;
        }
        (void)pthread_mutex_unlock(&d->mtx);
        return true;
}

void
drain_send(struct drain *d)
{
        int64_t now = clock_mono(d->clock);

        while (d->under_way && post_flying(d->post) < may_fly(d) && now >= drain_send_at(d)) {
                struct part *p = flight_next(&d->flight);

                if (p != NULL)
                        p = leave_out_old(d, p);
                if (p != NULL)
                        p = drain_message_change(d, p);
                if (p != NULL)
                        p = cut_to_bound(d, p);
                if (p != NULL) {
                        if (is_ahead(d, p) || !start(d, p))
                                return;
                        continue;
                }
                if (flight_blocked(&d->flight) || drain_window_read(d) || now < tokens_at(d) ||
                    !drain_window_request(d))
                        return;
        }
}

/* ---- results ---- */

void
drain_failed(struct drain *d, const struct judgement *j)
{
        struct health_now now = drain_now(d);
        int64_t in_ms;

        if (!health_bad(&d->health, j, now))
                return;
        in_ms = d->health.retry_at_ms - now.mono_ms;
        if (j->verdict == VERDICT_HOLD)
                log_error("the receiver does not take samples, holding them until that is mended",
                    LOG_STR("endpoint", d->name), LOG_STR("err", j->text),
                    LOG_INT("probe_ms", in_ms));
        else
                log_warn("cannot send samples, trying again", LOG_STR("endpoint", d->name),
                    LOG_STR("err", j->text), LOG_INT("retry_ms", in_ms));
}

void
drain_went_through(struct drain *d)
{
        struct health_now now = drain_now(d);
        int64_t failing_ms = now.mono_ms - d->health.since_mono_ms;

        if (health_good(&d->health, now))
                log_info("the receiver takes samples again", LOG_STR("endpoint", d->name),
                    LOG_INT("after_ms", failing_ms));
}

static void
tell_refusal(struct drain *d, const struct part *p, const struct judgement *j)
{
        int64_t now = clock_mono(d->clock);

        if (d->refusal_told_ms != 0 && now - d->refusal_told_ms < TELL_EVERY_MS)
                return;
        d->refusal_told_ms = now;
        log_warn(j->ambiguous
                ? "the receiver refused a repeated request, what it does not take is unconfirmed"
                : "the receiver refused samples, those it does not take are lost",
            LOG_STR("endpoint", d->name), LOG_STR("err", j->text), LOG_UINT("samples", p->samples),
            LOG_UINT("series", p->series));
}

/* Whole requests are lost, although only some of their series may be refused. */
static void
tell_given_up(struct drain *d, uint64_t samples)
{
        int64_t now = clock_mono(d->clock);

        if (d->given_up_told_ms != 0 && now - d->given_up_told_ms < TELL_EVERY_MS)
                return;
        d->given_up_told_ms = now;
        log_warn("too much of one window is refused to find each series, losing whole requests",
            LOG_STR("endpoint", d->name), LOG_UINT("samples", samples));
}

/* The link and the endpoint, by this answer. */
static void
learn(struct drain *d, const struct part *p, const struct post_result *r, const struct judgement *j)
{
        int64_t now = clock_mono(d->clock);

        switch (j->verdict) {
        case VERDICT_RETRY:
        case VERDICT_HOLD:
                adapt_failure(&d->adapt);
                drain_failed(d, j);
                return;
        case VERDICT_RETRY_AT_ONCE:
                return;
        case VERDICT_SPLIT:
                adapt_too_large(&d->adapt, p->body.n, now);
                break;
        case VERDICT_OTHER_MESSAGE:
                break;
        case VERDICT_SETTLED:
                adapt_success(&d->adapt, p->body.n, r->elapsed_ms, now);
                break;
        case VERDICT_UNCONFIRMED:
        case VERDICT_COUNTED:
        case VERDICT_PARTLY:
        case VERDICT_REFUSED:
        case VERDICT_DROPPED:
                tell_refusal(d, p, j);
                break;
        }
        drain_went_through(d);
}

void
drain_count(struct drain *d, const struct post_result *r, const struct judgement *j)
{
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.last_request_seconds = r->seconds;
        d->stats.connections_opened += r->opened;
        if (j->verdict == VERDICT_RETRY || j->verdict == VERDICT_HOLD)
                d->stats.requests_failed++;
        if (r->answer.code == CURLE_OPERATION_TIMEDOUT)
                d->stats.timeouts++;
        if (d->receiver.seen)
                d->stats.receiver_skew_ms = d->receiver.skew_ms;
        (void)pthread_mutex_unlock(&d->mtx);
}

static void
note_newest(struct drain *d, const struct part *p, const struct judgement *j)
{
        if (j->verdict != VERDICT_SETTLED && j->verdict != VERDICT_COUNTED)
                return;
        (void)pthread_mutex_lock(&d->mtx);
        if (p->newest_ms > d->stats.highest_sent_ms)
                d->stats.highest_sent_ms = p->newest_ms;
        (void)pthread_mutex_unlock(&d->mtx);
}

void
drain_result(struct drain *d, const struct post_result *r)
{
        struct part *p = r->tag;
        const struct answer_context c = {
            .ambiguous = p->ambiguous,
            .again_at_once = p->again_at_once,
            .drop_on_429 = d->now.endpoint->drop_on_429,
            .message = p->message,
            .knows_2 = d->protocol.proved,
            .samples = p->samples,
            .series = p->series,
            .now_wall_ms = clock_wall(d->clock),
        };
        uint64_t unsearched = d->flight.unsearched;
        struct judgement j;
        struct err e = ERR_INIT;

        answer_judge(&r->answer, &c, &j);
        if (r->answer.code == CURLE_OPERATION_TIMEDOUT)
                j.shrink = adapt_timeout(&d->adapt, p->body.n, j.shrink);
        drain_heard(d, r, &j);
        drain_count(d, r, &j);
        note_newest(d, p, &j);
        drain_message_heard(d, p->message, r, &j);
        learn(d, p, r, &j);
        if (flight_answer(&d->flight, p, &j, &e) < 0)
                drain_trouble(d, &e);
        if (d->flight.unsearched > unsearched)
                tell_given_up(d, d->flight.unsearched - unsearched);
}
