/*
 * The parts of reading a configuration, one .c each (config_<part>.c): from a section's struct to
 * the options of the folder that it is about. Used by agent/config*.c only.
 */
#ifndef AGENT_CONFIG_PARTS_H
#define AGENT_CONFIG_PARTS_H

#include "agent/config_read.h"
#include "agent/config_sections.h"
#include "base/http.h"
#include "base/labels.h"

struct dns_sd;
struct http_sd;
struct kubernetes_sd;
struct relabel_rules;
struct scrape_job;
struct yaml_node;

/* config_labels.c: external_labels of global, checked and expanded, sorted, none empty; they are
 * put into the reader's arena. */
void config_external_labels(struct config_reader *r, const struct yaml_node *map,
    enum name_scheme scheme, struct label **out, size_t *out_n);
/* A map of label names to values as it stands, in order. */
void config_label_map(
    struct config_reader *r, const struct yaml_node *map, struct label **out, size_t *out_n);

/* config_http.c: checks what stands together and makes options of it. floor: the lowest TLS version
 * when the file says nothing. */
void config_http(struct config_reader *r, const struct config_http *in, enum tls_version floor,
    struct http_options *out);
/* TLS and proxy of a client that has nothing else; they were checked. */
void config_http_route(struct config_reader *r, const struct config_tls *tls,
    const struct config_proxy *proxy, struct http_options *out);
/* The checks alone, for sections that are not used yet. */
void config_http_check(struct config_reader *r, const struct config_http *in);
/* config_headers.c: appends `headers` and `http_headers` to the options. */
void config_headers(struct config_reader *r, const struct yaml_node *headers,
    const struct yaml_node *http_headers, struct http_options *out);

/* A header that the protocol sets itself, in any case. */
bool config_header_reserved(struct view name);

/* The values of proxy_connect_header. */
void config_connect_headers(
    struct config_reader *r, const struct yaml_node *map, struct http_proxy_options *out);

/* config_oauth2.c: the checks of an oauth2 section, and the options that are made of it, which lie
 * in the reader's arena; NULL when it was not written. */
void config_oauth2_check(struct config_reader *r, const struct config_oauth2 *in);
const struct http_oauth2_options *config_oauth2(
    struct config_reader *r, const struct config_oauth2 *in);

/* config_relabel.c: a list of rules, compiled. null_text: what is said of a null rule. *hash is
 * changed by all that the rules say. */
struct config_rules {
        const struct yaml_node *list; /* NULL: none */
        enum name_scheme scheme;
        const char *null_text;
};
void config_relabel(struct config_reader *r, const struct config_rules *in,
    struct relabel_rules *out, uint64_t *hash);

/* config_protocols.c */
/*
 * Checks a list of scrape protocols; *out gets those of them that are asked for, or stays as it is.
 * where ends Prometheus's message: "for global config".
 */
void config_protocols(struct config_reader *r, const struct yaml_node *list, const char *where,
    struct scrape_protocols *out);
/* What fallback_scrape_protocol names; MEDIA_MISSING: nothing. */
enum media_type config_fallback_protocol(struct config_reader *r, const struct config_job *job);
/* Fills what global says about protocols and names: the fields behind its rows. */
void config_global_names(struct config_reader *r, struct config_global *global);
/* A job's own names, or what global says. */
enum name_scheme config_job_names(struct config_reader *r, const struct config_global *global,
    const struct config_common *common, const char **out_escaping);

/* config_server.c: what a full server would refuse of its own sections. */
void config_server(struct config_reader *r, const struct config_top *top);

/* config_targets.c: static_configs and file_sd_configs of a job. */
void config_targets(struct config_reader *r, const struct config_job *in, struct scrape_job *job);
/* Static targets as far as their labels can be told without relabeling. */
struct config_seen_group {
        const char *job;
        const struct label *labels;
        size_t n_labels;
};

/* config_discovery.c: the sections of a job that talk to the network. */
void config_discovery(struct config_reader *r, const struct config_job *in, struct scrape_job *job);

/* config_kubernetes.c: one section of kubernetes_sd_configs, appended to the job's. */
void config_kubernetes(
    struct config_reader *r, const struct yaml_node *node, struct scrape_job *job);
/* config_selectors.c: is it a selector of labels, or of fields? If not, the reason is reported. */
void config_label_selector(struct config_reader *r, const struct yaml_node *at);
void config_field_selector(struct config_reader *r, const struct yaml_node *at);

/* config_scrape.c: appends the jobs of a list to the configuration that is being made. */
void config_jobs(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *list);
/* config_files.c: the jobs of the files that scrape_config_files names. */
void config_job_files(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *patterns);
/* Patterns may have a * in their last part only; the file's own check, before it is used. */
bool config_pattern_valid(const char *pattern);

/* config_cloud.c: who we are to a cloud's receiver. */
void config_cloud(
    struct config_reader *r, const struct config_remote *in, struct http_options *out);

/* config_remote.c: the endpoints. */
void config_remotes(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *list);

/* config_agent.c: the checks of `agent` and `wal`. */
void config_agent(struct config_reader *r, const struct config_top *top);

/* config_hash.c: series_hash and request_hash of a job that is complete. rules: the hash of its
 * metric_relabel_configs. */
void config_hash_job(struct scrape_job *job, uint64_t rules);
/* The key of a section that is complete. */
void config_hash_http_sd(struct http_sd *sd);
void config_hash_dns_sd(struct dns_sd *sd, const char *servers);
void config_hash_kubernetes_sd(struct kubernetes_sd *sd);

/* config_warnings.c: what a valid file will do wrong. */
void config_warnings(struct config_reader *r, const struct config_top *top);
/* config_collisions.c: remembers a target that is not relabeled; group is its job's static group.
 */
void config_seen_add(struct config_reader *r, const struct yaml_node *at, const char *address,
    const struct config_seen_group *group);
/* Warns of targets whose samples would have the same labels; frees what was remembered. */
void config_seen_finish(struct config_reader *r);

#endif
