/*
 * Paths, methods, and which parts may be looked at. What the endpoints say is in status_pages.c.
 *
 * No two mutexes nest: `mtx` is held only to take the parts and to mark them as in use, not while
 * they are asked for their numbers (they have mutexes of their own).
 */
#include "agent/status.h"

#include "agent/config_url.h"
#include "agent/cors.h"
#include "agent/global_url.h"
#include "agent/httpd.h"
#include "agent/httpd_target.h"
#include "agent/status_pages.h"
#include "agent/web.h"
#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        UPLOAD_MAX = 64 << 10, /* bodies are not looked at */
        REPLY_MAX = 64 << 20,
        HOST_BYTES = 512,
        PATH_BYTES = 256 << 10, /* four times what a request's head can hold */
};

struct status {
        struct status_options options; /* set before start */
        struct httpd *server;
        struct cors *cors; /* http thread only, once it runs */
        char host[HOST_BYTES]; /* as others see it, with the port */
        struct buf location; /* of a redirect; http thread only */
        pthread_mutex_t mtx;
        pthread_cond_t idle;
        struct status_parts parts; /* under mtx */
        struct global_url_self self; /* under mtx: host NULL before the port is known */
        bool busy; /* under mtx: a request looks at the parts */
};

static void
take_parts(struct status *s, struct status_context *out)
{
        (void)pthread_mutex_lock(&s->mtx);
        s->busy = true;
        out->parts = s->parts;
        out->self = s->self.host != NULL ? &s->self : NULL;
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

static void
set_text(struct httpd_reply *r, unsigned status, const char *text)
{
        r->status = status;
        r->content_type = "text/plain; charset=utf-8";
        buf_reset(&r->body);
        if (buf_printf(&r->body, NULL, "%s\n", text) < 0)
                buf_reset(&r->body); /* no memory: the status alone */
}

static void
refuse_method(struct httpd_reply *r, const char *allow, const char *text)
{
        set_text(r, 405, text);
        httpd_reply_header(r, "Allow", allow);
}

/* ---- answers that go on after their request ---- */

struct going_on {
        struct status *status; /* borrowed, outlives it */
        struct status_stream stream;
};

static int
more_of_it(void *arg, struct buf *out, struct err *e)
{
        struct going_on *g = arg;
        struct status_context c = {.options = &g->status->options};
        int rc;

        take_parts(g->status, &c);
        rc = g->stream.more(g->stream.arg, &c, out, e);
        give_parts(g->status);
        return rc;
}

static void
end_it(void *arg)
{
        struct going_on *g = arg;

        g->stream.end(g->stream.arg);
        free(g);
}

static int
go_on(struct status *s, const struct status_stream *stream, struct httpd_reply *r, struct err *e)
{
        struct going_on *g;

        if (stream->arg == NULL)
                return 0;
        g = malloc(sizeof(*g));
        if (g == NULL) {
                stream->end(stream->arg);
                return err_nomem(e, "an answer");
        }
        *g = (struct going_on){s, *stream};
        r->stream.more = more_of_it;
        r->stream.end = end_it;
        r->stream.arg = g;
        return 0;
}

static void
answer(struct status *s, const struct status_page *page, const struct httpd_request *request,
    struct httpd_reply *r)
{
        const struct status_query q = {.state = httpd_argument(request, "state"),
            .scrape_pool = httpd_argument(request, "scrapePool"),
            .labels = httpd_argument(request, "labels"),
            .limit = httpd_argument(request, "limit"),
            .limit_per_metric = httpd_argument(request, "limit_per_metric"),
            .match_target = httpd_argument(request, "match_target"),
            .metric = httpd_argument(request, "metric")};
        struct status_stream stream = {0};
        struct status_context c = {.options = &s->options, .stream = &stream};
        struct err e = ERR_INIT;
        int rc;

        /* those that change something need no parts: whom they ask may set them meanwhile */
        if (!page->changes)
                take_parts(s, &c);
        r->may_pack = page->packs;
        rc = page->answer(&c, &q, r, &e);
        if (!page->changes)
                give_parts(s);
        if (rc == 0)
                rc = go_on(s, &stream, r, &e);
        if (rc < 0) {
                log_warn(
                    "cannot answer a request", LOG_STR("path", page->path), LOG_STR("err", e.msg));
                set_text(r, 500, e.msg);
        }
}

static bool
is_change(const char *method)
{
        return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

/* ---- paths ---- */

static const char *
prefix_of(const struct status *s)
{
        return s->options.route_prefix != NULL ? s->options.route_prefix : "";
}

/* What is behind the prefix, NULL when the path does not begin with it. */
static const char *
below_prefix(const struct status *s, const char *path)
{
        size_t n = strlen(prefix_of(s));

        if (strncmp(path, prefix_of(s), n) != 0)
                return NULL;
        return path[n] == '/' || path[n] == '\0' ? path + n : NULL;
}

/* To a path of parts, with the query as it came. */
static void
redirect(struct status *s, unsigned code, const char *const path[2],
    const struct httpd_request *request, struct httpd_reply *r)
{
        const char *query = request->query;
        int rc;

        buf_reset(&s->location);
        rc = httpd_target_escape(path[0], &s->location, NULL);
        if (rc == 0)
                rc = httpd_target_escape(path[1], &s->location, NULL);
        if (rc == 0 && query != NULL)
                rc = buf_printf(&s->location, NULL, "?%s", query);
        if (rc == 0)
                rc = buf_putc(&s->location, '\0', NULL);
        set_text(r, rc == 0 ? code : 500, code == 301 ? "Moved Permanently" : "Found");
        if (rc == 0)
                httpd_reply_header(r, "Location", s->location.ptr);
}

/* The page that was meant, when there is nothing at the path itself. */
static void
lead_on(
    struct status *s, const struct httpd_request *request, const char *path, struct httpd_reply *r)
{
        const struct status_page *page = path != NULL ? status_page_near(path) : NULL;
        bool is_get = strcmp(request->method, "GET") == 0;

        if (path != NULL && (path[0] == '\0' || strcmp(path, "/api/v1") == 0))
                redirect(s, 301, (const char *const[]){request->path, "/"}, request, r);
        else if (strcmp(request->path, "/") == 0)
                redirect(s, 302, (const char *const[]){prefix_of(s), ""}, request, r);
        else if (page != NULL && (page->changes ? is_change(request->method) : is_get))
                redirect(s, is_get ? 301 : 307, (const char *const[]){prefix_of(s), page->path},
                    request, r);
        else
                set_text(r, 404, "404 page not found");
}

static bool
is_api(const char *path)
{
        static const char api[] = "/api/v1/";

        return path != NULL && strncmp(path, api, sizeof(api) - 1) == 0;
}

static bool
asks_for_options(const struct httpd_request *request, const char *path)
{
        return strcmp(request->method, "OPTIONS") == 0 && path != NULL &&
            (is_api(path) || status_page_find(path) != NULL);
}

/* The API says yes to whatever asks ahead, as Prometheus does; others name their methods. */
static void
answer_options(const struct status_page *page, struct httpd_reply *r)
{
        if (page == NULL || strncmp(page->path, "/api/", 5) == 0 || page->posts) {
                r->status = 204;
                return;
        }
        httpd_reply_header(r, "Allow", page->changes ? "POST, PUT, OPTIONS" : "GET, HEAD, OPTIONS");
}

static void
respond(
    struct status *s, const struct httpd_request *request, const char *path, struct httpd_reply *r)
{
        const struct status_page *page = path != NULL ? status_page_find(path) : NULL;

        if (asks_for_options(request, path))
                answer_options(page, r);
        else if (page == NULL)
                lead_on(s, request, path, r);
        else if (page->changes && !is_change(request->method))
                refuse_method(r, "POST, PUT, OPTIONS", "Only POST or PUT requests allowed.");
        else if (!page->changes && strcmp(request->method, "GET") != 0 &&
            !(page->posts && strcmp(request->method, "POST") == 0))
                refuse_method(r, "GET, HEAD, OPTIONS", "Method Not Allowed");
        else if (page->changes && !s->options.lifecycle)
                set_text(r, 403, "Lifecycle API is not enabled.");
        else
                answer(s, page, request, r);
}

static void
on_request(void *arg, const struct httpd_request *request, struct httpd_reply *r)
{
        struct status *s = arg;
        const char *path = below_prefix(s, request->path);
        struct buf clean = BUF_INIT(PATH_BYTES);

        if (httpd_target_clean(request->path, &clean, NULL) < 0)
                set_text(r, 500, "out of memory");
        else if (strcmp(clean.ptr, request->path) != 0)
                redirect(s, 301, (const char *const[]){clean.ptr, ""}, request, r);
        else
                respond(s, request, path, r);
        buf_release(&clean);
        if (is_api(path) && r->status != 404 && r->status != 405 && r->status / 100 != 3)
                cors_set(s->cors, httpd_header(request, "Origin"), r);
}

/* --web.external-url, else the host's name and the port that is listened on. */
static void
set_self(struct status *s)
{
        const char *port = strrchr(httpd_address(s->server), ':');
        char name[HOST_NAME_MAX + 1] = "localhost";
        const char *scheme = "http";
        struct config_url url = {0};

        port = port != NULL ? port + 1 : "";
        (void)gethostname(name, sizeof(name) - 1);
        if (s->options.external_url != NULL &&
            config_url_parse(view_of(s->options.external_url), &url, NULL) == 0 && url.host.n > 0) {
                (void)snprintf(s->host, sizeof(s->host), "%.*s", (int)url.host.n, url.host.p);
                scheme = view_is(url.scheme, "https") ? "https" : "http";
        } else {
                (void)snprintf(s->host, sizeof(s->host), "%s:%s", name, port);
        }
        (void)pthread_mutex_lock(&s->mtx); /* a request may be there already */
        s->self = (struct global_url_self){scheme, s->host, port};
        (void)pthread_mutex_unlock(&s->mtx);
}

static void
log_addresses(const struct status *s)
{
        const char *what = s->options.web != NULL && web_has_tls(s->options.web)
            ? "listening for HTTPS"
            : "listening for HTTP";
        const char *address;

        for (size_t i = 0; (address = httpd_address_at(s->server, i)) != NULL; i++)
                log_info(what, LOG_STR("address", address));
}

int
status_start(const struct status_options *o, struct status **out, struct err *e)
{
        struct status *s = calloc(1, sizeof(*s));
        struct httpd_options http = {.listen_address = o->listen_address,
            .handler = on_request,
            .arg = s,
            .max_body = UPLOAD_MAX,
            .max_reply = REPLY_MAX,
            .idle_seconds = (unsigned)((o->read_timeout_ms + 999) / 1000),
            .max_connections = (unsigned)o->max_connections,
            .web = o->web};
        int rc;

        assert(o->ready != NULL && o->clock != NULL);
        if (s == NULL)
                return err_nomem(e, "the HTTP endpoints");
        s->options = *o;
        s->options.listen_address = NULL; /* not needed afterwards */
        s->parts = o->parts;
        s->location.max = PATH_BYTES;
        (void)pthread_mutex_init(&s->mtx, NULL);
        (void)pthread_cond_init(&s->idle, NULL);
        rc = cors_new(o->cors_origin != NULL ? o->cors_origin : ".*", &s->cors, e);
        if (rc == 0)
                rc = httpd_start(&http, &s->server, e);
        if (rc < 0) {
                status_stop(s);
                return rc;
        }
        set_self(s);
        log_addresses(s);
        *out = s;
        return 0;
}

void
status_stop(struct status *s)
{
        if (s == NULL)
                return;
        httpd_stop(s->server);
        cors_free(s->cors);
        buf_release(&s->location);
        (void)pthread_cond_destroy(&s->idle);
        (void)pthread_mutex_destroy(&s->mtx);
        free(s);
}

const char *
status_address(const struct status *s)
{
        return httpd_address(s->server);
}
