#include "base/credentials/grant.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/http_secret.h"
#include "base/http_token.h"
#include "base/log.h"

#include <stdlib.h>

enum {
        URL_SHOWN = 256,
        LEAST_MS = 1000, /* what is new is used for the requests that wait for it */
        RETRY_MS = 30 * 1000, /* of a refresh that failed while the one before is good */
        DIRECT_CONNECT_MS = 5000,
};

struct grant {
        const struct grant_class *class;
        void *provider; /* owned */
        const struct http_options *http; /* borrowed; NULL: ours */
        struct http_options own[2]; /* through the environment's proxies, and through none */
        struct http_client *clients[2]; /* owned; NULL: not needed so far */
        enum tls_version floor;

        CURL *asking; /* borrowed: carries the request under way, NULL: none */
        bool begun; /* a round of requests */
        struct grant_request request;
        struct buf answer;
        bool too_long;
        char error[CURL_ERROR_SIZE];
        size_t head_bytes; /* of the answer, trailers included */

        bool granted;
        bool failing; /* to refresh it, and that is logged */
        uint64_t number; /* of what is granted */
        int64_t good_until_ms; /* monotonic: then it is refreshed; INT64_MAX: never */
        int64_t dead_ms; /* then it is of no use any more */
};

static int64_t
now_ms(void)
{
        return clock_mono(clock_system());
}

int
grant_new(const struct grant_options *o, struct grant **out, struct err *e)
{
        struct grant *g = calloc(1, sizeof(*g));

        if (g == NULL) {
                o->class->free(o->provider);
                return err_nomem(e, "credentials");
        }
        g->class = o->class;
        g->provider = o->provider;
        g->http = o->http;
        g->floor = o->floor;
        g->request.form = (struct buf)BUF_INIT(GRANT_FORM_MAX);
        g->answer = (struct buf)BUF_INIT(GRANT_ANSWER_MAX);
        for (int i = 0; i < 2; i++) {
                http_options_init(&g->own[i]);
                g->own[i].follow_redirects = false; /* secrets are for the host that was named */
        }
        g->own[0].proxy.from_environment = true;
        *out = g;
        return 0;
}

void
grant_free(struct grant *g)
{
        if (g == NULL)
                return;
        for (int i = 0; i < 2; i++)
                http_client_free(g->clients[i]);
        http_secret_release(&g->request.form);
        http_secret_release(&g->answer);
        g->class->free(g->provider);
        free(g);
}

void
grant_forget(struct grant *g)
{
        g->granted = false;
        g->class->forget(g->provider);
}

uint64_t
grant_number(const struct grant *g)
{
        return g->number;
}

/* ---- is one wanted? ---- */

static void
keep(struct grant *g, int64_t seconds)
{
        int64_t now = now_ms();
        int64_t life_ms = seconds * 1000;
        int64_t used_ms = g->class->half ? life_ms / 2 : life_ms - g->class->early_ms;

        g->granted = true;
        g->number++;
        g->begun = false;
        g->failing = false;
        g->good_until_ms = g->dead_ms = INT64_MAX;
        if (seconds <= 0)
                return;
        g->good_until_ms = now + (used_ms > LEAST_MS ? used_ms : LEAST_MS);
        g->dead_ms = now + life_ms > g->good_until_ms ? now + life_ms : g->good_until_ms;
}

/* A refresh has failed: what is good is used on, and that is logged once. */
static bool
use_on(struct grant *g, const struct err *why)
{
        int64_t now = now_ms();

        g->begun = false;
        if (!g->granted || now >= g->dead_ms)
                return false;
        if (!g->failing)
                log_warn("cannot refresh credentials, those before are used until they expire",
                    LOG_STR("of", g->class->name), LOG_STR("err", why->msg),
                    LOG_INT("left_s", (g->dead_ms - now) / 1000));
        g->failing = true;
        g->good_until_ms = now + RETRY_MS < g->dead_ms ? now + RETRY_MS : g->dead_ms;
        return true;
}

/* A round of requests begins, unless the provider has what is wanted. */
static int
begin(struct grant *g, struct err *e)
{
        struct err why = ERR_INIT;
        int64_t seconds = 0;
        bool ready = false;
        int rc = 0;

        if (g->class->begin != NULL)
                rc = g->class->begin(g->provider, &ready, &seconds, &why);
        if (rc == 0 && ready)
                keep(g, seconds);
        if (rc == 0) {
                g->begun = !ready;
                return 0;
        }
        (void)err_prefix(&why, "%s", g->class->name);
        if (use_on(g, &why))
                return 0;
        grant_forget(g);
        if (e != NULL)
                *e = why;
        return rc;
}

int
grant_state(struct grant *g, enum http_token *out, struct err *e)
{
        bool changed = false;
        int rc = 0;

        if (g->asking != NULL) {
                *out = HTTP_TOKEN_ASKED;
                return 0;
        }
        if (g->granted && g->class->changed != NULL)
                rc = g->class->changed(g->provider, &changed, e);
        if (rc < 0)
                (void)err_prefix(e, "%s", g->class->name);
        if (changed)
                grant_forget(g);
        if (rc == 0 && (!g->granted || now_ms() >= g->good_until_ms) && !g->begun)
                rc = begin(g, e);
        if (rc < 0)
                return rc;
        *out = g->begun ? HTTP_TOKEN_WANTED : HTTP_TOKEN_READY;
        return 0;
}

/* ---- the request ---- */

static size_t
keep_answer(char *p, size_t size, size_t n, void *arg)
{
        struct grant *g = arg;

        g->too_long = buf_append(&g->answer, p, size * n, NULL) < 0;
        return g->too_long ? CURL_WRITEFUNC_ERROR : size * n;
}

