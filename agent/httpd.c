/*
 * libmicrohttpd is driven by a loop of our own: several sockets are listened on, connections that
 * stand still are closed, and one whose password is being compared (on another thread) is set aside
 * until the answer is there.
 */
#include "agent/httpd.h"

#include "agent/httpd_body.h"
#include "agent/httpd_connections.h"
#include "agent/httpd_target.h"
#include "agent/listen.h"
#include "agent/web.h"
#include "agent/web_tls.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        CONNECTION_MEMORY = 32 << 10, /* for the head of a request */
        DISCARD_MAX = 8 << 20, /* of a body that is too large: so that its sender sees the 413 */
        ADDRESSES_TEXT_MAX = HTTPD_ADDRESSES_MAX * LISTEN_ADDRESS_MAX,
        ACCEPT_PAUSE_MS = 250, /* when there is no room, or no descriptor is left */
        FDS_MAX = HTTPD_ADDRESSES_MAX + 2,
};

struct listener {
        int fd;
        char address[LISTEN_ADDRESS_MAX];
};

struct httpd {
        struct MHD_Daemon *daemon;
        httpd_handler handler;
        void *arg; /* borrowed */
        struct web *web; /* borrowed; NULL: none */
        size_t max_body;
        size_t max_reply;
        size_t max_connections;
        int64_t idle_ms;
        struct listener listeners[HTTPD_ADDRESSES_MAX];
        size_t n_listeners;
        struct connections connections; /* the thread's */
        int64_t no_accept_until_ms; /* the thread's */
        int daemon_fd; /* libmicrohttpd's epoll: what it waits for */
        int wake_fd; /* eventfd: something changed on another thread */
        atomic_bool stops;
        bool running;
        pthread_t thread;
};

/* A request from its first byte to its answer; owned by the connection. */
struct httpd_exchange {
        const struct httpd *server; /* borrowed */
        struct MHD_Connection *connection;
        struct httpd_target target;
        struct buf body;
        bool bad_target;
        bool begun; /* the head is there */
        bool too_large;
        bool asked; /* the question is on its way, or answered */
        size_t discarded;
        struct web_question *question; /* owned; NULL: none was needed */
};

static int64_t
now_ms(void)
{
        return clock_mono(clock_system());
}

const char *
httpd_header(const struct httpd_request *r, const char *name)
{
        return MHD_lookup_connection_value(r->exchange->connection, MHD_HEADER_KIND, name);
}

const char *
httpd_argument(const struct httpd_request *r, const char *name)
{
        return httpd_target_argument(&r->exchange->target, name);
}

void
httpd_reply_header(struct httpd_reply *r, const char *name, const char *value)
{
        assert(r->n_fields < HTTPD_FIELDS_MAX);
        r->fields[r->n_fields++] = (struct httpd_field){name, value};
}

static struct connection *
connection_of(struct MHD_Connection *c)
{
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

        return info != NULL ? info->socket_context : NULL;
}

static void
set_state(struct httpd *h, struct MHD_Connection *c, enum connection_state state)
{
        struct connection *connection = connection_of(c);

        if (connection != NULL)
                connections_set(&h->connections, connection, state, now_ms());
}

/* ---- answers ---- */

/* Those of the web configuration, where no limit was met; nosniff is there anyway. */
static enum MHD_Result
add_web_headers(const struct httpd *h, struct MHD_Response *response, bool limited)
{
        static const char ours[] = "X-Content-Type-Options";
        const struct web_header *header;
        enum MHD_Result rc = MHD_add_response_header(response, ours, "nosniff");

        for (size_t i = 0; rc == MHD_YES && h->web != NULL && !limited; i++) {
                header = web_header_at(h->web, i);
                if (header == NULL)
                        break;
                if (strcmp(header->name, ours) != 0)
                        rc = MHD_add_response_header(response, header->name, header->value);
        }
        return rc;
}

