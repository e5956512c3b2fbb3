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

/*
 * The samples of a failing endpoint are tried at delays that grow to minutes: a hundred KiB each
 * time, over a thin link. In between a request without samples (a knock) asks whether it is back,
 * at a sixtieth of the time that it has been away, within these bounds (never below min_backoff).
 * Its answer counts only when an earlier knock failed: a receiver that takes empty requests while
 * it turns samples away says nothing by it. None goes to one that asked for less (429,
 * Retry-After).
 */
enum { KNOCK_MIN_MS = 4 * 1000, KNOCK_MAX_MS = 60 * 1000, KNOCK_SHARE = 60 };

/* Delays are drawn from the upper half: the first probe of a held endpoint is after one minute or
 * two. */
enum { HOLD_MIN_MS = 2 * 60 * 1000, HOLD_MAX_MS = 5 * 60 * 1000 };

struct health {
        enum health_state state;
        int64_t since_mono_ms; /* of the state */
        int64_t since_wall_ms;
        int64_t retry_at_ms; /* monotonic; while not fine, no sample is sent before */
        int64_t knock_at_ms; /* monotonic; while failing; INT64_MAX: not before retry_at_ms */
        bool knock_failed; /* since samples were tried */
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
/* What came of a knock: failures are told to health_bad, too; good: the samples may be tried now,
 * if that says anything. */
void health_knocked(struct health *h, const struct judgement *j, int64_t now_mono_ms);
/* The next try may be now (reload, shutdown), and delays are short again. */
void health_probe(struct health *h, int64_t now_mono_ms);

#endif
