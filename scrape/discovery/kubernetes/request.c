#include "scrape/discovery/kubernetes/request.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/http.h"
#include "scrape/discovery/kubernetes/server.h"
#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/net.h"

#include <stdlib.h>
#include <string.h>

enum {
        URL_MAX = 64 << 10,
        CONNECT_TIMEOUT_S = 30,
        STALLED_S = 60, /* a list that brings nothing for so long */
        TOKEN_S = 30, /* a request for a token of oauth2 */
        WATCH_GRACE_S = 30, /* a watch that does not end when it said */
        KEEPALIVE_S = 30,
};

struct kube_request {
        struct kube_watch *watch; /* borrowed */
        struct source_net *net; /* borrowed */
        struct net_transfer transfer;
        struct kube_session *session; /* counted; of the request under way */
        CURL *easy; /* owned; NULL before the first request */
        struct curl_slist *headers; /* owned */
        bool under_way;
        uint64_t token_number; /* that the request was made with */
        bool asking; /* for a token of oauth2; the request comes after it */
        unsigned failures; /* of the server when we began to wait for its credentials */
        bool ended; /* and not looked at yet */
        CURLcode code;
        int64_t now_ms; /* of the last turn */
        int rc; /* of kube_watch_take */
        struct err why;
        char error[CURL_ERROR_SIZE];
        size_t head_bytes; /* of the answer, trailers included */
};

/* ---- what libcurl calls ---- */

static long
status_of(CURL *easy)
{
        long status = 0;

        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        return status;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
        struct kube_request *r = arg;

        if (r->rc == 0)
                r->rc = kube_watch_take(
                    r->watch, status_of(r->easy), (struct view){p, size * n}, &r->why);
        return r->rc == 0 ? size * n : CURL_WRITEFUNC_ERROR;
}

/* The empty line behind the head. */
static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
        struct kube_request *r = arg;

        if (!http_heads_fit(&r->head_bytes, size * n))
                return CURL_WRITEFUNC_ERROR;
        if (size * n == 2 && p[0] == '\r' && status_of(r->easy) == 200)
                kube_watch_accepted(r->watch, r->now_ms);
        return size * n;
}

static void
on_done(void *arg, CURLcode code)
{
        struct kube_request *r = arg;

        r->ended = true;
        r->code = code;
}

/* ---- begin ---- */

/* The server's URL without the / at its end, and the path. */
static int
build_url(struct kube_request *r, struct buf *out, unsigned *seconds, struct err *e)
{
        const char *base = r->session->url;
        size_t n = strlen(base);
        int rc;

        while (n > 0 && base[n - 1] == '/')
                n--;
        rc = buf_append(out, base, n, e);
        if (rc == 0)
                rc = kube_watch_begin(r->watch, r->now_ms, out, seconds, e);
        return rc == 0 ? buf_putc(out, '\0', e) : rc;
}

