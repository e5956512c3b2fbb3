/*
 * Servers differ in where they look for the client's id and secret. As Go's client does, the first
 * request has them in basic authentication, and when that is refused, in the form; the way that
 * worked is kept.
 */
#include "base/http_oauth2.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/http_secret.h"
#include "base/http_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        ANSWER_MAX = 1 << 20, /* as much as Go's client reads */
        FORM_MAX = 256 << 10,
        TYPE_MAX = 256,
        EARLY_MS = 10 * 1000, /* a token is not used in its last ten seconds */
        LEAST_MS = 1000, /* a new one is used for the requests that wait for it */
};

enum place { PLACE_UNKNOWN, PLACE_HEADER, PLACE_FORM };

struct http_oauth2 {
        const struct http_oauth2_options *o; /* borrowed */
        struct http_client *client; /* owned; of the requests for tokens */
        CURL *asking; /* borrowed: carries the request under way, NULL: none */
        enum place place;
        bool in_form; /* the request under way has id and secret in its form */
        struct buf form; /* body of the request under way */
        struct buf secret; /* what the token was asked for with */
        struct buf answer;
        bool too_long;
        char error[CURL_ERROR_SIZE];
        struct buf header; /* "Authorization: …" with a 0; empty: no token */
        int64_t good_until_ms; /* monotonic; INT64_MAX: for ever */
};

static int64_t
now_ms(void)
{
        return clock_mono(clock_system());
}

int
http_oauth2_new(const struct http_oauth2_options *o, enum tls_version floor,
    struct http_oauth2 **out, struct err *e)
{
        struct http_oauth2 *x = calloc(1, sizeof(*x));
        int rc;

        if (x == NULL)
                return err_nomem(e, "an OAuth 2.0 client");
        x->o = o;
        x->form = (struct buf)BUF_INIT(FORM_MAX);
        x->secret = (struct buf)BUF_INIT(HTTP_SECRET_MAX);
        x->answer = (struct buf)BUF_INIT(ANSWER_MAX);
        x->header = (struct buf)BUF_INIT(ANSWER_MAX);
        rc = http_client_new(o->http, floor, &x->client, e);
        if (rc < 0) {
                (void)err_prefix(e, "oauth2");
                http_oauth2_free(x);
                return rc;
        }
        *out = x;
        return 0;
}

void
http_oauth2_free(struct http_oauth2 *x)
{
        if (x == NULL)
                return;
        http_client_free(x->client);
        http_secret_release(&x->form);
        http_secret_release(&x->secret);
        http_secret_release(&x->answer);
        http_secret_release(&x->header);
        free(x);
}

void
http_oauth2_forget(struct http_oauth2 *x)
{
        http_secret_release(&x->header);
}

/* A file that holds another secret than the token was asked for with: the token is given up. */
static int
look_at_secret(struct http_oauth2 *x, struct err *e)
{
        struct buf secret = BUF_INIT(HTTP_SECRET_MAX);
        int rc;

        if (x->header.len == 0 || x->o->client_secret_file == NULL)
                return 0;
        rc = http_secret_read("oauth2.client_secret", NULL, x->o->client_secret_file, &secret, e);
        if (rc == 0 && !view_eq(buf_view(&secret), buf_view(&x->secret)))
                http_oauth2_forget(x);
        http_secret_release(&secret);
        return rc;
}

int
http_oauth2_state(struct http_oauth2 *x, enum http_token *out, struct err *e)
{
        int rc;

        if (x->asking != NULL) {
                *out = HTTP_TOKEN_ASKED;
                return 0;
        }
        rc = look_at_secret(x, e);
        if (rc < 0)
                return rc;
        *out =
            x->header.len > 0 && now_ms() < x->good_until_ms ? HTTP_TOKEN_READY : HTTP_TOKEN_WANTED;
        return 0;
}

/* ---- the request ---- */

/* As forms are written: letters, digits and a few stay, a blank is a +, the rest %XX. */
static int
put_escaped(struct buf *out, const char *text, struct err *e)
{
        int rc = 0;

        for (const char *p = text; rc == 0 && *p != '\0'; p++) {
                bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("-_.~", *p) != NULL;

                if (*p == ' ')
                        rc = buf_putc(out, '+', e);
                else if (plain)
                        rc = buf_putc(out, *p, e);
                else
                        rc = buf_printf(out, e, "%%%02X", (unsigned char)*p);
        }
        return rc;
}

static int
put_field(struct buf *out, const char *name, const char *value, struct err *e)
{
        int rc = out->len > 0 ? buf_putc(out, '&', e) : 0;

        if (rc == 0)
                rc = put_escaped(out, name, e);
        if (rc == 0)
                rc = buf_putc(out, '=', e);
        return rc == 0 ? put_escaped(out, value, e) : rc;
}

static int
make_form(struct http_oauth2 *x, struct err *e)
{
        const struct http_oauth2_options *o = x->o;
        int rc;

        buf_reset(&x->form);
        rc = put_field(&x->form, "grant_type", "client_credentials", e);
        if (rc == 0 && o->scope != NULL)
                rc = put_field(&x->form, "scope", o->scope, e);
        for (size_t i = 0; rc == 0 && i < o->n_params; i++)
                rc = put_field(&x->form, o->params[i].name, o->params[i].value, e);
        if (rc == 0 && x->in_form)
                rc = put_field(&x->form, "client_id", o->client_id, e);
        if (rc == 0 && x->in_form && x->secret.len > 1)
                rc = put_field(&x->form, "client_secret", x->secret.ptr, e);
        return rc;
}

