/*
 * The way through libcurl: names are resolved, TLS, redirects and whatever else HTTP has.
 *
 * When a plain connection has brought a page whole and may be used again, libcurl is made to give
 * it up, and it is kept for the next scrape with the request that libcurl wrote (fetch_direct.c).
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/http.h"
#include "base/memory.h"
#include "scrape/fetch_state.h"
#include "scrape/job.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FETCH_CURL_MEMORY = 30 << 10 }; /* about what a handle and its buffer cost */

/* ---- the request ---- */

int
fetch_accept(const struct scrape_job *job, struct buf *out, struct err *e)
{
        static const struct {
                const char *type;
                bool escaping; /* how names are to be escaped is said of this one */
        } types[SCRAPE_PROTOCOLS] = {
            [SCRAPE_OPENMETRICS_1_0_0] = {"application/openmetrics-text;version=1.0.0", true},
            [SCRAPE_OPENMETRICS_0_0_1] = {"application/openmetrics-text;version=0.0.1", false},
            [SCRAPE_TEXT_1_0_0] = {"text/plain;version=1.0.0", true},
            [SCRAPE_TEXT_0_0_4] = {"text/plain;version=0.0.4", false},
        };
        int weight = 6; /* tenths, falling by one from entry to entry */
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < job->protocols.n; i++) {
                bool escaping = types[job->protocols.v[i]].escaping;

                rc = buf_printf(out, e, "%s%s%s;q=0.%d,", types[job->protocols.v[i]].type,
                    escaping ? ";escaping=" : "", escaping ? job->escaping : "", weight--);
        }
        if (rc == 0)
                rc = buf_printf(out, e, "*/*;q=0.%d", weight);
        return rc;
}

/* Seconds as the shortest decimal: 10, 0.5. */
static void
format_seconds(int64_t ms, char *out, size_t cap)
{
        int n = snprintf(out, cap, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));

        while (n > 0 && out[n - 1] == '0')
                out[--n] = '\0';
        if (n > 0 && out[n - 1] == '.')
                out[n - 1] = '\0';
}

static int
add_header(struct fetch *x, const char *line, struct err *e)
{
        struct curl_slist *longer = curl_slist_append(x->headers, line);

        if (longer == NULL)
                return err_nomem(e, "a header");
        x->headers = longer;
        return 0;
}

static int
add_headers(struct fetch *x, struct err *e)
{
        const struct fetch_request *r = &x->request;
        struct buf accept = BUF_INIT(1024);
        char seconds[32];
        char timeout[96];
        int rc = buf_puts(&accept, "Accept: ", e);

        format_seconds(r->timeout_ms, seconds, sizeof(seconds));
        (void)snprintf(
            timeout, sizeof(timeout), "X-Prometheus-Scrape-Timeout-Seconds: %s", seconds);
        if (rc == 0)
                rc = fetch_accept(r->job, &accept, e);
        if (rc == 0)
                rc = buf_putc(&accept, '\0', e);
        if (rc == 0)
                rc = add_header(x, accept.ptr, e);
        if (rc == 0)
                rc = add_header(x,
                    r->job->enable_compression ? "Accept-Encoding: gzip"
                                               : "Accept-Encoding: identity",
                    e);
        if (rc == 0)
                rc = add_header(x, timeout, e);
        buf_release(&accept);
        return rc;
}

/* ---- what libcurl calls ---- */

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
        struct fetch *x = arg;
        size_t n = size * count;

        if (!http_heads_fit(&x->head_bytes, n))
                return CURL_WRITEFUNC_ERROR;
        fetch_take_header(x, p, n);
        return n;
}

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
        struct fetch *x = arg;
        size_t n = size * count;

        if (x->rest.len > 0 || (x->turn == x->owner->turn && x->turn_bytes >= FETCH_TURN_BYTES)) {
                x->paused = true;
                x->owner->n_paused++;
                return CURL_WRITEFUNC_PAUSE;
        }
        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->result.status);
        x->result.rc = fetch_take_body(x, p, n, &x->result.err);
        return x->result.rc == 0 ? n : CURL_WRITEFUNC_ERROR;
}

