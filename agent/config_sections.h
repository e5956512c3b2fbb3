/*
 * What the rows of config_keys.h fill: one struct per section of the file, as written, with
 * defaults. The parts of agent/config_*.c turn them into the options of the other folders.
 *
 * Each begins with the section's node, NULL when it was not written. Strings are never NULL.
 */
#ifndef AGENT_CONFIG_SECTIONS_H
#define AGENT_CONFIG_SECTIONS_H

#include "agent/config.h"
#include "base/labels.h"
#include "scrape/job.h"

#include <stdbool.h>
#include <stdint.h>

struct yaml_node;

/* Keys that global and a job have in common; in a job 0, "" and NULL mean what global says. */
struct config_common {
        const struct yaml_node *node;
        const struct yaml_node *scrape_protocols;
        const char *name_scheme;
        const char *escaping;
        const char *failure_log_file;
        uint64_t body_size_limit;
        uint64_t sample_limit;
        uint64_t target_limit;
        uint64_t label_limit;
        uint64_t label_name_length_limit;
        uint64_t label_value_length_limit;
        uint64_t keep_dropped_targets;
        bool extra_scrape_metrics;
};

struct config_global {
        const struct yaml_node *node;
        struct config_common common;
        int64_t scrape_interval_ms;
        int64_t scrape_timeout_ms;
        const struct yaml_node *external_labels;
        /* no keys: made of the above by config_global_names */
        struct scrape_protocols protocols;
        enum name_scheme scheme;
        const char *effective_escaping;
};

struct config_alerting {
        const struct yaml_node *node;
        const struct yaml_node *alert_relabel_configs;
        const struct yaml_node *alertmanagers;
};

struct config_wal_values {
        const struct yaml_node *node;
        struct config_wal wal;
};

struct config_agent_values {
        const struct yaml_node *node;
        const struct yaml_node *dns_servers;
        struct config_agent agent;
};

struct config_top {
        const struct yaml_node *node;
        struct config_global global;
        const struct yaml_node *scrape_configs;
        const struct yaml_node *scrape_config_files;
        const struct yaml_node *remote_write;
        struct config_wal_values wal;
        struct config_agent_values agent;
        struct config_alerting alerting;
        const struct yaml_node *rule_files;
        const struct yaml_node *remote_read;
};

struct config_basic_auth {
        const struct yaml_node *node;
        const char *username;
        const char *username_file;
        const char *username_ref;
        const char *password;
        const char *password_file;
        const char *password_ref;
};

struct config_authorization {
        const struct yaml_node *node;
        const char *type;
        const char *credentials;
        const char *credentials_file;
        const char *credentials_ref;
};

struct config_tls {
        const struct yaml_node *node;
        const char *ca;
        const char *ca_file;
        const char *ca_ref;
        const char *cert;
        const char *cert_file;
        const char *cert_ref;
        const char *key;
        const char *key_file;
        const char *key_ref;
        const char *server_name;
        const char *min_version;
        const char *max_version;
        bool insecure_skip_verify;
};

struct config_proxy {
        const struct yaml_node *node;
        const char *proxy_url;
        const char *no_proxy;
        bool proxy_from_environment;
        const struct yaml_node *proxy_connect_header;
};

struct config_oauth2 {
        const struct yaml_node *node;
        const char *client_id;
        const char *client_secret;
        const char *client_secret_file;
        const char *client_secret_ref;
        const char *client_certificate_key;
        const char *client_certificate_key_file;
        const char *client_certificate_key_ref;
        const char *client_certificate_key_id;
        const char *iss;
        const char *audience;
        const struct yaml_node *claims;
        const char *grant_type;
        const char *signature_algorithm;
        const char *token_url;
        const struct yaml_node *scopes;
        const struct yaml_node *endpoint_params;
        struct config_tls tls;
        struct config_proxy proxy;
};

struct config_http {
        const struct yaml_node *node;
        struct config_basic_auth basic_auth;
        struct config_authorization authorization;
        struct config_oauth2 oauth2;
        const char *bearer_token;
        const char *bearer_token_file;
        struct config_tls tls;
        bool follow_redirects;
        bool enable_http2;
        const struct yaml_node *http_headers;
        struct config_proxy proxy;
};

