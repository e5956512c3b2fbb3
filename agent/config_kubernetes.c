/*
 * kubernetes_sd_configs, checked as Prometheus checks them (discovery/kubernetes, SDConfig's
 * UnmarshalYAML) and turned into the options of scrape/job.h.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <string.h>

enum { SELECTORS_MAX = 100 }; /* that are looked at: there are six roles */

struct role_row {
        const char *name;
        enum kubernetes_role role;
        const char *selectors[4]; /* roles that its selectors may have */
        const char *listed;
};

static const struct role_row roles[] = {
    {"pod", KUBERNETES_POD, {"pod", "node"}, "pod, node"},
    {"service", KUBERNETES_SERVICE, {"service"}, "service"},
    {"endpointslice", KUBERNETES_ENDPOINTSLICE, {"pod", "service", "endpointslice"},
        "pod, service, endpointslice"},
    {"endpoints", KUBERNETES_ENDPOINTS, {"pod", "service", "endpoints"}, "pod, service, endpoints"},
    {"node", KUBERNETES_NODE, {"node"}, "node"},
    {"ingress", KUBERNETES_INGRESS, {"ingress"}, "ingress"},
};

static const struct role_row *
find_role(struct view name)
{
        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
                if (view_is(name, roles[i].name))
                        return &roles[i];
        }
        return NULL;
}

/* ---- selectors ---- */

static bool
allowed(const struct role_row *role, struct view name)
{
        for (size_t i = 0; i < sizeof(role->selectors) / sizeof(role->selectors[0]); i++) {
                if (role->selectors[i] != NULL && view_is(name, role->selectors[i]))
                        return true;
        }
        return false;
}

static struct view
role_of(const struct yaml_node *selector)
{
        const struct yaml_node *v = yaml_node_get(selector, "role");

        return v != NULL && v->kind == YAML_SCALAR ? v->text : VIEW_LIT("");
}

static void
read_selector(struct config_reader *r, const struct role_row *role, const struct yaml_node *list,
    size_t index, struct kubernetes_sd *out)
{
        const struct yaml_node *at = list->items[index];
        const struct yaml_node *label = yaml_node_get(at, "label");
        const struct yaml_node *field = yaml_node_get(at, "field");
        struct config_kubernetes_selector in = {0};
        const struct role_row *of;

        config_read_section(r, &config_kubernetes_selector_section, at, &in);
        of = find_role(view_of(in.role));
        for (size_t i = 0; i < index; i++) {
                if (view_is(role_of(list->items[i]), in.role))
                        config_fail(
                            r, CONFIG_STAGE_VALUE, at, "duplicated selector role: %.64s", in.role);
        }
        if (role != NULL && !allowed(role, view_of(in.role)))
                config_fail(r, CONFIG_STAGE_VALUE, at, "%s role supports only %s selectors",
                    role->name, role->listed);
        if (label != NULL && label->kind == YAML_SCALAR)
                config_label_selector(r, label);
        if (field != NULL && field->kind == YAML_SCALAR)
                config_field_selector(r, field);
        if (of == NULL)
                return;
        out->selectors[of->role].label = in.label;
        out->selectors[of->role].field = in.field;
}

static void
read_selectors(struct config_reader *r, const struct role_row *role, const struct yaml_node *list,
    struct kubernetes_sd *out)
{
        for (size_t i = 0; i < KUBERNETES_ROLES; i++)
                out->selectors[i] = (struct kubernetes_selector){"", ""};
        for (size_t i = 0; list != NULL && i < list->n_items && i < SELECTORS_MAX; i++)
                read_selector(r, role, list, i, out);
}

/* ---- the server ---- */

static bool
says_nothing(const struct yaml_node *map)
{
        for (size_t i = 0; i < map->n_entries; i++) {
                const struct yaml_node *value = map->entries[i].value;
                bool on = false;

                if (value->kind != YAML_NULL && (!yaml_node_bool(value, &on) || on) &&
                    (value->kind != YAML_SCALAR || value->text.n > 0))
                        return false;
        }
        return true;
}

/* What the HTTP client does when nothing is written. */
static bool
is_usual(const struct yaml_entry *entry)
{
        const struct yaml_node *value = entry->value;
        bool on = false;

        if (value->kind == YAML_NULL)
                return true;
        if (value->kind == YAML_MAP)
                return view_is(entry->key->text, "tls_config") && says_nothing(value);
        if (yaml_node_bool(value, &on))
                return on != view_is(entry->key->text, "proxy_from_environment");
        return value->kind == YAML_SCALAR && value->text.n == 0;
}

/* Is anything said about the HTTP client? Such a client needs to know whom it talks to. */
static bool
has_http_keys(const struct yaml_node *node)
{
        size_t offset = 0;

        for (size_t i = 0; node->kind == YAML_MAP && i < node->n_entries; i++) {
                const struct yaml_entry *entry = &node->entries[i];

                if (entry->key->kind == YAML_SCALAR && !is_usual(entry) &&
                    config_key_find(&config_http_section, entry->key->text.p, &offset) != NULL)
                        return true;
        }
        return false;
}

static void
check_server(struct config_reader *r, const struct yaml_node *node, const struct kubernetes_sd *sd)
{
        bool server = sd->api_server != NULL;
        bool file = sd->kubeconfig_file != NULL;

        if (server && file)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
        if (file && has_http_keys(node))
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use a custom HTTP client configuration together with "
                    "'kubeconfig_file'");
        if (!server && !file && has_http_keys(node))
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "to use custom HTTP client configuration please provide the 'api_server' URL "
                    "explicitly");
        if (server && sd->own_namespace)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
        if (file && sd->own_namespace)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
}

void
config_kubernetes(struct config_reader *r, const struct yaml_node *node, struct scrape_job *job)
{
        struct kubernetes_sd *out = &job->kubernetes_sds[job->n_kubernetes_sds++];
        struct config_kubernetes_sd in = {0};
        const struct role_row *role;

        config_read_section(r, &config_kubernetes_sd_section, node, &in);
        role = find_role(view_of(in.role));
        if (in.role[0] == '\0')
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
        else if (role == NULL)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(node, "role"),
                    "unknown Kubernetes SD role \"%s\"; role expects pod, service, endpoints, "
                    "endpointslice, node or ingress",
                    in.role);
        else
                out->role = role->role;
        out->api_server = in.api_server[0] != '\0' ? in.api_server : NULL;
        out->kubeconfig_file = in.kubeconfig_file[0] != '\0' ? in.kubeconfig_file : NULL;
        config_http(r, &in.http, TLS_1_2, &out->http);
        config_headers(r, NULL, in.http.http_headers, &out->http);
        out->own_namespace = in.namespaces.own_namespace;
        out->namespaces = config_strings(r, "names", in.namespaces.names, &out->n_namespaces);
        out->attach_node = in.attach.of_node;
        out->attach_namespace = in.attach.namespace;
        out->attach_deployment = in.attach.deployment;
        out->attach_job = in.attach.job;
        out->attach_cronjob = in.attach.cronjob;
        check_server(r, node, out);
        read_selectors(r, role, in.selectors, out);
        config_hash_kubernetes_sd(out);
}