/* The request as it goes out; the last one counts. */
static int
on_trace(CURL *easy, curl_infotype type, char *p, size_t n, void *arg)
{
        struct fetch *x = arg;

        (void)easy;
        if (type == CURLINFO_HEADER_OUT) {
                buf_reset(&x->sent);
                if (buf_append(&x->sent, p, n, NULL) < 0)
                        buf_reset(&x->sent); /* too long to be kept */
        }
        return 0;
}

/* A connection is given up: the last one is that of the answer, others were tried in vain. */
static int
on_close(void *arg, curl_socket_t fd)
{
        struct fetch *x = arg;

        if (x->kept_fd >= 0)
                (void)close(x->kept_fd);
        x->kept_fd = fd;
        return 0;
}

/* ---- start ---- */

static void
set_options(struct fetch *x)
{
        const struct fetch_request *r = &x->request;
        CURL *easy = x->easy;

        x->head_bytes = 0;
        (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
        if (r->unix_socket != NULL) {
                (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
                (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        }
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
        (void)curl_easy_setopt(
            easy, CURLOPT_MAXAGE_CONN, (long)((x->owner->max_idle_ms + 999) / 1000));
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
}

/* Secrets are not kept with the request: a job that has some goes through libcurl each time. */
static bool
may_keep(const struct fetch_request *r)
{
        return r->route != NULL && !r->route->by_libcurl && r->unix_socket == NULL &&
            strncasecmp(r->url, "http://", 7) == 0 && !http_client_needs_libcurl(r->client);
}

static void
set_keeping(struct fetch *x)
{
        x->keeping = may_keep(&x->request);
        if (!x->keeping)
                return;
        (void)curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
        (void)curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L);
        (void)curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        (void)curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, x);
        (void)curl_easy_setopt(x->easy, CURLOPT_DEBUGFUNCTION, on_trace);
        (void)curl_easy_setopt(x->easy, CURLOPT_DEBUGDATA, x);
        (void)curl_easy_setopt(x->easy, CURLOPT_VERBOSE, 1L);
}

static void
set_timeout(struct fetch *x)
{
        int64_t left_ms = x->deadline_ms - x->owner->now_ms;

        (void)curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
        (void)curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
}

static int
ask_for_page(struct fetch *x, struct err *e)
{
        const struct http_request r = {x->easy, x->request.url, &x->headers};
        int rc = add_headers(x, e);

        if (rc == 0)
                rc = http_client_apply(x->request.client, &r, e);
        if (rc < 0)
                return rc;
        x->token_number = http_client_token_number(x->request.client);
        set_options(x);
        set_keeping(x);
        return 0;
}

int
fetch_curl_start(struct fetcher *f, struct fetch *x, struct err *e)
{
        bool ready = false;
        int rc;

        if (x->easy == NULL) {
                x->easy = curl_easy_init();
                if (x->easy == NULL)
                        return err_nomem(e, "a fetch");
                memory_account(MEMORY_STAGING, FETCH_CURL_MEMORY);
        }
        x->error[0] = '\0';
        x->paused = false;
        rc = fetch_token_start(f, x, &ready, e);
        if (rc == 0 && ready)
                rc = ask_for_page(x, e);
        if (rc < 0 || x->waiting)
                return rc;
        set_timeout(x);
        if (curl_multi_add_handle(f->multi, x->easy) != CURLM_OK) {
                fetch_token_remove(f, x);
                return err_nomem(e, "a fetch");
        }
        x->in_curl = true;
        f->n_curl++;
        return 0;
}

/* ---- end ---- */

void
fetch_curl_remove(struct fetcher *f, struct fetch *x)
{
        fetch_token_remove(f, x);
        if (!x->in_curl)
                return;
        (void)curl_multi_remove_handle(f->multi, x->easy);
        x->in_curl = false;
        f->n_curl--;
        f->n_paused -= x->paused;
        x->paused = false;
}

void
fetch_curl_reset(struct fetch *x)
{
        if (x->easy != NULL)
                curl_easy_reset(x->easy);
        curl_slist_free_all(x->headers);
        x->headers = NULL;
        if (x->kept_fd >= 0)
                (void)close(x->kept_fd);
        x->kept_fd = -1;
        x->keeping = false;
        x->ended = false;
        buf_release(&x->sent);
}

void
fetch_curl_release(struct fetch *x)
{
        fetch_curl_reset(x);
        if (x->easy == NULL)
                return;
        curl_easy_cleanup(x->easy);
        x->easy = NULL;
        memory_account(MEMORY_STAGING, -FETCH_CURL_MEMORY);
}

static void
describe_failure(struct fetch *x, CURLcode code)
{
        char why[ERR_MSG_MAX];

        if (code == CURLE_OPERATION_TIMEDOUT) {
                fetch_timed_out(x);
                return;
        }
        http_describe(code, x->error, why, sizeof(why));
        x->result.rc = err_set(&x->result.err, ERR_AGAIN, "%s", why);
}

/* The page came in whole: its connection serves the next scrape, unless it needed libcurl. */
static void
keep_connection(struct fetcher *f, struct fetch *x)
{
        long redirects = 0;
        long version = 0;
        int fd = x->kept_fd;

        (void)curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_COUNT, &redirects);
        (void)curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
        if (redirects > 0 || version != CURL_HTTP_VERSION_1_1 || x->closes || x->sent.len == 0 ||
            fd < 0) {
                x->request.route->by_libcurl = true;
                return;
        }
        x->kept_fd = -1;
        fetch_direct_keep(f, x->request.route, fd, buf_view(&x->sent));
}

