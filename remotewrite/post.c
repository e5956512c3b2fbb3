#include "remotewrite/post.h"

#include "base/err.h"
#include "base/http.h"
#include "base/memory.h"
#include "remotewrite/backoff.h"
#include "remotewrite/endpoint.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
        ANSWER_DISCARD_MAX = 256 << 10, /* of a body that is longer than what we keep */
        CONNECTION_AGE_S = 600, /* so that changes of the DNS are followed */
        BUFFER_BYTES = 8 << 10, /* for what comes back */
        UPLOAD_BYTES = 16 << 10,
        UNSENT_BYTES = 16 << 10,
};

/* One transfer: a handle that keeps nothing from one request to the next but its connection. */
struct slot {
        struct post *post;
        CURL *easy; /* owned; NULL: never used */
        struct curl_slist *headers; /* owned while it flies */
        struct post_job job;
        bool flying;
        uint64_t token_number; /* that the request was made with */
        bool asking; /* for a token of oauth2; the request comes after it */
        bool waiting; /* for the token that another slot asks for; not in libcurl */
        bool failed; /* without a token: the result is to be handed out */
        size_t read; /* of the body, by libcurl */
        bool resent; /* it was read as a whole and then once more */
        size_t received;
        size_t head_bytes; /* of the answer, trailers included */
        char error[CURL_ERROR_SIZE];
        char body[ANSWER_BODY_MAX];
};

struct post {
        const struct remote_endpoint *endpoint; /* borrowed */
        struct http_client *client; /* owned */
        CURLM *multi; /* owned */
        struct slot slots[POST_MAX_FLYING];
        size_t flying;
        struct slot *finished; /* whose result was handed out last */
        CURLcode finished_code;
};

int
post_new(struct post **out, struct err *e)
{
        struct post *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "a sender");
        p->multi = curl_multi_init();
        if (p->multi == NULL) {
                free(p);
                return err_nomem(e, "a sender");
        }
        (void)curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)POST_MAX_FLYING);
        for (int i = 0; i < POST_MAX_FLYING; i++)
                p->slots[i].post = p;
        memory_account(MEMORY_SEND, (int64_t)sizeof(*p));
        *out = p;
        return 0;
}

/* The transfer is over or given up: the slot is free again. */
static void
end_slot(struct slot *s)
{
        if (!s->flying)
                return;
        (void)curl_multi_remove_handle(s->post->multi, s->easy);
        http_client_cancel_token(s->post->client, s->easy);
        curl_slist_free_all(s->headers);
        s->headers = NULL;
        s->flying = s->asking = s->waiting = s->failed = false;
        s->post->flying--;
}

void
post_cancel(struct post *p)
{
        p->finished = NULL;
        for (int i = 0; i < POST_MAX_FLYING; i++)
                end_slot(&p->slots[i]);
}

void
post_free(struct post *p)
{
        if (p == NULL)
                return;
        post_cancel(p);
        for (int i = 0; i < POST_MAX_FLYING; i++)
                curl_easy_cleanup(p->slots[i].easy);
        (void)curl_multi_cleanup(p->multi);
        http_client_free(p->client);
        memory_account(MEMORY_SEND, -(int64_t)sizeof(*p));
        free(p);
}

int
post_configure(struct post *p, const struct remote_endpoint *endpoint, struct err *e)
{
        struct http_client *client = NULL;
        int rc = http_client_new(&endpoint->http, TLS_1_3, &client, e);

        if (rc < 0)
                return rc;
        http_client_free(p->client);
        p->client = client;
        p->endpoint = endpoint;
        return 0;
}

/* ---- what libcurl calls ---- */

static size_t
give_body(char *to, size_t size, size_t n, void *arg)
{
        struct slot *s = arg;
        size_t left = s->job.body.n - s->read;
        size_t room = size * n;
        size_t given = left < room ? left : room;

        memcpy(to, s->job.body.p + s->read, given);
        s->read += given;
        return given;
}

