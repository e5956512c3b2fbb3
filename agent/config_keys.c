#include "agent/config_keys.h"

#include "agent/config_sections.h"
#include "base/nearest.h"
#include "base/view.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct config_key alerting_keys[] = {
    {"alert_relabel_configs", CONFIG_LIST, CONFIG_USED,
        offsetof(struct config_alerting, alert_relabel_configs), NULL, NULL, NULL, NULL,
        "Refused when there is something in it: an agent sends no alerts."},
    {"alertmanagers", CONFIG_LIST, CONFIG_USED, offsetof(struct config_alerting, alertmanagers),
        NULL, NULL, NULL, NULL, "Refused when there is something in it: an agent sends no alerts."},
};

const struct config_section config_alerting_section = {"alerting", "config.plain", NULL,
    alerting_keys, COUNT(alerting_keys), {{NULL, 0}},
    "A full server's section; an agent takes it empty only."};

static const struct config_key wal_keys[] = {
    {"max_size", CONFIG_SIZE, CONFIG_USED, offsetof(struct config_wal_values, wal.max_size), "1GiB",
        "4MiB", NULL, NULL,
        "What the log may hold on disk. Past it the oldest samples go first, counted. Raise it for "
        "longer outages; the file on disk may be a sixth larger."},
    {"max_age", CONFIG_DURATION, CONFIG_USED, offsetof(struct config_wal_values, wal.max_age_ms),
        "48h", "1s", NULL, NULL,
        "Samples older than this are given up, counted. No use in more than the receiver's "
        "out-of-order window when other senders share the tenant."},
    {"sync_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_wal_values, wal.sync_interval_ms), "5s", "1ms", "5m", NULL,
        "The most that a power cut may lose. Shorter intervals write more to the disk."},
};

const struct config_section config_wal_section = {"wal", "config.plain", NULL, wal_keys,
    COUNT(wal_keys), {{NULL, 0}},
    "The write-ahead log between scraping and sending. Not known to Prometheus."};

static const struct config_key agent_keys[] = {
    {"memory_limit", CONFIG_SIZE, CONFIG_USED,
        offsetof(struct config_agent_values, agent.memory_limit), "0", "0", NULL, NULL,
        "Above it new series are refused, those known go on. 0: the smaller of 200 MiB and 80 % of "
        "the cgroup's limit."},
    {"tenant_header", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_agent_values, agent.tenant_header), "THANOS-TENANT", NULL, NULL,
        NULL, "The header that carries the tenant's name, set by --tenant. Empty: none is sent."},
    {"listen_address", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_agent_values, agent.listen_address), NULL, NULL, NULL, NULL,
        "Address and port of the HTTP endpoints, so that two tenants run on one node; the flag "
        "--web.listen-address wins."},
    {"clock_tolerance", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_agent_values, agent.clock_tolerance_ms), "60s", NULL, NULL, NULL,
        "A sample further ahead of the receiver's time than this is held until its time has come. "
        "One "
        "whose own timestamp is further ahead of its scrape than half of it waits by itself."},
    {"catchup_samples_per_second", CONFIG_UINT, CONFIG_USED,
        offsetof(struct config_agent_values, agent.catchup_samples_per_second), "0", NULL, NULL,
        NULL, "The most that a backlog is drained at, per endpoint. 0: no limit."},
    {"dns_servers", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_agent_values, dns_servers),
        NULL, NULL, NULL, NULL,
        "Name servers for dns_sd_configs in place of those of /etc/resolv.conf: addresses, with a "
        ":port unless it is 53. For a pod on the host's network that is to ask the cluster's."},
};

const struct config_section config_agent_section = {"agent", "config.plain", NULL, agent_keys,
    COUNT(agent_keys), {{NULL, 0}}, "The agent itself. Not known to Prometheus."};