static void
end(struct fetcher *f, struct fetch *x, CURLcode code)
{
        struct fetch_result *r = &x->result;
        curl_off_t body = 0;
        long header = 0;
        long opened = 0;

        if (x->asking) {
                fetch_token_end(f, x, code);
                return;
        }
        if (code == CURLE_OK && x->rest.len > 0) {
                fetch_curl_remove(f, x);
                x->ended = true;
                return;
        }
        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &r->status);
        (void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
        (void)curl_easy_getinfo(x->easy, CURLINFO_HEADER_SIZE, &header);
        (void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &opened);
        r->wire_bytes += (uint64_t)body + (uint64_t)header;
        r->connections_opened = (unsigned)opened;
        http_client_answered(x->request.client, x->token_number, r->status);
        if (r->rc == 0 && code != CURLE_OK)
                describe_failure(x, code);
        if (r->rc == 0)
                r->rc = fetch_end_body(x, &r->err);
        if (r->rc == 0 && x->keeping)
                keep_connection(f, x);
        fetch_finish(f, x);
}

void
fetch_curl_drained(struct fetcher *f, struct fetch *x)
{
        if (!x->ended)
                return;
        x->ended = false;
        end(f, x, CURLE_OK);
}

static void
resume_paused(struct fetcher *f)
{
        struct fetch *next;

        for (struct fetch *x = f->active; x != NULL && f->n_paused > 0; x = next) {
                CURLcode code;

                next = x->next;
                if (!x->paused || x->rest.len > 0)
                        continue;
                x->paused = false;
                f->n_paused--;
                /* calls on_body with what was kept back; its failure is told here
                 * and only here */
                code = curl_easy_pause(x->easy, CURLPAUSE_CONT);
                if (code != CURLE_OK)
                        end(f, x, code);
        }
}

int
fetch_curl_turn(struct fetcher *f, struct err *e)
{
        int running = 0;
        int left = 0;
        CURLMcode code;
        CURLMsg *m;

        resume_paused(f);
        fetch_token_turn(f);
        code = curl_multi_perform(f->multi, &running);
        while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
                CURLcode result = m->data.result;
                struct fetch *x = NULL;

                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
                assert(x != NULL);
                end(f, x, result);
        }
        if (code != CURLM_OK)
                return err_set(e, ERR_SYS, "cannot drive transfers: %s", curl_multi_strerror(code));
        return 0;
}
