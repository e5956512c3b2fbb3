/*
 * The rows of config_keys.h about scraping: global, scrape_configs, relabeling, discovery.
 */
#include "agent/config_keys.h"
#include "agent/config_sections.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct config_key common_keys[] = {
    {"scrape_protocols", CONFIG_PROTOCOLS, CONFIG_USED,
        offsetof(struct config_common, scrape_protocols), NULL, NULL, NULL, NULL,
        "Formats to ask for, the best first; not written: OpenMetricsText1.0.0, "
        "OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4. PrometheusProto is "
        "taken as the latter two."},
    {"body_size_limit", CONFIG_SIZE, CONFIG_USED, offsetof(struct config_common, body_size_limit),
        "0", NULL, NULL, NULL,
        "A page of this size, unpacked, fails the scrape. 0: none; below zero: none in this job, "
        "whatever global says."},
    {"sample_limit", CONFIG_UINT, CONFIG_USED, offsetof(struct config_common, sample_limit), "0",
        NULL, NULL, NULL, "More samples than this after relabeling fail the scrape. 0: none."},
    {"target_limit", CONFIG_UINT, CONFIG_USED, offsetof(struct config_common, target_limit), "0",
        NULL, NULL, NULL, "More targets than this in a job: none of them is scraped. 0: none."},
    {"label_limit", CONFIG_UINT, CONFIG_USED, offsetof(struct config_common, label_limit), "0",
        NULL, NULL, NULL, "A sample with more labels than this fails the scrape. 0: none."},
    {"label_name_length_limit", CONFIG_UINT, CONFIG_USED,
        offsetof(struct config_common, label_name_length_limit), "0", NULL, NULL, NULL,
        "A longer label name (bytes) fails the scrape. 0: none."},
    {"label_value_length_limit", CONFIG_UINT, CONFIG_USED,
        offsetof(struct config_common, label_value_length_limit), "0", NULL, NULL, NULL,
        "A longer label value (bytes) fails the scrape. 0: none."},
    {"keep_dropped_targets", CONFIG_UINT, CONFIG_USED,
        offsetof(struct config_common, keep_dropped_targets), "0", NULL, NULL, NULL,
        "Dropped targets of a job that /api/v1/targets shows. 0: all."},
    {"metric_name_validation_scheme", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_common, name_scheme), NULL, NULL, NULL, NULL,
        "utf8 (the default) takes any name, legacy only [a-zA-Z_:][a-zA-Z0-9_:]*."},
    {"metric_name_escaping_scheme", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_common, escaping), NULL, NULL, NULL, NULL,
        "What a target is asked to do with names beyond legacy: allow-utf-8, underscores, dots or "
        "values. By the validation scheme when left out."},
    {"scrape_failure_log_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_common, failure_log_file), NULL, NULL, NULL, NULL,
        "A line of JSON is appended to this file for each scrape that brings no page. It is made "
        "when it is not there, and may be renamed at any time."},
    {"scrape_native_histograms", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false", NULL, NULL,
        NULL,
        "Pages are asked for in the text formats, so that classic histograms come instead of "
        "native "
        "ones."},
    {"convert_classic_histograms_to_nhcb", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false",
        NULL, NULL, NULL,
        "Classic histograms are sent as they are, as _bucket, _sum and _count; Remote Write 1.0 "
        "has no place for converted ones."},
    {"always_scrape_classic_histograms", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false",
        NULL, NULL, NULL, "Classic histograms are always scraped."},
    {"extra_scrape_metrics", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_common, extra_scrape_metrics), "false", NULL, NULL, NULL,
        "Three more series per target: scrape_timeout_seconds, scrape_sample_limit and "
        "scrape_body_size_bytes."},
};

const struct config_section config_common_section = {"common scrape keys", "config.plain", NULL,
    common_keys, COUNT(common_keys), {{NULL, 0}},
    "They may stand in `global` and in a job. In a job, 0 or nothing means what `global` says."};