struct config_header {
        const struct yaml_node *node;
        const struct yaml_node *values;
        const struct yaml_node *secrets;
        const struct yaml_node *files;
};

struct config_job {
        const struct yaml_node *node;
        struct config_common common;
        struct config_http http;
        const char *job_name;
        int64_t scrape_interval_ms;
        int64_t scrape_timeout_ms;
        const char *metrics_path;
        const char *scheme;
        const struct yaml_node *params;
        bool honor_labels;
        bool honor_timestamps;
        bool track_timestamps_staleness;
        bool enable_compression;
        const char *fallback_scrape_protocol;
        const struct yaml_node *relabel_configs;
        const struct yaml_node *metric_relabel_configs;
        const struct yaml_node *static_configs;
        const struct yaml_node *file_sd_configs;
        const struct yaml_node *http_sd_configs;
        const struct yaml_node *dns_sd_configs;
        const struct yaml_node *kubernetes_sd_configs;
};

struct config_job_file {
        const struct yaml_node *node;
        const struct yaml_node *scrape_configs;
};

struct config_group {
        const struct yaml_node *node;
        const struct yaml_node *targets;
        const struct yaml_node *labels;
};

struct config_file_sd {
        const struct yaml_node *node;
        const struct yaml_node *files;
        int64_t refresh_interval_ms;
};

struct config_http_sd {
        const struct yaml_node *node;
        struct config_http http;
        const char *url;
        int64_t refresh_interval_ms;
};

struct config_dns_sd {
        const struct yaml_node *node;
        const struct yaml_node *names;
        const char *type;
        int64_t port;
        int64_t refresh_interval_ms;
};

struct config_kubernetes_namespaces {
        const struct yaml_node *node;
        const struct yaml_node *names;
        bool own_namespace;
};

struct config_kubernetes_selector {
        const struct yaml_node *node;
        const char *role;
        const char *label;
        const char *field;
};

struct config_kubernetes_attach {
        const struct yaml_node *node;
        bool of_node;
        bool namespace;
        bool deployment;
        bool job;
        bool cronjob;
};

struct config_kubernetes_sd {
        const struct yaml_node *node;
        struct config_http http;
        const char *api_server;
        const char *role;
        const char *kubeconfig_file;
        struct config_kubernetes_namespaces namespaces;
        const struct yaml_node *selectors;
        struct config_kubernetes_attach attach;
};

struct config_relabel {
        const struct yaml_node *node;
        const struct yaml_node *source_labels;
        const char *separator;
        const char *regex;
        uint64_t modulus;
        const char *target_label;
        const char *replacement;
        const char *action;
};

struct config_queue {
        const struct yaml_node *node;
        int64_t capacity;
        int64_t max_shards;
        int64_t min_shards;
        int64_t max_samples_per_send;
        int64_t batch_send_deadline_ms;
        int64_t min_backoff_ms;
        int64_t max_backoff_ms;
        int64_t sample_age_limit_ms;
        bool retry_on_http_429;
};

struct config_sigv4 {
        const struct yaml_node *node;
        const char *region;
        const char *access_key;
        const char *secret_key;
        const char *profile;
        const char *role_arn;
        const char *external_id;
        const char *service_name;
        bool use_fips_sts_endpoint;
};

struct config_azure_identity { /* each kind has some of these keys; NULL: not that one */
        const struct yaml_node *node;
        const char *client_id;
        const char *client_secret;
        const char *tenant_id;
        const char *token_file_path;
};

struct config_azuread {
        const struct yaml_node *node;
        struct config_azure_identity managed;
        struct config_azure_identity workload;
        struct config_azure_identity oauth;
        struct config_azure_identity sdk;
        const char *cloud;
        const char *scope;
};

struct config_google_iam {
        const struct yaml_node *node;
        const char *credentials_file;
};

struct config_remote {
        const struct yaml_node *node;
        struct config_http http;
        const char *url;
        const char *name;
        int64_t remote_timeout_ms;
        const struct yaml_node *headers;
        const struct yaml_node *write_relabel_configs;
        const char *protobuf_message;
        bool round_robin_dns;
        struct config_sigv4 sigv4;
        struct config_azuread azuread;
        struct config_google_iam google_iam;
        struct config_queue queue;
};

#endif
