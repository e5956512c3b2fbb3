/*
 * The fast way through an uncompressed Remote Write body, 1.0 or 2.0: a series is the hash of its
 * labels' texts, as senders keep them sorted, the same in both messages; nothing is copied.
 *
 * Messages: prometheus/docs, docs/specs/prw/remote_write_spec.md and remote_write_spec_2_0.md.
 */
#ifndef BENCH_WALK_H
#define BENCH_WALK_H

#include "base/view.h"

#include <stdint.h>

struct err;

enum { WALK_SYMBOLS_MAX = 1 << 20 }; /* of one request */

enum walk_message {
        WALK_WRITE_REQUEST, /* prometheus.WriteRequest */
        WALK_REQUEST_V2, /* io.prometheus.write.v2.Request */
};

struct walk_sink {
        /* One per sample: series is the hash of all its labels. */
        void (*sample)(void *arg, uint64_t series, int64_t time_ms, uint64_t bits);
        void (*metadata)(void *arg); /* one per entry that says something */
        void *arg;
};

/* ERR_PARSE when the body is not such a message, ERR_LIMIT when it has too many symbols; samples
 * before the fault were given. */
int walk_request(
    struct view body, enum walk_message message, const struct walk_sink *sink, struct err *e);

#endif
