#include "base/credentials/aws_plan.h"

#include "base/credentials/aws.h"
#include "base/credentials/aws_profile.h"
#include "base/credentials/variable.h"
#include "base/err.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_MAX_BYTES = 4 << 20, URL_BYTES = 1024 };

struct planning {
        struct aws_plan *plan;
        struct aws_profiles profiles;
        struct err *e;
};

void
aws_plan_init(struct aws_plan *p)
{
        *p = (struct aws_plan){.arena = ARENA_INIT(PLAN_MAX_BYTES)};
}

void
aws_plan_release(struct aws_plan *p)
{
        arena_wipe(&p->arena);
        arena_release(&p->arena);
        aws_plan_init(p);
}

static const char *
either(const char *a, const char *b)
{
        return a != NULL ? a : b;
}

static int
refuse(const struct planning *x, const char *profile, const char *why)
{
        return err_set(x->e, ERR_CONFIG, "profile %.64s: %s", profile, why);
}

/* ---- bases ---- */

static int
use_keys(struct aws_plan *p, const char *id, const char *secret, const char *session)
{
        p->base = AWS_KEYS;
        p->id = id;
        p->secret = secret;
        p->session = session;
        return 0;
}

static int
use_web_identity(const struct planning *x, const char *file, const char *arn, const char *session)
{
        if (arn == NULL)
                return err_set(x->e, ERR_CONFIG,
                    "there is a web identity's token file, but no role for it (AWS_ROLE_ARN, "
                    "role_arn)");
        x->plan->base = AWS_WEB_IDENTITY;
        x->plan->web_token_file = file;
        x->plan->web = (struct aws_role){.arn = arn, .session = session};
        return 0;
}

/* Keys go in clear only to this machine and to the addresses where containers have them. */
static bool
is_near(const char *host)
{
        static const char *const near[] = {
            "localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "[::1]"};

        for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
                if (strcmp(host, near[i]) == 0)
                        return true;
        }
        return strncmp(host, "127.", 4) == 0;
}