/* Gives the reply's body to the connection; it is freed there. */
static enum MHD_Result
send_reply(struct httpd *h, struct MHD_Connection *c, struct httpd_reply *reply)
{
        bool pack = reply->may_pack &&
            httpd_body_takes_gzip(
                MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING));
        struct MHD_Response *response = httpd_body_response(reply, pack);
        enum MHD_Result rc = MHD_YES;

        if (response == NULL)
                return MHD_NO;
        if (reply->content_type != NULL && reply->status != MHD_HTTP_NO_CONTENT)
                rc = MHD_add_response_header(
                    response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
        for (size_t i = 0; rc == MHD_YES && i < reply->n_fields; i++)
                rc = MHD_add_response_header(
                    response, reply->fields[i].name, reply->fields[i].value);
        if (rc == MHD_YES)
                rc = add_web_headers(h, response, reply->status == MHD_HTTP_TOO_MANY_REQUESTS);
        if (rc == MHD_YES)
                rc = MHD_queue_response(c, reply->status, response);
        set_state(h, c, CONNECTION_SENDS);
        MHD_destroy_response(response);
        return rc;
}

/* Whoever is not let in. */
static enum MHD_Result
refuse(struct httpd *h, struct httpd_exchange *x, enum web_answer why)
{
        struct httpd_reply reply = {.content_type = "text/plain; charset=utf-8"};

        reply.body.max = h->max_reply;
        reply.status = why == WEB_LIMITED ? MHD_HTTP_TOO_MANY_REQUESTS : MHD_HTTP_UNAUTHORIZED;
        if (why == WEB_UNAUTHORIZED)
                httpd_reply_header(&reply, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic");
        (void)buf_puts(
            &reply.body, why == WEB_LIMITED ? "Too Many Requests\n" : "Unauthorized\n", NULL);
        return send_reply(h, x->connection, &reply);
}

static enum MHD_Result
answer(struct httpd *h, struct httpd_exchange *x, const char *method)
{
        struct httpd_request request = {
            .method = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 ? MHD_HTTP_METHOD_GET : method,
            .path = x->target.path,
            .query = x->target.query,
            .body = buf_view(&x->body),
            .exchange = x};
        struct httpd_reply reply = {
            .status = MHD_HTTP_OK, .content_type = "text/plain; charset=utf-8"};

        reply.body.max = h->max_reply;
        if (x->bad_target) {
                reply.status = MHD_HTTP_BAD_REQUEST;
                (void)buf_puts(&reply.body, "400 Bad Request", NULL);
        } else if (x->too_large) {
                reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
                (void)buf_printf(&reply.body, NULL, "more than %zu bytes\n", h->max_body);
        } else {
                h->handler(h->arg, &request, &reply);
        }
        return send_reply(h, x->connection, &reply);
}

static void
wake(const struct httpd *h)
{
        const uint64_t one = 1;
        ssize_t n = write(h->wake_fd, &one, sizeof(one));

        (void)n; /* full: it is awake */
}

/* The other thread has compared a password: the request is asked about again. */
static void
on_settled(struct web_question *q)
{
        struct httpd_exchange *x = q->arg;
        const struct httpd *h = x->server;

        MHD_resume_connection(x->connection);
        wake(h); /* x may be gone: libmicrohttpd does not wake a loop that is not its own */
}

static enum web_answer
ask(struct httpd *h, struct httpd_exchange *x)
{
        const char *header = MHD_lookup_connection_value(
            x->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
        enum web_answer said;

        if (h->web == NULL)
                return WEB_PASS;
        if (x->asked)
                return web_settle(h->web, x->question);
        if (header != NULL && x->question == NULL)
                x->question = calloc(1, sizeof(*x->question));
        if (header != NULL && x->question == NULL)
                return WEB_UNAUTHORIZED; /* no memory */
        said = web_ask(h->web, header, x->question);
        if (said == WEB_WAIT) {
                x->asked = true;
                x->question->arg = x;
                MHD_suspend_connection(x->connection); /* first: the answer may be there at once */
                web_wait(h->web, x->question);
        }
        return said;
}

/* The whole request is there: who is let in gets his answer. */
static enum MHD_Result
on_whole(struct httpd *h, struct httpd_exchange *x, const char *method)
{
        enum web_answer said;

        set_state(h, x->connection, CONNECTION_THINKS);
        said = ask(h, x);
        if (said == WEB_WAIT)
                return MHD_YES;
        if (said != WEB_PASS)
                return refuse(h, x, said);
        return answer(h, x, method);
}

/* The first line of a request, before anything of it is decoded; what is returned is its state. */
static void *
on_target(void *arg, const char *text, struct MHD_Connection *c)
{
        struct httpd *h = arg;
        struct httpd_exchange *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return NULL;
        x->server = h;
        x->connection = c;
        x->body.max = h->max_body;
        x->bad_target = httpd_target_parse(text, &x->target, NULL) < 0;
        return x;
}

/* libmicrohttpd calls this for the head, for each piece of the body, and at the end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
    const char *version, const char *piece, size_t *piece_bytes, void **state)
{
        struct httpd *h = arg;
        struct httpd_exchange *x = *state;

        (void)c;
        (void)path;
        (void)version;
        if (x == NULL)
                return MHD_NO;
        if (!x->begun) {
                x->begun = true;
                return MHD_YES;
        }
        if (*piece_bytes == 0)
                return on_whole(h, x, method);
        if (!x->too_large && buf_append(&x->body, piece, *piece_bytes, NULL) < 0) {
                x->too_large = true;
                buf_release(&x->body);
        }
        if (x->too_large)
                x->discarded += *piece_bytes;
        *piece_bytes = 0;
        return x->discarded <= DISCARD_MAX ? MHD_YES : MHD_NO;
}

static void
on_end(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
        struct httpd_exchange *x = *state;

        (void)why;
        set_state(arg, c, CONNECTION_WAITS);
        if (x == NULL)
                return;
        httpd_target_release(&x->target);
        buf_release(&x->body);
        free(x->question);
        free(x);
        *state = NULL;
}

/* The TLS of a new connection is that of the files as they are now. */
static int
begin_tls(struct httpd *h, struct MHD_Connection *c, struct connection *connection)
{
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        struct err e = ERR_INIT;
        int rc;

        if (info == NULL)
                return err_set(NULL, ERR_SYS, "a connection without TLS");
        connection->tls = web_connect(h->web);
        rc = web_tls_begin(connection->tls, info->tls_session, &e);
        if (rc < 0)
                log_error("cannot take a connection", LOG_STR("err", e.msg));
        return rc;
}

static void
on_connection(
    void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
        struct httpd *h = arg;
        struct connection *connection = *state;
        const union MHD_ConnectionInfo *info;

        if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
                if (connection != NULL)
                        connections_remove(&h->connections, connection);
                *state = NULL;
                return;
        }
        info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
        connection =
            info != NULL ? connections_add(&h->connections, info->connect_fd, now_ms()) : NULL;
        *state = connection;
        if (h->web != NULL && web_has_tls(h->web) &&
            (connection == NULL || begin_tls(h, c, connection) < 0) && info != NULL)
                (void)shutdown(info->connect_fd, SHUT_RDWR);
}

/* ---- the loop ---- */

/* When all connections are taken and none stands still, the next one waits in the kernel. */
static void
accept_one(struct httpd *h, int listener, int64_t now)
{
        struct sockaddr_storage from;
        socklen_t n = sizeof(from);
        int fd;

        if (h->connections.n >= h->max_connections) {
                (void)connections_evict(&h->connections, now);
                h->no_accept_until_ms = now + ACCEPT_PAUSE_MS;
                return;
        }
        fd = accept4(listener, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) /* closes it when it fails */
                (void)MHD_add_connection(h->daemon, fd, (struct sockaddr *)&from, n);
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                h->no_accept_until_ms = now + ACCEPT_PAUSE_MS;
}

/* Milliseconds; -1: until something comes. */
static int
timeout_of(const struct httpd *h, int64_t next_ms, int64_t now)
{
        MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
        int64_t ms = next_ms;

        if (MHD_get_timeout(h->daemon, &daemon_ms) == MHD_YES &&
            (ms < 0 || daemon_ms < (MHD_UNSIGNED_LONG_LONG)ms))
                ms = (int64_t)daemon_ms;
        if (h->no_accept_until_ms > now && (ms < 0 || ms > h->no_accept_until_ms - now))
                ms = h->no_accept_until_ms - now;
        return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void
be_awake(const struct httpd *h)
{
        uint64_t count;
        ssize_t n = read(h->wake_fd, &count, sizeof(count));

        (void)n; /* nothing to read: it was read before */
}

static void *
run(void *arg)
{
        struct httpd *h = arg;
        struct pollfd fds[FDS_MAX] = {{h->wake_fd, POLLIN, 0}, {h->daemon_fd, POLLIN, 0}};
        struct pollfd *listeners = fds + 2;

        for (size_t i = 0; i < h->n_listeners; i++)
                listeners[i] = (struct pollfd){h->listeners[i].fd, POLLIN, 0};
        while (!atomic_load(&h->stops)) {
                int64_t now = now_ms();
                int64_t next = connections_expire(&h->connections, h->idle_ms, now);
                bool accepts = h->no_accept_until_ms <= now;

                if (poll(fds, accepts ? 2 + h->n_listeners : 2, timeout_of(h, next, now)) < 0)
                        continue;
                if (fds[0].revents != 0)
                        be_awake(h);
                for (size_t i = 0; accepts && i < h->n_listeners; i++) {
                        if (listeners[i].revents != 0)
                                accept_one(h, listeners[i].fd, now_ms());
                }
                (void)MHD_run(h->daemon);
        }
        return NULL;
}

/* ---- start and stop ---- */

static int
open_listeners(struct httpd *h, const char *addresses, struct err *e)
{
        char text[ADDRESSES_TEXT_MAX];
        char *rest = text;
        const char *one;
        int rc = 0;

        if (strlen(addresses) >= sizeof(text))
                return err_set(e, ERR_CONFIG, "the listen addresses are too long");
        memcpy(text, addresses, strlen(addresses) + 1);
        while (rc == 0 && (one = strsep(&rest, ",")) != NULL) {
                struct listener *l = &h->listeners[h->n_listeners];

                if (h->n_listeners == HTTPD_ADDRESSES_MAX)
                        return err_set(e, ERR_CONFIG, "there are more than %d listen addresses",
                            HTTPD_ADDRESSES_MAX);
                rc = listen_open(one, &l->fd, l->address, e);
                h->n_listeners += rc == 0;
        }
        return rc;
}

static void
no_certificate(void)
{
}

static int
start_daemon(struct httpd *h, struct err *e)
{
        const union MHD_DaemonInfo *info;
        bool tls = h->web != NULL && web_has_tls(h->web);
        unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;

        /* clang-format off: pairs of an option and its value */
        h->daemon = MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h,
            MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_NOTIFY_COMPLETED, on_end, h,
            MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
            (unsigned)h->max_connections + 1, MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned)(h->idle_ms / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END,
            no_certificate, MHD_OPTION_END);
        /* clang-format on */
        if (h->daemon == NULL)
                return err_sys(
                    e, errno, "cannot start the HTTP server on \"%s\"", h->listeners[0].address);
        info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        if (info == NULL)
                return err_set(e, ERR_SYS, "cannot start the HTTP server: no epoll");
        h->daemon_fd = info->epoll_fd;
        return 0;
}

static int
start_parts(struct httpd *h, const char *addresses, struct err *e)
{
        int rc = open_listeners(h, addresses, e);

        if (rc == 0 && h->web != NULL)
                rc = web_start(h->web, on_settled, e);
        if (rc == 0)
                rc = start_daemon(h, e);
        if (rc == 0 && (h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
                rc = err_sys(e, errno, "cannot start the HTTP server");
        if (rc == 0)
                rc = thread_start(&h->thread, "http", run, h, e);
        h->running = rc == 0;
        return rc;
}

int
httpd_start(const struct httpd_options *o, struct httpd **out, struct err *e)
{
        struct httpd *h = calloc(1, sizeof(*h));
        int rc;

        if (h == NULL)
                return err_nomem(e, "the HTTP server");
        h->handler = o->handler;
        h->arg = o->arg;
        h->web = o->web;
        h->max_body = o->max_body;
        h->max_reply = o->max_reply;
        h->max_connections = o->max_connections > 0 ? o->max_connections : HTTPD_CONNECTIONS;
        h->idle_ms = (int64_t)(o->idle_seconds > 0 ? o->idle_seconds : HTTPD_IDLE_SECONDS) * 1000;
        h->wake_fd = -1;
        rc = start_parts(h, o->listen_address, e);
        if (rc < 0)
                httpd_stop(h);
        else
                *out = h;
        return rc;
}

void
httpd_stop(struct httpd *h)
{
        if (h == NULL)
                return;
        if (h->running) {
                atomic_store(&h->stops, true);
                wake(h);
                (void)pthread_join(h->thread, NULL);
        }
        web_stop(h->web); /* resumes the connections that wait for it, as the daemon's end needs */
        if (h->daemon != NULL)
                MHD_stop_daemon(h->daemon);
        for (size_t i = 0; i < h->n_listeners; i++)
                (void)close(h->listeners[i].fd);
        if (h->wake_fd >= 0)
                (void)close(h->wake_fd);
        free(h);
}

const char *
httpd_address(const struct httpd *h)
{
        return h->listeners[0].address;
}

const char *
httpd_address_at(const struct httpd *h, size_t i)
{
        return i < h->n_listeners ? h->listeners[i].address : NULL;
}
