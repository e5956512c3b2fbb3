/*
 * A request: the unit that is settled. The builder takes series chunk by chunk until it is full,
 * sorts them so that neighbours share bytes (order.h), and packs them into parts (part.h).
 *
 * When a request is full depends on its series alone, not on how the link is or which message it
 * becomes: so the window that a
 * crash cut off is sent again in the very same requests. A receiver that keeps nothing of a request
 * of which it refuses a sample (Prometheus, storage/remote/write_handler.go) would otherwise refuse
 * new samples for the sake of known ones beside them.
 *
 * One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_REQUEST_H
#define REMOTEWRITE_REQUEST_H

#include "remotewrite/encode.h"
#include "remotewrite/identity.h"
#include "remotewrite/part.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct builder;
struct err;

enum { REQUEST_RAW_BYTES = 1 << 20 /* of encoded series, before compression */ };

struct request {
        struct request *next; /* of the same window, in order */
        uint64_t groups; /* that end in it */
        uint64_t tail; /* its samples of a group that does not end in it */
        bool continues; /* begins with samples of a series whose earlier ones are in the request
                           before: not to be sent until that is settled */
        struct wal_ledger counts; /* what has become of its samples so far */
        unsigned searches; /* see flight.h: requests that may still be sent to search this one */
        struct part *parts; /* owned: those that are not settled, in order */
};

void request_free(struct request *r);

struct builder_bounds {
        uint64_t bytes; /* of a part, compressed */
        uint64_t samples; /* of a request */
        enum write_message message; /* that parts become: no border depends on it */
};

int builder_new(struct builder **out, struct err *e);
void builder_free(struct builder *b);
/* Gives the memory back; only between requests. */
void builder_reset(struct builder *b);
/* The bounds of the request that begins now. */
void builder_begin(struct builder *b, const struct builder_bounds *bounds);
/* Full: finish before the next series. */
bool builder_full(const struct builder *b);
/*
 * How many of the next series' n samples it takes: all of them, or 0 when they would pass the
 * ceiling of samples: the request is full then. A series with more than the ceiling is cut by time:
 * of that an empty request takes what it may.
 */
size_t builder_takes(struct builder *b, size_t n);
/* Nothing in it is to be sent. */
bool builder_empty(const struct builder *b);
/* Adds one series. At least one sample. */
int builder_add(struct builder *b, const struct identity_result *identity,
    const struct encode_sample *samples, size_t n, struct err *e);
/* Samples of the group under way that will not be sent. */
void builder_count(struct builder *b, const struct wal_ledger *counts);
/* The group under way ends here. */
void builder_group_end(struct builder *b);
/* What was added so far is settled already: it has its place, but is not sent and not counted. */
void builder_forget(struct builder *b);
/* Packs; *out may be without parts when everything was left out. Empties the builder. */
int builder_finish(struct builder *b, struct request **out, struct err *e);
/* The packer that it packs with, for packing parts again between requests. */
struct packer *builder_packer(struct builder *b);

#endif
