#include "bench/serve.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        REQUEST_MAX = 64 << 20, /* head and body */
        READ_PIECE = 64 << 10,
        EVENTS = 64,
        BACKLOG = 256,
        CHUNK_HEAD = 8, /* "ffffff\r\n" */
        CHUNK_TAIL = 2,
        ANSWER_HEAD_MAX = 512,
};

enum pollee_kind { POLLEE_SIGNAL, POLLEE_LISTENER, POLLEE_CONNECTION };

struct pollee {
        enum pollee_kind kind;
        int fd;
        unsigned number; /* of the listener */
        struct pollee *next; /* of the listeners */
};

struct connection {
        struct pollee pollee; /* first: what epoll gives back */
        struct buf in; /* from the first byte of a request on */
        struct buf out; /* what is to be written next */
        size_t written; /* of out */
        struct serve_answer answer; /* while it is being produced */
        bool close_after;
        bool waits_for_room; /* to write */
        struct connection *next; /* all of them, so that serve_free finds them */
        struct connection *previous;
};

struct serve {
        int epoll;
        serve_handler handler;
        void *arg;
        struct pollee *listeners; /* owned */
        struct connection *connections; /* owned */
        struct pollee signals;
};

static int
watch(struct serve *s, struct pollee *p, struct err *e)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};

        if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, p->fd, &event) != 0)
                return err_sys(e, errno, "cannot watch a descriptor");
        return 0;
}

int
serve_new(serve_handler handler, void *arg, struct serve **out, struct err *e)
{
        struct serve *s = calloc(1, sizeof(*s));
        sigset_t set;
        int rc;

        if (s == NULL)
                return err_nomem(e, "the server");
        s->handler = handler;
        s->arg = arg;
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        s->signals.kind = POLLEE_SIGNAL;
        s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (s->epoll < 0 || s->signals.fd < 0)
                rc = err_sys(e, errno, "cannot make the server's descriptors");
        else
                rc = watch(s, &s->signals, e);
        if (rc < 0) {
                serve_free(s);
                return rc;
        }
        *out = s;
        return 0;
}

static void
end_answer(struct connection *c)
{
        if (c->answer.release != NULL)
                c->answer.release(c->answer.arg);
        buf_release(&c->answer.body);
        c->answer = (struct serve_answer){.status = 0};
}

static void
close_connection(struct serve *s, struct connection *c)
{
        end_answer(c);
        (void)close(c->pollee.fd);
        buf_release(&c->in);
        buf_release(&c->out);
        if (c->previous != NULL)
                c->previous->next = c->next;
        else
                s->connections = c->next;
        if (c->next != NULL)
                c->next->previous = c->previous;
        free(c);
}

void
serve_free(struct serve *s)
{
        if (s == NULL)
                return;
        while (s->connections != NULL)
                close_connection(s, s->connections);
        while (s->listeners != NULL) {
                struct pollee *p = s->listeners;

                s->listeners = p->next;
                (void)close(p->fd);
                free(p);
        }
        if (s->signals.fd >= 0)
                (void)close(s->signals.fd);
        if (s->epoll >= 0)
                (void)close(s->epoll);
        free(s);
}

