#include "scrape/discovery/http.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/log.h"
#include "scrape/discovery/groups.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_SHOWN = 512 };

struct http_source {
        struct source source; /* first, so that a struct source * converts back */
        const struct http_sd *sd; /* in the configuration */
        struct source_net *net; /* borrowed */
        struct http_client *client; /* owned */
        CURL *easy; /* owned; NULL before the first request */
        struct curl_slist *headers; /* owned */
        struct net_transfer transfer;
        struct buf body;
        int body_rc;
        char error[CURL_ERROR_SIZE];
        size_t head_bytes; /* of the answer, trailers included */
        char shown_url[URL_SHOWN];
        bool under_way;
        uint64_t token_number; /* that the request was made with */
        bool asking; /* for a token of oauth2; the request comes after it */
        bool ended; /* and not looked at yet */
        CURLcode code;
        int64_t due_ms;
        struct group_list *groups; /* owned; NULL: never good */
        uint64_t body_hash; /* of the answer that groups were made of */
        bool failing; /* the last answer was no good, or did not come */
};

static struct http_source *
of(const struct source *s)
{
        return (struct http_source *)(uintptr_t)s;
}

/* ---- the request ---- */

static size_t
on_body(char *p, size_t size, size_t count, void *arg)
{
        struct http_source *x = arg;

        x->body_rc = buf_append(&x->body, p, size * count, NULL);
        return x->body_rc == 0 ? size * count : CURL_WRITEFUNC_ERROR;
}

static void
on_done(void *arg, CURLcode code)
{
        struct http_source *x = arg;

        x->ended = true;
        x->code = code;
}

/* Seconds as the shortest decimal: 60, 0.5. */
static void
format_interval(int64_t ms, char *out, size_t cap)
{
        int n = snprintf(out, cap, "X-Prometheus-Refresh-Interval-Seconds: %" PRId64 ".%03d",
            ms / 1000, (int)(ms % 1000));

        while (n > 0 && out[n - 1] == '0')
                out[--n] = '\0';
        if (n > 0 && out[n - 1] == '.')
                out[n - 1] = '\0';
}

static int
add_headers(struct http_source *x, struct err *e)
{
        char interval[96];
        const char *const lines[] = {"Accept: application/json", interval};

        format_interval(x->sd->refresh_interval_ms, interval, sizeof(interval));
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                struct curl_slist *longer = curl_slist_append(x->headers, lines[i]);

                if (longer == NULL)
                        return err_nomem(e, "a request");
                x->headers = longer;
        }
        return 0;
}

static int
ask_for_groups(struct http_source *x, struct err *e)
{
        const struct http_request r = {x->easy, x->sd->url, &x->headers};
        int rc = add_headers(x, e);

        if (rc == 0)
                rc = http_client_apply(x->client, &r, e);
        x->token_number = http_client_token_number(x->client);
        if (rc < 0)
                return rc;
        (void)curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
        (void)curl_easy_setopt(x->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
        (void)curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
        http_bound_heads(x->easy, &x->head_bytes);
        (void)curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
        return 0;
}

/* The source is alone with its client, so a token is there or wanted. */
static int
ask(struct http_source *x, struct err *e)
{
        const struct http_request r = {x->easy, x->sd->url, &x->headers};
        enum http_token token = HTTP_TOKEN_READY;
        int rc = http_client_token(x->client, &token, e);

        x->asking = false;
        if (rc < 0)
                return rc;
        if (token == HTTP_TOKEN_READY)
                return ask_for_groups(x, e);
        rc = http_client_ask_token(x->client, &r, e);
        x->asking = rc == 0;
        return rc;
}

static int
start(struct http_source *x, struct err *e)
{
        int rc;

        if (x->easy == NULL)
                x->easy = curl_easy_init();
        if (x->easy == NULL)
                return err_nomem(e, "a request");
        curl_easy_reset(x->easy);
        curl_slist_free_all(x->headers);
        x->headers = NULL;
        x->error[0] = '\0';
        x->body_rc = 0;
        rc = ask(x, e);
        if (rc < 0)
                return rc;
        (void)curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)x->sd->refresh_interval_ms);
        rc = net_start(x->net, x->easy, &x->transfer, e);
        if (rc < 0)
                http_client_cancel_token(x->client, x->easy);
        return rc;
}

/* ---- the answer ---- */

bool
http_source_is_json(struct view v)
{
        static const char type[] = "application/json";
        static const char *const charsets[] = {"charset=utf-8", "charset=\"utf-8\""};
        const size_t n = sizeof(type) - 1;

        while (v.n > 0 && strchr(" \t\r\n", v.p[0]) != NULL)
                v = (struct view){v.p + 1, v.n - 1};
        while (v.n > 0 && strchr(" \t\r\n", v.p[v.n - 1]) != NULL)
                v.n--;
        if (v.n < n || strncasecmp(v.p, type, n) != 0)
                return false;
        v = (struct view){v.p + n, v.n - n};
        if (v.n == 0)
                return true;
        if (v.p[0] != ';')
                return false;
        do {
                v = (struct view){v.p + 1, v.n - 1};
        } while (v.n > 0 && strchr(" \t\r\n\f", v.p[0]) != NULL);
        for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
                if (v.n == strlen(charsets[i]) && strncasecmp(v.p, charsets[i], v.n) == 0)
                        return true;
        }
        return false;
}

