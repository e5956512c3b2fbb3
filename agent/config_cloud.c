/*
 * sigv4, azuread and google_iam of a remote_write entry, checked as Prometheus checks them
 * (prometheus/sigv4 sigv4_config.go, storage/remote/azuread, config/config.go), and the options of
 * base/credentials.
 */
#include "agent/config_parts.h"
#include "base/buf.h"
#include "base/credentials/aws.h"
#include "base/credentials/azure.h"
#include "base/credentials/google.h"
#include "base/http.h"
#include "base/yaml.h"

#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 256 };

/* NULL already: a key that this kind of identity does not have. */
static const char *
or_null(const char *s)
{
        return s != NULL && s[0] != '\0' ? s : NULL;
}

static void
refuse(struct config_reader *r, const struct yaml_node *at, const char *why)
{
        config_fail(r, CONFIG_STAGE_VALUE, at, "%s", why);
}

/* Only one may say who we are. */
static void
check_ways(struct config_reader *r, const struct config_remote *in)
{
        const struct {
                const char *name;
                const struct yaml_node *node;
        } ways[] = {{"basic_auth", in->http.basic_auth.node},
            {"authorization", in->http.authorization.node}, {"oauth2", in->http.oauth2.node},
            {"sigv4", in->sigv4.node}, {"azuread", in->azuread.node},
            {"google_iam", in->google_iam.node}};
        bool cloud =
            in->sigv4.node != NULL || in->azuread.node != NULL || in->google_iam.node != NULL;
        bool bearer = in->http.bearer_token[0] != '\0' || in->http.bearer_token_file[0] != '\0';
        struct buf names = BUF_INIT(NAMES_MAX);
        const struct yaml_node *last = NULL;
        size_t n = 0;

        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                bool given = ways[i].node != NULL || (i == 1 && bearer);

                if (!given)
                        continue;
                (void)buf_printf(&names, NULL, "%s%s", n++ > 0 ? " " : "", ways[i].name);
                last = ways[i].node != NULL ? ways[i].node : last;
        }
        /* those of every client were told already (config_http.c) */
        if (n > 1 && cloud)
                config_fail(r, CONFIG_STAGE_VALUE, last,
                    "at most one of basic_auth, authorization, oauth2, sigv4, azuread or "
                    "google_iam must be configured. Currently configured: [%.*s]",
                    (int)names.len, names.ptr);
        buf_release(&names);
}

/* ---- sigv4 ---- */

static const struct http_sigv4_options *
read_sigv4(struct config_reader *r, const struct config_sigv4 *s)
{
        struct http_sigv4_options *out;

        if (s->node == NULL)
                return NULL;
        if ((s->access_key[0] != '\0') != (s->secret_key[0] != '\0'))
                refuse(r, s->node,
                    "must provide a AWS SigV4 Access key and Secret Key if credentials are "
                    "specified in the SigV4 config");
        if (s->external_id[0] != '\0' && s->role_arn[0] == '\0')
                refuse(r, s->node, "external_id can only be used with role_arn");
        out = config_array(r, 1, sizeof(*out));
        if (out != NULL)
                *out = (struct http_sigv4_options){.region = or_null(s->region),
                    .access_key = or_null(s->access_key),
                    .secret_key = or_null(s->secret_key),
                    .profile = or_null(s->profile),
                    .role_arn = or_null(s->role_arn),
                    .external_id = or_null(s->external_id),
                    .service = or_null(s->service_name),
                    .use_fips_sts_endpoint = s->use_fips_sts_endpoint};
        return out;
}

/* ---- azuread ---- */

static bool
is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* As Go's uuid package reads one: plain, in braces, behind urn:uuid:, or 32 digits alone. */
static bool
is_uuid(const char *s)
{
        struct view v = view_of(s);

        if (v.n == 45 && strncasecmp(v.p, "urn:uuid:", 9) == 0)
                v = (struct view){v.p + 9, v.n - 9};
        else if (v.n == 38)
                v = (struct view){v.p + 1, v.n - 2};
        if (v.n != 36 && v.n != 32)
                return false;
        for (size_t i = 0; i < v.n; i++) {
                bool dash = v.n == 36 && (i == 8 || i == 13 || i == 18 || i == 23);

                if (dash ? v.p[i] != '-' : !is_hex(v.p[i]))
                        return false;
        }
        return true;
}

