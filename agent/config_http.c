/*
 * HTTP client settings of a job or an endpoint: what may not stand together, in Prometheus's words
 * (common config/http_config.go), and the options of base/http.h.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/http.h"
#include "base/yaml.h"

#include <strings.h>

static bool
given(const char *s)
{
        return s[0] != '\0';
}

/* base/http.h says NULL for what is not given. */
static const char *
or_null(const char *s)
{
        return given(s) ? s : NULL;
}

static int
count3(const char *a, const char *b, const char *c)
{
        return given(a) + given(b) + given(c);
}

static void
refuse(struct config_reader *r, const struct yaml_node *at, const char *why)
{
        config_fail(r, CONFIG_STAGE_VALUE, at, "%s", why);
}

static void
check_bearer_token(struct config_reader *r, const struct config_http *in)
{
        if (!given(in->bearer_token) && !given(in->bearer_token_file))
                return;
        if (given(in->bearer_token) && given(in->bearer_token_file))
                refuse(r, in->node,
                    "at most one of bearer_token & bearer_token_file must be configured");
        if (in->basic_auth.node != NULL || in->oauth2.node != NULL)
                refuse(r, in->node,
                    "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
                    "configured");
        if (in->authorization.node != NULL)
                refuse(r, in->authorization.node,
                    "authorization is not compatible with bearer_token & bearer_token_file");
}

static void
check_basic_auth(struct config_reader *r, const struct config_basic_auth *a)
{
        if (count3(a->username, a->username_file, a->username_ref) > 1)
                refuse(r, a->node,
                    "at most one of basic_auth username, username_file & username_ref must be "
                    "configured");
        if (count3(a->password, a->password_file, a->password_ref) > 1)
                refuse(r, a->node,
                    "at most one of basic_auth password, password_file & password_ref must be "
                    "configured");
}

static struct view
trim(const char *s)
{
        struct view v = view_of(s);

        while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t'))
                v = (struct view){v.p + 1, v.n - 1};
        while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
                v.n--;
        return v;
}

static void
check_authorization(struct config_reader *r, const struct config_http *in)
{
        const struct config_authorization *a = &in->authorization;

        if (a->node == NULL)
                return;
        if (count3(a->credentials, a->credentials_file, a->credentials_ref) > 1)
                refuse(r, a->node,
                    "at most one of authorization credentials & credentials_file must be "
                    "configured");
        if (config_same_name(trim(a->type), VIEW_LIT("basic")))
                refuse(r, a->node,
                    "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
        if (!config_header_value_valid(view_of(a->type)))
                refuse(r, a->node, "authorization type holds a control character");
}

static void
check_proxy(struct config_reader *r, const struct config_proxy *p)
{
        if (p->proxy_from_environment) {
                if (given(p->proxy_url))
                        refuse(r, p->node,
                            "if proxy_from_environment is configured, proxy_url must not be "
                            "configured");
                if (given(p->no_proxy))
                        refuse(r, p->node,
                            "if proxy_from_environment is configured, no_proxy must not be "
                            "configured");
                return;
        }
        if (given(p->proxy_url))
                return;
        if (given(p->no_proxy))
                refuse(r, p->node, "if no_proxy is configured, proxy_url must also be configured");
        if (p->proxy_connect_header != NULL && p->proxy_connect_header->n_entries > 0)
                refuse(r, p->node,
                    "if proxy_connect_header is configured, proxy_url or proxy_from_environment "
                    "must also be configured");
}

static enum tls_version
tls_version(struct config_reader *r, const struct config_tls *t, const char *key, const char *name)
{
        static const struct {
                const char *name;
                enum tls_version version;
        } rows[] = {{"", TLS_DEFAULT}, {"TLS10", TLS_1_0}, {"TLS11", TLS_1_1}, {"TLS12", TLS_1_2},
            {"TLS13", TLS_1_3}};
        const struct yaml_node *at = yaml_node_get(t->node, key);

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (view_is(view_of(name), rows[i].name) &&
                    (i > 0 || at == NULL || at->kind == YAML_NULL))
                        return rows[i].version;
        }
        config_fail(r, CONFIG_STAGE_VALUE, at,
            "unknown TLS version: %s; %s expects TLS10, TLS11, TLS12 or TLS13", name, key);
        return TLS_DEFAULT;
}

