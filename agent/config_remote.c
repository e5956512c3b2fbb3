/*
 * Endpoints: a section of remote_write becomes a struct remote_endpoint (Prometheus
 * config/config.go, RemoteWriteConfig.UnmarshalYAML and QueueConfig.Validate).
 */
#include "agent/config_parts.h"
#include "agent/config_url.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/yaml.h"
#include "remotewrite/endpoint.h"

#include <string.h>

/* An endpoint is a thread with its buffers: more than a handful is a mistake. */
enum { ENDPOINTS_MAX = 32, NAME_MAX_BYTES = 64 << 10, QUOTED_MAX = 1024 };

static void
require_positive(
    struct config_reader *r, const struct config_queue *q, const char *key, int64_t value)
{
        if (value <= 0)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(q->node, key),
                    "remote write queue %s must be positive", key);
}

static void
check_queue(struct config_reader *r, const struct config_queue *q)
{
        require_positive(r, q, "max_shards", q->max_shards);
        require_positive(r, q, "min_shards", q->min_shards);
        require_positive(r, q, "max_samples_per_send", q->max_samples_per_send);
        require_positive(r, q, "capacity", q->capacity);
        if (q->max_shards > 0 && q->min_shards > q->max_shards)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(q->node, "min_shards"),
                    "remote write queue min_shards must not be greater than max_shards");
}

/* A default gives way to what was written; two that were written must fit. */
static void
set_backoff(struct config_reader *r, const struct config_queue *q, struct remote_endpoint *endpoint)
{
        const struct yaml_node *min = yaml_node_get(q->node, "min_backoff");
        const struct yaml_node *max = yaml_node_get(q->node, "max_backoff");

        endpoint->min_backoff_ms = q->min_backoff_ms;
        endpoint->max_backoff_ms = q->max_backoff_ms;
        if (q->max_backoff_ms >= q->min_backoff_ms)
                return;
        if (max != NULL && min == NULL)
                endpoint->min_backoff_ms = q->max_backoff_ms;
        else
                config_fail(r, CONFIG_STAGE_VALUE, max != NULL ? max : min,
                    "remote write queue max_backoff must not be less than min_backoff");
}

static int64_t
at_least_1(int64_t v)
{
        return v > 0 ? v : 1;
}

static void
set_queue(struct config_reader *r, const struct config_queue *q, struct remote_endpoint *endpoint)
{
        check_queue(r, q);
        set_backoff(r, q, endpoint);
        endpoint->min_backoff_ms = at_least_1(endpoint->min_backoff_ms);
        endpoint->max_backoff_ms = at_least_1(endpoint->max_backoff_ms);
        endpoint->max_samples_per_send = (uint64_t)at_least_1(q->max_samples_per_send);
        endpoint->batch_send_deadline_ms = at_least_1(q->batch_send_deadline_ms);
        endpoint->max_shards = (uint64_t)at_least_1(q->max_shards);
        endpoint->sample_age_limit_ms = q->sample_age_limit_ms;
        endpoint->drop_on_429 = !q->retry_on_http_429;
}

static void
set_name(struct config_reader *r, const struct config_remote *in, struct remote_endpoint *endpoint)
{
        struct buf name = BUF_INIT(NAME_MAX_BYTES);
        struct config_url u;

        endpoint->name = in->name;
        if (in->name[0] != '\0' || config_url_parse(view_of(in->url), &u, NULL) < 0)
                return;
        if (config_url_put_identity(&u, &name, NULL) == 0)
                endpoint->name = config_copy(r, buf_view(&name));
        else
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(in->node, "url"),
                    "the url is longer than %d bytes", NAME_MAX_BYTES);
        buf_release(&name);
}

static void
check_name(
    struct config_reader *r, const struct config_remote *in, const struct remote_endpoint *endpoint)
{
        const struct remote_config *c = r->config->remote;
        const struct yaml_node *at = yaml_node_get(in->node, "name");
        struct buf quoted = BUF_INIT(QUOTED_MAX);

        for (size_t i = 0; endpoint->name[0] != '\0' && i + 1 < c->n_endpoints; i++) {
                if (strcmp(c->endpoints[i].name, endpoint->name) != 0)
                        continue;
                (void)config_quote(&quoted, view_of(endpoint->name), NULL);
                if (in->name[0] != '\0')
                        config_fail(r, CONFIG_STAGE_VALUE, at,
                            "found multiple remote write configs with job name %.*s",
                            (int)quoted.len, quoted.ptr != NULL ? quoted.ptr : "");
                else
                        config_fail(r, CONFIG_STAGE_VALUE, in->node,
                            "found multiple remote write configs without a name for %.*s; name "
                            "expects a text that no other endpoint has",
                            (int)quoted.len, quoted.ptr != NULL ? quoted.ptr : "");
                break;
        }
        buf_release(&quoted);
}

