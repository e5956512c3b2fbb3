/*
 * Discoveries that talk to the network: their sections are checked as Prometheus checks them
 * (discovery/http, discovery/dns), so that mistakes are told by name. config_kubernetes.c has the
 * sections that are read there.
 */
#include "agent/config_parts.h"
#include "agent/config_url.h"
#include "agent/config_values.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <string.h>

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
        static const struct section_reader kubernetes = {
            "kubernetes_sd_configs", config_kubernetes};

        job->http_sds = config_array(r, count(in->http_sd_configs), sizeof(*job->http_sds));
        read_all(r, in->http_sd_configs, job, &http);
        job->dns_sds = config_array(r, count(in->dns_sd_configs), sizeof(*job->dns_sds));
        read_all(r, in->dns_sd_configs, job, &dns);
        job->kubernetes_sds =
            config_array(r, count(in->kubernetes_sd_configs), sizeof(*job->kubernetes_sds));
        read_all(r, in->kubernetes_sd_configs, job, &kubernetes);
}
