#include "scrape/fetch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/http.h"
#include "base/memory.h"
#include "scrape/job.h"
#include "scrape/mediatype.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        FETCH_TURN_BYTES = 256 << 10, /* decompressed, per page and turn; then others have a go */
        FETCH_MAX_DISCARD = 64 << 10, /* of the body of an error page, to keep its connection */
        FETCH_IDLE = 4, /* handles kept for later: scrapes are spread over time */
        FETCH_SPARE_CONNECTIONS = 16,
        FETCH_MIN_IDLE_MS = 120 * 1000,
        FETCH_HEADER_MAX = 256, /* of the two header values that matter */
        FETCH_MEMORY = 30 << 10, /* about what a handle and its buffer cost */
        FETCH_GUNZIP_MEMORY = 80 << 10,
};

struct fetch {
        struct fetch *next; /* in the list that it is in */
        struct fetch *prev; /* in the active list */
        struct fetcher *owner;
        CURL *easy; /* owned */
        struct gunzip *gunzip; /* owned; NULL until a page needs it */
        struct curl_slist *headers; /* owned, of this request */
        struct fetch_request request;
        struct fetch_result result;
        char error[CURL_ERROR_SIZE];
        /* of the answer whose headers came last */
        char content_type[FETCH_HEADER_MAX];
        bool has_content_type;
        bool gzipped;
        bool has_encoding;
        uint64_t discarded;
        /* fairness */
        uint64_t turn; /* of the fetcher, in which turn_bytes were counted */
        size_t turn_bytes;
        bool paused;
};

struct fetcher {
        CURLM *multi; /* owned */
        struct fetch *active; /* owned list */
        size_t n_active;
        struct fetch *idle; /* owned list */
        size_t n_idle;
        uint64_t turn;
        size_t n_paused;
        int64_t max_idle_ms;
};

int
fetcher_new(struct fetcher **out, struct err *e)
{
        struct fetcher *f = calloc(1, sizeof(*f));

        if (f == NULL)
                return err_nomem(e, "the fetcher");
        f->multi = curl_multi_init();
        if (f->multi == NULL) {
                free(f);
                return err_nomem(e, "the fetcher");
        }
        fetcher_expect(f, 0, 0);
        *out = f;
        return 0;
}

static void
free_fetch(struct fetch *x)
{
        memory_account(
            MEMORY_STAGING, -(FETCH_MEMORY + (x->gunzip != NULL ? FETCH_GUNZIP_MEMORY : 0)));
        curl_easy_cleanup(x->easy);
        curl_slist_free_all(x->headers);
        gunzip_free(x->gunzip);
        free(x);
}

void
fetcher_free(struct fetcher *f)
{
        if (f == NULL)
                return;
        for (struct fetch *x = f->active, *next; x != NULL; x = next) {
                next = x->next;
                (void)curl_multi_remove_handle(f->multi, x->easy);
                free_fetch(x);
        }
        for (struct fetch *x = f->idle, *next; x != NULL; x = next) {
                next = x->next;
                free_fetch(x);
        }
        (void)curl_multi_cleanup(f->multi);
        free(f);
}

void
fetcher_expect(struct fetcher *f, size_t targets, int64_t longest_interval_ms)
{
        (void)curl_multi_setopt(
            f->multi, CURLMOPT_MAXCONNECTS, (long)(targets + FETCH_SPARE_CONNECTIONS));
        f->max_idle_ms = longest_interval_ms * 3 / 2;
        if (f->max_idle_ms < FETCH_MIN_IDLE_MS)
                f->max_idle_ms = FETCH_MIN_IDLE_MS;
}

size_t
fetcher_in_flight(const struct fetcher *f)
{
        return f->n_active;
}

void
fetcher_wake(struct fetcher *f)
{
        (void)curl_multi_wakeup(f->multi);
}

/* ---- the request ---- */

int
fetch_accept(const struct scrape_job *job, struct buf *out, struct err *e)
{
        int weight = 6; /* tenths, falling by one from entry to entry */
        int rc = 0;

        if (job->accept_text_1_0_0)
                rc = buf_printf(out, e, "text/plain;version=1.0.0;escaping=%s;q=0.%d,",
                    job->escaping, weight--);
        if (rc == 0 && job->accept_text_0_0_4)
                rc = buf_printf(out, e, "text/plain;version=0.0.4;q=0.%d,", weight--);
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

/* ---- the answer ---- */

static bool
is_header(const char *line, size_t n, const char *name, struct view *value)
{
        size_t len = strlen(name);
        size_t from = len + 1;

        if (n <= len || line[len] != ':' || strncasecmp(line, name, len) != 0)
                return false;
        while (from < n && (line[from] == ' ' || line[from] == '\t'))
                from++;
        while (n > from && (unsigned char)line[n - 1] <= ' ')
                n--;
        *value = (struct view){line + from, n - from};
        return true;
}

static size_t
on_header(char *p, size_t size, size_t count, void *arg)
{
        struct fetch *x = arg;
        size_t n = size * count;
        struct view value;

        if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
                x->has_content_type = false;
                x->has_encoding = false;
                x->gzipped = false;
                x->content_type[0] = '\0';
        } else if (!x->has_content_type && is_header(p, n, "Content-Type", &value)) {
                size_t keep = value.n < FETCH_HEADER_MAX - 1 ? value.n : FETCH_HEADER_MAX - 1;

                x->has_content_type = true;
                memcpy(x->content_type, value.p, keep);
                x->content_type[keep] = '\0';
        } else if (!x->has_encoding && is_header(p, n, "Content-Encoding", &value)) {
                x->has_encoding = true;
                x->gzipped = view_is(value, "gzip");
        }
        return n;
}

