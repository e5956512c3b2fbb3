/*
 * How long to wait before the next try. Pure: time and randomness come in.
 */
#ifndef REMOTEWRITE_BACKOFF_H
#define REMOTEWRITE_BACKOFF_H

#include "base/view.h"

#include <stdint.h>

enum { RETRY_AFTER_MAX_MS = 10 * 60 * 1000 }; /* a longer wish of the receiver is cut to this */

struct backoff {
        int64_t min_ms;
        int64_t max_ms;
        unsigned tries; /* failures in a row */
        uint64_t random; /* state of the generator */
};

/* The seed should differ between agents, so that they do not come back together. */
void backoff_init(struct backoff *b, int64_t min_ms, int64_t max_ms, uint64_t seed);
/* After a success. */
void backoff_reset(struct backoff *b);
/*
 * The delay before the next try: doubles with each failure from min_ms up to max_ms, and is drawn
 * from the upper half of that (so a delay is never shorter than the shortest before it). hint_ms,
 * when positive, is the receiver's Retry-After: it is waited for instead, and a tenth at most
 * longer.
 */
int64_t backoff_next(struct backoff *b, int64_t hint_ms);

/* Drawn from the upper half of ms. */
int64_t backoff_jitter(struct backoff *b, int64_t ms);

/* The value of a Retry-After header as a delay, bounded; 0: nothing that can be used. */
int64_t retry_after_ms(struct view value, int64_t now_wall_ms);
/* The value of a Date header in ms since 1970; 0: none. */
int64_t http_date_ms(struct view value);

#endif
