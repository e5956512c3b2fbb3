/*
 * A small HTTP/1.1 server inside the test program, plain or TLS, on a loopback port that the kernel
 * chooses. What it answers is scripted by a handler, which is called on the connection's own
 * thread, one call at a time over all connections.
 */
#ifndef TESTING_HTTP_SERVER_H
#define TESTING_HTTP_SERVER_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct testing_server;

struct testing_request { /* valid during the handler's call */
        unsigned number; /* from 1, over all connections */
        unsigned connection; /* from 1 */
        const char *method;
        const char *target;
        const char *headers; /* the header lines, CRLF after each */
        struct view body;
        const char *sni; /* name in the ClientHello, "" for none */
        bool client_certificate;
};

enum testing_break {
        BREAK_NOT, /* answers and keeps the connection */
        BREAK_AFTER, /* answers, then closes without having said so */
        BREAK_BEFORE, /* closes without an answer */
        BREAK_HANG, /* neither answers nor closes until the server stops */
        BREAK_MIDDLE, /* closes in the middle of the answer */
};

struct testing_reply {
        int status;
        const char *headers; /* further lines, CRLF after each; NULL: none */
        const char *body; /* NULL: none */
        size_t body_bytes; /* 0: up to the body's 0 byte */
        enum testing_break how;
        int delay_ms; /* before the answer */
};

typedef void (*testing_handler)(
    void *arg, const struct testing_request *request, struct testing_reply *reply);

struct testing_server_options {
        testing_handler handler;
        void *arg;
        const char *cert; /* PEM files; NULL: plain HTTP */
        const char *key;
        const char *client_ca; /* asks for a client certificate of this authority */
        int max_tls; /* TLS1_2_VERSION …; 0: the newest */
        int bytes_per_second; /* of request bodies; 0: as fast as it goes */
};

struct testing_server *testing_server_start(const struct testing_server_options *o);
/* Ends all connections and threads. */
void testing_server_stop(struct testing_server *s);
unsigned testing_server_port(const struct testing_server *s);
/* "http://127.0.0.1:PORT" or https; valid until stop. */
const char *testing_server_url(const struct testing_server *s);
unsigned testing_server_requests(struct testing_server *s);
unsigned testing_server_connections(struct testing_server *s);
/* Closes the connections that are open now, as a proxy does when it is reloaded. */
void testing_server_drop(struct testing_server *s);

/* The value of a header in r->headers (any case), "" when it is not there; the caller's buffer. */
const char *testing_header(
    const struct testing_request *r, const char *name, char *out, size_t cap);

#endif
