#include "base/credentials/azure.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/credentials/form.h"
#include "base/credentials/grant.h"
#include "base/credentials/variable.h"
#include "base/err.h"
#include "base/http_secret.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX = 8192 };

static const char token_file[] = "/var/run/secrets/azure/tokens/azure-identity-token";

struct azure {
        const struct http_azure_options *o; /* borrowed */
        struct http_azure_options now; /* what this round asks for: never AZURE_SDK */
        struct buf url; /* with a 0 */
        struct buf header; /* "Authorization: …" with a 0; empty: no token */
};

static void
forget(void *p)
{
        struct azure *x = p;

        http_secret_release(&x->header);
}

static void
free_azure(void *p)
{
        struct azure *x = p;

        http_secret_release(&x->header);
        buf_release(&x->url);
        free(x);
}

/* ---- who asks ---- */

static const char *
either(const char *a, const char *b)
{
        return a != NULL ? a : b;
}

/* azidentity's DefaultAzureCredential, as far as it goes without a person: the environment's
 * secret, a workload identity, a managed one. */
static struct http_azure_options
from_environment(const struct http_azure_options *o)
{
        struct http_azure_options x = *o;

        x.client_id = variable("AZURE_CLIENT_ID");
        x.tenant_id = either(o->tenant_id, variable("AZURE_TENANT_ID"));
        x.client_secret = variable("AZURE_CLIENT_SECRET");
        x.token_file = variable("AZURE_FEDERATED_TOKEN_FILE");
        x.way = AZURE_MANAGED;
        if (x.client_id != NULL && x.tenant_id != NULL && x.client_secret != NULL)
                x.way = AZURE_SECRET;
        else if (x.client_id != NULL && x.tenant_id != NULL && x.token_file != NULL)
                x.way = AZURE_WORKLOAD;
        return x;
}

static int
begin(void *p, bool *out_ready, int64_t *out_seconds, struct err *e)
{
        struct azure *x = p;

        (void)out_ready;
        (void)out_seconds;
        x->now = x->o->way == AZURE_SDK ? from_environment(x->o) : *x->o;
        if (x->now.way == AZURE_WORKLOAD)
                x->now.token_file = either(
                    x->now.token_file, either(variable("AZURE_FEDERATED_TOKEN_FILE"), token_file));
        if (x->now.way == AZURE_MANAGED && variable("IDENTITY_ENDPOINT") != NULL &&
            variable("IDENTITY_HEADER") == NULL)
                return err_set(e, ERR_CONFIG,
                    "identities of Azure Arc are not supported (IDENTITY_ENDPOINT without "
                    "IDENTITY_HEADER), use a client's secret");
        return 0;
}

/* ---- requests ---- */

/* The scope's resource, which is what the older interface of identities wants. */
static int
put_resource(struct buf *query, const char *scope, struct err *e)
{
        static const char suffix[] = "/.default";
        size_t n = strlen(scope);
        char *resource = strdup(scope);
        int rc;

        if (resource == NULL)
                return err_nomem(e, "a request");
        if (n >= sizeof(suffix) - 1 && strcmp(resource + n - (sizeof(suffix) - 1), suffix) == 0)
                resource[n - (sizeof(suffix) - 1)] = '\0';
        rc = form_put(query, "resource", resource, e);
        free(resource);
        return rc;
}

static int
put_header(struct curl_slist **headers, const char *name, const char *value, struct err *e)
{
        struct buf line = BUF_INIT(HTTP_SECRET_MAX);
        int rc = buf_printf(&line, e, "%s: %s", name, value);

        if (rc == 0)
                rc = http_secret_append(headers, line.ptr, e);
        http_secret_release(&line);
        return rc;
}

