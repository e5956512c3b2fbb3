#include "agent/httpd_connections.h"

#include "agent/web_tls.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
        YOUNG_WAITS_MS = 1000, /* a round trip or three, and a handshake's arithmetic */
        YOUNG_SENDS_MS = 10000,
};

static void
put_last(struct connections *list, struct connection *c)
{
        c->prev = list->last;
        c->next = NULL;
        if (list->last != NULL)
                list->last->next = c;
        else
                list->first = c;
        list->last = c;
}

static void
take_out(struct connections *list, struct connection *c)
{
        if (c->prev != NULL)
                c->prev->next = c->next;
        else
                list->first = c->next;
        if (c->next != NULL)
                c->next->prev = c->prev;
        else
                list->last = c->prev;
}

struct connection *
connections_add(struct connections *list, int fd, int64_t now_ms)
{
        struct connection *c = calloc(1, sizeof(*c));

        if (c == NULL)
                return NULL;
        c->fd = fd;
        c->since_ms = now_ms;
        put_last(list, c);
        list->n++;
        return c;
}

void
connections_remove(struct connections *list, struct connection *c)
{
        take_out(list, c);
        list->n--;
        web_tls_unref(c->tls);
        free(c);
}

void
connections_set(
    struct connections *list, struct connection *c, enum connection_state state, int64_t now_ms)
{
        c->state = state;
        c->since_ms = now_ms;
        take_out(list, c);
        put_last(list, c);
}

/* The server sees the end of the connection, closes it and has it removed. */
static void
shut(struct connection *c)
{
        if (c->fd >= 0)
                (void)shutdown(c->fd, SHUT_RDWR);
        c->fd = -1;
}

int64_t
connections_expire(struct connections *list, int64_t limit_ms, int64_t now_ms)
{
        for (struct connection *c = list->first; c != NULL; c = c->next) {
                if (c->state != CONNECTION_WAITS || c->fd < 0)
                        continue;
                if (now_ms - c->since_ms < limit_ms)
                        return limit_ms - (now_ms - c->since_ms);
                shut(c);
        }
        return -1;
}

bool
connections_evict(struct connections *list, int64_t now_ms)
{
        for (struct connection *c = list->first; c != NULL; c = c->next) {
                int64_t young = c->state == CONNECTION_WAITS ? YOUNG_WAITS_MS : YOUNG_SENDS_MS;

                if (c->fd < 0 || c->state == CONNECTION_THINKS || now_ms - c->since_ms < young)
                        continue;
                shut(c);
                return true;
        }
        return false;
}