/* seconds: of a watch; 0: a list. */
static void
set_times(CURL *easy, unsigned seconds)
{
        (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
        (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
        (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
        if (seconds > 0) {
                (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)seconds + WATCH_GRACE_S);
                return;
        }
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALLED_S);
        (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static void
set_options(struct kube_request *r, unsigned seconds)
{
        CURL *easy = r->easy;

        r->head_bytes = 0;
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->error);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
        (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L); /* watches share an HTTP/2 connection */
        set_times(easy, seconds);
}

static int
reset(struct kube_request *r, struct err *e)
{
        if (r->easy == NULL)
                r->easy = curl_easy_init();
        if (r->easy == NULL)
                return err_nomem(e, "a request");
        curl_easy_reset(r->easy);
        curl_slist_free_all(r->headers);
        r->headers = curl_slist_append(NULL, "Accept: application/json");
        r->error[0] = '\0';
        r->rc = 0;
        return r->headers != NULL ? 0 : err_nomem(e, "a request");
}

static int
start_request(struct kube_request *r, struct err *e)
{
        struct buf url = BUF_INIT(URL_MAX);
        unsigned seconds = 0;
        int rc = build_url(r, &url, &seconds, e);

        if (rc == 0) {
                const struct http_request request = {r->easy, url.ptr, &r->headers};

                rc = http_client_apply(r->session->client, &request, e);
                r->token_number = http_client_token_number(r->session->client);
        }
        buf_release(&url);
        if (rc == 0)
                set_options(r, seconds);
        return rc;
}

static int
ask_token(struct kube_request *r, struct err *e)
{
        const struct http_request request = {r->easy, r->session->url, &r->headers};
        int rc;

        curl_slist_free_all(r->headers);
        r->headers = NULL;
        rc = http_client_ask_token(r->session->client, &request, e);
        if (rc < 0)
                return rc;
        (void)curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, (long)TOKEN_S);
        r->asking = true;
        return 0;
}

static void
wait_for_credentials(struct kube_request *r)
{
        if (!r->watch->waiting)
                r->failures = r->watch->server->failures;
        r->watch->waiting = true;
        r->watch->due_ms = INT64_MAX;
}

/* The request, or what it needs first; that may be another's to get. */
static int
start(struct kube_request *r, struct err *e)
{
        enum http_token token = HTTP_TOKEN_READY;
        int rc = kube_server_open(r->watch->server, r->now_ms, &r->session, e);

        if (rc == 0 && r->session != NULL)
                rc = http_client_token(r->session->client, &token, e);
        if (rc < 0)
                return rc;
        if (r->session == NULL || token != HTTP_TOKEN_READY)
                wait_for_credentials(r);
        else
                r->watch->waiting = false;
        if (r->session == NULL || token == HTTP_TOKEN_ASKED)
                return 0;
        rc = reset(r, e);
        if (rc == 0)
                rc = token == HTTP_TOKEN_READY ? start_request(r, e) : ask_token(r, e);
        if (rc == 0)
                rc = net_start(r->net, r->easy, &r->transfer, e);
        r->under_way = rc == 0;
        if (r->asking && rc < 0)
                http_client_cancel_token(r->session->client, r->easy);
        return rc;
}

static void
drop_session(struct kube_request *r)
{
        kube_session_put(r->session);
        r->session = NULL;
        r->asking = false;
}

/* ---- end ---- */

/* The watch goes on without an answer. */
static void
fail(struct kube_request *r, const struct err *why)
{
        const struct kube_end end = {.rc = ERR_AGAIN, .why = why->msg};

        r->watch->waiting = false;
        kube_watch_end(r->watch, &end, r->now_ms);
}

static void
finish(struct kube_request *r)
{
        struct kube_end end = {.status = status_of(r->easy), .rc = r->rc, .why = r->why.msg};
        char text[ERR_MSG_MAX];
        curl_off_t after = 0;

        (void)curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &after);
        if (after > KUBE_RETRY_AFTER_MAX_MS / 1000)
                after = KUBE_RETRY_AFTER_MAX_MS / 1000;
        end.retry_after_ms = after * 1000;
        if (r->code != CURLE_OK && r->rc == 0) {
                http_describe(r->code, r->error, text, sizeof(text));
                end.rc = ERR_AGAIN;
                end.why = text;
        }
        http_client_answered(r->session->client, r->token_number, end.status);
        if (end.status == 401)
                kube_server_refused(r->watch->server, r->session);
        kube_watch_end(r->watch, &end, r->now_ms);
}

static void
begin(struct kube_request *r)
{
        struct err e = ERR_INIT;

        if (start(r, &e) < 0)
                fail(r, &e);
        if (!r->under_way)
                drop_session(r);
}

/* The token is there, or those that wait for it are told that it is not. */
static void
take_token(struct kube_request *r)
{
        struct err e = ERR_INIT;
        int rc = http_client_take_token(r->session->client, r->easy, r->code, &e);

        drop_session(r);
        if (rc == 0) {
                begin(r);
                return;
        }
        kube_server_failed(r->watch->server, &e);
        fail(r, &e);
}

static void
take_end(struct kube_request *r)
{
        r->ended = false;
        r->under_way = false;
        if (r->asking) {
                take_token(r);
                return;
        }
        finish(r);
        drop_session(r);
}

void
kube_request_turn(struct kube_request *r, int64_t now_ms)
{
        struct kube_server *server = r->watch->server;

        r->now_ms = now_ms;
        if (r->ended)
                take_end(r);
        if (r->under_way)
                return;
        if (r->watch->waiting && r->failures != server->failures)
                fail(r, &server->why);
        else if (r->watch->waiting || r->watch->due_ms <= now_ms)
                begin(r);
}

int
kube_request_new(
    struct kube_watch *w, struct source_net *net, struct kube_request **out, struct err *e)
{
        struct kube_request *r = calloc(1, sizeof(*r));

        if (r == NULL)
                return err_nomem(e, "a Kubernetes watch");
        r->watch = w;
        r->net = net;
        r->transfer = (struct net_transfer){on_done, r};
        *out = r;
        return 0;
}

void
kube_request_free(struct kube_request *r)
{
        if (r == NULL)
                return;
        if (r->easy != NULL) {
                if (r->under_way && !r->ended)
                        net_stop(r->net, r->easy);
                if (r->asking)
                        http_client_cancel_token(r->session->client, r->easy);
                curl_easy_cleanup(r->easy);
        }
        kube_session_put(r->session);
        curl_slist_free_all(r->headers);
        free(r);
}