/* The instance's metadata, or the endpoint that an App Service has instead. */
static int
ask_managed(struct azure *x, struct grant_request *r, struct err *e)
{
        static const char path[] = "/metadata/identity/oauth2/token";
        const char *host =
            either(variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://169.254.169.254");
        const char *service = variable("IDENTITY_ENDPOINT");
        struct buf query = BUF_INIT(URL_MAX / 2);
        size_t n = strlen(host);
        int rc = form_put(&query, "api-version", service != NULL ? "2019-08-01" : "2018-02-01", e);

        if (rc == 0)
                rc = put_resource(&query, x->now.scope, e);
        if (rc == 0)
                rc = form_put(&query, "client_id", x->now.client_id, e);
        while (n > 0 && host[n - 1] == '/')
                n--;
        if (rc == 0)
                rc = service != NULL ? buf_puts(&x->url, service, e)
                                     : buf_printf(&x->url, e, "%.*s%s", (int)n, host, path);
        if (rc == 0)
                rc = buf_printf(&x->url, e, "?%.*s", (int)query.len, query.ptr);
        if (rc == 0)
                rc = service != NULL
                    ? put_header(r->headers, "X-IDENTITY-HEADER", variable("IDENTITY_HEADER"), e)
                    : http_secret_append(r->headers, "Metadata: true", e);
        r->direct = true;
        buf_release(&query);
        return rc;
}

/* A workload's identity is its service account's token. */
static int
put_assertion(const struct azure *x, struct buf *form, struct err *e)
{
        struct buf token = BUF_INIT(HTTP_SECRET_MAX);
        int rc = http_secret_read("the identity's token", NULL, x->now.token_file, &token, e);

        if (rc == 0)
                rc = form_put(form, "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", e);
        if (rc == 0)
                rc = form_put(form, "client_assertion", token.ptr, e);
        http_secret_release(&token);
        return rc;
}

/* A secret must not travel in clear, but for tests on this machine. */
static int
check_authority(const char *authority, struct err *e)
{
        if (strncmp(authority, "https://", 8) == 0 ||
            strncmp(authority, "http://127.0.0.1:", 17) == 0)
                return 0;
        return err_set(e, ERR_CONFIG, "AZURE_AUTHORITY_HOST has to begin with https://");
}

static int
ask_tenant(struct azure *x, struct grant_request *r, struct err *e)
{
        const struct http_azure_options *o = &x->now;
        const char *authority = either(variable("AZURE_AUTHORITY_HOST"), o->authority);
        size_t n = strlen(authority);
        int rc = check_authority(authority, e);

        while (n > 0 && authority[n - 1] == '/')
                n--;
        if (rc == 0)
                rc = buf_printf(&x->url, e, "%.*s/", (int)n, authority);
        if (rc == 0)
                rc = form_escape(&x->url, o->tenant_id, e);
        if (rc == 0)
                rc = buf_puts(&x->url, "/oauth2/v2.0/token", e);
        if (rc == 0)
                rc = form_put(&r->form, "grant_type", "client_credentials", e);
        if (rc == 0)
                rc = form_put(&r->form, "client_id", o->client_id, e);
        if (rc == 0)
                rc = form_put(&r->form, "scope", o->scope, e);
        if (rc < 0)
                return rc;
        return o->way == AZURE_WORKLOAD ? put_assertion(x, &r->form, e)
                                        : form_put(&r->form, "client_secret", o->client_secret, e);
}

static int
ask(void *p, struct grant_request *r, struct err *e)
{
        struct azure *x = p;
        int rc;

        buf_reset(&x->url);
        rc = x->now.way == AZURE_MANAGED ? ask_managed(x, r, e) : ask_tenant(x, r, e);
        if (rc == 0)
                rc = buf_putc(&x->url, '\0', e);
        r->url = x->url.ptr;
        return rc;
}

/* ---- the answer ---- */

/* Some say when the token ends, in seconds since 1970, and not how long it lasts. */
static int64_t
seconds_left(struct view body)
{
        json_t *root = json_loadb(body.p, body.n, 0, NULL);
        const json_t *on = json_object_get(root, "expires_on");
        int64_t end = json_is_string(on) ? strtoll(json_string_value(on), NULL, 10)
                                         : (int64_t)json_integer_value(on);
        int64_t left = end - clock_wall(clock_system()) / 1000;

        json_decref(root);
        if (end <= 0 || end > INT64_C(253402300799)) /* no such time before the year 10000 */
                return 0;
        return left > 0 ? left : 1;
}

static int
take(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e)
{
        struct azure *x = p;
        int rc = grant_take_token(a, &x->header, out, e);

        if (rc == 0 && out->seconds == 0)
                out->seconds = seconds_left(a->body);
        return rc;
}

static int
apply(const void *p, struct curl_slist **headers, struct err *e)
{
        const struct azure *x = p;

        return http_secret_append(headers, x->header.ptr, e);
}

/* Prometheus, too, asks again when half of a token's life is over. */
static const struct grant_class azure_class = {.name = "azuread",
    .half = true,
    .begin = begin,
    .ask = ask,
    .take = take,
    .forget = forget,
    .apply = apply,
    .free = free_azure};

int
azure_grant(const struct http_azure_options *o, struct grant **out, struct err *e)
{
        struct azure *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "tokens of Azure");
        x->o = o;
        x->url = (struct buf)BUF_INIT(URL_MAX);
        x->header = (struct buf)BUF_INIT(GRANT_ANSWER_MAX);
        return grant_new(&(struct grant_options){&azure_class, x, NULL, TLS_1_2}, out, e);
}