static const struct config_key global_keys[] = {
    {"scrape_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_global, scrape_interval_ms), "1m", NULL, NULL, NULL,
        "Time from one scrape of a target to the next."},
    {"scrape_timeout", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_global, scrape_timeout_ms), "0", NULL, NULL, NULL,
        "When a scrape is given up. 10s, or the interval when that is shorter, unless set."},
    {"external_labels", CONFIG_MAP, CONFIG_USED, offsetof(struct config_global, external_labels),
        NULL, NULL, NULL, NULL,
        "Labels that every sample gets when it is sent. ${VAR} and $VAR are replaced from the "
        "environment; ${TENANT} is always the tenant. Make the site unique with one of them."},
    {"evaluation_interval", CONFIG_DURATION, CONFIG_IGNORED, CONFIG_NOWHERE, "1m", NULL, NULL, NULL,
        "Of rules, which an agent does not have."},
    {"rule_query_offset", CONFIG_DURATION, CONFIG_IGNORED, CONFIG_NOWHERE, "0s", NULL, NULL, NULL,
        "Of rules, which an agent does not have."},
    {"query_log_file", CONFIG_STRING, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL, NULL,
        "Of queries, which an agent does not answer."},
    {"query_max_series", CONFIG_UINT, CONFIG_IGNORED, CONFIG_NOWHERE, "0", NULL, NULL, NULL,
        "Of queries, which an agent does not answer."},
    {"query_max_samples_read", CONFIG_UINT, CONFIG_IGNORED, CONFIG_NOWHERE, "0", NULL, NULL, NULL,
        "Of queries, which an agent does not answer."},
    {"query_max_duration", CONFIG_DURATION, CONFIG_IGNORED, CONFIG_NOWHERE, "0s", NULL, NULL, NULL,
        "Of queries, which an agent does not answer."},
};

const struct config_section config_global_section = {"global", "config.plain", NULL, global_keys,
    COUNT(global_keys),
    {{&config_common_section, offsetof(struct config_global, common)}, {NULL, 0}},
    "Defaults of all jobs, and the labels of the site."};

