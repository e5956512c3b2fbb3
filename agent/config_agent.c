/*
 * The sections that Prometheus does not know: `agent` and `wal`.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

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
}
