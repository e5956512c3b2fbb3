#include "remotewrite/loop_parts.h"

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
tokens_at(struct loop *l)
{
        double rate = (double)l->now.config->catchup_samples_per_second;
        int64_t now = clock_mono(l->clock);

        if (rate <= 0 || !l->catching_up)
                return INT64_MIN;
        l->tokens += rate * (double)(now - l->tokens_ms) / 1000;
        l->tokens = l->tokens < rate ? l->tokens : rate;
        l->tokens_ms = now;
        return l->tokens >= 0 ? INT64_MIN : now + (int64_t)(-l->tokens / rate * 1000) + 1;
}

int64_t
loop_send_at(const struct loop *l)
{
        int64_t at = l->pause_until_ms;

        if (l->health.state != ENDPOINT_FINE && l->health.retry_at_ms > at)
                at = l->health.retry_at_ms;
        return at;
}

static unsigned
may_fly(const struct loop *l)
{
        return l->health.state == ENDPOINT_FINE ? l->adapt.in_flight : 1;
}

/* ---- sending ---- */

/* Samples that became too old while the request was tried again and again are left out. */
static struct part *
leave_out_old(struct loop *l, struct part *p)
{
        int64_t age = l->now.endpoint->sample_age_limit_ms;
        int64_t oldest = clock_wall(l->clock) - age;
        struct err e = ERR_INIT;

        if (age <= 0 || p->attempts == 0 || p->oldest_ms >= oldest)
                return p;
        if (flight_age(&l->flight, p, oldest, &e) < 0) {
                loop_trouble(l, &e);
                return NULL;
        }
        return flight_next(&l->flight);
}

static void
cannot_start(struct loop *l, struct part *p, const struct err *e)
{
        struct judgement j = {.verdict = VERDICT_RETRY, .ambiguous = p->ambiguous};
        struct err why = ERR_INIT;

        (void)snprintf(j.text, sizeof(j.text), "%s", e->msg);
        (void)flight_answer(&l->flight, p, &j, &why);
        if (health_bad(&l->health, &j, loop_now(l)))
                log_warn("cannot send samples, trying again", LOG_STR("endpoint", l->name),
                    LOG_STR("err", j.text));
}

static bool
start(struct loop *l, struct part *p)
{
        const struct post_job job = {.body = p->body, .attempt = p->attempts, .tag = p};
        struct err e = ERR_INIT;

        if (post_start(l->post, &job, &e) < 0) {
                cannot_start(l, p, &e);
                return false;
        }
        p->flying = true;
        (void)pthread_mutex_lock(&l->mtx);
        l->stats.requests++;
        l->stats.bytes_sent += p->body.n;
        if (p->attempts > 0) {
                l->stats.retries++;
                l->stats.samples_retried += p->samples;
        }
        (void)pthread_mutex_unlock(&l->mtx);
        return true;
}

void
loop_send(struct loop *l)
{
        int64_t now = clock_mono(l->clock);

        while (l->under_way && post_flying(l->post) < may_fly(l) && now >= loop_send_at(l)) {
                struct part *p = flight_next(&l->flight);

                if (p != NULL)
                        p = leave_out_old(l, p);
                if (p != NULL) {
                        if (!start(l, p))
                                return;
                        continue;
                }
                if (loop_window_read(l) || now < tokens_at(l) || !loop_window_request(l))
                        return;
        }
}

/* ---- results ---- */

static void
tell_change(struct loop *l, const struct judgement *j)
{
        int64_t in_ms = l->health.retry_at_ms - clock_mono(l->clock);

        if (j->verdict == VERDICT_HOLD)
                log_error("the receiver does not take samples, holding them until that is mended",
                    LOG_STR("endpoint", l->name), LOG_STR("err", j->text),
                    LOG_INT("probe_ms", in_ms));
        else
                log_warn("cannot send samples, trying again", LOG_STR("endpoint", l->name),
                    LOG_STR("err", j->text), LOG_INT("retry_ms", in_ms));
}