/* Decompressed bytes. */
static int
take_page(void *arg, const char *p, size_t n, struct err *e)
{
        struct fetch *x = arg;
        uint64_t limit = x->request.job->body_size_limit;

        if (n == 0)
                return 0;
        if (x->result.page_bytes == 0 && !x->request.any_type) {
                int rc =
                    media_type_accept(view_of(x->content_type), x->request.job->fallback_text, e);

                if (rc < 0)
                        return rc;
        }
        x->result.page_bytes += n;
        x->turn_bytes += n;
        if (limit > 0 && x->result.page_bytes >= limit) {
                x->result.over_body_limit = true;
                return err_set(
                    e, ERR_LIMIT, "the page has reached body_size_limit, %" PRIu64 " bytes", limit);
        }
        return x->request.piece(x->request.arg, p, n, e);
}

static int
take_body(struct fetch *x, const char *p, size_t n, struct err *e)
{
        int rc = 0;

        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->result.status);
        if (x->result.status != 200) {
                /* the little that there usually is, so that the connection can be used again */
                x->discarded += n;
                return x->discarded > FETCH_MAX_DISCARD
                    ? err_set(
                          e, ERR_REFUSED, "the server returned HTTP status %ld", x->result.status)
                    : 0;
        }
        if (!x->gzipped)
                return take_page(x, p, n, e);
        if (x->gunzip == NULL) {
                rc = gunzip_new(&x->gunzip, e);
                if (rc == 0)
                        memory_account(MEMORY_STAGING, FETCH_GUNZIP_MEMORY);
        }
        return rc == 0 ? gunzip_feed(x->gunzip, p, n, take_page, x, e) : rc;
}

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
        struct fetch *x = arg;
        size_t n = size * count;

        if (x->turn != x->owner->turn) {
                x->turn = x->owner->turn;
                x->turn_bytes = 0;
        }
        if (x->turn_bytes >= FETCH_TURN_BYTES) {
                x->paused = true;
                x->owner->n_paused++;
                return CURL_WRITEFUNC_PAUSE;
        }
        x->result.rc = take_body(x, p, n, &x->result.err);
        return x->result.rc == 0 ? n : CURL_WRITEFUNC_ERROR;
}

/* ---- start and end ---- */

/* An idle one or a new one; NULL without memory. */
static struct fetch *
new_fetch(struct fetcher *f)
{
        struct fetch *x = f->idle;

        if (x != NULL) {
                f->idle = x->next;
                f->n_idle--;
                return x;
        }
        x = calloc(1, sizeof(*x));
        if (x == NULL)
                return NULL;
        x->easy = curl_easy_init();
        if (x->easy == NULL) {
                free(x);
                return NULL;
        }
        x->owner = f;
        memory_account(MEMORY_STAGING, FETCH_MEMORY);
        return x;
}

/* Back to the idle ones, or freed when there are enough. */
static void
retire(struct fetcher *f, struct fetch *x)
{
        curl_easy_reset(x->easy);
        curl_slist_free_all(x->headers);
        x->headers = NULL;
        if (f->n_idle >= FETCH_IDLE) {
                free_fetch(x);
                return;
        }
        x->next = f->idle;
        f->idle = x;
        f->n_idle++;
}

