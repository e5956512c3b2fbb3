#include "base/credentials/google.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/credentials/form.h"
#include "base/credentials/grant.h"
#include "base/credentials/jwt.h"
#include "base/credentials/variable.h"
#include "base/err.h"
#include "base/file.h"
#include "base/http_secret.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        EARLY_MS = 10 * 1000,
        ASSERTION_S = 3600,
        FILE_MAX = 64 << 10,
        URL_MAX = 1024,
        PROJECT_MAX = 256,
};

static const char scope[] = "https://www.googleapis.com/auth/monitoring.write";
static const char token_uri[] = "https://oauth2.googleapis.com/token";

enum way { METADATA, ACCOUNT, USER };

struct google {
        const struct http_google_options *o; /* borrowed */
        enum way way;
        json_t *file; /* owned; between the beginning of a round and its end */
        char url[URL_MAX];
        struct buf header; /* "Authorization: …" with a 0; empty: no token */
        struct buf project; /* that pays: "x-goog-user-project: …" with a 0; empty: the token's */
};

static void
drop_file(struct google *x)
{
        json_decref(x->file);
        x->file = NULL;
}

static void
forget(void *p)
{
        struct google *x = p;

        http_secret_release(&x->header);
}

static void
free_google(void *p)
{
        struct google *x = p;

        drop_file(x);
        http_secret_release(&x->header);
        buf_release(&x->project);
        free(x);
}

/* ---- who asks ---- */

static const char *
field(const struct google *x, const char *name)
{
        const char *s = json_string_value(json_object_get(x->file, name));

        return s != NULL && s[0] != '\0' ? s : NULL;
}

static bool
has_fields(const struct google *x, const char *const *names, size_t n, struct err *e)
{
        for (size_t i = 0; i < n; i++) {
                if (field(x, names[i]) == NULL) {
                        (void)err_set(e, ERR_CONFIG, "the credentials file has no %s", names[i]);
                        return false;
                }
        }
        return true;
}

static int
check_file(struct google *x, struct err *e)
{
        static const char *const account[] = {"client_email", "private_key"};
        static const char *const user[] = {"client_id", "client_secret", "refresh_token"};
        const char *type = field(x, "type");

        if (type != NULL && strcmp(type, "service_account") == 0) {
                x->way = ACCOUNT;
                return has_fields(x, account, 2, e) ? 0 : ERR_CONFIG;
        }
        if (type != NULL && strcmp(type, "authorized_user") == 0) {
                x->way = USER;
                return has_fields(x, user, 3, e) ? 0 : ERR_CONFIG;
        }
        return err_set(e, ERR_CONFIG,
            "the credentials file is of type \"%.64s\"; service_account and authorized_user are "
            "supported",
            type != NULL ? type : "");
}

static int
read_file(struct google *x, const char *path, struct err *e)
{
        struct buf text = BUF_INIT(FILE_MAX);
        int rc = file_read(path, &text, e);

        drop_file(x);
        if (rc == 0)
                x->file = json_loadb(text.ptr != NULL ? text.ptr : "", text.len, 0, NULL);
        http_secret_release(&text);
        if (rc < 0)
                return rc;
        rc = json_is_object(x->file)
            ? check_file(x, e)
            : err_set(e, ERR_CONFIG, "the credentials file is not a JSON object");
        return rc < 0 ? err_prefix(e, "\"%s\"", path) : 0;
}

/* Whose quota it is, where that is not the account's own. */
static int
set_project(struct google *x, struct err *e)
{
        const char *project = variable("GOOGLE_CLOUD_QUOTA_PROJECT");

        if (project == NULL)
                project = field(x, "quota_project_id");
        buf_reset(&x->project);
        if (project == NULL)
                return 0;
        if (strlen(project) > PROJECT_MAX / 2 || strpbrk(project, "\r\n") != NULL)
                return err_set(e, ERR_CONFIG, "quota_project_id is not a name of a project");
        return buf_printf(&x->project, e, "x-goog-user-project: %s%c", project, 0);
}

