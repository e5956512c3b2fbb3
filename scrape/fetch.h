/*
 * Pages over HTTP: GETs with keep-alive, limits of time and size, and the body handed on in
 * decompressed pieces as it comes in. Nothing is held back: memory does not grow with a page.
 * Requests go through libcurl; those of plain HTTP without secrets repeat what libcurl did once.
 *
 * One thread drives a fetcher (fetcher_turn); only fetcher_wake may be called from others. Work per
 * turn and page is bounded, so that a very large page does not hold up the others.
 */
#ifndef SCRAPE_FETCH_H
#define SCRAPE_FETCH_H

#include "base/err.h"
#include "scrape/textparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct fetch; /* a request in flight */
struct fetcher;
struct http_client;
struct scrape_job;

struct fetch_result {
        int rc; /* 0: the page came in whole */
        struct err err; /* why not: one sentence */
        long status; /* HTTP; 0: there was no answer */
        bool whole; /* the body came in whole, whatever it says */
        bool over_body_limit; /* rc < 0 because of body_size_limit */
        uint64_t wire_bytes; /* received: headers and body */
        uint64_t page_bytes; /* decompressed */
        unsigned connections_opened;
        char encoding[24]; /* a Content-Encoding that is not undone; "": none */
};

/*
 * A piece of the decompressed body, valid during the call; an error ends the fetch with it.
 * ERR_PARSE and ERR_REFUSED, as an unknown Content-Type, do so when the rest has come in: a page
 * that is cut, late or too large is that first of all, and its size counts (Prometheus reads a page
 * before it looks at it).
 */
typedef int (*fetch_piece)(void *arg, const char *p, size_t n, struct err *e);
/* What the answer says its page is, before the first piece. */
typedef void (*fetch_format)(void *arg, enum text_format format);
/*
 * The end; called once for each fetch that was started and not cancelled. May start others, and
 * must not cancel any; the same goes for pieces.
 */
typedef void (*fetch_done)(void *arg, const struct fetch_result *r);

/*
 * What is kept of a target between its scrapes: a connection, and the request that goes out on it.
 * The caller's; all zero: nothing. It must stay where it is, and serve requests that are alike:
 * another URL, timeout, job or client wants fetch_route_release first.
 */
struct fetch_route {
        char *request; /* owned; NULL: no connection is kept */
        size_t request_bytes;
        int fd; /* owned while there is a request */
        bool by_libcurl; /* its answers need what only libcurl does */
        struct fetch *user; /* in flight on it */
        int64_t idle_since_ms; /* monotonic */
};

struct fetch_request { /* what is pointed at is borrowed until done or fetch_cancel */
        struct http_client *client;
        const struct scrape_job *job; /* limits, protocols, compression */
        const char *url;
        const char *unix_socket; /* NULL: none */
        struct fetch_route *route; /* NULL: every request goes through libcurl */
        int64_t timeout_ms; /* from here to the last byte */
        bool any_type; /* Content-Type is not looked at: the caller knows better */
        fetch_format format; /* NULL: nobody asks; not called with any_type */
        fetch_piece piece;
        fetch_done done;
        void *arg;
};

int fetcher_new(struct fetcher **out, struct err *e);
/* Fetches in flight are given up without a call of done. NULL-safe. */
void fetcher_free(struct fetcher *f);
/* How many connections are worth keeping, and for how long they may be idle. */
void fetcher_expect(struct fetcher *f, size_t targets, int64_t longest_interval_ms);

/* ERR_CONFIG: the request cannot be made (a secret's file is missing, the scheme is not http). */
int fetch_start(
    struct fetcher *f, const struct fetch_request *r, struct fetch **out, struct err *e);
/* Closes the connection and forgets the target; no request may be in flight on it. */
void fetch_route_release(struct fetch_route *route);
/* done is not called. */
void fetch_cancel(struct fetcher *f, struct fetch *x);
/* Waits up to wait_ms for something to do and does it: pieces and done are called from here. */
int fetcher_turn(struct fetcher *f, int wait_ms, struct err *e);
/* Ends a wait. Any thread. */
void fetcher_wake(struct fetcher *f);
size_t fetcher_in_flight(const struct fetcher *f);

/*
 * Of a page that could not be read (rc, e): puts before the sentence that it came in an encoding
 * that was not asked for, if it did. Returns rc.
 */
int fetch_explain(const struct fetch_result *r, int rc, struct err *e);

/* Appends the value of the Accept header for what the job takes. */
int fetch_accept(const struct scrape_job *job, struct buf *out, struct err *e);

#endif
