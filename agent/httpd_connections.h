/*
 * Who is connected, and which of them may be closed: a client that does not come to its request (a
 * handshake that stands still, a header a byte at a time) keeps nobody out for long. One thread.
 *
 * A connection waits for a request, then is served: thought about, and sent its answer.
 */
#ifndef AGENT_HTTPD_CONNECTIONS_H
#define AGENT_HTTPD_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web_tls;

enum connection_state {
        CONNECTION_WAITS, /* for a whole request: the handshake and all bytes of it */
        CONNECTION_THINKS, /* the answer is being made: never closed */
        CONNECTION_SENDS,
};

struct connection {
        struct connection *prev;
        struct connection *next;
        int fd; /* borrowed */
        enum connection_state state;
        int64_t since_ms; /* monotonic: when the state began */
        struct web_tls *tls; /* a reference; NULL: none */
};

/* In order of their last change of state. */
struct connections {
        struct connection *first;
        struct connection *last;
        size_t n;
};

/* NULL: no memory. The list owns it. */
struct connection *connections_add(struct connections *list, int fd, int64_t now_ms);
void connections_remove(struct connections *list, struct connection *c);
void connections_set(
    struct connections *list, struct connection *c, enum connection_state state, int64_t now_ms);

/* Shuts down those that have waited for limit_ms. The time to the next, -1 when none waits. */
int64_t connections_expire(struct connections *list, int64_t limit_ms, int64_t now_ms);
/* Shuts down the one that has stood still longest, to make room. False: all of them are young. */
bool connections_evict(struct connections *list, int64_t now_ms);

#endif
