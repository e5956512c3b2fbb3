/*
 * What `gleaner receive` thinks of a request, and its counts: headers, snappy, messages, labels,
 * the order of samples within and across requests, times in the future. Time comes in; no input
 * or output. One thread at a time.
 *
 * What is wrong with one series does not keep out the others, as Thanos has it; the answer is 400
 * all the same. A sample that is there already with the same value is no fault, as the repeat of
 * a request after a lost answer is none.
 */
#ifndef AGENT_RECEIVE_CHECK_H
#define AGENT_RECEIVE_CHECK_H

#include "base/err.h"
#include "base/view.h"
#include "remotewrite/decode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct receive_book;

enum {
        RECEIVE_MAX_BODY = 16 << 20, /* compressed */
        RECEIVE_MAX_SERIES = 1 << 20, /* whose last sample is remembered */
        RECEIVE_TENANTS = 16, /* counted apart; the last one stands for all others */
        RECEIVE_TENANT_MAX = 64,
        RECEIVE_FUTURE_MS = 10 * 60 * 1000,
};

struct receive_request {
        /* headers, NULL when they are not there */
        const char *content_encoding;
        const char *content_type;
        const char *version;
        const char *user_agent;
        const char *tenant;
        struct view body;
        int64_t now_ms;
        decode_sink each; /* called for every sound series; may be NULL */
        void *arg;
};

struct receive_result {
        bool says_written; /* of a 2.0 request the answer says how many samples were taken */
        uint64_t written;
};

struct receive_tenant {
        char name[RECEIVE_TENANT_MAX + 1];
        uint64_t requests;
        uint64_t samples;
};

struct receive_totals {
        uint64_t requests;
        uint64_t requests_2; /* of these, Remote Write 2.0 */
        uint64_t refused; /* of these, with a fault */
        uint64_t turned_away; /* of these, because of --status */
        uint64_t bytes; /* of bodies */
        uint64_t bytes_raw; /* decompressed */
        uint64_t time_series; /* messages */
        uint64_t samples;
        uint64_t stale; /* of these, staleness markers */
        uint64_t repeated; /* samples that were there already */
        uint64_t series; /* different ones */
        uint64_t series_beyond; /* messages of series that there was no room to remember */
        uint64_t faults;
        char last_fault[ERR_MSG_MAX];
        int64_t last_request_ms; /* wall time; 0: none yet */
        int64_t newest_ms; /* newest sample; 0: none yet */
        struct receive_tenant tenants[RECEIVE_TENANTS];
        size_t n_tenants;
};

int receive_book_new(struct receive_book **out, struct err *e);
void receive_book_free(struct receive_book *b);
/* Checks and counts. Returns the answer's status: 204, or 400, 413, 415 with the reason in e. */
unsigned receive_check(struct receive_book *b, const struct receive_request *r,
    struct receive_result *out, struct err *e);
/* A request that was turned away unread. */
void receive_turn_away(struct receive_book *b, const struct receive_request *r);
const struct receive_totals *receive_totals(const struct receive_book *b);

#endif
