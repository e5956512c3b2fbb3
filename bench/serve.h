/*
 * A small HTTP/1.1 server for the fleet and the receiver: one thread, epoll, keep-alive, any number
 * of listening addresses. Requests are read whole (bounded); answers are a buffer or are produced
 * piece by piece, so that a page of any size needs one piece of memory.
 */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include "base/buf.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct serve;

enum { SERVE_PIECE = 64 << 10 };

/* Valid during the call of the handler. */
struct serve_request {
        unsigned listener; /* the number that serve_listen was given */
        struct view method;
        struct view path; /* with the query */
        struct view head; /* the whole head, for serve_header */
        struct view body;
};

/* What the handler fills in; it arrives as 200 with an empty body. */
struct serve_answer {
        unsigned status;
        const char *headers; /* more lines, each ended by \r\n; valid until the next request */
        struct buf body;
        /* When set the body comes from here, chunked: writes at most cap bytes, 0 ends it. */
        size_t (*produce)(void *arg, char *p, size_t cap);
        void (*release)(void *arg); /* called once, also when the client went away */
        void *arg;
};

typedef void (*serve_handler)(
    void *arg, const struct serve_request *request, struct serve_answer *answer);

int serve_new(serve_handler handler, void *arg, struct serve **out, struct err *e);
void serve_free(struct serve *s);
/* address: IPv4 in host order. */
int serve_listen(struct serve *s, uint32_t address, uint16_t port, unsigned number, struct err *e);
/* Until SIGTERM or SIGINT. */
int serve_run(struct serve *s, struct err *e);

/* The value of a header, empty when there is none. */
struct view serve_header(const struct serve_request *r, const char *name);

#endif