/* libcurl begins again: on another connection, or after a redirect. */
static int
rewind_body(void *arg, curl_off_t offset, int origin)
{
        struct slot *s = arg;

        if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > s->job.body.n)
                return CURL_SEEKFUNC_FAIL;
        if (s->read == s->job.body.n)
                s->resent = true;
        s->read = (size_t)offset;
        return CURL_SEEKFUNC_OK;
}

/* Keeps the beginning, reads on for a while, so that the connection can be used again. */
static size_t
keep_answer(char *from, size_t size, size_t n, void *arg)
{
        struct slot *s = arg;
        size_t more = size * n;

        if (s->received < sizeof(s->body)) {
                size_t room = sizeof(s->body) - s->received;

                memcpy(s->body + s->received, from, more < room ? more : room);
        }
        s->received += more;
        return s->received <= ANSWER_DISCARD_MAX ? more : 0;
}

/*
 * Little that is not on its way waits in the kernel: what was handed over is then a fair measure of
 * how far a body got. (Unlike a small SO_SNDBUF this does not bound what is in flight.)
 */
static int
bound_unsent(void *arg, curl_socket_t fd, curlsocktype purpose)
{
        int bytes = UNSENT_BYTES;

        (void)arg;
        (void)purpose;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
        return CURL_SOCKOPT_OK;
}

/* ---- beginning ---- */

static int
add_header(struct slot *s, const char *line, struct err *e)
{
        struct curl_slist *longer = curl_slist_append(s->headers, line);

        if (longer == NULL)
                return err_nomem(e, "a header");
        s->headers = longer;
        return 0;
}

static int
add_headers(struct slot *s, struct err *e)
{
        const bool v2 = s->job.message == WRITE_2;
        const char *const fixed[] = {
            "Content-Encoding: snappy",
            v2 ? "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"
               : "Content-Type: application/x-protobuf",
            v2 ? "X-Prometheus-Remote-Write-Version: 2.0.0"
               : "X-Prometheus-Remote-Write-Version: 0.1.0",
            /* not in a signed request, whose body is too small for a 100 to be waited for */
            "Expect:",
            "Accept:",
        };
        const size_t suppressed = 2;
        const struct remote_endpoint *x = s->post->endpoint;
        size_t n = sizeof(fixed) / sizeof(fixed[0]) - (x->http.sigv4 != NULL ? suppressed : 0);
        char line[512];
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = add_header(s, fixed[i], e);
        if (rc == 0 && s->job.attempt > 0) {
                (void)snprintf(line, sizeof(line), "Retry-Attempt: %u", s->job.attempt);
                rc = add_header(s, line, e);
        }
        if (rc == 0 && x->tenant_header != NULL) {
                (void)snprintf(line, sizeof(line), "%s: %s", x->tenant_header, x->tenant);
                rc = add_header(s, line, e);
        }
        return rc;
}

