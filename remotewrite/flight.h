/*
 * The requests of the window under way: which part goes next, what an answer does to it, and
 * settling in order. Knows nothing of connections.
 *
 * One thread.
 */
#ifndef REMOTEWRITE_FLIGHT_H
#define REMOTEWRITE_FLIGHT_H

#include "remotewrite/answer.h"
#include "remotewrite/part.h"
#include "remotewrite/request.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How many requests may be sent to find the refused series of one window: so many, and two more for
 * each request that was taken, as cutting one in two costs. So the search for a series that stands
 * alone pays for itself, and a receiver that refuses everything is not asked for long. A repeat
 * that is refused was most likely taken as a whole, so it gets few; but there may be a series in it
 * that is always refused, with which a receiver that keeps all or nothing never took it.
 */
enum {
        FLIGHT_SEARCHES = 64,
        FLIGHT_SEARCHES_MAX = 1024,
        FLIGHT_SEARCHES_REPEAT = 14, /* for each request, before it earns */
        FLIGHT_EARNS = 2,
};

struct flight {
        struct wal *wal; /* borrowed, as endpoint and packer */
        struct wal_endpoint *endpoint;
        struct packer *packer;
        struct request *head; /* owned; in order; not all settled */
        struct request **tail;
        struct wal_ledger carry; /* of a group that is not complete */
        unsigned searches; /* requests that may still be sent to find what is refused */
        unsigned searched; /* sent for that */
        /* counters for the statistics, never set back */
        uint64_t acknowledged;
        uint64_t acknowledged_bytes;
        uint64_t refused; /* requests */
        uint64_t split;
        uint64_t dropped; /* samples lost by refusals */
        uint64_t unsearched; /* of them, in requests of several series: nobody looked which */
};

void flight_init(
    struct flight *f, struct wal *wal, struct wal_endpoint *endpoint, struct packer *packer);
/* Gives up what is not settled. */
void flight_release(struct flight *f);
/* A window begins. */
void flight_begin(struct flight *f);
/* No request is waiting or in flight. */
bool flight_empty(const struct flight *f);
/* Takes over a request: moves *r in and sets it NULL. Settles it when it has nothing to send. */
void flight_take(struct flight *f, struct request **r, bool ambiguous);
/* The first part that may be sent and is not in flight; NULL when there is none. */
struct part *flight_next(struct flight *f);
/* A request waits until those before it are settled (struct request): build no more meanwhile. */
bool flight_blocked(const struct flight *f);
/*
 * What the answer to p says. Afterwards p is gone, unless the verdict is one of retry, hold or
 * another message.
 * ERR_NOMEM: a part could not be cut; it stays, to be sent again as it is.
 */
int flight_answer(struct flight *f, struct part *p, const struct judgement *j, struct err *e);
/* Cuts a part in two that is too large for the link by what is known now. p is gone afterwards. */
int flight_halve(struct flight *f, struct part *p, struct err *e);
/* Packs a part again as another message. p is gone afterwards. */
int flight_change(
    struct flight *f, struct part *p, const struct packer_bounds *bounds, struct err *e);
/* Leaves samples before oldest_ms out of a part (sample_age_limit). p is gone afterwards. */
int flight_age(struct flight *f, struct part *p, int64_t oldest_ms, struct err *e);

#endif