static void
check_tls(struct config_reader *r, const struct config_tls *t)
{
        enum tls_version min = tls_version(r, t, "min_version", t->min_version);
        enum tls_version max = tls_version(r, t, "max_version", t->max_version);
        int certs = count3(t->cert, t->cert_file, t->cert_ref);
        int keys = count3(t->key, t->key_file, t->key_ref);

        if (count3(t->ca, t->ca_file, t->ca_ref) > 1)
                refuse(r, t->node, "at most one of ca, ca_file & ca_ref must be configured");
        if (certs > 1)
                refuse(r, t->node, "at most one of cert, cert_file & cert_ref must be configured");
        if (keys > 1)
                refuse(r, t->node, "at most one of key and key_file must be configured");
        if (certs > 0 && keys == 0)
                refuse(r, t->node,
                    "exactly one of key or key_file must be configured when a client certificate "
                    "is configured");
        if (keys > 0 && certs == 0)
                refuse(r, t->node,
                    "exactly one of cert or cert_file must be configured when a client key is "
                    "configured");
        if (min != TLS_DEFAULT && max != TLS_DEFAULT && max < min)
                refuse(r, t->node,
                    "tls_config.max_version must be greater than or equal to "
                    "tls_config.min_version if both are specified");
}

void
config_http_check(struct config_reader *r, const struct config_http *in)
{
        int ways = (in->basic_auth.node != NULL) + (in->authorization.node != NULL) +
            (in->oauth2.node != NULL);

        check_bearer_token(r, in);
        check_basic_auth(r, &in->basic_auth);
        check_authorization(r, in);
        if (ways > 1)
                refuse(r, in->node,
                    "at most one of basic_auth, oauth2 & authorization must be configured");
        config_oauth2_check(r, &in->oauth2);
        if (in->oauth2.node != NULL) {
                check_tls(r, &in->oauth2.tls);
                check_proxy(r, &in->oauth2.proxy);
        }
        check_tls(r, &in->tls);
        check_proxy(r, &in->proxy);
}

static void
set_authorization(struct config_reader *r, const struct config_http *in, struct http_options *out)
{
        const struct config_authorization *a = &in->authorization;
        struct view type;

        if (in->basic_auth.node != NULL) {
                out->username_file = or_null(in->basic_auth.username_file);
                /* a request with an empty name still has its Authorization header */
                if (out->username_file == NULL)
                        out->username = in->basic_auth.username;
                out->password = or_null(in->basic_auth.password);
                out->password_file = or_null(in->basic_auth.password_file);
        }
        if (a->node == NULL) {
                out->credentials = or_null(in->bearer_token);
                out->credentials_file = or_null(in->bearer_token_file);
                return;
        }
        type = trim(a->type);
        out->auth_type = type.n > 0 ? config_copy(r, type) : NULL;
        out->credentials = or_null(a->credentials);
        out->credentials_file = or_null(a->credentials_file);
}

static void
set_tls(struct config_reader *r, const struct config_tls *t, struct http_options *out)
{
        out->ca = or_null(t->ca);
        out->ca_file = or_null(t->ca_file);
        out->cert = or_null(t->cert);
        out->cert_file = or_null(t->cert_file);
        out->key = or_null(t->key);
        out->key_file = or_null(t->key_file);
        out->server_name = or_null(t->server_name);
        out->insecure_skip_verify = t->insecure_skip_verify;
        out->min_version = tls_version(r, t, "min_version", t->min_version);
        out->max_version = tls_version(r, t, "max_version", t->max_version);
}

static void
set_proxy(struct config_reader *r, const struct config_proxy *p, struct http_proxy_options *out)
{
        out->url = or_null(p->proxy_url);
        out->no_proxy = or_null(p->no_proxy);
        out->from_environment = p->proxy_from_environment;
        config_connect_headers(r, p->proxy_connect_header, out);
}

void
config_http_route(struct config_reader *r, const struct config_tls *tls,
    const struct config_proxy *proxy, struct http_options *out)
{
        http_options_init(out);
        set_tls(r, tls, out);
        set_proxy(r, proxy, &out->proxy);
}

void
config_http(struct config_reader *r, const struct config_http *in, enum tls_version floor,
    struct http_options *out)
{
        config_http_check(r, in);
        config_http_route(r, &in->tls, &in->proxy, out);
        set_authorization(r, in, out);
        out->oauth2 = config_oauth2(r, &in->oauth2);
        /* an explicit maximum below the floor wins over the floor */
        if (out->min_version == TLS_DEFAULT && out->max_version != TLS_DEFAULT &&
            out->max_version < floor)
                out->min_version = out->max_version;
        out->follow_redirects = in->follow_redirects;
        out->enable_http2 = in->enable_http2;
}