static int
set_up(struct slot *s, struct err *e)
{
        const struct remote_endpoint *x = s->post->endpoint;
        CURL *easy = s->easy;
        const struct http_request r = {easy, x->url, &s->headers};
        int rc = http_client_apply(s->post->client, &r, e);

        s->token_number = http_client_token_number(s->post->client);
        if (rc == 0)
                rc = add_headers(s, e);
        if (rc == 0 && x->http.sigv4 != NULL)
                rc = http_client_sign(s->post->client, &r, s->job.body, e);
        if (rc < 0)
                return rc;
        if (curl_easy_setopt(easy, CURLOPT_HTTPHEADER, s->headers) != CURLE_OK)
                return err_nomem(e, "a request");
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->job.body.n);
        (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
        (void)curl_easy_setopt(easy, CURLOPT_READDATA, s);
        (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body);
        (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, s);
        (void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, bound_unsent);
        http_bound_heads(easy, &s->head_bytes);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->error);
        (void)curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, x->round_robin_dns ? 1L : 0L);
        (void)curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_S);
        (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
        (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
        return 0;
}

/* Asks for a token first when one is wanted, or waits for it; else the request is set up. */
static int
prepare(struct slot *s, struct err *e)
{
        const struct http_request r = {s->easy, s->post->endpoint->url, &s->headers};
        enum http_token token = HTTP_TOKEN_READY;
        int rc = http_client_token(s->post->client, &token, e);

        s->asking = s->waiting = false;
        if (rc == 0 && token == HTTP_TOKEN_READY)
                rc = set_up(s, e);
        else if (rc == 0 && token == HTTP_TOKEN_WANTED)
                rc = http_client_ask_token(s->post->client, &r, e);
        if (rc < 0)
                return rc;
        s->asking = token == HTTP_TOKEN_WANTED;
        s->waiting = token == HTTP_TOKEN_ASKED;
        return 0;
}

/* To the first byte, of the token's request or of its own. */
static int
launch(struct slot *s, struct err *e)
{
        int rc;

        curl_easy_reset(s->easy);
        curl_slist_free_all(s->headers);
        s->headers = NULL;
        rc = prepare(s, e);
        if (rc < 0 || s->waiting)
                return rc;
        (void)curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
        (void)curl_easy_setopt(
            s->easy, CURLOPT_TIMEOUT_MS, (long)s->post->endpoint->remote_timeout_ms);
        if (curl_multi_add_handle(s->post->multi, s->easy) == CURLM_OK)
                return 0;
        http_client_cancel_token(s->post->client, s->easy);
        return err_nomem(e, "a request");
}

static struct slot *
free_slot(struct post *p)
{
        for (int i = 0; i < POST_MAX_FLYING; i++) {
                if (!p->slots[i].flying)
                        return &p->slots[i];
        }
        return NULL;
}

int
post_start(struct post *p, const struct post_job *job, struct err *e)
{
        struct slot *s;
        int rc = 0;

        if (p->finished != NULL)
                end_slot(p->finished);
        p->finished = NULL;
        s = free_slot(p);
        if (s == NULL)
                return err_set(e, ERR_LIMIT, "too many requests are in flight");
        if (s->easy == NULL)
                s->easy = curl_easy_init();
        if (s->easy == NULL)
                return err_nomem(e, "a request");
        s->job = *job;
        s->read = s->received = 0;
        s->resent = false;
        s->error[0] = '\0';
        rc = launch(s, e);
        if (rc < 0) {
                curl_slist_free_all(s->headers);
                s->headers = NULL;
                return rc;
        }
        s->flying = true;
        p->flying++;
        return 0;
}

size_t
post_flying(const struct post *p)
{
        return p->flying - (p->finished != NULL ? 1 : 0);
}

/* ---- ending ---- */

/* Of the answer to the request with this number; -1: the last. */
static struct view
header(struct slot *s, const char *name, int request)
{
        struct curl_header *h = NULL;

        if (curl_easy_header(s->easy, name, 0, CURLH_HEADER, request, &h) != CURLHE_OK)
                return (struct view){NULL, 0};
        return view_of(h->value);
}

/* Where the last answer wants us to go: also when we did not, and that request had no answer. */
static struct view
location(struct slot *s, long redirects)
{
        struct view v = header(s, "Location", -1);

        return v.p == NULL && redirects > 0 ? header(s, "Location", (int)redirects - 1) : v;
}

static bool
over_verified_tls(const struct slot *s)
{
        char *scheme = NULL;

        return !s->post->endpoint->http.insecure_skip_verify &&
            curl_easy_getinfo(s->easy, CURLINFO_SCHEME, &scheme) == CURLE_OK && scheme != NULL &&
            strcasecmp(scheme, "https") == 0;
}

static void
read_result(struct slot *s, CURLcode code, struct post_result *out)
{
        curl_off_t sent = 0;
        curl_off_t total = 0;
        curl_off_t before = 0;
        long opened = 0;
        long redirects = 0;
        long status = 0;

        (void)curl_easy_getinfo(s->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
        (void)curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &total);
        (void)curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &before);
        (void)curl_easy_getinfo(s->easy, CURLINFO_NUM_CONNECTS, &opened);
        (void)curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_COUNT, &redirects);
        (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        *out = (struct post_result){
            .tag = s->job.tag,
            .answer =
                {
                    .code = code,
                    .error = s->error,
                    .status = status,
                    .content_type = header(s, "Content-Type", -1),
                    .retry_after = header(s, "Retry-After", -1),
                    .location = location(s, redirects),
                    .written = header(s, "X-Prometheus-Remote-Write-Samples-Written", -1),
                    .body = {s->body,
                        s->received < sizeof(s->body) ? s->received : sizeof(s->body)},
                    .reused = opened == 0,
                    .resent = s->resent && redirects == 0,
                    .body_bytes = s->job.body.n,
                    .sent_bytes = (uint64_t)sent,
                },
            .elapsed_ms = (total - before) / 1000,
            .seconds = (double)total / 1e6,
            .date_ms = http_date_ms(header(s, "Date", -1)),
            .date_verified = over_verified_tls(s),
            .opened = (unsigned)opened,
        };
}

