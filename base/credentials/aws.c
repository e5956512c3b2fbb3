/*
 * A round makes the plan anew, so that changed files count, then goes through its steps: those of
 * the base (the instance's metadata takes three), and one for each role.
 */
#include "base/credentials/aws.h"

#include "base/clock.h"
#include "base/credentials/aws_answer.h"
#include "base/credentials/aws_plan.h"
#include "base/credentials/form.h"
#include "base/credentials/grant.h"
#include "base/err.h"
#include "base/http_secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        EARLY_MS = 60 * 1000, /* keys are not used in their last minute */
        LOOK_AGAIN_S = 300, /* keys of files may be changed there */
        ROLE_S = 900, /* the least that a role's keys are good for, and what the SDK asks for */
        ROLE_MAX_S = 43200,
        URL_MAX = 4096,
        TOKEN_MAX = 4096, /* of the metadata service */
        ROLE_NAME_MAX = 256,
};

enum step { STEP_WEB, STEP_CONTAINER, STEP_TOKEN, STEP_NAME, STEP_INSTANCE, STEP_ROLE };

struct aws {
        const struct http_sigv4_options *o; /* borrowed */
        struct aws_plan plan;
        enum step step;
        size_t role; /* of STEP_ROLE */
        struct aws_keys step_keys; /* of the step before */
        struct aws_keys keys; /* what is granted */
        struct buf token; /* of the metadata service, with a 0 */
        struct buf name; /* of the instance's role, with a 0 */
        struct buf url;
        struct buf region; /* with a 0: the plan's is gone when it is made anew */
        struct sigv4_keys signing;
};

/* ---- what is granted ---- */

static const char *
text_of(const struct buf *b)
{
        return b->len > 0 ? b->ptr : NULL;
}

static int
finish(struct aws *x, struct err *e)
{
        struct aws_keys *k = &x->step_keys;
        int rc =
            aws_keys_set(&x->keys, text_of(&k->id), text_of(&k->secret), text_of(&k->session), e);

        buf_reset(&x->region);
        if (rc == 0)
                rc = buf_puts(&x->region, x->plan.region, e);
        if (rc == 0)
                rc = buf_putc(&x->region, '\0', e);
        if (rc < 0)
                return rc;
        x->signing = (struct sigv4_keys){.service = x->o->service != NULL ? x->o->service : "aps",
            .region = x->region.ptr,
            .id = x->keys.id.ptr,
            .secret = x->keys.secret.ptr,
            .session = text_of(&x->keys.session)};
        aws_keys_release(k);
        aws_plan_release(&x->plan);
        return 0;
}

static void
forget(void *p)
{
        struct aws *x = p;

        aws_keys_release(&x->keys);
        x->signing = (struct sigv4_keys){0};
}

static void
free_aws(void *p)
{
        struct aws *x = p;

        aws_plan_release(&x->plan);
        aws_keys_release(&x->step_keys);
        aws_keys_release(&x->keys);
        http_secret_release(&x->token);
        buf_release(&x->name);
        buf_release(&x->url);
        buf_release(&x->region);
        free(x);
}

/* ---- a round begins ---- */

static int
begin(void *p, bool *out_ready, int64_t *out_seconds, struct err *e)
{
        static const enum step first[] = {[AWS_WEB_IDENTITY] = STEP_WEB,
            [AWS_CONTAINER] = STEP_CONTAINER,
            [AWS_INSTANCE] = STEP_TOKEN};
        struct aws *x = p;
        struct aws_plan *plan = &x->plan;
        int rc = aws_plan_make(plan, x->o, e);

        x->role = 0;
        if (rc < 0 || plan->base != AWS_KEYS) {
                x->step = rc == 0 ? first[plan->base] : STEP_TOKEN;
                return rc;
        }
        x->step = STEP_ROLE;
        rc = aws_keys_set(&x->step_keys, plan->id, plan->secret, plan->session, e);
        if (rc < 0 || plan->n_roles > 0)
                return rc;
        *out_ready = true;
        *out_seconds = plan->from_file ? LOOK_AGAIN_S : 0;
        return finish(x, e);
}

/* ---- requests ---- */

