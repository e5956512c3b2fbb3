/*
 * Discoveries that talk to the network: their sections are checked as Prometheus checks them
 * (discovery/http, discovery/dns, discovery/kubernetes), also those that are not supported yet, so
 * that mistakes are told by name.
 */
#include "agent/config_parts.h"
#include "agent/config_url.h"
#include "agent/config_values.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <string.h>

enum { SELECTORS_MAX = 100 }; /* that are looked at: there are six roles */

/* How one kind of section is read into a job. */
struct section_reader {
        const char *name;
        void (*read)(struct config_reader *r, const struct yaml_node *node, struct scrape_job *job);
};

/* Prometheus has no ticker for 0. */
static int64_t
interval_or(struct config_reader *r, const struct yaml_node *node, int64_t ms, int64_t seconds)
{
        if (ms > 0)
                return ms;
        config_say(r, CONFIG_WARNING, node, "refresh_interval of 0s: %ds is used", (int)seconds);
        return seconds * 1000;
}

static void
check_url(struct config_reader *r, const struct yaml_node *node, const char *url)
{
        const struct yaml_node *at = yaml_node_get(node, "url");
        struct config_url u;

        if (url[0] == '\0') {
                config_fail(r, CONFIG_STAGE_VALUE, node, "URL is missing");
        } else if (config_url_parse(view_of(url), &u, NULL) == 0) {
                if (!config_same_name(u.scheme, VIEW_LIT("http")) &&
                    !config_same_name(u.scheme, VIEW_LIT("https")))
                        config_fail(
                            r, CONFIG_STAGE_VALUE, at, "URL scheme must be 'http' or 'https'");
                else if (u.host.n == 0)
                        config_fail(r, CONFIG_STAGE_VALUE, at, "host is missing in URL");
        }
}

static void
read_http(struct config_reader *r, const struct yaml_node *node, struct scrape_job *job)
{
        struct http_sd *out = &job->http_sds[job->n_http_sds++];
        struct config_http_sd in = {0};

        config_read_section(r, &config_http_sd_section, node, &in);
        check_url(r, node, in.url);
        out->url = in.url;
        out->refresh_interval_ms = interval_or(r, node, in.refresh_interval_ms, 60);
        config_http(r, &in.http, TLS_1_2, &out->http);
        config_headers(r, NULL, in.http.http_headers, &out->http);
        config_hash_http_sd(out);
}

static const struct {
        const char *name;
        enum dns_type type;
} dns_types[] = {
    {"SRV", DNS_SRV}, {"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"NS", DNS_NS}};

static void
check_dns(struct config_reader *r, const struct yaml_node *node, const struct config_dns_sd *in,
    struct dns_sd *out)
{
        if (in->names == NULL || in->names->n_items == 0)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "DNS-SD config must contain at least one SRV record name");
        for (size_t i = 0; i < sizeof(dns_types) / sizeof(dns_types[0]); i++) {
                if (!config_same_name(view_of(in->type), view_of(dns_types[i].name)))
                        continue;
                out->type = dns_types[i].type;
                if (out->type != DNS_SRV && in->port == 0)
                        config_fail(r, CONFIG_STAGE_VALUE, node,
                            "a port is required in DNS-SD configs for all record types except SRV");
                return;
        }
        config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(node, "type"),
            "invalid DNS-SD records type %s; type expects SRV, A, AAAA, MX or NS", in->type);
}

static void
read_dns(struct config_reader *r, const struct yaml_node *node, struct scrape_job *job)
{
        struct dns_sd *out = &job->dns_sds[job->n_dns_sds++];
        struct config_dns_sd in = {0};

        config_read_section(r, &config_dns_sd_section, node, &in);
        check_dns(r, node, &in, out);
        out->names = config_strings(r, "names", in.names, &out->n_names);
        out->port = in.port > INT32_MAX || in.port < INT32_MIN ? 0 : (int)in.port;
        out->refresh_interval_ms = interval_or(r, node, in.refresh_interval_ms, 30);
        config_hash_dns_sd(out, r->config->scrape->dns_servers);
}

struct kubernetes_role {
        const char *name;
        const char *selectors[4]; /* roles that its selectors may have */
        const char *listed;
};

static const struct kubernetes_role roles[] = {
    {"pod", {"pod", "node"}, "pod, node"},
    {"service", {"service"}, "service"},
    {"endpointslice", {"pod", "service", "endpointslice"}, "pod, service, endpointslice"},
    {"endpoints", {"pod", "service", "endpoints"}, "pod, service, endpoints"},
    {"node", {"node"}, "node"},
    {"ingress", {"ingress"}, "ingress"},
};

static const struct kubernetes_role *
find_role(struct view name)
{
        for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
                if (view_is(name, roles[i].name))
                        return &roles[i];
        }
        return NULL;
}

/* name=value, name==value or name!=value, joined by commas; *out is the first that is none. */
static bool
is_field_selector(struct view text, struct view *out)
{
        while (text.n > 0) {
                const char *comma = memchr(text.p, ',', text.n);
                struct view one = {text.p, comma != NULL ? (size_t)(comma - text.p) : text.n};

                if (one.n > 0 && memchr(one.p, '=', one.n) == NULL) {
                        *out = one;
                        return false;
                }
                if (comma == NULL)
                        return true;
                text = (struct view){comma + 1, text.n - one.n - 1};
        }
        return true;
}

