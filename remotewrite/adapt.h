/*
 * How large a request may be and how many may be in flight, learned from what happened to the ones
 * before. Pure.
 *
 * A request should take a third of remote_timeout at the measured rate: a thin uplink must never
 * meet one that it cannot finish (DESIGN section 6, H6).
 */
#ifndef REMOTEWRITE_ADAPT_H
#define REMOTEWRITE_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

enum {
        ADAPT_START = 128 << 10, /* compressed bytes of the first requests */
        ADAPT_MAX = 900000, /* ingress-nginx refuses 1 MiB */
        ADAPT_MIN = 1 << 10,
        ADAPT_SMALL = 8 << 10, /* no link is blamed for a timeout of less, without a proof */
        ADAPT_RAISE_MS =
            60 * 60 * 1000, /* how long a 413 is remembered before a bit more is tried */
};

struct adapt {
        uint64_t bound; /* compressed bytes of the next request */
        uint64_t ceiling; /* what the receiver takes */
        unsigned in_flight; /* requests, as grown so far */
        unsigned max_in_flight;
        int64_t timeout_ms;
        double rate; /* bytes per ms of large requests; 0: not known */
        int64_t ceiling_ms; /* monotonic: when the ceiling was last moved */
};

void adapt_init(struct adapt *a, int64_t timeout_ms, unsigned max_in_flight, int64_t now_mono_ms);
/* A request of so many compressed bytes was answered after so long. */
void adapt_success(struct adapt *a, uint64_t bytes, int64_t ms, int64_t now_mono_ms);
/*
 * Time ran out. in_body: the body had not gone out as a whole. When it had, it may still have been
 * on its way (buffers of proxies), or the receiver did not answer: it is the link unless its last
 * known rate says otherwise. True: the request was too large for the link.
 */
bool adapt_timeout(struct adapt *a, uint64_t bytes, bool in_body);
/* 413 for so many compressed bytes. */
void adapt_too_large(struct adapt *a, uint64_t bytes, int64_t now_mono_ms);
/* Any failure: one request at a time until it is over. */
void adapt_failure(struct adapt *a);

#endif
