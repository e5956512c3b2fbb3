/*
 * oauth2: what may not stand together, in Prometheus's words (common config/http_config.go), and
 * the options of base/http.h.
 */
#include "agent/config_parts.h"
#include "agent/config_set.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/http.h"
#include "base/yaml.h"
#include "base/yaml_json.h"

enum { SCOPE_MAX = 64 << 10, CLAIMS_MAX = 64 << 10, PARAMS_MAX = 100 };

static bool
given(const char *s)
{
        return s[0] != '\0';
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

static bool
is_jwt(const struct config_oauth2 *o)
{
        return view_is(view_of(o->grant_type), "urn:ietf:params:oauth:grant-type:jwt-bearer");
}

static const char *
or_null(const char *s)
{
        return given(s) ? s : NULL;
}

void
config_oauth2_check(struct config_reader *r, const struct config_oauth2 *o)
{
        const struct view algorithm = view_of(o->signature_algorithm);

        if (o->node == NULL)
                return;
        if (!given(o->client_id))
                refuse(r, o->node, "oauth2 client_id must be configured");
        if (!given(o->token_url))
                refuse(r, o->node, "oauth2 token_url must be configured");
        if (o->claims != NULL && o->claims->kind != YAML_MAP)
                config_fail_type(r, "claims", o->claims, "map[string]interface {}", "a map");
        if (!is_jwt(o)) {
                if (count3(o->client_secret, o->client_secret_file, o->client_secret_ref) > 1)
                        refuse(r, o->node,
                            "at most one of oauth2 client_secret, client_secret_file & "
                            "client_secret_ref must be configured using "
                            "grant-type=client_credentials");
                return;
        }
        if (count3(o->client_certificate_key, o->client_certificate_key_file,
                o->client_certificate_key_ref) > 1)
                refuse(r, o->node,
                    "at most one of oauth2 client_certificate_key, client_certificate_key_file & "
                    "client_certificate_key_ref must be configured using "
                    "grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer");
        if (algorithm.n > 0 && !view_is(algorithm, "RS256") && !view_is(algorithm, "RS384") &&
            !view_is(algorithm, "RS512"))
                refuse(r, o->node, "valid signature algorithms are RS256, RS384 and RS512");
}

/* One text with blanks between. */
static const char *
join_scopes(struct config_reader *r, const struct yaml_node *list)
{
        struct buf all = BUF_INIT(SCOPE_MAX);
        const char *joined = NULL;
        size_t n = 0;
        const char **scopes = config_strings(r, "scopes", list, &n);
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = buf_printf(&all, NULL, "%s%s", i > 0 ? " " : "", scopes[i]);
        if (rc < 0)
                refuse(r, list, "the scopes are too long");
        else if (n > 0)
                joined = config_copy(r, buf_view(&all));
        buf_release(&all);
        return joined;
}

static void
set_params(struct config_reader *r, const struct yaml_node *map, struct http_oauth2_options *out)
{
        size_t n = map != NULL ? map->n_entries : 0;
        struct http_header *params;

        if (n > PARAMS_MAX) {
                config_fail(r, CONFIG_STAGE_VALUE, map, "more than %d endpoint_params", PARAMS_MAX);
                return;
        }
        params = config_array(r, n, sizeof(*params));
        for (size_t i = 0; params != NULL && i < n; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (entry->repeated)
                        continue; /* told already */
                params[out->n_params].name = config_copy(r, entry->key->text);
                params[out->n_params++].value =
                    config_copy(r, config_text(r, "endpoint_params", entry->value));
                entry->value->mask = "<secret>";
        }
        out->params = params;
}

/* As JSON, which is what a token is made of. */
static const char *
read_claims(struct config_reader *r, const struct yaml_node *map)
{
        struct buf text = BUF_INIT(CLAIMS_MAX);
        const char *claims = NULL;
        struct err e = ERR_INIT;

        if (map == NULL)
                return NULL;
        if (map->kind == YAML_MAP && yaml_node_json(map, &text, &e) < 0)
                config_fail(r, CONFIG_STAGE_VALUE, map, "claims: %s", e.msg);
        else if (text.len > 0)
                claims = config_copy(r, buf_view(&text));
        buf_release(&text);
        return claims;
}

static const struct http_jwt_options *
read_jwt(struct config_reader *r, const struct config_oauth2 *in)
{
        struct http_jwt_options *out = config_array(r, 1, sizeof(*out));

        if (out != NULL)
                *out = (struct http_jwt_options){.key = or_null(in->client_certificate_key),
                    .key_file = or_null(in->client_certificate_key_file),
                    .key_id = or_null(in->client_certificate_key_id),
                    .algorithm = or_null(in->signature_algorithm),
                    .issuer = or_null(in->iss),
                    .audience = or_null(in->audience),
                    .claims = read_claims(r, in->claims)};
        return out;
}

const struct http_oauth2_options *
config_oauth2(struct config_reader *r, const struct config_oauth2 *in)
{
        struct http_oauth2_options *out;
        struct http_options *http;

        if (in->node == NULL)
                return NULL;
        out = config_array(r, 1, sizeof(*out));
        http = config_array(r, 1, sizeof(*http));
        if (out == NULL || http == NULL)
                return NULL;
        config_http_route(r, &in->tls, &in->proxy, http);
        http->follow_redirects = false; /* the secret is for the host that was named */
        out->client_id = in->client_id;
        out->client_secret = or_null(in->client_secret);
        out->client_secret_file = or_null(in->client_secret_file);
        out->token_url = in->token_url;
        out->scope = join_scopes(r, in->scopes);
        set_params(r, in->endpoint_params, out);
        out->http = http;
        if (is_jwt(in))
                out->jwt = read_jwt(r, in);
        return out;
}
