/*
 * The fast way through an uncompressed Remote Write 1.0 body: a series is the hash of its labels'
 * bytes, as senders keep them sorted; nothing is copied.
 */
#ifndef BENCH_WALK_H
#define BENCH_WALK_H

#include "base/view.h"

#include <stdint.h>

struct err;

struct walk_sink {
        /* One per sample: series is the hash of all its labels. */
        void (*sample)(void *arg, uint64_t series, int64_t time_ms, uint64_t bits);
        void (*metadata)(void *arg); /* one per entry */
        void *arg;
};

/* ERR_PARSE when the body is not a WriteRequest; samples before the fault were given. */
int walk_request(struct view body, const struct walk_sink *sink, struct err *e);

#endif