static void
set_options(struct fetch *x)
{
        const struct fetch_request *r = &x->request;
        CURL *easy = x->easy;

        (void)curl_easy_setopt(easy, CURLOPT_URL, r->url);
        (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
        if (r->unix_socket != NULL) {
                (void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
                (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        }
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
        (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
        (void)curl_easy_setopt(
            easy, CURLOPT_MAXAGE_CONN, (long)((x->owner->max_idle_ms + 999) / 1000));
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
        (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
}

static int
check_scheme(const char *url, struct err *e)
{
        if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0)
                return 0;
        return err_set(e, ERR_CONFIG,
            "unsupported protocol scheme in \"%s\": http or https is "
            "expected",
            url);
}

int
fetch_start(struct fetcher *f, const struct fetch_request *r, struct fetch **out, struct err *e)
{
        struct fetch *x;
        int rc = check_scheme(r->url, e);

        if (rc < 0)
                return rc;
        x = new_fetch(f);
        if (x == NULL)
                return err_nomem(e, "a fetch");
        x->request = *r;
        x->result = (struct fetch_result){.err = ERR_INIT};
        x->error[0] = '\0';
        x->content_type[0] = '\0';
        x->has_content_type = false;
        x->has_encoding = false;
        x->gzipped = false;
        x->discarded = 0;
        x->turn_bytes = 0;
        x->paused = false;
        if (x->gunzip != NULL)
                gunzip_reset(x->gunzip);
        rc = add_headers(x, e);
        if (rc == 0)
                rc = http_client_apply(r->client, x->easy, &x->headers, e);
        if (rc == 0) {
                set_options(x);
                if (curl_multi_add_handle(f->multi, x->easy) != CURLM_OK)
                        rc = err_nomem(e, "a fetch");
        }
        if (rc < 0) {
                retire(f, x);
                return rc;
        }
        x->prev = NULL;
        x->next = f->active;
        if (x->next != NULL)
                x->next->prev = x;
        f->active = x;
        f->n_active++;
        *out = x;
        return 0;
}

/* Out of libcurl and of the active ones. */
static void
take_out(struct fetcher *f, struct fetch *x)
{
        (void)curl_multi_remove_handle(f->multi, x->easy);
        if (x->prev != NULL)
                x->prev->next = x->next;
        else
                f->active = x->next;
        if (x->next != NULL)
                x->next->prev = x->prev;
        f->n_active--;
        f->n_paused -= x->paused;
        x->paused = false;
}

void
fetch_cancel(struct fetcher *f, struct fetch *x)
{
        take_out(f, x);
        retire(f, x);
}

static void
describe_failure(struct fetch *x, CURLcode code)
{
        struct fetch_result *r = &x->result;
        char why[ERR_MSG_MAX];

        if (code == CURLE_OPERATION_TIMEDOUT) {
                r->rc = err_set(&r->err, ERR_AGAIN,
                    "the scrape took longer than its timeout of %" PRId64 " ms",
                    x->request.timeout_ms);
                return;
        }
        http_describe(code, x->error, why, sizeof(why));
        r->rc = err_set(&r->err, ERR_AGAIN, "%s", why);
}

static void
finish(struct fetcher *f, struct fetch *x, CURLcode code)
{
        struct fetch_result *r = &x->result;
        struct fetch_request request;
        struct fetch_result result;
        curl_off_t body = 0;
        long header = 0;
        long opened = 0;

        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &r->status);
        (void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &body);
        (void)curl_easy_getinfo(x->easy, CURLINFO_HEADER_SIZE, &header);
        (void)curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &opened);
        r->wire_bytes = (uint64_t)body + (uint64_t)header;
        r->connections_opened = (unsigned)opened;
        if (r->rc == 0 && code != CURLE_OK)
                describe_failure(x, code);
        if (r->rc == 0 && r->status != 200)
                r->rc =
                    err_set(&r->err, ERR_REFUSED, "the server returned HTTP status %ld", r->status);
        if (r->rc == 0 && x->gzipped && body > 0)
                r->rc = gunzip_finish(x->gunzip, &r->err);
        take_out(f, x);
        request = x->request;
        result = *r;
        /* first, so that done may give back what the request has borrowed */
        retire(f, x);
        request.done(request.arg, &result);
}

static void
resume_paused(struct fetcher *f)
{
        struct fetch *next;

        for (struct fetch *x = f->active; x != NULL && f->n_paused > 0; x = next) {
                CURLcode code;

                next = x->next;
                if (!x->paused)
                        continue;
                x->paused = false;
                f->n_paused--;
                /* calls on_body with what was kept back; its failure is told here and only here */
                code = curl_easy_pause(x->easy, CURLPAUSE_CONT);
                if (code != CURLE_OK)
                        finish(f, x, code);
        }
}

int
fetcher_turn(struct fetcher *f, int wait_ms, struct err *e)
{
        int running = 0;
        int left = 0;
        CURLMcode code;
        CURLMsg *m;

        code = curl_multi_poll(f->multi, NULL, 0, f->n_paused > 0 ? 0 : wait_ms, NULL);
        f->turn++;
        resume_paused(f);
        if (code == CURLM_OK)
                code = curl_multi_perform(f->multi, &running);
        while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
                CURLcode result = m->data.result;
                struct fetch *x = NULL;

                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
                assert(x != NULL);
                finish(f, x, result);
        }
        if (code != CURLM_OK)
                return err_set(e, ERR_SYS, "cannot drive transfers: %s", curl_multi_strerror(code));
        return 0;
}