int
serve_listen(struct serve *s, uint32_t address, uint16_t port, unsigned number, struct err *e)
{
        struct sockaddr_in to = {.sin_family = AF_INET};
        struct pollee *p = calloc(1, sizeof(*p));
        const int on = 1;
        int rc;

        if (p == NULL)
                return err_nomem(e, "a listener");
        to.sin_addr.s_addr = htonl(address);
        to.sin_port = htons(port);
        p->kind = POLLEE_LISTENER;
        p->number = number;
        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (p->fd < 0 || setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
            bind(p->fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
            listen(p->fd, BACKLOG) != 0)
                rc = err_sys(
                    e, errno, "cannot listen on %s:%u", inet_ntoa(to.sin_addr), (unsigned)port);
        else
                rc = watch(s, p, e);
        if (rc < 0) {
                if (p->fd >= 0)
                        (void)close(p->fd);
                free(p);
                return rc;
        }
        p->next = s->listeners;
        s->listeners = p;
        return 0;
}

static void
accept_all(struct serve *s, const struct pollee *listener)
{
        const int on = 1;

        for (;;) {
                int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                struct connection *c = fd >= 0 ? calloc(1, sizeof(*c)) : NULL;
                struct err ignored = ERR_INIT; /* the client sees a closed connection */

                if (c == NULL) {
                        if (fd >= 0)
                                (void)close(fd);
                        return;
                }
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                c->pollee = (struct pollee){POLLEE_CONNECTION, fd, listener->number, NULL};
                c->in.max = REQUEST_MAX;
                c->out.max = REQUEST_MAX;
                c->next = s->connections;
                if (c->next != NULL)
                        c->next->previous = c;
                s->connections = c;
                if (watch(s, &c->pollee, &ignored) < 0)
                        close_connection(s, c);
        }
}

/* ---- answers ---- */

static const char *
reason(unsigned status)
{
        switch (status) {
        case 200:
                return "OK";
        case 204:
                return "No Content";
        case 400:
                return "Bad Request";
        case 404:
                return "Not Found";
        case 415:
                return "Unsupported Media Type";
        default:
                return "Service Unavailable";
        }
}

/* The next chunk of a produced body; after its last one the answer is over. */
static int
produce_chunk(struct connection *c, struct err *e)
{
        char head[32];
        size_t n;
        int rc = buf_reserve(&c->out, CHUNK_HEAD + SERVE_PIECE + CHUNK_TAIL, e);

        if (rc < 0)
                return rc;
        n = c->answer.produce(c->answer.arg, c->out.ptr + c->out.len + CHUNK_HEAD, SERVE_PIECE);
        if (n == 0) {
                end_answer(c);
                return buf_puts(&c->out, "0\r\n\r\n", e);
        }
        (void)snprintf(head, sizeof(head), "%06zx\r\n", n);
        memcpy(c->out.ptr + c->out.len, head, CHUNK_HEAD);
        memcpy(c->out.ptr + c->out.len + CHUNK_HEAD + n, "\r\n", CHUNK_TAIL);
        c->out.len += CHUNK_HEAD + n + CHUNK_TAIL;
        return 0;
}

static int
begin_answer(struct connection *c, struct err *e)
{
        struct serve_answer *a = &c->answer;
        const char *extra = a->headers != NULL ? a->headers : "";
        int rc;

        if (a->produce != NULL)
                return buf_printf(&c->out, e,
                    "HTTP/1.1 %u %s\r\n%sTransfer-Encoding: chunked\r\n\r\n", a->status,
                    reason(a->status), extra);
        rc = a->status == 204
            ? buf_printf(&c->out, e, "HTTP/1.1 204 No Content\r\n%s\r\n", extra)
            : buf_printf(&c->out, e, "HTTP/1.1 %u %s\r\n%sContent-Length: %zu\r\n\r\n", a->status,
                  reason(a->status), extra, a->body.len);
        if (rc == 0 && a->body.len > 0)
                rc = buf_append(&c->out, a->body.ptr, a->body.len, e);
        end_answer(c);
        return rc;
}

static void
want(struct serve *s, struct connection *c, bool room)
{
        struct epoll_event event = {.data.ptr = &c->pollee};

        if (c->waits_for_room == room)
                return;
        event.events = room ? EPOLLOUT : EPOLLIN;
        c->waits_for_room = room;
        (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->pollee.fd, &event);
}

/* Writes until the answer is out (1), the socket is full (0) or gone (-1). */
static int
write_out(struct serve *s, struct connection *c)
{
        for (;;) {
                struct err ignored = ERR_INIT; /* the client sees a closed connection */
                ssize_t n;

                if (c->written == c->out.len) {
                        buf_reset(&c->out);
                        c->written = 0;
                        if (c->answer.produce == NULL) {
                                buf_release(&c->out);
                                want(s, c, false);
                                return 1;
                        }
                        if (produce_chunk(c, &ignored) < 0)
                                return -1;
                }
                n = send(c->pollee.fd, c->out.ptr + c->written, c->out.len - c->written, 0);
                if (n < 0 && errno == EAGAIN) {
                        want(s, c, true);
                        return 0;
                }
                if (n <= 0)
                        return -1;
                c->written += (size_t)n;
        }
}

/* ---- requests ---- */

struct view
serve_header(const struct serve_request *r, const char *name)
{
        const char *p = r->head.p;
        const char *end = p + r->head.n;
        size_t n = strlen(name);

        while (p < end) {
                const char *line_end = memchr(p, '\r', (size_t)(end - p));

                if (line_end == NULL)
                        break;
                if ((size_t)(line_end - p) > n && p[n] == ':' && strncasecmp(p, name, n) == 0) {
                        p += n + 1;
                        while (p < line_end && *p == ' ')
                                p++;
                        return (struct view){p, (size_t)(line_end - p)};
                }
                p = line_end + 2;
        }
        return (struct view){"", 0};
}

static bool
header_is(const struct serve_request *r, const char *name, const char *value)
{
        struct view v = serve_header(r, name);

        return v.n == strlen(value) && strncasecmp(v.p, value, v.n) == 0;
}

/* Splits "GET /path HTTP/1.1"; false when it is none. */
static bool
read_request_line(struct serve_request *r)
{
        const char *end = memchr(r->head.p, '\r', r->head.n);
        const char *a = memchr(r->head.p, ' ', (size_t)(end - r->head.p));
        const char *b = a != NULL ? memchr(a + 1, ' ', (size_t)(end - a - 1)) : NULL;

        if (b == NULL)
                return false;
        r->method = (struct view){r->head.p, (size_t)(a - r->head.p)};
        r->path = (struct view){a + 1, (size_t)(b - a - 1)};
        return true;
}

/* 1: the request at the front of c->in is whole, 0: not yet, -1: it is none that we take. */
static int
read_request(struct connection *c, struct serve_request *r)
{
        const char *end = c->in.len > 0 ? memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4) : NULL;
        struct view length;
        unsigned long body;

        if (end == NULL)
                return c->in.len > READ_PIECE ? -1 : 0;
        *r = (struct serve_request){.listener = c->pollee.number};
        r->head = (struct view){c->in.ptr, (size_t)(end - c->in.ptr) + 4};
        if (!read_request_line(r) || serve_header(r, "Transfer-Encoding").n > 0)
                return -1;
        length = serve_header(r, "Content-Length");
        body = length.n > 0 ? strtoul(length.p, NULL, 10) : 0;
        if (body > REQUEST_MAX - READ_PIECE)
                return -1;
        r->body = (struct view){r->head.p + r->head.n, body};
        if (c->in.len >= r->head.n + body)
                return 1;
        if (header_is(r, "Expect", "100-continue") && c->in.len == r->head.n)
                (void)!send(c->pollee.fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, 0);
        return 0;
}

