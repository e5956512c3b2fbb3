/*
 * libmicrohttpd's side: connections, methods, bounds. What the endpoints say is in status_pages.c.
 *
 * No two mutexes nest: `mtx` is held only to take the parts and to mark them as in use, not while
 * they are asked for their numbers (they have mutexes of their own).
 */
#include "agent/status.h"

#include "agent/listen.h"
#include "agent/status_pages.h"
#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        CONNECTIONS_MAX = 32,
        CONNECTION_MEMORY = 16 << 10, /* request line and headers; more is a 431 */
        IDLE_SECONDS = 15,
        UPLOAD_MAX = 64 << 10, /* bodies are not looked at, only read away */
        BODY_MAX = 64 << 20,
};

struct status {
        struct status_options options; /* set before start */
        struct MHD_Daemon *daemon;
        char address[LISTEN_ADDRESS_MAX];
        pthread_mutex_t mtx;
        pthread_cond_t idle;
        struct status_parts parts; /* under mtx */
        bool busy; /* under mtx: a request looks at the parts */
};

/* A request that has been begun, between libmicrohttpd's calls. */
struct request {
        size_t uploaded;
};

static void
take_parts(struct status *s, struct status_parts *out)
{
        (void)pthread_mutex_lock(&s->mtx);
        s->busy = true;
        *out = s->parts;
        (void)pthread_mutex_unlock(&s->mtx);
}

static void
give_parts(struct status *s)
{
        (void)pthread_mutex_lock(&s->mtx);
        s->busy = false;
        (void)pthread_cond_broadcast(&s->idle);
        (void)pthread_mutex_unlock(&s->mtx);
}

void
status_set_parts(struct status *s, const struct status_parts *parts)
{
        (void)pthread_mutex_lock(&s->mtx);
        while (s->busy)
                (void)pthread_cond_wait(&s->idle, &s->mtx);
        s->parts = *parts;
        (void)pthread_mutex_unlock(&s->mtx);
}

/* ---- replies ---- */

static void
set_text(struct status_reply *r, unsigned code, const char *text)
{
        r->code = code;
        r->content_type = "text/plain; charset=utf-8";
        buf_reset(&r->body);
        if (buf_printf(&r->body, NULL, "%s\n", text) < 0)
                buf_reset(&r->body); /* no memory: the code alone */
}

static enum MHD_Result
send_reply(struct MHD_Connection *connection, struct status_reply *r, const char *allow)
{
        struct MHD_Response *response;
        enum MHD_Result rc = MHD_NO;

        /* takes the body over */
        response = r->body.ptr != NULL
            ? MHD_create_response_from_buffer(r->body.len, r->body.ptr, MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (response == NULL) {
                buf_release(&r->body);
                return MHD_NO;
        }
        if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type) ==
                MHD_YES &&
            (allow == NULL ||
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) == MHD_YES))
                rc = MHD_queue_response(connection, r->code, response);
        MHD_destroy_response(response);
        return rc;
}

static void
answer(struct status *s, const struct status_page *page, const struct status_query *q,
    struct status_reply *r)
{
        struct status_context c = {.options = &s->options};
        struct err e = ERR_INIT;
        int rc;

        /* those that change something need no parts: whom they ask may set them meanwhile */
        if (!page->changes)
                take_parts(s, &c.parts);
        rc = page->answer(&c, q, r, &e);
        if (!page->changes)
                give_parts(s);
        if (rc < 0) {
                log_warn(
                    "cannot answer a request", LOG_STR("path", page->path), LOG_STR("err", e.msg));
                set_text(r, MHD_HTTP_INTERNAL_SERVER_ERROR, e.msg);
        }
}

static bool
method_is(const char *method, const char *a, const char *b)
{
        return strcmp(method, a) == 0 || strcmp(method, b) == 0;
}