static const struct config_key top_keys[] = {
    {"global", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_top, global), NULL, NULL, NULL,
        &config_global_section, "Defaults of all jobs, and the labels that every sample gets."},
    {"scrape_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_top, scrape_configs),
        NULL, NULL, NULL, &config_job_section, "The jobs: what is scraped, and how."},
    {"scrape_config_files", CONFIG_STRINGS, CONFIG_USED,
        offsetof(struct config_top, scrape_config_files), NULL, NULL, NULL, NULL,
        "Patterns of files with more scrape_configs; a * may stand in the last part of the path."},
    {"remote_write", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_top, remote_write), NULL,
        NULL, NULL, &config_remote_section, "Where samples are sent; several endpoints may stand."},
    {"wal", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_top, wal), NULL, NULL, NULL,
        &config_wal_section, "The write-ahead log."},
    {"agent", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_top, agent), NULL, NULL, NULL,
        &config_agent_section, "The agent itself."},
    {"alerting", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_top, alerting), NULL, NULL,
        NULL, &config_alerting_section, "Of a full server; refused unless it is empty."},
    {"rule_files", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_top, rule_files), NULL, NULL,
        NULL, NULL, "Of a full server; refused unless it is empty."},
    {"remote_read", CONFIG_LIST, CONFIG_USED, offsetof(struct config_top, remote_read), NULL, NULL,
        NULL, NULL, "Of a full server; refused unless it is empty."},
    {"storage", CONFIG_SECTION, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL,
        &config_storage_section, "Of a full server; its keys are checked all the same."},
    {"tracing", CONFIG_SECTION, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL,
        &config_tracing_section, "Of a full server; its keys are checked all the same."},
    {"otlp", CONFIG_SECTION, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL, &config_otlp_section,
        "Of a full server; its keys are checked all the same."},
    {"runtime", CONFIG_SECTION, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL,
        &config_runtime_section, "Of a full server; its keys are checked all the same."},
};

const struct config_section config_top_section = {"", "config.plain", NULL, top_keys,
    COUNT(top_keys), {{NULL, 0}}, "The file is Prometheus's; `wal` and `agent` are additions."};

const struct config_section *const config_sections[] = {&config_top_section, &config_global_section,
    &config_job_section, &config_common_section, &config_group_section, &config_file_sd_section,
    &config_relabel_section, &config_remote_section, &config_queue_section,
    &config_metadata_section, &config_sigv4_section, &config_azuread_section,
    &config_azure_managed_section, &config_azure_workload_section, &config_azure_oauth_section,
    &config_azure_sdk_section, &config_google_iam_section, &config_http_section,
    &config_basic_auth_section, &config_authorization_section, &config_tls_section,
    &config_header_section, &config_proxy_section, &config_oauth2_section, &config_wal_section,
    &config_agent_section, &config_alerting_section, &config_http_sd_section,
    &config_dns_sd_section, &config_kubernetes_sd_section, &config_kubernetes_namespaces_section,
    &config_kubernetes_selector_section, &config_kubernetes_attach_section};

const size_t config_sections_count = COUNT(config_sections);

const struct config_key *
config_key_find(const struct config_section *section, const char *name, size_t *out_offset)
{
        for (size_t i = 0; i < section->n_keys; i++) {
                if (view_is(view_of(name), section->keys[i].name)) {
                        *out_offset = section->keys[i].offset;
                        return &section->keys[i];
                }
        }
        for (size_t i = 0; i < COUNT(section->inlined); i++) {
                const struct config_inlined *in = &section->inlined[i];
                const struct config_key *key =
                    in->section != NULL ? config_key_find(in->section, name, out_offset) : NULL;

                if (key == NULL)
                        continue;
                if (*out_offset != CONFIG_NOWHERE)
                        *out_offset += in->offset;
                return key;
        }
        return NULL;
}

static void
offer_all(struct nearest *best, const struct config_section *section)
{
        for (size_t i = 0; i < section->n_keys; i++)
                nearest_offer(best, section->keys[i].name);
        for (size_t i = 0; i < COUNT(section->inlined); i++) {
                if (section->inlined[i].section != NULL)
                        offer_all(best, section->inlined[i].section);
        }
}

const char *
config_key_nearest(const struct config_section *section, const char *name)
{
        struct nearest best = NEAREST_INIT(view_of(name));

        offer_all(&best, section);
        return best.name;
}