static const struct config_key job_keys[] = {
    {"job_name", CONFIG_STRING, CONFIG_USED, offsetof(struct config_job, job_name), NULL, NULL,
        NULL, NULL, "Required and unique; the job label of every target."},
    {"scrape_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_job, scrape_interval_ms), "0", NULL, NULL, NULL,
        "Time from one scrape of a target to the next. 0: global's."},
    {"scrape_timeout", CONFIG_DURATION, CONFIG_USED, offsetof(struct config_job, scrape_timeout_ms),
        "0", NULL, NULL, NULL,
        "When a scrape is given up; not above the interval. 0: global's, or the interval when that "
        "is shorter."},
    {"metrics_path", CONFIG_STRING, CONFIG_USED, offsetof(struct config_job, metrics_path),
        "/metrics", NULL, NULL, NULL, "Path of the page."},
    {"scheme", CONFIG_STRING, CONFIG_USED, offsetof(struct config_job, scheme), "http", NULL, NULL,
        NULL, "http or https."},
    {"params", CONFIG_LISTS, CONFIG_USED, offsetof(struct config_job, params), NULL, NULL, NULL,
        NULL, "Query parameters of the request, each with a list of values."},
    {"honor_labels", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_job, honor_labels), "false",
        NULL, NULL, NULL,
        "A label of the page wins over one of the target; else it becomes exported_<name>."},
    {"honor_timestamps", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_job, honor_timestamps),
        "true", NULL, NULL, NULL, "Timestamps of the page are used."},
    {"track_timestamps_staleness", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_job, track_timestamps_staleness), "false", NULL, NULL, NULL,
        "Series with timestamps of their own get staleness markers, too."},
    {"enable_compression", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_job, enable_compression), "true", NULL, NULL, NULL,
        "The target may answer in gzip."},
    {"fallback_scrape_protocol", CONFIG_PROTOCOL, CONFIG_USED,
        offsetof(struct config_job, fallback_scrape_protocol), NULL, NULL, NULL, NULL,
        "What a page without a good Content-Type is taken for: one of those of scrape_protocols, "
        "but PrometheusProto."},
    {"static_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_job, static_configs),
        NULL, NULL, NULL, &config_group_section, "Targets written here."},
    {"file_sd_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_job, file_sd_configs),
        NULL, NULL, NULL, &config_file_sd_section, "Targets in files, which are watched."},
    {"relabel_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_job, relabel_configs),
        NULL, NULL, NULL, &config_relabel_section, "Rules on the labels of targets."},
    {"metric_relabel_configs", CONFIG_SECTIONS, CONFIG_USED,
        offsetof(struct config_job, metric_relabel_configs), NULL, NULL, NULL,
        &config_relabel_section, "Rules on the labels of samples, before they are stored."},
    {"native_histogram_bucket_limit", CONFIG_UINT, CONFIG_IGNORED, CONFIG_NOWHERE, "0", NULL, NULL,
        NULL, "Of native histograms."},
    {"native_histogram_min_bucket_factor", CONFIG_FLOAT, CONFIG_IGNORED, CONFIG_NOWHERE, "0", NULL,
        NULL, NULL, "Of native histograms."},
    {"http_sd_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_job, http_sd_configs),
        NULL, NULL, NULL, &config_http_sd_section, "Targets from an HTTP endpoint."},
    {"dns_sd_configs", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_job, dns_sd_configs),
        NULL, NULL, NULL, &config_dns_sd_section, "Targets from DNS records."},
    {"kubernetes_sd_configs", CONFIG_SECTIONS, CONFIG_USED,
        offsetof(struct config_job, kubernetes_sd_configs), NULL, NULL, NULL,
        &config_kubernetes_sd_section, "Targets from a Kubernetes API server."},
};

const struct config_section config_job_section = {"scrape_configs", "config.ScrapeConfig",
    "[]*config.ScrapeConfig", job_keys, COUNT(job_keys),
    {{&config_common_section, offsetof(struct config_job, common)},
        {&config_http_section, offsetof(struct config_job, http)}},
    "A list of jobs."};

static const struct config_key job_file_keys[] = {
    {"scrape_configs", CONFIG_SECTIONS, CONFIG_USED,
        offsetof(struct config_job_file, scrape_configs), NULL, NULL, NULL, &config_job_section,
        "The jobs."},
};

const struct config_section config_job_file_section = {"a file of scrape_config_files",
    "config.ScrapeConfigs", NULL, job_file_keys, COUNT(job_file_keys), {{NULL, 0}}, ""};

static const struct config_key group_keys[] = {
    {"targets", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_group, targets), NULL, NULL,
        NULL, NULL, "host:port of each target."},
    {"labels", CONFIG_MAP, CONFIG_USED, offsetof(struct config_group, labels), NULL, NULL, NULL,
        NULL, "Labels of all of them."},
};

const struct config_section config_group_section = {"static_configs", "struct",
    "[]*targetgroup.Group", group_keys, COUNT(group_keys), {{NULL, 0}},
    "A list of groups; discovery files hold the same."};

static const struct config_key file_sd_keys[] = {
    {"files", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_file_sd, files), NULL, NULL, NULL,
        NULL, "Required: patterns of .json, .yml or .yaml files; a * may stand in the last part."},
    {"refresh_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_file_sd, refresh_interval_ms), "5m", NULL, NULL, NULL,
        "The files are read again after this time even when nothing told of a change."},
};

const struct config_section config_file_sd_section = {"file_sd_configs", "file.plain",
    "[]*file.SDConfig", file_sd_keys, COUNT(file_sd_keys), {{NULL, 0}},
    "A list; targets get __meta_filepath."};