/* Answers what has come in; false when the connection is over. */
static bool
answer_requests(struct serve *s, struct connection *c)
{
        struct err ignored = ERR_INIT; /* the client sees a closed connection */
        struct serve_request r;
        int rc;

        while ((rc = read_request(c, &r)) > 0) {
                c->answer = (struct serve_answer){.status = 200, .body = BUF_INIT(REQUEST_MAX)};
                c->close_after = header_is(&r, "Connection", "close");
                s->handler(s->arg, &r, &c->answer);
                buf_consume(&c->in, r.head.n + r.body.n);
                if (c->in.len == 0)
                        buf_release(&c->in);
                if (begin_answer(c, &ignored) < 0)
                        return false;
                rc = write_out(s, c);
                if (rc < 0 || (rc > 0 && c->close_after))
                        return false;
                if (rc == 0)
                        return true; /* goes on when there is room */
        }
        return rc == 0;
}

static bool
read_some(struct connection *c)
{
        struct err ignored = ERR_INIT; /* the client sees a closed connection */
        ssize_t n;

        if (buf_reserve(&c->in, READ_PIECE, &ignored) < 0)
                return false;
        n = recv(c->pollee.fd, c->in.ptr + c->in.len, c->in.cap - c->in.len, 0);
        if (n < 0)
                return errno == EAGAIN;
        c->in.len += (size_t)n;
        return n > 0;
}

static void
handle_connection(struct serve *s, struct connection *c)
{
        bool alive;

        if (c->waits_for_room) {
                int rc = write_out(s, c);

                alive = rc == 0 || (rc > 0 && !c->close_after && answer_requests(s, c));
        } else {
                alive = read_some(c) && answer_requests(s, c);
        }
        if (!alive)
                close_connection(s, c);
}

int
serve_run(struct serve *s, struct err *e)
{
        struct epoll_event events[EVENTS];

        for (;;) {
                int n = epoll_wait(s->epoll, events, EVENTS, -1);

                if (n < 0 && errno != EINTR)
                        return err_sys(e, errno, "cannot wait for events");
                for (int i = 0; i < n; i++) {
                        struct pollee *p = events[i].data.ptr;

                        if (p->kind == POLLEE_SIGNAL)
                                return 0;
                        if (p->kind == POLLEE_LISTENER)
                                accept_all(s, p);
                        else
                                handle_connection(s, (struct connection *)p);
                }
        }
}