static int
check_container_url(const struct planning *x, const char *url)
{
        CURLU *u = curl_url();
        char *scheme = NULL;
        char *host = NULL;
        int rc = 0;

        if (u == NULL || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
                rc = err_set(x->e, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL");
        else if (strcmp(scheme, "https") != 0 && !is_near(host))
                rc = err_set(x->e, ERR_CONFIG,
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI has the host %.100s: without TLS it has "
                    "to be a loopback address or one where containers have their credentials",
                    host);
        curl_free(scheme);
        curl_free(host);
        curl_url_cleanup(u);
        return rc;
}

/* False: the environment names none. */
static bool
use_container(const struct planning *x, int *out_rc)
{
        const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        struct aws_plan *p = x->plan;
        char url[URL_BYTES];

        *out_rc = 0;
        if (relative == NULL && full == NULL)
                return false;
        p->base = AWS_CONTAINER;
        p->container_token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        p->container_token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        p->container_url = full;
        if (relative != NULL) {
                (void)snprintf(url, sizeof(url), "http://169.254.170.2%s", relative);
                p->container_url = arena_strdup(&p->arena, url);
        }
        if (p->container_url == NULL)
                *out_rc = err_nomem(x->e, "credentials");
        else if (relative == NULL)
                *out_rc = check_container_url(x, full);
        return true;
}

static int
use_instance(const struct planning *x)
{
        const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
        const char *mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        const char *url = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        bool six = mode != NULL && strcasecmp(mode, "IPv6") == 0;
        size_t n;
        char *own;

        if (disabled != NULL && strcasecmp(disabled, "true") == 0)
                return err_set(x->e, ERR_CONFIG,
                    "there are no keys: not in the file, nor in the environment "
                    "(AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE), nor in ~/.aws, and "
                    "AWS_EC2_METADATA_DISABLED is set");
        url = either(url, six ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
        n = strlen(url);
        while (n > 0 && url[n - 1] == '/')
                n--;
        own = arena_strndup(&x->plan->arena, url, n);
        if (own == NULL)
                return err_nomem(x->e, "credentials");
        x->plan->base = AWS_INSTANCE;
        x->plan->metadata_url = own;
        return 0;
}

static int
use_environment(const struct planning *x)
{
        const char *id = either(variable("AWS_ACCESS_KEY_ID"), variable("AWS_ACCESS_KEY"));
        const char *secret = either(variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SECRET_KEY"));

        if (id == NULL || secret == NULL)
                return err_set(x->e, ERR_NOTFOUND, "there are no keys in the environment");
        return use_keys(x->plan, id, secret, variable("AWS_SESSION_TOKEN"));
}

/* ---- profiles ---- */

static int
add_role(const struct planning *x, const struct aws_role *role)
{
        struct aws_plan *p = x->plan;

        if (p->n_roles >= AWS_ROLES_MAX)
                return err_set(
                    x->e, ERR_CONFIG, "more than %d roles one after the other", AWS_ROLES_MAX);
        p->roles[p->n_roles++] = *role;
        return 0;
}

static int
add_profile_role(const struct planning *x, const char *name, const char *arn)
{
        const char *seconds = aws_profile_get(&x->profiles, name, "duration_seconds");
        const struct aws_role role = {.arn = arn,
            .session = aws_profile_get(&x->profiles, name, "role_session_name"),
            .external_id = aws_profile_get(&x->profiles, name, "external_id"),
            .seconds = seconds != NULL ? strtoll(seconds, NULL, 10) : 0};

        if (aws_profile_get(&x->profiles, name, "mfa_serial") != NULL)
                return refuse(x, name, "mfa_serial: nobody is there to be asked for a code");
        return add_role(x, &role);
}

static int
use_source(const struct planning *x, const char *name, const char *source)
{
        int rc = 0;

        if (strcmp(source, "Environment") == 0) {
                rc = use_environment(x);
                return rc == ERR_NOTFOUND
                    ? refuse(x, name, "credential_source: there are no keys in the environment")
                    : rc;
        }
        if (strcmp(source, "Ec2InstanceMetadata") == 0)
                return use_instance(x);
        if (strcmp(source, "EcsContainer") != 0)
                return refuse(x, name,
                    "credential_source expects EcsContainer, Ec2InstanceMetadata or Environment");
        if (use_container(x, &rc))
                return rc;
        return refuse(
            x, name, "credential_source: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
}

static int
use_rest(const struct planning *x, const char *name)
{
        static const char *const refused[] = {
            "sso_session", "sso_start_url", "login_session", "credential_process"};
        int rc = 0;

        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                if (aws_profile_get(&x->profiles, name, refused[i]) != NULL)
                        return err_set(x->e, ERR_CONFIG,
                            "profile %.64s: %s is not supported; use keys, a role, "
                            "web_identity_token_file or credential_source",
                            name, refused[i]);
        }
        return use_container(x, &rc) ? rc : use_instance(x);
}

static int use_profile(const struct planning *x, const char *name, unsigned depth);

/* Where a profile's own keys, or those of the profiles behind it, come from. */
static int
use_profile_base(const struct planning *x, const char *name, unsigned depth, bool *out_whole)
{
        const struct aws_profiles *all = &x->profiles;
        const char *id = aws_profile_get(all, name, "aws_access_key_id");
        const char *secret = aws_profile_get(all, name, "aws_secret_access_key");
        const char *other = aws_profile_get(all, name, "source_profile");
        const char *source = aws_profile_get(all, name, "credential_source");
        const char *token = aws_profile_get(all, name, "web_identity_token_file");
        bool keys = id != NULL && secret != NULL;
        bool own = other != NULL && strcmp(other, name) == 0;

        *out_whole = false;
        if (other != NULL && !own && !(keys && depth > 0))
                return use_profile(x, other, depth + 1);
        if (keys) {
                x->plan->from_file = true;
                return use_keys(
                    x->plan, id, secret, aws_profile_get(all, name, "aws_session_token"));
        }
        if (own)
                return refuse(x, name, "it is its own source_profile, but has no keys");
        if (source != NULL)
                return use_source(x, name, source);
        if (token == NULL)
                return use_rest(x, name);
        *out_whole = true; /* its role is the token's */
        return use_web_identity(x, token, aws_profile_get(all, name, "role_arn"),
            aws_profile_get(all, name, "role_session_name"));
}

/* As deep as roles may be chained. */
static int
use_profile(const struct planning *x, const char *name, unsigned depth)
{
        const char *arn = aws_profile_get(&x->profiles, name, "role_arn");
        bool whole = false;
        int rc;

        if (depth >= AWS_ROLES_MAX)
                return refuse(x, name, "source_profile leads in a circle, or too far");
        if (depth > 0 && !aws_profile_exists(&x->profiles, name))
                return refuse(x, name, "it is a source_profile, but there is none of this name");
        rc = use_profile_base(x, name, depth, &whole);
        return rc == 0 && arn != NULL && !whole ? add_profile_role(x, name, arn) : rc;
}

/* ---- region and endpoints ---- */

/* The domain of a partition's services, as the SDK's table of partitions has them. */
static const char *
domain_of(const char *region)
{
        static const char *const rows[][2] = {{"cn-", "amazonaws.com.cn"},
            {"us-iso-", "c2s.ic.gov"}, {"us-isob-", "sc2s.sgov.gov"},
            {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"},
            {"eusc-", "amazonaws.eu"}};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (strncmp(region, rows[i][0], strlen(rows[i][0])) == 0)
                        return rows[i][1];
        }
        return "amazonaws.com";
}

static int
set_sts(const struct planning *x, bool fips)
{
        const char *url = either(variable("AWS_ENDPOINT_URL_STS"), variable("AWS_ENDPOINT_URL"));
        struct aws_plan *p = x->plan;
        char own[URL_BYTES];
        /* that partition's own endpoints are of this kind, under the plain name */
        bool gov = strncmp(p->region, "us-gov-", 7) == 0;

        (void)snprintf(own, sizeof(own), "https://sts%s.%s.%s/", fips && !gov ? "-fips" : "",
            p->region, domain_of(p->region));
        p->sts_url = arena_strdup(&p->arena, url != NULL ? url : own);
        return p->sts_url != NULL ? 0 : err_nomem(x->e, "credentials");
}

/* It becomes a part of a host's name and of the signature's scope. */
static bool
is_region(const char *s)
{
        return s[0] != '\0' && strlen(s) < 64 &&
            strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
            strlen(s);
}

static int
set_region(const struct planning *x, const struct http_sigv4_options *o, const char *profile)
{
        const char *region = o->region;

        region = either(region, variable("AWS_REGION"));
        region = either(region, variable("AWS_DEFAULT_REGION"));
        region = either(region, aws_profile_get(&x->profiles, profile, "region"));
        if (region == NULL)
                return err_set(x->e, ERR_CONFIG,
                    "there is no region, nor is one in the environment (AWS_REGION) or in ~/.aws");
        if (!is_region(region))
                return err_set(x->e, ERR_CONFIG, "the region is not a name of one");
        x->plan->region = region;
        return set_sts(x, o->use_fips_sts_endpoint);
}

/* ---- all of it ---- */

static int
choose(const struct planning *x, const struct http_sigv4_options *o, const char *profile)
{
        const char *token = variable("AWS_WEB_IDENTITY_TOKEN_FILE");

        if (o->access_key != NULL)
                return use_keys(x->plan, o->access_key, o->secret_key, NULL);
        if (o->profile != NULL)
                return use_profile(x, profile, 0);
        if (use_environment(x) == 0)
                return 0;
        if (token != NULL)
                return use_web_identity(
                    x, token, variable("AWS_ROLE_ARN"), variable("AWS_ROLE_SESSION_NAME"));
        return use_profile(x, profile, 0);
}

int
aws_plan_make(struct aws_plan *p, const struct http_sigv4_options *o, struct err *e)
{
        struct planning x = {.plan = p, .e = e};
        const char *named =
            either(o->profile, either(variable("AWS_PROFILE"), variable("AWS_DEFAULT_PROFILE")));
        const char *profile = either(named, "default");
        int rc;

        aws_plan_release(p);
        rc = aws_profiles_read(&p->arena, &x.profiles, e);
        if (rc == 0 && named != NULL && strcmp(named, "default") != 0 &&
            !aws_profile_exists(&x.profiles, named))
                rc = refuse(&x, named, "there is none of this name");
        if (rc == 0)
                rc = set_region(&x, o, profile);
        if (rc == 0)
                rc = choose(&x, o, profile);
        if (rc == 0 && o->role_arn != NULL)
                rc = add_role(
                    &x, &(struct aws_role){.arn = o->role_arn, .external_id = o->external_id});
        return rc;
}
