/*
 * How an endpoint is: fine, failing (tried again with a growing delay), or held (the operator has
 * to change something: probed every one to five minutes). Pure: time and answers come in.
 */
#ifndef REMOTEWRITE_HEALTH_H
#define REMOTEWRITE_HEALTH_H

#include "remotewrite/answer.h"
#include "remotewrite/backoff.h"

#include <stdbool.h>
#include <stdint.h>

enum health_state { ENDPOINT_FINE, ENDPOINT_FAILING, ENDPOINT_HELD };

/* Delays are drawn from the upper half: the first probe of a held endpoint is after one minute or
 * two. */
enum { HOLD_MIN_MS = 2 * 60 * 1000, HOLD_MAX_MS = 5 * 60 * 1000 };

struct health {
        enum health_state state;
        int64_t since_mono_ms; /* of the state */
        int64_t since_wall_ms;
        int64_t retry_at_ms; /* monotonic; while not fine, nothing is sent before */
        struct backoff retry;
        struct backoff hold;
        char text[ANSWER_TEXT_MAX]; /* of the last failure; "" when fine */
};

struct health_now {
        int64_t mono_ms;
        int64_t wall_ms;
};

void health_init(struct health *h, int64_t min_backoff_ms, int64_t max_backoff_ms, uint64_t seed);
/* Other delays, after a reload. */
void health_set_backoff(struct health *h, int64_t min_backoff_ms, int64_t max_backoff_ms);
/* An answer came that is none of the failures. True: it was not fine before. */
bool health_good(struct health *h, struct health_now now);
/*
 * VERDICT_RETRY or VERDICT_HOLD. True: the state has changed. Failures of requests that were sent
 * before the last delay began do not lengthen it.
 */
bool health_bad(struct health *h, const struct judgement *j, struct health_now now);
/* The next try may be now (reload, shutdown), and delays are short again. */
void health_probe(struct health *h, int64_t now_mono_ms);
/* The next try may be now; should it fail, delays go on to grow. */
void health_try_now(struct health *h, int64_t now_mono_ms);

#endif
