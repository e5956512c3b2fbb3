/*
 * sigv4 of a remote_write entry, checked as Prometheus checks it (prometheus/sigv4
 * sigv4_config.go, config/config.go), and the options of base/credentials.
 */
#include "agent/config_parts.h"
#include "base/buf.h"
#include "base/credentials/aws.h"
#include "base/http.h"
#include "base/yaml.h"

enum { NAMES_MAX = 256 };

static const char *
or_null(const char *s)
{
        return s[0] != '\0' ? s : NULL;
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
            {"sigv4", in->sigv4.node}};
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
        if (n > 1 && in->sigv4.node != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, last,
                    "at most one of basic_auth, authorization, oauth2, sigv4, azuread or "
                    "google_iam must be configured. Currently configured: [%.*s]",
                    (int)names.len, names.ptr);
        buf_release(&names);
}

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

void
config_cloud(struct config_reader *r, const struct config_remote *in, struct http_options *out)
{
        check_ways(r, in);
        out->sigv4 = read_sigv4(r, &in->sigv4);
}
