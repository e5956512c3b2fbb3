/*
 * The socket is made by listen_open and given to libmicrohttpd, so that a bad address and a port in
 * use are told apart, and so that port 0 can be asked for.
 */
#include "agent/httpd.h"

#include "agent/listen.h"
#include "base/err.h"
#include "base/thread.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        CONNECTIONS_MAX = 32,
        CONNECTION_MEMORY = 32 << 10, /* for the head of a request */
        IDLE_SECONDS = 60,
        DISCARD_MAX = 8 << 20, /* of a body that is too large: so that its sender sees the 413 */
};

struct httpd {
        struct MHD_Daemon *daemon;
        httpd_handler handler;
        void *arg; /* borrowed */
        size_t max_body;
        size_t max_reply;
        char address[LISTEN_ADDRESS_MAX];
};

/* A request from its first byte to its answer; owned by the connection. */
struct httpd_exchange {
        struct MHD_Connection *connection;
        struct buf body;
        bool too_large;
        size_t discarded;
};

const char *
httpd_header(const struct httpd_request *r, const char *name)
{
        return MHD_lookup_connection_value(r->exchange->connection, MHD_HEADER_KIND, name);
}

const char *
httpd_argument(const struct httpd_request *r, const char *name)
{
        return MHD_lookup_connection_value(r->exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Gives the reply's body to the connection; it is freed there. */
static enum MHD_Result
send_reply(struct MHD_Connection *c, struct httpd_reply *reply)
{
        struct MHD_Response *response = MHD_create_response_from_buffer(
            reply->body.len, reply->body.ptr, MHD_RESPMEM_MUST_FREE);
        enum MHD_Result rc = MHD_YES;

        if (response == NULL) {
                buf_release(&reply->body);
                return MHD_NO;
        }
        if (reply->content_type != NULL && reply->status != MHD_HTTP_NO_CONTENT)
                rc = MHD_add_response_header(
                    response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
        if (rc == MHD_YES && reply->header != NULL)
                rc = MHD_add_response_header(response, reply->header, reply->header_value);
        if (rc == MHD_YES)
                rc = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        if (rc == MHD_YES)
                rc = MHD_queue_response(c, reply->status, response);
        MHD_destroy_response(response);
        return rc;
}

static enum MHD_Result
answer(const struct httpd *h, struct httpd_exchange *x, const char *method, const char *path)
{
        struct httpd_request request = {
            .method = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 ? MHD_HTTP_METHOD_GET : method,
            .path = path,
            .body = buf_view(&x->body),
            .exchange = x};
        struct httpd_reply reply = {
            .status = MHD_HTTP_OK, .content_type = "text/plain; charset=utf-8"};

        reply.body.max = h->max_reply;
        if (x->too_large) {
                reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
                (void)buf_printf(&reply.body, NULL, "more than %zu bytes\n", h->max_body);
        } else {
                h->handler(h->arg, &request, &reply);
        }
        return send_reply(x->connection, &reply);
}

/* libmicrohttpd calls this for the head, for each piece of the body, and at the end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
    const char *version, const char *piece, size_t *piece_bytes, void **state)
{
        const struct httpd *h = arg;
        struct httpd_exchange *x = *state;

        (void)version;
        if (x == NULL) {
                x = calloc(1, sizeof(*x));
                if (x == NULL)
                        return MHD_NO;
                x->connection = c;
                x->body.max = h->max_body;
                *state = x;
                return MHD_YES;
        }
        if (*piece_bytes == 0)
                return answer(h, x, method, path);
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

        (void)arg;
        (void)c;
        (void)why;
        if (x == NULL)
                return;
        buf_release(&x->body);
        free(x);
        *state = NULL;
}

/* Called on the daemon's thread: it has no other way to be named. */
static void
on_connection(
    void *arg, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
        (void)arg;
        (void)c;
        (void)state;
        if (what == MHD_CONNECTION_NOTIFY_STARTED)
                thread_name_self("http");
}

int
httpd_start(const struct httpd_options *o, struct httpd **out, struct err *e)
{
        struct httpd *h = calloc(1, sizeof(*h));
        unsigned connections = o->max_connections > 0 ? o->max_connections : CONNECTIONS_MAX;
        unsigned idle = o->idle_seconds > 0 ? o->idle_seconds : IDLE_SECONDS;
        int fd = -1;
        int rc;

        if (h == NULL)
                return err_nomem(e, "the HTTP server");
        h->handler = o->handler;
        h->arg = o->arg;
        h->max_body = o->max_body;
        h->max_reply = o->max_reply;
        rc = listen_open(o->listen_address, &fd, h->address, e);
        if (rc < 0) {
                free(h);
                return rc;
        }
        /* clang-format off: pairs of an option and its value */
        h->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_request, h,
            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
            MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, MHD_OPTION_CONNECTION_LIMIT,
            connections, MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
        /* clang-format on */
        if (h->daemon == NULL) {
                rc = err_sys(e, errno, "cannot start the HTTP server on \"%s\"", h->address);
                (void)close(fd);
                free(h);
                return rc;
        }
        *out = h;
        return 0;
}

void
httpd_stop(struct httpd *h)
{
        if (h == NULL)
                return;
        MHD_stop_daemon(h->daemon);
        free(h);
}

const char *
httpd_address(const struct httpd *h)
{
        return h->address;
}