static enum MHD_Result
reply(struct status *s, struct MHD_Connection *connection, const char *path, const char *method)
{
        const struct status_page *page = status_page_find(path);
        struct status_reply r = {.code = MHD_HTTP_OK,
            .content_type = "text/plain; charset=utf-8",
            .body = BUF_INIT(BODY_MAX)};
        struct status_query q = {
            .state = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "state"),
            .scrape_pool =
                MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "scrapePool")};
        const char *allow = NULL;

        if (page == NULL) {
                set_text(&r, MHD_HTTP_NOT_FOUND, "404 page not found");
        } else if (page->changes && !method_is(method, "POST", "PUT")) {
                set_text(&r, MHD_HTTP_METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed.");
                allow = "POST, PUT";
        } else if (!page->changes && !method_is(method, "GET", "HEAD")) {
                set_text(&r, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET requests allowed.");
                allow = "GET, HEAD";
        } else if (page->changes && !s->options.lifecycle) {
                set_text(&r, MHD_HTTP_FORBIDDEN, "Lifecycle API is not enabled.");
        } else {
                answer(s, page, &q, &r);
        }
        return send_reply(connection, &r, allow);
}

/* ---- libmicrohttpd's callbacks ---- */

static bool
upload_too_large(struct MHD_Connection *connection)
{
        const char *length = MHD_lookup_connection_value(
            connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

        return length != NULL && strtoull(length, NULL, 10) > UPLOAD_MAX;
}

/* Called when the headers are there, for each piece of a body, and at its end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
    const char *version, const char *upload, size_t *upload_n, void **state)
{
        struct request *request = *state;

        (void)version;
        (void)upload;
        if (request == NULL) {
                struct status_reply r = {.body = BUF_INIT(BODY_MAX)};

                *state = calloc(1, sizeof(*request));
                if (*state == NULL)
                        return MHD_NO;
                if (!upload_too_large(connection))
                        return MHD_YES;
                set_text(&r, MHD_HTTP_CONTENT_TOO_LARGE, "The body is too large.");
                return send_reply(connection, &r, NULL);
        }
        if (*upload_n > 0) {
                request->uploaded += *upload_n;
                *upload_n = 0;
                return request->uploaded <= UPLOAD_MAX ? MHD_YES : MHD_NO;
        }
        return reply(arg, connection, path, method);
}

static void
on_completed(
    void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
        (void)arg;
        (void)connection;
        (void)why;
        free(*state);
        *state = NULL;
}

static void on_log(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void
on_log(void *arg, const char *fmt, va_list ap)
{
        char text[256];
        int n = vsnprintf(text, sizeof(text), fmt, ap);

        (void)arg;
        if (n > 0)
                log_debug(
                    "http server", LOG_VIEW("text", ((struct view){text, strcspn(text, "\n")})));
}

static struct MHD_Daemon *
start_daemon(struct status *s, int fd)
{
        const unsigned flags =
            MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;

        return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
            on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
            (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
            MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
}

int
status_start(const struct status_options *o, struct status **out, struct err *e)
{
        struct status *s = calloc(1, sizeof(*s));
        int fd = -1;
        int rc;

        assert(o->ready != NULL && o->clock != NULL);
        if (s == NULL)
                return err_nomem(e, "the HTTP endpoints");
        s->options = *o;
        s->options.listen_address = NULL; /* not needed afterwards */
        s->parts = o->parts;
        (void)pthread_mutex_init(&s->mtx, NULL);
        (void)pthread_cond_init(&s->idle, NULL);
        rc = listen_open(o->listen_address, &fd, s->address, e);
        if (rc == 0) {
                s->daemon = start_daemon(s, fd);
                if (s->daemon == NULL) {
                        rc = err_set(e, ERR_SYS, "cannot start the HTTP server on %s", s->address);
                        (void)close(fd);
                }
        }
        if (rc < 0) {
                status_stop(s);
                return rc;
        }
        log_info("listening for HTTP", LOG_STR("address", s->address));
        *out = s;
        return 0;
}

void
status_stop(struct status *s)
{
        if (s == NULL)
                return;
        if (s->daemon != NULL)
                MHD_stop_daemon(s->daemon); /* closes the socket, joins the thread */
        (void)pthread_cond_destroy(&s->idle);
        (void)pthread_mutex_destroy(&s->mtx);
        free(s);
}

const char *
status_address(const struct status *s)
{
        return s->address;
}
