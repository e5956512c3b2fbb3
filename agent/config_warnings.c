/*
 * What a valid file will do wrong (DESIGN section 10): things that a parser takes and an operator
 * would regret.
 */
#include "agent/config_parts.h"
#include "base/yaml.h"
#include "remotewrite/endpoint.h"
#include "scrape/job.h"

#include <string.h>

static const int64_t hour_ms = INT64_C(3600) * 1000;

enum { MIN_BACKOFF_MS = 100, MAX_BACKOFF_MS = 10000 };

/* The place of the i-th endpoint; the list is as long as the endpoints when there is no error. */
static const struct yaml_node *
endpoint_node(const struct config_top *top, size_t i, const char *section, const char *key)
{
        const struct yaml_node *node = top->remote_write != NULL && i < top->remote_write->n_items
            ? top->remote_write->items[i]
            : NULL;
        const struct yaml_node *part = section != NULL ? yaml_node_get(node, section) : node;
        const struct yaml_node *value = yaml_node_get(part, key);

        return value != NULL ? value : part != NULL ? part : node;
}

static void
warn_backoff(struct config_reader *r, const struct config_top *top, size_t i)
{
        const struct remote_endpoint *x = &r->config->remote->endpoints[i];

        if (x->min_backoff_ms < MIN_BACKOFF_MS)
                config_say(r, CONFIG_WARNING, endpoint_node(top, i, "queue_config", "min_backoff"),
                    "min_backoff is below 100ms: a receiver that is down will be hammered; the "
                    "default is 1s");
        if (x->max_backoff_ms < MAX_BACKOFF_MS)
                config_say(r, CONFIG_WARNING, endpoint_node(top, i, "queue_config", "max_backoff"),
                    "max_backoff is below 10s: a receiver that is down will be hammered; the "
                    "default is 5m");
}

static void
warn_headers(struct config_reader *r, const struct config_top *top, size_t i)
{
        const struct remote_endpoint *x = &r->config->remote->endpoints[i];

        for (size_t k = 0; k < x->http.n_headers; k++) {
                if (strchr(x->http.headers[k].name, '_') != NULL)
                        config_say(r, CONFIG_WARNING, endpoint_node(top, i, NULL, "headers"),
                            "header %s has an underscore: nginx drops such headers",
                            x->http.headers[k].name);
        }
}

static void
warn_sending(struct config_reader *r, const struct config_top *top)
{
        const struct remote_config *c = r->config->remote;

        if (c->n_endpoints == 0) {
                config_say(r, CONFIG_WARNING, top->remote_write,
                    "there is no remote_write: samples are kept until they are too old, and never "
                    "sent");
                return;
        }
        if (c->n_external_labels == 0)
                config_say(r, CONFIG_WARNING, top->global.node,
                    "no external label makes this site unique: samples of several sites would be "
                    "mixed; set global.external_labels, for example cluster");
        for (size_t i = 0; i < c->n_endpoints; i++) {
                warn_backoff(r, top, i);
                warn_headers(r, top, i);
        }
}

void
config_warnings(struct config_reader *r, const struct config_top *top)
{
        static const uint64_t small_limit = UINT64_C(16) << 20;
        const struct config *c = r->config;

        warn_sending(r, top);
        if (c->agent.tenant_header != NULL && strchr(c->agent.tenant_header, '_') != NULL)
                config_say(r, CONFIG_WARNING, yaml_node_get(top->agent.node, "tenant_header"),
                    "tenant_header %s has an underscore: nginx drops such headers",
                    c->agent.tenant_header);
        if (c->scrape->n_jobs == 0)
                config_say(r, CONFIG_WARNING, top->scrape_configs,
                    "there are no scrape_configs: nothing is scraped");
        if (c->wal.max_age_ms > 48 * hour_ms)
                config_say(r, CONFIG_WARNING, yaml_node_get(top->wal.node, "max_age"),
                    "max_age is above 48h: a receiver refuses samples older than its out-of-order "
                    "window when other senders share the tenant");
        if (c->agent.memory_limit > 0 && c->agent.memory_limit < small_limit)
                config_say(r, CONFIG_WARNING, yaml_node_get(top->agent.node, "memory_limit"),
                    "memory_limit is below 16MiB: the libraries alone need most of that, few "
                    "series will be taken");
}
