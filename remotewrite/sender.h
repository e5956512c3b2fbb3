/*
 * The senders: one thread per remote endpoint. Each drains the log from its cursor: a window, its
 * records grouped by chunk, each series once with all its samples, requests that fit the link,
 * settled by the answer table of DESIGN section 6.
 *
 * Functions may be called from the main and HTTP threads.
 */
#ifndef REMOTEWRITE_SENDER_H
#define REMOTEWRITE_SENDER_H

#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct remote_config;
struct senders;

struct senders_options {
        struct wal *wal;
        const struct clock *clock;
};

int senders_start(const struct senders_options *o, struct remote_config *config,
    struct senders **out, struct err *e);
/* Takes a reference; takes effect at each endpoint's next window; a held one probes at once. */
int senders_reload(struct senders *s, struct remote_config *config, struct err *e);
/* Sends what is pending for up to timeout_ms, then gives up what is in flight. Frees. */
void senders_stop(struct senders *s, int64_t timeout_ms);

enum sender_state { SENDER_IDLE, SENDER_SENDING, SENDER_BACKOFF, SENDER_HELD };
extern const char *const sender_state_names[];

struct sender_stats {
        char name[256];
        char url[512]; /* passwords masked */
        enum sender_state state;
        char last_error[512]; /* "" when the last request went through */
        int64_t failing_since_ms; /* wall time; 0: not failing */
        uint64_t requests;
        uint64_t requests_failed; /* that will be tried again */
        uint64_t requests_refused; /* 400, 409, 422, 413 of one series */
        uint64_t requests_split;
        uint64_t retries;
        uint64_t samples_sent; /* acknowledged */
        uint64_t samples_retried;
        uint64_t bytes_sent; /* compressed bodies of all attempts */
        uint64_t bytes_acknowledged;
        uint64_t request_bound; /* compressed bytes, as adapted */
        uint64_t protocol_version; /* of Remote Write, that is sent now: 1 or 2 */
        uint64_t fallbacks; /* from 2.0 to 1.0, because the receiver does not take it */
        uint64_t windows;
        uint64_t timeouts;
        uint64_t held_clock; /* samples held because they are ahead of the receiver's time */
        uint64_t empty_requests; /* without samples (drain_ask.c); counted in requests, too */
        int64_t highest_sent_ms; /* timestamp of the newest acknowledged sample */
        int64_t receiver_skew_ms; /* receiver's Date minus our clock, INT64_MIN: unknown */
        int64_t cert_expiry_ms; /* 0: none */
        double last_request_seconds;
        uint64_t connections_opened;
        int64_t drained_in_ms; /* estimate; -1: unknown */
        struct wal_cursor cursor;
        int64_t loop_beat_ms; /* monotonic, for the watchdog */
};
/* Fills up to cap; returns how many there are. */
size_t senders_stats(struct senders *s, struct sender_stats *out, size_t cap);

#endif
