/*
 * A small HTTP server for people and probes: the wrapper of libmicrohttpd. One thread answers one
 * request after the other; connections, bodies and their times are bounded. When all connections
 * are taken, one that stands still makes room for the next.
 *
 * httpd_start and httpd_stop: one thread. The handler is called on the server's own thread, one
 * call at a time.
 */
#ifndef AGENT_HTTPD_H
#define AGENT_HTTPD_H

#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct httpd;
struct httpd_exchange;
struct web;

/* Valid during the handler's call, as all that it leads to. */
struct httpd_request {
        const char *method; /* "GET"; a HEAD is shown as one */
        const char *path; /* decoded, without the query (httpd_target.h) */
        const char *query; /* as written; NULL: none */
        struct view body;
        struct httpd_exchange *exchange; /* for the two functions below */
};

/* A header's value (name in any case) or a query argument's, NULL when it is not there. */
const char *httpd_header(const struct httpd_request *r, const char *name);
const char *httpd_argument(const struct httpd_request *r, const char *name);

/* What comes behind a reply's body, while the client takes it: however long that is, no more than a
 * piece is in memory. On the server's thread. */
struct httpd_stream {
        /* Appends some bytes to out, which is bounded by max_reply. 1: there are more; 0: these
         * were the last; otherwise the connection is cut. */
        int (*more)(void *arg, struct buf *out, struct err *e);
        void (*end)(void *arg); /* called once, after the last one or when the client has gone */
        void *arg;
};

/* static, or valid as long as the request's own */
struct httpd_field {
        const char *name;
        const char *value;
};

enum { HTTPD_FIELDS_MAX = 8 };

struct httpd_reply {
        unsigned status; /* 200 unless the handler says otherwise */
        const char *content_type; /* text/plain unless it says otherwise; static */
        struct httpd_field fields[HTTPD_FIELDS_MAX]; /* further headers: httpd_reply_header */
        size_t n_fields;
        struct buf body; /* the server's; empty */
        bool may_pack; /* gzip, when the client takes it */
        struct httpd_stream stream; /* goes on behind the body; more NULL: there is nothing */
};

/* Adds a header; there is room for HTTPD_FIELDS_MAX. */
void httpd_reply_header(struct httpd_reply *r, const char *name, const char *value);

typedef void (*httpd_handler)(
    void *arg, const struct httpd_request *request, struct httpd_reply *reply);

enum {
        HTTPD_ADDRESSES_MAX = 16,
        HTTPD_CONNECTIONS = 32, /* unless another number is given */
        HTTPD_IDLE_SECONDS = 60,
};

struct httpd_options {
        /* "host:port", "[v6]:port", ":port"; port 0: a free one. Several have commas between. */
        const char *listen_address;
        httpd_handler handler;
        void *arg;
        size_t max_body; /* bytes of a request's body, 413 beyond; 0: none is taken */
        size_t max_reply; /* bytes */
        unsigned idle_seconds; /* in which a request must have come whole; 0: HTTPD_IDLE_SECONDS */
        unsigned max_connections; /* 0: HTTPD_CONNECTIONS */
        struct web *web; /* who is let in, and TLS; borrowed. NULL: all are, without TLS */
};

/*
 * Listens and starts the thread. ERR_CONFIG: an address is no such; ERR_SYS: it cannot be listened
 * on. Strings of o are not needed afterwards.
 */
int httpd_start(const struct httpd_options *o, struct httpd **out, struct err *e);
/* Waits for the request under way. NULL-safe. */
void httpd_stop(struct httpd *h);
/* What is listened on first, with the real port: "127.0.0.1:9095". Valid until stop. */
const char *httpd_address(const struct httpd *h);
/* The same of the i-th address, NULL behind the last. */
const char *httpd_address_at(const struct httpd *h, size_t i);

#endif