static bool
is_scope(const char *s)
{
        for (; *s != '\0'; s++) {
                bool word = (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
                    (*s >= 'A' && *s <= 'Z');

                if (!word && strchr("_:/.- \t\n\f\r", *s) == NULL)
                        return false;
        }
        return true;
}

struct azure_row {
        const struct config_azure_identity *identity;
        const char *name; /* in messages */
        enum azure_way way;
        bool optional; /* its client_id */
};

static void
require(struct config_reader *r, const struct azure_row *w, const char *key, const char *value)
{
        if (value[0] == '\0')
                config_fail(r, CONFIG_STAGE_VALUE, w->identity->node,
                    "must provide an Azure %s %s in the Azure AD config", w->name, key);
}

static void
check_identity(struct config_reader *r, const struct azure_row *w)
{
        const struct config_azure_identity *i = w->identity;

        if (w->way == AZURE_SDK)
                return;
        if (!w->optional)
                require(r, w, "client_id", i->client_id);
        if (w->way == AZURE_SECRET)
                require(r, w, "client_secret", i->client_secret);
        if (w->way != AZURE_MANAGED)
                require(r, w, "tenant_id", i->tenant_id);
        if (i->client_id[0] != '\0' && !is_uuid(i->client_id))
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(i->node, "client_id"),
                    "the provided Azure %s client_id is invalid", w->name);
        if (w->way == AZURE_WORKLOAD && i->tenant_id[0] != '\0' && !is_uuid(i->tenant_id))
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(i->node, "tenant_id"),
                    "the provided Azure %s tenant_id is invalid", w->name);
}

struct azure_cloud {
        const char *name;
        const char *authority;
        const char *scope;
};

static const struct azure_cloud *
find_cloud(const char *name)
{
        static const struct azure_cloud rows[] = {
            {"AzurePublic", "https://login.microsoftonline.com",
                "https://monitor.azure.com//.default"},
            {"AzureGovernment", "https://login.microsoftonline.us",
                "https://monitor.azure.us//.default"},
            {"AzureChina", "https://login.chinacloudapi.cn", "https://monitor.azure.cn//.default"},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (strcmp(rows[i].name, name[0] != '\0' ? name : rows[0].name) == 0)
                        return &rows[i];
        }
        return NULL;
}

static const struct http_azure_options *
read_azuread(struct config_reader *r, const struct config_azuread *a)
{
        const struct azure_row ways[] = {{&a->managed, "Managed Identity", AZURE_MANAGED, true},
            {&a->workload, "Workload Identity", AZURE_WORKLOAD, false},
            {&a->oauth, "OAuth", AZURE_SECRET, false}, {&a->sdk, "SDK", AZURE_SDK, true}};
        const struct azure_cloud *cloud = a->node != NULL ? find_cloud(a->cloud) : NULL;
        const struct azure_row *way = NULL;
        struct http_azure_options *out;
        size_t n = 0;

        if (a->node == NULL)
                return NULL;
        if (cloud == NULL)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(a->node, "cloud"),
                    "must provide a cloud in the Azure AD config; cloud expects AzurePublic, "
                    "AzureGovernment or AzureChina");
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                if (ways[i].identity->node == NULL)
                        continue;
                check_identity(r, &ways[i]);
                way = &ways[i];
                n++;
        }
        if (n == 0 && yaml_node_get(a->node, "certificate") == NULL)
                refuse(r, a->node,
                    "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, "
                    "Azure Certificate or Azure SDK in the Azure AD config");
        if (n > 1)
                refuse(r, a->node,
                    "cannot provide multiple authentication methods in the Azure AD config");
        if (!is_scope(a->scope))
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(a->node, "scope"),
                    "the provided scope contains invalid characters");
        out = config_array(r, 1, sizeof(*out));
        if (out == NULL || way == NULL || cloud == NULL)
                return NULL;
        *out = (struct http_azure_options){.way = way->way,
            .client_id = or_null(way->identity->client_id),
            .client_secret = or_null(way->identity->client_secret),
            .tenant_id = or_null(way->identity->tenant_id),
            .token_file = or_null(way->identity->token_file_path),
            .authority = cloud->authority,
            .scope = a->scope[0] != '\0' ? a->scope : cloud->scope};
        return out;
}

static const struct http_google_options *
read_google(struct config_reader *r, const struct config_google_iam *g)
{
        struct http_google_options *out = g->node != NULL ? config_array(r, 1, sizeof(*out)) : NULL;

        if (out != NULL)
                out->credentials_file = or_null(g->credentials_file);
        return out;
}

void
config_cloud(struct config_reader *r, const struct config_remote *in, struct http_options *out)
{
        check_ways(r, in);
        out->sigv4 = read_sigv4(r, &in->sigv4);
        out->azure = read_azuread(r, &in->azuread);
        out->google = read_google(r, &in->google_iam);
}
