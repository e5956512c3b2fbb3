/*
 * oauth2: what may not stand together, in Prometheus's words (common config/http_config.go), and
 * the options of base/http.h.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/yaml.h"

enum { SCOPE_MAX = 64 << 10, PARAMS_MAX = 100 };

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

void
config_oauth2_check(struct config_reader *r, const struct config_oauth2 *o)
{
        static const char jwt[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        const struct view algorithm = view_of(o->signature_algorithm);

        if (o->node == NULL)
                return;
        if (!given(o->client_id))
                refuse(r, o->node, "oauth2 client_id must be configured");
        if (!given(o->token_url))
                refuse(r, o->node, "oauth2 token_url must be configured");
        if (!view_is(view_of(o->grant_type), jwt)) {
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
        config_fail(r, CONFIG_STAGE_LATER, yaml_node_get(o->node, "grant_type"),
            "grant_type: %s is not supported: tokens are not signed here; grant_type expects "
            "client_credentials, with client_secret or client_secret_file",
            jwt);
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
        out->client_secret = given(in->client_secret) ? in->client_secret : NULL;
        out->client_secret_file = given(in->client_secret_file) ? in->client_secret_file : NULL;
        out->token_url = in->token_url;
        out->scope = join_scopes(r, in->scopes);
        set_params(r, in->endpoint_params, out);
        out->http = http;
        return out;
}