static int
client_of(struct grant *g, bool direct, struct http_client **out, struct err *e)
{
        int i = g->http == NULL && direct ? 1 : 0;
        const struct http_options *o = g->http != NULL ? g->http : &g->own[i];
        int rc = 0;

        if (g->clients[i] == NULL)
                rc = http_client_new(o, g->floor, &g->clients[i], e);
        *out = g->clients[i];
        return rc;
}

static void
set_body(struct grant *g, CURL *easy)
{
        struct buf *form = &g->request.form;

        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form->ptr != NULL ? form->ptr : "");
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form->len);
}

static int
set_up(struct grant *g, CURL *easy, struct curl_slist **headers, struct err *e)
{
        struct grant_request *r = &g->request;
        struct http_client *client = NULL;
        struct http_request request = {easy, NULL, headers};
        int rc = g->class->ask(g->provider, r, e);

        if (rc == 0)
                rc = client_of(g, r->direct, &client, e);
        request.url = r->url;
        if (rc == 0)
                rc = http_client_apply(client, &request, e);
        if (rc == 0 && r->form.len > 0)
                rc = http_secret_append(
                    headers, "Content-Type: application/x-www-form-urlencoded", e);
        if (rc == 0 && g->class->prepare != NULL)
                rc = g->class->prepare(g->provider, easy, r, e);
        return rc;
}

int
grant_ask(struct grant *g, CURL *easy, struct curl_slist **headers, struct err *e)
{
        struct grant_request *r = &g->request;
        int rc;

        buf_reset(&r->form);
        buf_reset(&g->answer);
        r->url = r->method = NULL;
        r->direct = g->too_long = false;
        r->headers = headers;
        g->error[0] = '\0';
        rc = set_up(g, easy, headers, e);
        r->headers = NULL;
        if (rc < 0) {
                g->begun = false;
                http_secret_release(&r->form);
                (void)err_prefix(e, "%s", g->class->name);
                return rc;
        }
        if (r->form.len > 0 || r->method != NULL)
                set_body(g, easy);
        if (r->method != NULL)
                (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
        if (r->direct)
                (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)DIRECT_CONNECT_MS);
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
        http_bound_heads(easy, &g->head_bytes);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, g);
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, g->error);
        g->asking = easy;
        return 0;
}

/* ---- the answer ---- */

static int
read_answer(struct grant *g, CURL *easy, struct grant_result *out, struct err *e)
{
        struct grant_answer a = {.body = buf_view(&g->answer), .easy = easy};
        char *type = NULL;
        char refusal[512];

        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a.status);
        (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
        a.content_type = view_of(type != NULL ? type : "");
        if (a.status >= 200 && a.status <= 299)
                return g->class->take(g->provider, &a, out, e);
        refusal[0] = '\0';
        if (g->class->reason != NULL)
                g->class->reason(a.body, refusal, sizeof(refusal));
        if (refusal[0] == '\0')
                http_token_refusal(a.body, refusal, sizeof(refusal));
        return err_set(e, ERR_AGAIN, "the server answered %ld%s%s", a.status,
            refusal[0] != '\0' ? ": " : "", refusal);
}

/* The answer is no good. 0: it does not matter yet. */
static int
fail(struct grant *g, CURL *easy, CURLcode code, struct err *e)
{
        char url[URL_SHOWN];
        int rc = (int)e->code;
        long status = 0;

        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (code == CURLE_OK && g->class->refused != NULL && g->class->refused(g->provider, status))
                return 0; /* wanted again, the other way */
        http_url_masked(g->request.url, url, sizeof(url));
        (void)err_prefix(e, "%s: cannot get a token from %s", g->class->name, url);
        if (use_on(g, e))
                return 0;
        grant_forget(g);
        return rc;
}

int
grant_take(struct grant *g, CURL *easy, CURLcode code, struct err *e)
{
        struct grant_result result = {0};
        struct err why = ERR_INIT;
        char reason[ERR_MSG_MAX];
        int rc;

        g->asking = NULL;
        if (g->too_long) {
                rc = err_set(
                    &why, ERR_AGAIN, "the answer is longer than %d bytes", GRANT_ANSWER_MAX);
        } else if (code != CURLE_OK) {
                http_describe(code, g->error, reason, sizeof(reason));
                rc = err_set(&why, ERR_AGAIN, "%s", reason);
        } else {
                rc = read_answer(g, easy, &result, &why);
        }
        http_secret_release(&g->answer);
        http_secret_release(&g->request.form);
        if (rc == 0 && !result.more)
                keep(g, result.seconds);
        if (rc < 0)
                rc = fail(g, easy, code, &why);
        if (rc < 0 && e != NULL)
                *e = why;
        return rc;
}

void
grant_cancel(struct grant *g, const CURL *easy)
{
        if (g->asking != easy)
                return;
        g->asking = NULL;
        g->begun = false;
}

/* ---- what was granted ---- */

int
grant_apply(const struct grant *g, struct curl_slist **headers, struct err *e)
{
        if (!g->granted)
                return err_set(e, ERR_AGAIN, "%s: there is no token yet", g->class->name);
        return g->class->apply != NULL ? g->class->apply(g->provider, headers, e) : 0;
}

const void *
grant_provider(const struct grant *g)
{
        return g->granted ? g->provider : NULL;
}

int
grant_take_token(
    const struct grant_answer *a, struct buf *header, struct grant_result *out, struct err *e)
{
        struct buf fresh = BUF_INIT(GRANT_ANSWER_MAX);
        int rc = http_token_parse(a->content_type, a->body, &fresh, &out->seconds, e);

        if (rc < 0) {
                http_secret_release(&fresh);
                return rc;
        }
        http_secret_release(header);
        *header = fresh;
        return 0;
}
