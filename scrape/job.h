/*
 * What the configuration says about scraping: plain data, filled by agent/config, immutable
 * afterwards. Reference-counted, because a reload replaces it while scrapes are in flight.
 *
 * All strings and arrays live in `arena`. relabel_rules of `relabel` are used on the discover
 * thread only, `metric_relabel` on the scrape thread only.
 */
#ifndef SCRAPE_JOB_H
#define SCRAPE_JOB_H

#include "base/arena.h"
#include "base/dns.h"
#include "base/http.h"
#include "base/labels.h"
#include "base/relabel.h"
#include "scrape/mediatype.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct target_group {
        const char **targets; /* __address__ values */
        size_t n_targets;
        struct label *labels;
        size_t n_labels;
};

struct file_sd {
        const char **files; /* patterns, absolute */
        size_t n_files;
        int64_t refresh_interval_ms;
};

/*
 * What tells sections apart that talk to the network: what is asked of whom, and all that the
 * section says (scrape/discovery/source.h).
 */
struct sd_key {
        uint64_t identity;
        uint64_t hash;
};

struct http_sd {
        struct sd_key key;
        const char *url;
        int64_t refresh_interval_ms;
        struct http_options http;
};

struct dns_sd {
        struct sd_key key;
        const char **names;
        size_t n_names;
        enum dns_type type;
        int port; /* for all but SRV */
        int64_t refresh_interval_ms;
};

/* The first six of enum kube_kind are these (scrape/discovery/kubernetes/kinds.h). */
enum kubernetes_role {
        KUBERNETES_NODE,
        KUBERNETES_POD,
        KUBERNETES_SERVICE,
        KUBERNETES_ENDPOINTS,
        KUBERNETES_ENDPOINTSLICE,
        KUBERNETES_INGRESS,
        KUBERNETES_ROLES
};

struct kubernetes_selector {
        const char *label; /* "": none */
        const char *field;
};

/* Neither api_server nor kubeconfig_file: the cluster that the agent runs in. */
struct kubernetes_sd {
        struct sd_key key;
        uint64_t server; /* hash of all that says which API server, and how it is talked to */
        enum kubernetes_role role;
        const char *api_server; /* NULL: none */
        const char *kubeconfig_file; /* absolute; NULL: none */
        const char **namespaces; /* empty: all */
        size_t n_namespaces;
        bool own_namespace; /* the agent's own, besides */
        struct kubernetes_selector selectors[KUBERNETES_ROLES]; /* of the objects of that role */
        bool attach_node;
        bool attach_namespace;
        bool attach_deployment;
        bool attach_job;
        bool attach_cronjob;
        struct http_options http;
};

struct job_param {
        const char *name;
        const char **values;
        size_t n_values;
};

/* What a target may be asked for, in the order that is the default. */
enum scrape_protocol {
        SCRAPE_OPENMETRICS_1_0_0,
        SCRAPE_OPENMETRICS_0_0_1,
        SCRAPE_TEXT_1_0_0,
        SCRAPE_TEXT_0_0_4,
        SCRAPE_PROTOCOLS
};

struct scrape_protocols {
        enum scrape_protocol v[SCRAPE_PROTOCOLS]; /* the one that is liked best first */
        size_t n;
};

#define SCRAPE_PROTOCOLS_DEFAULT \
        { \
                .v = {SCRAPE_OPENMETRICS_1_0_0, SCRAPE_OPENMETRICS_0_0_1, SCRAPE_TEXT_1_0_0, \
                    SCRAPE_TEXT_0_0_4}, \
                .n = SCRAPE_PROTOCOLS \
        }

struct scrape_job {
        const char *name;
        int64_t interval_ms;
        int64_t timeout_ms;
        const char *metrics_path;
        const char *scheme;
        struct job_param *params;
        size_t n_params;
        bool honor_labels;
        bool honor_timestamps;
        bool track_timestamps_staleness;
        bool enable_compression;
        bool extra_scrape_metrics; /* three more report series */
        enum media_type fallback; /* of fallback_scrape_protocol; MEDIA_MISSING: none */
        enum name_scheme name_scheme;
        const char *failure_log_file; /* a line for each scrape without a page; "": none */
        const char *escaping; /* for the Accept header: "allow-utf-8", "underscores", … */
        struct scrape_protocols protocols;
        /* limits; 0: none */
        uint64_t body_size_limit;
        uint64_t sample_limit;
        uint64_t target_limit;
        uint64_t label_limit;
        uint64_t label_name_length_limit;
        uint64_t label_value_length_limit;
        uint64_t keep_dropped_targets;
        struct relabel_rules relabel;
        struct relabel_rules metric_relabel;
        struct http_options http;
        struct target_group *static_groups;
        size_t n_static_groups;
        struct file_sd *file_sds;
        size_t n_file_sds;
        struct http_sd *http_sds;
        size_t n_http_sds;
        struct dns_sd *dns_sds;
        size_t n_dns_sds;
        struct kubernetes_sd *kubernetes_sds;
        size_t n_kubernetes_sds;
        /*
         * Hash over everything that a target's series depend on (relabeling, honor_*, limits on
         * labels, name scheme): a target whose job has another one gets new series at a reload.
         */
        uint64_t series_hash;
        /* The same for what its requests depend on (HTTP settings, timeout, sizes, protocols). */
        uint64_t request_hash;
};

struct scrape_config {
        _Atomic unsigned refs;
        struct arena arena;
        struct scrape_job *jobs;
        size_t n_jobs;
        struct label *external_labels; /* sorted; part of the scrape offset's seed */
        size_t n_external_labels;
        const char *dns_servers; /* for dns_sds: "host:port,host:port"; NULL: resolv.conf's */
        int64_t clock_tolerance_ms; /* samples ahead of their scrape by half of it wait; 60 s */
};

/* An empty one with one reference. */
int scrape_config_new(struct scrape_config **out, struct err *e);
struct scrape_config *scrape_config_ref(struct scrape_config *c);
/* Gives one reference back; the last one frees everything. NULL-safe. Any thread. */
void scrape_config_unref(struct scrape_config *c);

#endif