static int
set_url(struct aws *x, struct grant_request *r, const char *path, struct err *e)
{
        int rc;

        buf_reset(&x->url);
        rc = buf_printf(&x->url, e, "%s%s%s", x->plan.metadata_url, path,
            x->step == STEP_INSTANCE ? x->name.ptr : "");
        r->url = x->url.ptr;
        r->direct = true;
        return rc;
}

static int
put_header(struct curl_slist **headers, const char *name, const char *value, struct err *e)
{
        struct buf line = BUF_INIT(HTTP_SECRET_MAX + 128);
        int rc = buf_printf(&line, e, "%s: %s", name, value);

        if (rc == 0)
                rc = http_secret_append(headers, line.ptr, e);
        http_secret_release(&line);
        return rc;
}

static int
ask_instance(struct aws *x, struct grant_request *r, struct err *e)
{
        static const char roles[] = "/latest/meta-data/iam/security-credentials/";
        int rc;

        if (x->step == STEP_TOKEN) {
                r->method = "PUT";
                rc = put_header(r->headers, "X-aws-ec2-metadata-token-ttl-seconds", "300", e);
                if (rc == 0)
                        rc = http_secret_append(r->headers, "Content-Type:", e);
                return rc == 0 ? set_url(x, r, "/latest/api/token", e) : rc;
        }
        rc = put_header(r->headers, "X-aws-ec2-metadata-token", x->token.ptr, e);
        return rc == 0 ? set_url(x, r, roles, e) : rc;
}

static int
ask_container(const struct aws *x, struct grant_request *r, struct err *e)
{
        const struct aws_plan *plan = &x->plan;
        struct buf token = BUF_INIT(HTTP_SECRET_MAX);
        int rc = 0;

        r->url = plan->container_url;
        r->direct = true;
        if (plan->container_token_file == NULL && plan->container_token == NULL)
                return 0;
        rc = http_secret_read("AWS_CONTAINER_AUTHORIZATION_TOKEN",
            plan->container_token_file == NULL ? plan->container_token : NULL,
            plan->container_token_file, &token, e);
        if (rc == 0)
                rc = put_header(r->headers, "Authorization", token.ptr, e);
        http_secret_release(&token);
        return rc;
}

static int
put_role(const struct aws_role *role, const char *action, struct buf *form, struct err *e)
{
        char session[64];
        int rc = form_put(form, "Action", action, e);

        (void)snprintf(session, sizeof(session), "gleaner-%" PRId64, clock_wall(clock_system()));
        if (rc == 0)
                rc = form_put(form, "Version", "2011-06-15", e);
        if (rc == 0)
                rc = form_put(form, "RoleArn", role->arn, e);
        if (rc == 0)
                rc = form_put(
                    form, "RoleSessionName", role->session != NULL ? role->session : session, e);
        return rc;
}

static int
ask_web_identity(const struct aws *x, struct grant_request *r, struct err *e)
{
        struct buf token = BUF_INIT(HTTP_SECRET_MAX);
        int rc =
            http_secret_read("the web identity's token", NULL, x->plan.web_token_file, &token, e);

        r->url = x->plan.sts_url;
        if (rc == 0)
                rc = put_role(&x->plan.web, "AssumeRoleWithWebIdentity", &r->form, e);
        if (rc == 0)
                rc = form_put(&r->form, "WebIdentityToken", token.ptr, e);
        http_secret_release(&token);
        return rc;
}

static int
ask_role(const struct aws *x, struct grant_request *r, struct err *e)
{
        const struct aws_role *role = &x->plan.roles[x->role];
        char seconds[32];
        int64_t s = role->seconds > ROLE_S && role->seconds <= ROLE_MAX_S ? role->seconds : ROLE_S;
        int rc = put_role(role, "AssumeRole", &r->form, e);

        (void)snprintf(seconds, sizeof(seconds), "%" PRId64, s);
        r->url = x->plan.sts_url;
        if (rc == 0)
                rc = form_put(&r->form, "DurationSeconds", seconds, e);
        return rc == 0 ? form_put(&r->form, "ExternalId", role->external_id, e) : rc;
}

