/*
 * Servers differ in where they look for the client's id and secret. As Go's client does, the first
 * request has them in basic authentication, and when that is refused, in the form; the way that
 * worked is kept. An assertion needs neither: it is signed with the client's key (prometheus/common
 * config/oauth_assertion.go has its claims).
 */
#include "base/credentials/oauth2.h"

#include "base/clock.h"
#include "base/credentials/form.h"
#include "base/credentials/grant.h"
#include "base/credentials/jwt.h"
#include "base/err.h"
#include "base/http_secret.h"

#include <stdlib.h>

enum {
        EARLY_MS = 10 * 1000, /* a token is not used in its last ten seconds */
        ASSERTION_S = 600,
};

enum place { PLACE_UNKNOWN, PLACE_HEADER, PLACE_FORM };

struct oauth2 {
        const struct http_oauth2_options *o; /* borrowed */
        enum place place;
        bool in_form; /* the request under way has id and secret in its form */
        struct buf secret; /* what the token was asked for with */
        struct buf header; /* "Authorization: …" with a 0; empty: no token */
};

static bool
is_jwt(const struct oauth2 *x)
{
        return x->o->jwt != NULL;
}

static void
forget(void *p)
{
        struct oauth2 *x = p;

        http_secret_release(&x->header);
}

static void
free_oauth2(void *p)
{
        struct oauth2 *x = p;

        http_secret_release(&x->secret);
        http_secret_release(&x->header);
        free(x);
}

static int
read_secret(const struct oauth2 *x, struct buf *out, struct err *e)
{
        if (is_jwt(x))
                return jwt_read_key(
                    "client_certificate_key", x->o->jwt->key, x->o->jwt->key_file, out, e);
        return http_secret_read(
            "client_secret", x->o->client_secret, x->o->client_secret_file, out, e);
}

/* A file that holds another secret than the token was asked for with: the token is given up. */
static int
changed(void *p, bool *out, struct err *e)
{
        struct oauth2 *x = p;
        struct buf secret = BUF_INIT(HTTP_SECRET_MAX);
        const char *file = is_jwt(x) ? x->o->jwt->key_file : x->o->client_secret_file;
        int rc;

        if (file == NULL)
                return 0;
        rc = read_secret(x, &secret, e);
        *out = rc == 0 && !view_eq(buf_view(&secret), buf_view(&x->secret));
        http_secret_release(&secret);
        return rc;
}

/* ---- the request ---- */

static int
put_assertion(struct oauth2 *x, struct buf *form, struct err *e)
{
        const struct http_jwt_options *o = x->o->jwt;
        struct buf assertion = BUF_INIT(GRANT_FORM_MAX / 2);
        const struct jwt_claims claims = {.algorithm = o->algorithm,
            .key_id = o->key_id,
            .issuer = o->issuer != NULL ? o->issuer : x->o->client_id,
            .subject = x->o->client_id,
            .audience = o->audience != NULL ? o->audience : x->o->token_url,
            .scope = x->o->scope,
            .now_s = clock_wall(clock_system()) / 1000,
            .seconds = ASSERTION_S,
            .with_id = true,
            .more = o->claims};
        int rc = jwt_sign(&claims, x->secret.ptr, &assertion, e);

        if (rc < 0)
                (void)err_prefix(e, "client_certificate_key");
        else
                rc = form_put(form, "assertion", assertion.ptr, e);
        http_secret_release(&assertion);
        return rc;
}

/* A grant_type of endpoint_params stands for ours, for servers that want another word. */
static const char *
grant_type(const struct oauth2 *x)
{
        for (size_t i = 0; i < x->o->n_params; i++) {
                if (strcmp(x->o->params[i].name, "grant_type") == 0)
                        return NULL;
        }
        return is_jwt(x) ? "urn:ietf:params:oauth:grant-type:jwt-bearer" : "client_credentials";
}

static int
make_form(struct oauth2 *x, struct buf *form, struct err *e)
{
        const struct http_oauth2_options *o = x->o;
        int rc = form_put(form, "grant_type", grant_type(x), e);

        if (rc == 0)
                rc = form_put(form, "scope", o->scope, e);
        for (size_t i = 0; rc == 0 && i < o->n_params; i++)
                rc = form_put(form, o->params[i].name, o->params[i].value, e);
        if (rc == 0 && is_jwt(x))
                return put_assertion(x, form, e);
        if (rc == 0 && x->in_form)
                rc = form_put(form, "client_id", o->client_id, e);
        if (rc == 0 && x->in_form && x->secret.len > 1)
                rc = form_put(form, "client_secret", x->secret.ptr, e);
        return rc;
}

static int
ask(void *p, struct grant_request *r, struct err *e)
{
        struct oauth2 *x = p;
        int rc;

        http_secret_release(&x->secret);
        x->in_form = x->place == PLACE_FORM || (x->place == PLACE_UNKNOWN && x->in_form);
        r->url = x->o->token_url;
        rc = read_secret(x, &x->secret, e);
        return rc == 0 ? make_form(x, &r->form, e) : rc;
}

/* Both are escaped before they go into basic authentication (RFC 6749, section 2.3.1). */
static int
put_basic(void *p, CURL *easy, const struct grant_request *r, struct err *e)
{
        struct oauth2 *x = p;
        struct buf id = BUF_INIT(HTTP_SECRET_MAX);
        struct buf secret = BUF_INIT((size_t)3 * HTTP_SECRET_MAX);
        int rc;

        (void)r;
        if (x->in_form || is_jwt(x))
                return 0;
        rc = form_escape(&id, x->o->client_id, e);
        if (rc == 0)
                rc = buf_putc(&id, '\0', e);
        if (rc == 0)
                rc = form_escape(&secret, x->secret.ptr, e);
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

/* ---- the answer ---- */

static int
take(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e)
{
        struct oauth2 *x = p;
        int rc = grant_take_token(a, &x->header, out, e);

        if (rc == 0)
                x->place = x->in_form ? PLACE_FORM : PLACE_HEADER;
        return rc;
}

/* Perhaps it looks for the secret elsewhere. */
static bool
refused(void *p, long status)
{
        struct oauth2 *x = p;

        if (status < 400 || x->place != PLACE_UNKNOWN || is_jwt(x))
                return false;
        x->in_form = !x->in_form;
        return x->in_form;
}

static int
apply(const void *p, struct curl_slist **headers, struct err *e)
{
        const struct oauth2 *x = p;

        return http_secret_append(headers, x->header.ptr, e);
}

static const struct grant_class oauth2_class = {.name = "oauth2",
    .early_ms = EARLY_MS,
    .changed = changed,
    .ask = ask,
    .prepare = put_basic,
    .take = take,
    .refused = refused,
    .forget = forget,
    .apply = apply,
    .free = free_oauth2};

int
oauth2_grant(
    const struct http_oauth2_options *o, enum tls_version floor, struct grant **out, struct err *e)
{
        struct oauth2 *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "an OAuth 2.0 client");
        x->o = o;
        x->secret = (struct buf)BUF_INIT(HTTP_SECRET_MAX);
        x->header = (struct buf)BUF_INIT(GRANT_ANSWER_MAX);
        return grant_new(&(struct grant_options){&oauth2_class, x, o->http, floor}, out, e);
}
