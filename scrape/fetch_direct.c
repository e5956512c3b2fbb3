/*
 * The short way: the request that libcurl wrote once, on the connection that it opened, again and
 * again. Scrapes of a target are alike and far apart, so that code and data are cold each time;
 * what counts is how much of both a scrape touches, and this is a few lines and one socket.
 *
 * Whatever is out of the ordinary ends the connection, and libcurl does the request anew as long as
 * nothing of the page has been handed on: a connection that the target has closed meanwhile, an
 * answer that http_answer does not read.
 */
#include "base/err.h"
#include "base/memory.h"
#include "scrape/fetch_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The connection ends; what is known of the target stays. */
static void
drop(struct fetch_route *route)
{
        if (route->request == NULL)
                return;
        (void)close(route->fd); /* and with it out of epoll */
        memory_account(MEMORY_TARGETS, -(int64_t)route->request_bytes);
        free(route->request);
        route->request = NULL;
        route->user = NULL;
}

void
fetch_route_release(struct fetch_route *route)
{
        assert(route->user == NULL);
        drop(route);
        route->by_libcurl = false;
}

void
fetch_direct_keep(struct fetcher *f, struct fetch_route *route, int fd, struct view request)
{
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = route};
        char *copy = malloc(request.n);

        assert(route->request == NULL);
        if (copy == NULL || epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
                free(copy);
                (void)close(fd);
                return;
        }
        memcpy(copy, request.p, request.n);
        memory_account(MEMORY_TARGETS, (int64_t)request.n);
        route->request = copy;
        route->request_bytes = request.n;
        route->fd = fd;
        route->idle_since_ms = f->now_ms;
}

bool
fetch_direct_start(struct fetcher *f, struct fetch *x)
{
        struct fetch_route *route = x->request.route;

        if (route == NULL || route->request == NULL || route->user != NULL)
                return false;
        if (f->buffer == NULL) {
                f->buffer = malloc(FETCH_READ_BYTES);
                if (f->buffer == NULL)
                        return false;
                memory_account(MEMORY_STAGING, FETCH_READ_BYTES);
        }
        /* a request always fits into the buffer of a socket that has nothing else to send */
        if (f->now_ms - route->idle_since_ms > f->max_idle_ms ||
            send(route->fd, route->request, route->request_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) !=
                (ssize_t)route->request_bytes) {
                drop(route);
                return false;
        }
        http_answer_init(&x->answer);
        route->user = x;
        x->direct = true;
        return true;
}

void
fetch_direct_remove(struct fetch *x)
{
        if (!x->direct)
                return;
        http_answer_release(&x->answer);
        drop(x->request.route);
        x->direct = false;
}

static void
on_header(void *arg, const char *p, size_t n)
{
        fetch_take_header(arg, p, n);
}

static int
on_body(void *arg, const char *p, size_t n, struct err *e)
{
        struct fetch *x = arg;

        x->result.status = x->answer.status;
        return fetch_take_body(x, p, n, e);
}

/* The answer cannot be had this way. As long as the caller knows nothing of it, libcurl may try. */
static void
fail(struct fetcher *f, struct fetch *x, int rc, const struct err *why)
{
        fetch_direct_remove(x);
        x->result.rc = rc;
        x->result.err = *why;
        if (x->body_bytes == 0 && f->now_ms < x->deadline_ms) {
                x->request.route->by_libcurl = rc == ERR_PARSE;
                fetch_answer_reset(x);
                x->result.rc = fetch_curl_start(f, x, &x->result.err);
                if (x->result.rc == 0)
                        return;
        }
        fetch_finish(f, x);
}

static void
lost(struct fetcher *f, struct fetch *x, int errnum)
{
        struct err why = ERR_INIT;

        if (errnum != 0)
                (void)err_sys(&why, errnum, "cannot read from the target");
        else
                (void)err_set(&why, ERR_AGAIN,
                    "the other side closed the connection in the middle of its answer");
        fail(f, x, ERR_AGAIN, &why);
}

static void
complete(struct fetcher *f, struct fetch *x)
{
        struct fetch_route *route = x->request.route;

        x->result.status = x->answer.status;
        x->result.rc = fetch_end_body(x, &x->result.err);
        if (x->answer.closes || x->answer.excess) {
                fetch_direct_remove(x);
        } else {
                http_answer_release(&x->answer);
                route->user = NULL;
                route->idle_since_ms = f->now_ms;
                x->direct = false;
        }
        fetch_finish(f, x);
}

/* Takes one read's bytes; true when the fetch goes on. */
static bool
take_bytes(struct fetcher *f, struct fetch *x, size_t n)
{
        const struct http_answer_sink sink = {on_header, on_body, x};
        struct err why = ERR_INIT;
        int rc;

        x->result.wire_bytes += n;
        rc = http_answer_feed(&x->answer, f->buffer, n, &sink, &why);
        if (rc < 0) {
                fail(f, x, rc, &why);
                return false;
        }
        if (!http_answer_done(&x->answer))
                return true;
        if (x->rest.len == 0)
                complete(f, x);
        return false;
}

void
fetch_direct_drained(struct fetcher *f, struct fetch *x)
{
        if (http_answer_done(&x->answer))
                complete(f, x);
}

void
fetch_direct_read(struct fetcher *f, struct fetch_route *route)
{
        struct fetch *x = route->user;
        ssize_t n;

        if (x == NULL) { /* closed by the target, or it says what nobody asked for */
                drop(route);
                return;
        }
        if (x->rest.len > 0)
                return; /* told again as long as it waits to be read */
        do {
                n = recv(route->fd, f->buffer, FETCH_READ_BYTES, MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0) {
                        lost(f, x, n < 0 ? errno : 0);
                        return;
                }
                if (!take_bytes(f, x, (size_t)n))
                        return;
                /* a short read has emptied the socket; what comes next is told by epoll */
        } while (n == FETCH_READ_BYTES && (x->turn != f->turn || x->turn_bytes < FETCH_TURN_BYTES));
}