static int
ask(void *p, struct grant_request *r, struct err *e)
{
        struct aws *x = p;

        switch (x->step) {
        case STEP_WEB:
                return ask_web_identity(x, r, e);
        case STEP_CONTAINER:
                return ask_container(x, r, e);
        case STEP_ROLE:
                return ask_role(x, r, e);
        case STEP_TOKEN:
        case STEP_NAME:
        case STEP_INSTANCE:
                break;
        }
        return ask_instance(x, r, e);
}

/* To assume a role is a request that is signed itself, with the keys of the step before. */
static int
prepare(void *p, CURL *easy, const struct grant_request *r, struct err *e)
{
        const struct aws *x = p;
        const struct http_request request = {easy, r->url, r->headers};
        const struct sigv4_keys keys = {.service = "sts",
            .region = x->plan.region,
            .id = text_of(&x->step_keys.id),
            .secret = text_of(&x->step_keys.secret),
            .session = text_of(&x->step_keys.session)};

        return x->step == STEP_ROLE ? http_sigv4_sign(&keys, &request, buf_view(&r->form), e) : 0;
}

/* ---- answers ---- */

static int
take_text(struct view body, struct buf *out, struct err *e)
{
        int rc;

        buf_reset(out);
        while (body.n > 0 && (unsigned char)body.p[body.n - 1] <= 0x20)
                body.n--;
        for (size_t i = 0; i < body.n; i++) {
                if ((unsigned char)body.p[i] <= 0x20 || (unsigned char)body.p[i] >= 0x7f)
                        return err_set(e, ERR_AGAIN, "the answer is no token");
        }
        rc = buf_append(out, body.p, body.n, e);
        return rc == 0 ? buf_putc(out, '\0', e) : rc;
}

static int
take_name(struct aws *x, struct view body, struct err *e)
{
        int rc;

        buf_reset(&x->name);
        rc = aws_answer_role(body, &x->name, e);
        return rc == 0 ? buf_putc(&x->name, '\0', e) : rc;
}

/* Keys have come: a role is assumed with them, or they are what is wanted. */
static int
go_on(struct aws *x, struct grant_result *out, struct err *e)
{
        int64_t expires = x->step_keys.expires_ms;
        int64_t left_s = (expires - clock_wall(clock_system())) / 1000;

        x->role += x->step == STEP_ROLE;
        x->step = STEP_ROLE;
        out->more = x->role < x->plan.n_roles;
        if (out->more)
                return 0;
        if (expires > 0)
                out->seconds = left_s > 0 ? left_s : 1;
        return finish(x, e);
}

static int
take(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e)
{
        struct aws *x = p;
        int rc;

        out->more = true;
        switch (x->step) {
        case STEP_TOKEN:
                x->step = STEP_NAME;
                return take_text(a->body, &x->token, e);
        case STEP_NAME:
                x->step = STEP_INSTANCE;
                return take_name(x, a->body, e);
        case STEP_INSTANCE:
        case STEP_CONTAINER:
                rc = aws_answer_json(a->body, &x->step_keys, e);
                break;
        case STEP_WEB:
        case STEP_ROLE:
        default:
                rc = aws_answer_xml(a->body, &x->step_keys, e);
                break;
        }
        return rc == 0 ? go_on(x, out, e) : rc;
}

static const struct grant_class aws_class = {.name = "sigv4",
    .early_ms = EARLY_MS,
    .begin = begin,
    .ask = ask,
    .prepare = prepare,
    .take = take,
    .reason = aws_answer_refusal,
    .forget = forget,
    .free = free_aws};

int
aws_grant(const struct http_sigv4_options *o, struct grant **out, struct err *e)
{
        struct aws *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "keys for AWS");
        x->o = o;
        aws_plan_init(&x->plan);
        aws_keys_init(&x->step_keys);
        aws_keys_init(&x->keys);
        x->token = (struct buf)BUF_INIT(TOKEN_MAX);
        x->name = (struct buf)BUF_INIT(ROLE_NAME_MAX + 8);
        x->url = (struct buf)BUF_INIT(URL_MAX);
        x->region = (struct buf)BUF_INIT(URL_MAX);
        return grant_new(&(struct grant_options){&aws_class, x, NULL, TLS_1_2}, out, e);
}

const struct sigv4_keys *
aws_grant_keys(const struct grant *g)
{
        const struct aws *x = g != NULL ? grant_provider(g) : NULL;

        return x != NULL ? &x->signing : NULL;
}