static void
check_url(struct config_reader *r, const struct config_remote *in)
{
        const struct yaml_node *at = yaml_node_get(in->node, "url");
        struct config_url u;

        if (in->url[0] == '\0') {
                /* one that does not parse was told already */
                if (at == NULL || at->text.n == 0 || at->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, at != NULL ? at : in->node,
                            "url for remote_write is empty");
                return;
        }
        if (config_url_parse(view_of(in->url), &u, NULL) < 0)
                return;
        if (u.host.n == 0 ||
            (!config_same_name(u.scheme, VIEW_LIT("http")) &&
                !config_same_name(u.scheme, VIEW_LIT("https"))))
                config_say(r, CONFIG_WARNING, at,
                    "the url has no http or https scheme with a host: every request will fail");
}

/* A header of that name in the file wins. */
static void
set_tenant(struct config_reader *r, struct remote_endpoint *endpoint)
{
        const char *header = r->config->agent.tenant_header;

        endpoint->tenant = config_copy(r, view_of(r->env->tenant != NULL ? r->env->tenant : ""));
        if (!r->env->send_tenant_header || header == NULL || header[0] == '\0')
                return;
        for (size_t i = 0; i < endpoint->http.n_headers; i++) {
                if (config_same_name(view_of(endpoint->http.headers[i].name), view_of(header)))
                        return;
        }
        endpoint->tenant_header = config_copy(r, view_of(header));
}

static enum write_message
read_message(struct config_reader *r, const struct config_remote *in)
{
        if (strcmp(in->protobuf_message, "io.prometheus.write.v2.Request") == 0)
                return WRITE_2;
        if (strcmp(in->protobuf_message, "prometheus.WriteRequest") != 0)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(in->node, "protobuf_message"),
                    "invalid protobuf_message value: unknown type for remote write protobuf "
                    "message %s, supported: prometheus.WriteRequest, "
                    "io.prometheus.write.v2.Request",
                    in->protobuf_message);
        return WRITE_1;
}

static void
read_endpoint(struct config_reader *r, const struct config_global *global,
    const struct yaml_node *node, struct remote_endpoint *endpoint)
{
        struct config_remote in = {0};
        struct config_rules rules = {
            .null_text = "empty or null relabeling rule in remote write config"};
        uint64_t hash = 0;

        config_read_section(r, &config_remote_section, node, &in);
        check_url(r, &in);
        set_name(r, &in, endpoint);
        check_name(r, &in, endpoint);
        endpoint->url = in.url;
        endpoint->message = read_message(r, &in);
        endpoint->remote_timeout_ms = in.remote_timeout_ms;
        if (in.remote_timeout_ms == 0) {
                config_say(r, CONFIG_WARNING, yaml_node_get(node, "remote_timeout"),
                    "remote_timeout of 0s lets no request finish: 30s is used");
                endpoint->remote_timeout_ms = INT64_C(30) * 1000;
        }
        config_http(r, &in.http, TLS_1_3, &endpoint->http);
        config_headers(r, in.headers, in.http.http_headers, &endpoint->http);
        set_tenant(r, endpoint);
        endpoint->round_robin_dns = in.round_robin_dns;
        config_cloud(r, &in, &endpoint->http);
        set_queue(r, &in.queue, endpoint);
        rules.list = in.write_relabel_configs;
        rules.scheme = global->scheme;
        config_relabel(r, &rules, &endpoint->write_relabel, &hash);
}

void
config_remotes(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *list)
{
        struct remote_config *c = r->config->remote;
        size_t n = list != NULL ? list->n_items : 0;

        r->arena = &c->arena;
        if (n > ENDPOINTS_MAX) {
                config_fail(r, CONFIG_STAGE_VALUE, list->items[ENDPOINTS_MAX],
                    "more than %d remote_write sections", ENDPOINTS_MAX);
                return;
        }
        c->endpoints = config_array(r, n, sizeof(*c->endpoints));
        for (size_t i = 0; c->endpoints != NULL && r->rc == 0 && i < n; i++) {
                if (list->items[i]->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty or null remote write config section");
                else
                        read_endpoint(r, global, list->items[i], &c->endpoints[c->n_endpoints++]);
        }
}
