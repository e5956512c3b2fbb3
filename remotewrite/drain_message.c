/*
 * Which message an endpoint's requests are (protocol.h). Parts that were made of the other one are
 * made anew, of the same samples, when their turn comes: nothing of the window is read again, and
 * what is settled stays settled.
 */
#include "remotewrite/drain_parts.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "remotewrite/post.h"

static void
fell_back(struct drain *d, const struct judgement *j)
{
        log_warn("the receiver does not take Remote Write 2.0, sending 1.0",
            LOG_STR("endpoint", d->name), LOG_STR("err", j->text),
            LOG_INT("again_ms", PROTOCOL_ASK_MS));
        (void)pthread_mutex_lock(&d->mtx);
        d->stats.fallbacks++;
        (void)pthread_mutex_unlock(&d->mtx);
}

void
drain_message_heard(struct drain *d, enum write_message message, const struct post_result *r,
    const struct judgement *j)
{
        int64_t now = clock_mono(d->clock);

        /* 1.0 is turned away: one that takes nothing but 2.0, and did not take it for a moment */
        if (message == WRITE_1 && j->verdict == VERDICT_HOLD && r->answer.status == 415)
                (void)protocol_refused(&d->protocol, WRITE_1, now);
        else if (j->verdict == VERDICT_OTHER_MESSAGE &&
            protocol_refused(&d->protocol, message, now))
                fell_back(d, j);
        else if (j->knows_2 && protocol_knows_2(&d->protocol))
                log_info("the receiver takes Remote Write 2.0", LOG_STR("endpoint", d->name));
}

struct part *
drain_message_change(struct drain *d, struct part *p)
{
        const struct packer_bounds bounds = {d->adapt.bound, d->protocol.now};
        struct err e = ERR_INIT;

        if (p->message == d->protocol.now)
                return p;
        if (flight_change(&d->flight, p, &bounds, &e) < 0) {
                drain_trouble(d, &e);
                return NULL;
        }
        return flight_next(&d->flight);
}
