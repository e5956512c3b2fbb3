/*
 * The receiver's time, by the Date of its answers, and what follows for the samples: one that is
 * ahead of its time makes Thanos refuse every sender of the tenant (DESIGN section 9, C6). Pure.
 *
 * Any Date holds samples back, from the first one on: the worst that a wrong one does is a delay.
 * Giving samples up takes more: two Dates over verified TLS that agree, a minute apart. Between
 * answers the receiver's time goes on by the monotonic clock, so a step of ours does not move it.
 */
#ifndef REMOTEWRITE_RECEIVER_CLOCK_H
#define REMOTEWRITE_RECEIVER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
        RECEIVER_CLOCK_FRESH_MS = 10 * 60 * 1000, /* an answer counts for so long */
        RECEIVER_CLOCK_TRIES = 3, /* answers that are none, until we go on without */
};

struct receiver_clock {
        /* its time */
        bool seen; /* there was a Date */
        int64_t time_ms; /* by the last one, at mono_ms */
        int64_t mono_ms;
        int64_t skew_ms; /* less ours, then */
        /* verification */
        bool trusted; /* the last Date came over verified TLS */
        bool verified; /* two of them, a minute apart, agreed */
        int64_t first_skew_ms;
        int64_t first_mono_ms;
        /* is it known well enough to send samples? */
        bool answered; /* the receiver has answered; whether with a Date or not */
        int64_t answered_mono_ms;
        unsigned turned_away; /* answers since that were none: errors, or somebody else's */
};

/* Our own time. */
struct clock_reading {
        int64_t wall_ms;
        int64_t mono_ms;
        bool synchronised; /* the kernel vouches for wall_ms */
};

/* What an HTTP answer says about the receiver's time. */
struct receiver_date {
        int64_t date_ms; /* whole seconds; 0: it had none */
        bool trusted; /* it came over verified TLS */
        bool good; /* the receiver was reached: no error, nobody else's answer (answer.h: RETRY,
                      HOLD) */
};

/* After every answer with a status. */
void receiver_clock_observe(
    struct receiver_clock *c, const struct receiver_date *a, const struct clock_reading *now);

/*
 * Should the receiver be asked for its time before samples are sent? Not while our own clock is
 * synchronised, nor for ten minutes after an answer, nor when it gives no proper answer: it is then
 * treated like one without a Date.
 */
bool receiver_clock_wanted(const struct receiver_clock *c, const struct clock_reading *now);
/* What is known is not to be relied on any more: the receiver is asked again. */
void receiver_clock_doubt(struct receiver_clock *c);

/* Bounds for the timestamps of samples; INT64_MAX where nothing is known. */
struct clock_limits {
        int64_t hold_after_ms; /* later ones wait */
        int64_t give_up_after_ms; /* scrapes later than that were made by a clock that has been
                                     stepped back since: they are lost */
};

/* A kernel that is synchronised outranks the receiver. */
struct clock_limits receiver_clock_limits(
    const struct receiver_clock *c, const struct clock_reading *now, int64_t tolerance_ms);

#endif