static const struct config_key relabel_keys[] = {
    {"action", CONFIG_STRING, CONFIG_USED, offsetof(struct config_relabel, action), "replace", NULL,
        NULL, NULL,
        "replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, "
        "lowercase or uppercase."},
    {"source_labels", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_relabel, source_labels),
        NULL, NULL, NULL, NULL, "Their values, joined, are what the rule looks at."},
    {"separator", CONFIG_STRING, CONFIG_USED, offsetof(struct config_relabel, separator), ";", NULL,
        NULL, NULL, "Stands between the joined values."},
    {"regex", CONFIG_STRING, CONFIG_USED, offsetof(struct config_relabel, regex), "(.*)", NULL,
        NULL, NULL, "RE2 syntax; it must match the whole."},
    {"modulus", CONFIG_UINT, CONFIG_USED, offsetof(struct config_relabel, modulus), "0", NULL, NULL,
        NULL, "Of hashmod."},
    {"target_label", CONFIG_STRING, CONFIG_USED, offsetof(struct config_relabel, target_label),
        NULL, NULL, NULL, NULL, "The label that is set."},
    {"replacement", CONFIG_STRING, CONFIG_USED, offsetof(struct config_relabel, replacement), "$1",
        NULL, NULL, NULL, "What it is set to; $1 and ${name} are groups of the regex."},
};

const struct config_section config_relabel_section = {"relabel_configs", "relabel.plain",
    "[]*relabel.Config", relabel_keys, COUNT(relabel_keys), {{NULL, 0}},
    "A list of rules, run in order; also metric_relabel_configs and write_relabel_configs."};

static const struct config_key http_sd_keys[] = {
    {"url", CONFIG_URL, CONFIG_USED, offsetof(struct config_http_sd, url), NULL, NULL, NULL, NULL,
        "Required. Answers with status 200, Content-Type application/json and a list of groups as "
        "discovery files have it."},
    {"refresh_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_http_sd, refresh_interval_ms), "1m", NULL, NULL, NULL,
        "Time from one request to the next, and the timeout of a request."},
};

const struct config_section config_http_sd_section = {"http_sd_configs", "http.plain",
    "[]*http.SDConfig", http_sd_keys, COUNT(http_sd_keys),
    {{&config_http_section, offsetof(struct config_http_sd, http)}, {NULL, 0}},
    "A list; targets get __meta_url. An answer that is no good, or none, changes nothing."};

static const struct config_key dns_sd_keys[] = {
    {"names", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_dns_sd, names), NULL, NULL, NULL,
        NULL, "Required: names to look up."},
    {"type", CONFIG_STRING, CONFIG_USED, offsetof(struct config_dns_sd, type), "SRV", NULL, NULL,
        NULL, "SRV, A, AAAA, MX or NS."},
    {"port", CONFIG_INT, CONFIG_USED, offsetof(struct config_dns_sd, port), "0", NULL, NULL, NULL,
        "Required for all but SRV."},
    {"refresh_interval", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_dns_sd, refresh_interval_ms), "30s", NULL, NULL, NULL,
        "Time from one look-up to the next."},
};

const struct config_section config_dns_sd_section = {"dns_sd_configs", "dns.plain",
    "[]*dns.SDConfig", dns_sd_keys, COUNT(dns_sd_keys), {{NULL, 0}},
    "A list; targets get __meta_dns_name, __meta_dns_srv_record_target, "
    "__meta_dns_srv_record_port, "
    "__meta_dns_mx_record_target and __meta_dns_ns_record_target. The servers and the search list "
    "are those of /etc/resolv.conf (agent.dns_servers names others). A name that cannot be looked "
    "up keeps its targets, one that does not exist has none."};

static const struct config_key namespaces_keys[] = {
    {"own_namespace", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_kubernetes_namespaces, own_namespace), "false", NULL, NULL, NULL,
        "Adds the agent's own, in its cluster only."},
    {"names", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_kubernetes_namespaces, names),
        NULL, NULL, NULL, NULL, "Namespaces to look at, all when it is empty."},
};