/* The slot's request was never made. */
static void
fail_slot(struct slot *s, const struct err *why)
{
        (void)snprintf(s->error, sizeof(s->error), "%.*s", CURL_ERROR_SIZE - 1, why->msg);
        s->asking = s->waiting = false;
        s->failed = true;
}

/* A request for a token is over: its slot and those that wait go on, or fail. */
static void
take_token(struct slot *s, CURLcode code)
{
        struct post *p = s->post;
        struct err why = ERR_INIT;
        int rc = http_client_take_token(p->client, s->easy, code, &why);

        (void)curl_multi_remove_handle(p->multi, s->easy);
        if (rc == 0)
                rc = launch(s, &why);
        if (rc < 0)
                fail_slot(s, &why);
        for (int i = 0; i < POST_MAX_FLYING; i++) {
                struct slot *other = &p->slots[i];

                if (!other->waiting || other == s)
                        continue;
                if (rc == 0)
                        rc = launch(other, &why);
                if (rc < 0)
                        fail_slot(other, &why);
        }
}

/* A slot that got no token. */
static bool
take_failed(struct post *p, struct post_result *out)
{
        for (int i = 0; i < POST_MAX_FLYING; i++) {
                struct slot *s = &p->slots[i];

                if (!s->failed)
                        continue;
                *out = (struct post_result){.tag = s->job.tag,
                    .answer = {.code = CURLE_LOGIN_DENIED,
                        .error = s->error,
                        .body_bytes = s->job.body.n}};
                s->failed = false;
                p->finished = s;
                return true;
        }
        return false;
}

/* A finished transfer, if libcurl has one. */
static bool
take_result(struct post *p, struct post_result *out)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
                CURLcode code = m->data.result;
                struct slot *s = NULL;

                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
                if (s->asking) {
                        take_token(s, code);
                        continue;
                }
                read_result(s, code, out);
                http_client_answered(p->client, s->token_number, out->answer.status);
                p->finished = s; /* its headers are views into the handle: ended at the next call */
                return true;
        }
        return take_failed(p, out);
}

bool
post_wait(struct post *p, int64_t timeout_ms, struct post_result *out)
{
        int running = 0;
        int max = timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX;

        if (p->finished != NULL)
                end_slot(p->finished);
        p->finished = NULL;
        (void)curl_multi_perform(p->multi, &running);
        if (take_result(p, out))
                return true;
        if (max > 0) {
                (void)curl_multi_poll(p->multi, NULL, 0, max, NULL);
                (void)curl_multi_perform(p->multi, &running);
        }
        return take_result(p, out);
}

void
post_wake(struct post *p)
{
        (void)curl_multi_wakeup(p->multi);
}

int64_t
post_cert_expiry_ms(struct post *p)
{
        return p->client != NULL ? http_client_cert_expiry_ms(p->client) : 0;
}