/* Both are escaped before they go into basic authentication (RFC 6749, section 2.3.1). */
static int
put_basic(struct http_oauth2 *x, CURL *easy, struct err *e)
{
        struct buf id = BUF_INIT(HTTP_SECRET_MAX);
        struct buf secret = BUF_INIT((size_t)3 * HTTP_SECRET_MAX);
        int rc = put_escaped(&id, x->o->client_id, e);

        if (rc == 0)
                rc = buf_putc(&id, '\0', e);
        if (rc == 0)
                rc = put_escaped(&secret, x->secret.ptr, e);
        if (rc == 0)
                rc = buf_putc(&secret, '\0', e);
        if (rc == 0 &&
            (curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) != CURLE_OK ||
                curl_easy_setopt(easy, CURLOPT_USERNAME, id.ptr) != CURLE_OK ||
                curl_easy_setopt(easy, CURLOPT_PASSWORD, secret.ptr) != CURLE_OK))
                rc = err_nomem(e, "credentials");
        buf_release(&id);
        http_secret_release(&secret);
        return rc;
}

static size_t
keep_answer(char *p, size_t size, size_t n, void *arg)
{
        struct http_oauth2 *x = arg;

        x->too_long = buf_append(&x->answer, p, size * n, NULL) < 0;
        return x->too_long ? CURL_WRITEFUNC_ERROR : size * n;
}

int
http_oauth2_ask(struct http_oauth2 *x, CURL *easy, struct curl_slist **headers, struct err *e)
{
        const struct http_request r = {easy, x->o->token_url, headers};
        int rc;

        buf_reset(&x->secret);
        buf_reset(&x->answer);
        x->too_long = false;
        x->error[0] = '\0';
        x->in_form = x->place == PLACE_FORM || (x->place == PLACE_UNKNOWN && x->in_form);
        rc = http_secret_read(
            "oauth2.client_secret", x->o->client_secret, x->o->client_secret_file, &x->secret, e);
        if (rc == 0)
                rc = make_form(x, e);
        if (rc == 0)
                rc = http_client_apply(x->client, &r, e);
        if (rc == 0 && !x->in_form)
                rc = put_basic(x, easy, e);
        if (rc == 0)
                rc = http_secret_append(
                    headers, "Content-Type: application/x-www-form-urlencoded", e);
        if (rc == 0)
                rc = http_secret_append(headers, "Expect:", e);
        if (rc < 0)
                return rc;
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->form.ptr);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->form.len);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
        (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error);
        x->asking = easy;
        return 0;
}

/* ---- the answer ---- */

static int
read_answer(struct http_oauth2 *x, CURL *easy, long status, struct err *e)
{
        char *type = NULL;
        char refusal[512];
        int64_t seconds = 0;
        int rc;

        if (status < 200 || status > 299) {
                http_token_refusal(buf_view(&x->answer), refusal, sizeof(refusal));
                return err_set(e, ERR_AGAIN, "the server answered %ld%s%s", status,
                    refusal[0] != '\0' ? ": " : "", refusal);
        }
        (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
        rc = http_token_parse(
            view_of(type != NULL ? type : ""), buf_view(&x->answer), &x->header, &seconds, e);
        if (rc < 0) {
                http_oauth2_forget(x);
                return rc;
        }
        x->good_until_ms = INT64_MAX;
        if (seconds > 0) {
                int64_t left_ms = seconds * 1000 - EARLY_MS;

                x->good_until_ms = now_ms() + (left_ms > LEAST_MS ? left_ms : LEAST_MS);
        }
        x->place = x->in_form ? PLACE_FORM : PLACE_HEADER;
        return 0;
}

int
http_oauth2_take(struct http_oauth2 *x, CURL *easy, CURLcode code, struct err *e)
{
        char url[TYPE_MAX];
        char why[ERR_MSG_MAX];
        long status = 0;
        int rc = 0;

        x->asking = NULL;
        http_oauth2_forget(x);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (x->too_long) {
                rc = err_set(e, ERR_AGAIN, "the answer is longer than %d bytes", ANSWER_MAX);
        } else if (code != CURLE_OK) {
                http_describe(code, x->error, why, sizeof(why));
                rc = err_set(e, ERR_AGAIN, "%s", why);
        } else {
                rc = read_answer(x, easy, status, e);
        }
        http_secret_release(&x->answer);
        http_secret_release(&x->form);
        /* refused: perhaps it looks for the secret elsewhere */
        if (rc < 0 && code == CURLE_OK && status >= 400 && x->place == PLACE_UNKNOWN) {
                x->in_form = !x->in_form;
                if (x->in_form)
                        return 0; /* wanted again, the other way */
        }
        if (rc < 0) {
                http_url_masked(x->o->token_url, url, sizeof(url));
                (void)err_prefix(e, "oauth2: cannot get a token from %s", url);
        }
        return rc;
}

void
http_oauth2_cancel(struct http_oauth2 *x, const CURL *easy)
{
        if (x->asking == easy)
                x->asking = NULL;
}

int
http_oauth2_apply(const struct http_oauth2 *x, struct curl_slist **headers, struct err *e)
{
        if (x->header.len == 0)
                return err_set(e, ERR_AGAIN, "oauth2: there is no token yet");
        return http_secret_append(headers, x->header.ptr, e);
}