const struct config_section config_kubernetes_namespaces_section = {"namespaces",
    "kubernetes.plain", NULL, namespaces_keys, COUNT(namespaces_keys), {{NULL, 0}},
    "Of kubernetes_sd_configs."};

static const struct config_key selector_keys[] = {
    {"role", CONFIG_STRING, CONFIG_USED, offsetof(struct config_kubernetes_selector, role), NULL,
        NULL, NULL, NULL, "Objects of this role are selected."},
    {"label", CONFIG_STRING, CONFIG_USED, offsetof(struct config_kubernetes_selector, label), NULL,
        NULL, NULL, NULL, "A selector of labels."},
    {"field", CONFIG_STRING, CONFIG_USED, offsetof(struct config_kubernetes_selector, field), NULL,
        NULL, NULL, NULL, "A selector of fields."},
};

const struct config_section config_kubernetes_selector_section = {"selectors",
    "kubernetes.SelectorConfig", "[]kubernetes.SelectorConfig", selector_keys, COUNT(selector_keys),
    {{NULL, 0}}, "Of kubernetes_sd_configs: a list, one for each role at most."};

static const struct config_key attach_keys[] = {
    {"node", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_kubernetes_attach, of_node), "false",
        NULL, NULL, NULL, "Labels and annotations of a pod's node."},
    {"namespace", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_kubernetes_attach, namespace),
        "false", NULL, NULL, NULL, "Those of its namespace."},
    {"deployment", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_kubernetes_attach, deployment),
        "false", NULL, NULL, NULL, "Those of its deployment."},
    {"job", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_kubernetes_attach, job), "false", NULL,
        NULL, NULL, "Those of its job."},
    {"cronjob", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_kubernetes_attach, cronjob),
        "false", NULL, NULL, NULL, "Those of its cron job."},
};

const struct config_section config_kubernetes_attach_section = {"attach_metadata",
    "kubernetes.AttachMetadataConfig", NULL, attach_keys, COUNT(attach_keys), {{NULL, 0}},
    "Of kubernetes_sd_configs."};

static const struct config_key kubernetes_sd_keys[] = {
    {"role", CONFIG_STRING, CONFIG_USED, offsetof(struct config_kubernetes_sd, role), NULL, NULL,
        NULL, NULL, "Required: pod, service, endpoints, endpointslice, node or ingress."},
    {"api_server", CONFIG_URL, CONFIG_USED, offsetof(struct config_kubernetes_sd, api_server), NULL,
        NULL, NULL, NULL, "The API server; that of the pod's own cluster when left out."},
    {"kubeconfig_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_kubernetes_sd, kubeconfig_file), NULL, NULL, NULL, NULL,
        "A kubeconfig file instead: its user's token, certificate, password, or program (exec, "
        "which has 30 seconds and is asked again when what it gave expires or is refused)."},
    {"namespaces", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_kubernetes_sd, namespaces),
        NULL, NULL, NULL, &config_kubernetes_namespaces_section, "The namespaces to look at."},
    {"selectors", CONFIG_SECTIONS, CONFIG_USED, offsetof(struct config_kubernetes_sd, selectors),
        NULL, NULL, NULL, &config_kubernetes_selector_section,
        "A list of {role, label, field}: only objects of that role that match are listed."},
    {"attach_metadata", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_kubernetes_sd, attach),
        NULL, NULL, NULL, &config_kubernetes_attach_section,
        "What else of a target's surroundings becomes labels."},
};

const struct config_section config_kubernetes_sd_section = {"kubernetes_sd_configs",
    "kubernetes.plain", "[]*kubernetes.SDConfig", kubernetes_sd_keys, COUNT(kubernetes_sd_keys),
    {{&config_http_section, offsetof(struct config_kubernetes_sd, http)}, {NULL, 0}},
    "A list; targets get __meta_kubernetes_* labels. HTTP client keys only with api_server."};