static void
check_selector(struct config_reader *r, const struct kubernetes_role *role,
    const struct yaml_node *list, size_t index)
{
        const struct yaml_node *at = list->items[index];
        const struct yaml_node *name = yaml_node_get(at, "role");
        const struct yaml_node *field = yaml_node_get(at, "field");
        struct view text = name != NULL ? name->text : VIEW_LIT("");
        struct view wrong = {NULL, 0};
        bool allowed = false;

        for (size_t i = 0; i < index; i++) {
                const struct yaml_node *other = yaml_node_get(list->items[i], "role");

                if (view_eq(other != NULL ? other->text : VIEW_LIT(""), text))
                        config_fail(r, CONFIG_STAGE_VALUE, at, "duplicated selector role: %.*s",
                            (int)text.n, text.p);
        }
        for (size_t i = 0; i < sizeof(role->selectors) / sizeof(role->selectors[0]); i++)
                allowed =
                    allowed || (role->selectors[i] != NULL && view_is(text, role->selectors[i]));
        if (!allowed)
                config_fail(r, CONFIG_STAGE_VALUE, at, "%s role supports only %s selectors",
                    role->name, role->listed);
        if (field != NULL && field->kind == YAML_SCALAR && !is_field_selector(field->text, &wrong))
                config_fail(r, CONFIG_STAGE_VALUE, field,
                    "invalid selector: '%s'; can't understand '%.*s'", field->text.p, (int)wrong.n,
                    wrong.p);
}

/* Is a key of the HTTP client among the keys? Such a client needs to know whom it talks to. */
static bool
has_http_keys(const struct yaml_node *node)
{
        size_t offset = 0;

        for (size_t i = 0; node->kind == YAML_MAP && i < node->n_entries; i++) {
                const struct yaml_entry *entry = &node->entries[i];

                if (entry->value->kind != YAML_NULL && entry->key->kind == YAML_SCALAR &&
                    config_key_find(&config_http_section, entry->key->text.p, &offset) != NULL)
                        return true;
        }
        return false;
}

static void
check_kubernetes_client(
    struct config_reader *r, const struct yaml_node *node, const struct config_kubernetes_sd *in)
{
        bool server = in->api_server[0] != '\0';
        bool file = in->kubeconfig_file[0] != '\0';
        const struct yaml_node *own = yaml_node_get(in->namespaces, "own_namespace");
        bool own_namespace = false;

        config_http_check(r, &in->http);
        if (own != NULL)
                (void)yaml_node_bool(own, &own_namespace);
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
        if (server && own_namespace)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
        if (file && own_namespace)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
}

/* A map with no keys but these. */
static void
check_keys(struct config_reader *r, const struct yaml_node *map, const char *const *names, size_t n)
{
        for (size_t i = 0; map != NULL && i < map->n_entries; i++) {
                const struct yaml_node *key = map->entries[i].key;
                bool known = false;

                for (size_t k = 0; k < n; k++)
                        known = known || view_is(key->text, names[k]);
                if (!known)
                        config_fail(r, CONFIG_STAGE_SHAPE, key,
                            "field %.64s not found in type kubernetes.plain",
                            key->text.n > 0 ? key->text.p : "");
        }
}

static void
check_kubernetes(struct config_reader *r, const struct yaml_node *node, struct scrape_job *job)
{
        static const char *const namespace_keys[] = {"own_namespace", "names"};
        static const char *const selector_keys[] = {"role", "label", "field"};
        struct config_kubernetes_sd in = {0};
        const struct kubernetes_role *role;

        (void)job;
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
        check_kubernetes_client(r, node, &in);
        check_keys(r, in.namespaces, namespace_keys, 2);
        if (in.selectors == NULL)
                return;
        for (size_t i = 0; i < in.selectors->n_items && i < SELECTORS_MAX; i++) {
                check_keys(r, in.selectors->items[i], selector_keys, 3);
                if (role != NULL)
                        check_selector(r, role, in.selectors, i);
        }
}

/* The items of a section's list that are something. */
static void
read_all(struct config_reader *r, const struct yaml_node *list, struct scrape_job *job,
    const struct section_reader *with)
{
        for (size_t i = 0; list != NULL && r->rc == 0 && i < list->n_items; i++) {
                if (list->items[i]->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty or null section in %s", with->name);
                else
                        with->read(r, list->items[i], job);
        }
}

static size_t
count(const struct yaml_node *list)
{
        return list != NULL ? list->n_items : 0;
}

void
config_discovery(struct config_reader *r, const struct config_job *in, struct scrape_job *job)
{
        static const struct section_reader http = {"http_sd_configs", read_http};
        static const struct section_reader dns = {"dns_sd_configs", read_dns};
        static const struct section_reader kubernetes = {"kubernetes_sd_configs", check_kubernetes};

        job->http_sds = config_array(r, count(in->http_sd_configs), sizeof(*job->http_sds));
        read_all(r, in->http_sd_configs, job, &http);
        job->dns_sds = config_array(r, count(in->dns_sd_configs), sizeof(*job->dns_sds));
        read_all(r, in->dns_sd_configs, job, &dns);
        read_all(r, in->kubernetes_sd_configs, job, &kubernetes);
}