static int
begin(void *p, bool *out_ready, int64_t *out_seconds, struct err *e)
{
        struct google *x = p;
        const char *home = variable("HOME");
        const char *path = x->o->credentials_file;
        struct err why = ERR_INIT;
        char own[URL_MAX];
        int rc;

        (void)out_ready;
        (void)out_seconds;
        x->way = METADATA;
        if (path == NULL)
                path = variable("GOOGLE_APPLICATION_CREDENTIALS");
        (void)snprintf(own, sizeof(own), "%s/.config/gcloud/application_default_credentials.json",
            home != NULL ? home : "");
        rc = read_file(x, path != NULL ? path : own, &why);
        if (rc == ERR_NOTFOUND && path == NULL)
                rc = 0; /* the instance's */
        if (rc == 0)
                rc = set_project(x, &why);
        if (rc == 0)
                return 0;
        drop_file(x);
        if (e != NULL) {
                *e = why;
                e->code = ERR_CONFIG;
        }
        return ERR_CONFIG;
}

/* ---- requests ---- */

static int
ask_metadata(struct google *x, struct grant_request *r, struct err *e)
{
        const char *host = variable("GCE_METADATA_HOST");
        struct buf query = BUF_INIT(URL_MAX);
        int rc = form_put(&query, "scopes", scope, e);

        if (rc == 0)
                (void)snprintf(x->url, sizeof(x->url),
                    "http://%.255s/computeMetadata/v1/instance/service-accounts/default/token?%.*s",
                    host != NULL ? host : "169.254.169.254", (int)query.len, query.ptr);
        buf_release(&query);
        r->direct = true;
        return rc == 0 ? http_secret_append(r->headers, "Metadata-Flavor: Google", e) : rc;
}

static int
put_assertion(const struct google *x, const char *audience, struct buf *form, struct err *e)
{
        struct buf assertion = BUF_INIT(GRANT_FORM_MAX / 2);
        const struct jwt_claims claims = {.key_id = field(x, "private_key_id"),
            .issuer = field(x, "client_email"),
            .audience = audience,
            .scope = scope,
            .now_s = clock_wall(clock_system()) / 1000,
            .seconds = ASSERTION_S};
        int rc = jwt_sign(&claims, field(x, "private_key"), &assertion, e);

        if (rc == 0)
                rc = form_put(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", e);
        if (rc == 0)
                rc = form_put(form, "assertion", assertion.ptr, e);
        http_secret_release(&assertion);
        return rc;
}

static int
put_user(const struct google *x, struct buf *form, struct err *e)
{
        int rc = form_put(form, "grant_type", "refresh_token", e);

        if (rc == 0)
                rc = form_put(form, "client_id", field(x, "client_id"), e);
        if (rc == 0)
                rc = form_put(form, "client_secret", field(x, "client_secret"), e);
        return rc == 0 ? form_put(form, "refresh_token", field(x, "refresh_token"), e) : rc;
}

static int
ask(void *p, struct grant_request *r, struct err *e)
{
        struct google *x = p;
        const char *uri = field(x, "token_uri");

        r->url = x->url;
        if (x->way == METADATA)
                return ask_metadata(x, r, e);
        if (snprintf(x->url, sizeof(x->url), "%s", uri != NULL ? uri : token_uri) >=
            (int)sizeof(x->url))
                return err_set(e, ERR_CONFIG, "the credentials file's token_uri is too long");
        return x->way == ACCOUNT ? put_assertion(x, x->url, &r->form, e) : put_user(x, &r->form, e);
}

/* ---- the answer ---- */

static int
take(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e)
{
        struct google *x = p;
        int rc = grant_take_token(a, &x->header, out, e);

        if (rc == 0)
                drop_file(x);
        return rc;
}

static int
apply(const void *p, struct curl_slist **headers, struct err *e)
{
        const struct google *x = p;
        int rc = http_secret_append(headers, x->header.ptr, e);

        return rc == 0 && x->project.len > 0 ? http_secret_append(headers, x->project.ptr, e) : rc;
}

static const struct grant_class google_class = {.name = "google_iam",
    .early_ms = EARLY_MS,
    .begin = begin,
    .ask = ask,
    .take = take,
    .forget = forget,
    .apply = apply,
    .free = free_google};

int
google_grant(const struct http_google_options *o, struct grant **out, struct err *e)
{
        struct google *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "tokens of Google");
        x->o = o;
        x->header = (struct buf)BUF_INIT(GRANT_ANSWER_MAX);
        x->project = (struct buf)BUF_INIT(PROJECT_MAX);
        return grant_new(&(struct grant_options){&google_class, x, NULL, TLS_1_2}, out, e);
}
