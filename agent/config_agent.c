/*
 * The sections that Prometheus does not know: `agent` and `wal`.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS_MAX_BYTES = 4096 };

/* host:port, [address]:port or :port */
static bool
is_address(const char *text)
{
        const char *colon = strrchr(text, ':');
        size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;

        if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
                return false;
        return strtol(colon + 1, NULL, 10) <= 65535;
}

/* An IP address with a port or without, as c-ares takes it. */
static bool
is_server(const char *text)
{
        char host[INET6_ADDRSTRLEN] = "";
        unsigned char bytes[sizeof(struct in6_addr)];
        const char *colon = strrchr(text, ':');
        const char *first = text[0] == '[' ? text + 1 : text;
        const char *last = text[0] == '[' ? strchr(text, ']') : colon;
        size_t n;

        if (inet_pton(AF_INET6, text, bytes) == 1 || inet_pton(AF_INET, text, bytes) == 1)
                return true;
        if (last == NULL || (text[0] == '[' && last[1] != '\0' && last + 1 != colon))
                return false;
        n = (size_t)(last - first);
        if (n >= sizeof(host) || (colon != NULL && colon >= last && !is_address(text)))
                return false;
        memcpy(host, first, n);
        return inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, host, bytes) == 1;
}

/* The servers as one text, in the arena of the jobs. */
static void
read_dns_servers(struct config_reader *r, const struct yaml_node *list)
{
        struct buf text = BUF_INIT(SERVERS_MAX_BYTES);
        int rc = 0;

        for (size_t i = 0; list != NULL && i < list->n_items && rc == 0; i++) {
                const struct yaml_node *at = list->items[i];

                if (at->kind != YAML_SCALAR || !is_server(at->text.p))
                        config_fail(r, CONFIG_STAGE_VALUE, at,
                            "not an address of a name server; dns_servers expects address or "
                            "address:port");
                else
                        rc = buf_printf(&text, NULL, "%s%.*s", text.len > 0 ? "," : "",
                            (int)at->text.n, at->text.p);
        }
        if (rc < 0)
                config_fail(r, CONFIG_STAGE_VALUE, list, "too many dns_servers");
        if (text.len > 0)
                r->config->scrape->dns_servers =
                    arena_strndup(&r->config->scrape->arena, text.ptr, text.len);
        buf_release(&text);
}

void
config_agent(struct config_reader *r, const struct config_top *top)
{
        struct config_agent *agent = &r->config->agent;
        const struct yaml_node *node = top->agent.node;

        r->config->wal = top->wal.wal;
        if (r->env->max_age_ms > 0 && yaml_node_get(top->wal.node, "max_age") == NULL)
                r->config->wal.max_age_ms = r->env->max_age_ms;
        *agent = top->agent.agent;
        if (agent->tenant_header[0] != '\0' &&
            !config_header_name_valid(view_of(agent->tenant_header)))
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(node, "tenant_header"),
                    "\"%s\" is not a valid header name; tenant_header expects letters, digits "
                    "and dashes",
                    agent->tenant_header);
        if (agent->listen_address[0] == '\0')
                agent->listen_address = NULL;
        else if (!is_address(agent->listen_address))
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(node, "listen_address"),
                    "\"%s\" is not an address; listen_address expects host:port",
                    agent->listen_address);
        read_dns_servers(r, top->agent.dns_servers);
}