static void
tell_refusal(struct loop *l, const struct part *p, const struct judgement *j)
{
        int64_t now = clock_mono(l->clock);

        if (l->refusal_told_ms != 0 && now - l->refusal_told_ms < TELL_EVERY_MS)
                return;
        l->refusal_told_ms = now;
        log_warn(j->verdict == VERDICT_UNCONFIRMED
                ? "the receiver refused a repeated request, counting it as unconfirmed"
                : "the receiver refused samples, those it does not take are lost",
            LOG_STR("endpoint", l->name), LOG_STR("err", j->text), LOG_UINT("samples", p->samples),
            LOG_UINT("series", p->series));
}

/* The link and the endpoint, by this answer. */
static void
learn(struct loop *l, const struct part *p, const struct post_result *r, const struct judgement *j)
{
        struct health_now now = loop_now(l);
        int64_t failing_ms = now.mono_ms - l->health.since_mono_ms;

        switch (j->verdict) {
        case VERDICT_RETRY:
        case VERDICT_HOLD:
                adapt_failure(&l->adapt);
                if (health_bad(&l->health, j, now))
                        tell_change(l, j);
                return;
        case VERDICT_RETRY_AT_ONCE:
                return;
        case VERDICT_SPLIT:
                adapt_too_large(&l->adapt, p->body.n, now.mono_ms);
                break;
        case VERDICT_SETTLED:
                adapt_success(&l->adapt, p->body.n, r->elapsed_ms, now.mono_ms);
                break;
        case VERDICT_UNCONFIRMED:
        case VERDICT_COUNTED:
        case VERDICT_REFUSED:
        case VERDICT_DROPPED:
                tell_refusal(l, p, j);
                break;
        }
        if (health_good(&l->health, now))
                log_info("the receiver takes samples again", LOG_STR("endpoint", l->name),
                    LOG_INT("after_ms", failing_ms));
}

static void
count(struct loop *l, const struct part *p, const struct post_result *r, const struct judgement *j)
{
        (void)pthread_mutex_lock(&l->mtx);
        l->stats.last_request_seconds = r->seconds;
        l->stats.connections_opened += r->opened;
        if (j->verdict == VERDICT_RETRY || j->verdict == VERDICT_HOLD)
                l->stats.requests_failed++;
        if (r->answer.code == CURLE_OPERATION_TIMEDOUT)
                l->stats.timeouts++;
        if ((j->verdict == VERDICT_SETTLED || j->verdict == VERDICT_COUNTED) &&
            p->newest_ms > l->stats.highest_sent_ms)
                l->stats.highest_sent_ms = p->newest_ms;
        if (r->date_ms != 0)
                l->stats.receiver_skew_ms = r->date_ms - clock_wall(l->clock);
        (void)pthread_mutex_unlock(&l->mtx);
}

void
loop_result(struct loop *l, const struct post_result *r)
{
        struct part *p = r->tag;
        const struct answer_context c = {
            .ambiguous = p->ambiguous,
            .again_at_once = p->again_at_once,
            .drop_on_429 = l->now.endpoint->drop_on_429,
            .samples = p->samples,
            .series = p->series,
            .now_wall_ms = clock_wall(l->clock),
        };
        struct judgement j;
        struct err e = ERR_INIT;

        answer_judge(&r->answer, &c, &j);
        if (r->answer.code == CURLE_OPERATION_TIMEDOUT)
                j.shrink = adapt_timeout(&l->adapt, p->body.n, j.shrink);
        if (r->date_ms != 0 && r->date_verified)
                receiver_clock_observe(
                    &l->receiver, r->date_ms, clock_wall(l->clock), clock_mono(l->clock));
        count(l, p, r, &j);
        learn(l, p, r, &j);
        if (flight_answer(&l->flight, p, &j, &e) < 0)
                loop_trouble(l, &e);
}