/* Is what came in an answer that is to be read? */
static int
check_answer(const struct http_source *x, struct err *e)
{
        char why[ERR_MSG_MAX];
        const char *type = NULL;
        long status = 0;

        if (x->body_rc == ERR_LIMIT)
                return err_set(e, ERR_LIMIT, "the answer is larger than %d bytes", GROUPS_MAX_TEXT);
        if (x->code != CURLE_OK) {
                http_describe(x->code, x->error, why, sizeof(why));
                return err_set(e, ERR_AGAIN, "%s", why);
        }
        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        http_client_answered(x->client, x->token_number, status);
        if (status != 200)
                return err_set(e, ERR_REFUSED, "server returned HTTP status %ld", status);
        (void)curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
        if (!http_source_is_json(view_of(type != NULL ? type : "")))
                return err_set(e, ERR_REFUSED, "unsupported content type \"%.200s\"",
                    type != NULL ? type : "");
        return 0;
}

static int
take_answer(struct http_source *x, struct err *e)
{
        const struct groups_input in = {.format = GROUPS_JSON,
            .text = buf_view(&x->body),
            .name = x->shown_url,
            .meta = x->source.own};
        uint64_t hash = hash_stable(x->body.ptr, x->body.len, 0);
        struct group_list *groups = NULL;
        int rc = check_answer(x, e);

        if (rc < 0 || (x->groups != NULL && hash == x->body_hash))
                return rc;
        rc = groups_parse(&in, &groups, e);
        if (rc < 0)
                return rc;
        groups_free(x->groups);
        x->groups = groups;
        x->body_hash = hash;
        x->source.generation++;
        return 0;
}

/* Logs a change between good and failing, not each failure. */
static void
set_failing(struct http_source *x, const struct err *why)
{
        const char *job = x->source.job->name;

        if (why != NULL && !x->failing)
                log_warn("cannot refresh targets by HTTP, keeping the ones before",
                    LOG_STR("job", job), LOG_STR("url", x->shown_url), LOG_STR("err", why->msg));
        if (why == NULL && x->failing)
                log_info("targets are refreshed by HTTP again", LOG_STR("job", job),
                    LOG_STR("url", x->shown_url));
        x->failing = why != NULL;
}

static void
finish(struct http_source *x, int rc, const struct err *why, int64_t now_ms)
{
        if (rc < 0) {
                x->source.failures++;
                x->net->counters.http_failures++;
        } else {
                x->source.confirmed_ms = now_ms;
        }
        set_failing(x, rc < 0 ? why : NULL);
        buf_release(&x->body);
}

/* The transfer has ended: that of a token is followed by the request itself. */
static void
end(struct http_source *x, int64_t now_ms)
{
        struct err e = ERR_INIT;
        int rc;

        x->ended = false;
        x->under_way = false;
        if (x->asking) {
                rc = http_client_take_token(x->client, x->easy, x->code, &e);
                if (rc == 0)
                        rc = start(x, &e);
                x->under_way = rc == 0;
        } else {
                rc = take_answer(x, &e);
        }
        if (!x->under_way)
                finish(x, rc, &e, now_ms);
}

/* ---- the class ---- */

/* Ticks stay where they are when an answer takes long: the timeout is the interval. */
static void
turn(struct source *s, int64_t now_ms)
{
        struct http_source *x = of(s);
        struct err e = ERR_INIT;
        int rc;

        if (x->ended)
                end(x, now_ms);
        if (x->under_way || x->due_ms > now_ms)
                return;
        x->due_ms = now_ms + x->sd->refresh_interval_ms;
        s->refreshes++;
        rc = start(x, &e);
        x->under_way = rc == 0;
        if (rc < 0)
                finish(x, rc, &e, now_ms);
}

static int64_t
due(const struct source *s)
{
        return of(s)->under_way ? INT64_MAX : of(s)->due_ms;
}

static bool
known(const struct source *s, size_t slot)
{
        (void)slot;
        return of(s)->groups != NULL;
}

static int
visit(const struct source *s, size_t slot, const struct group_sink *sink, struct err *e)
{
        const struct group_list *g = of(s)->groups;

        (void)slot;
        return sink->take(sink->arg, g->v, g->n, e);
}

static void
release(struct source *s)
{
        struct http_source *x = of(s);

        if (x->easy != NULL) {
                if (x->under_way)
                        net_stop(x->net, x->easy);
                curl_easy_cleanup(x->easy);
        }
        curl_slist_free_all(x->headers);
        http_client_free(x->client);
        buf_release(&x->body);
        groups_free(x->groups);
        scrape_config_unref(s->config);
        free(x);
}

static const struct source_class http_class = {.mechanism = "http",
    .turn = turn,
    .due = due,
    .slots = source_one_slot,
    .known = known,
    .visit = visit,
    .free = release};

int
http_source_new(
    const struct source_input *in, const struct http_sd *sd, struct source **out, struct err *e)
{
        struct http_source *x = calloc(1, sizeof(*x));
        int rc;

        if (x == NULL)
                return err_nomem(e, "a discovery by HTTP");
        source_init(&x->source, &http_class, in, &sd->key);
        x->source.own = (struct label){VIEW_LIT("__meta_url"), view_of(sd->url)};
        x->sd = sd;
        x->net = in->net;
        x->transfer = (struct net_transfer){on_done, x};
        x->body = (struct buf)BUF_INIT(GROUPS_MAX_TEXT);
        http_url_masked(sd->url, x->shown_url, sizeof(x->shown_url));
        rc = http_client_new(&sd->http, TLS_1_2, &x->client, e);
        if (rc < 0) {
                release(&x->source);
                return rc;
        }
        *out = &x->source;
        return 0;
}
