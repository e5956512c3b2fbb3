/*
 * The keys of the configuration file: one row per key. What is read, the nearest known key of a
 * mistake and docs/CONFIG.md all come from these rows.
 *
 * A section's rows fill the section's own struct (config_sections.h) at their offsets; lists and
 * free maps are kept as nodes, which the section's own file reads on.
 */
#ifndef AGENT_CONFIG_KEYS_H
#define AGENT_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* also change type_names[] in config_set.c and config_docs.c */
enum config_type {
        CONFIG_BOOL, /* bool */
        CONFIG_UINT, /* uint64_t */
        CONFIG_INT, /* int64_t */
        CONFIG_FLOAT, /* double */
        CONFIG_DURATION, /* int64_t, ms */
        CONFIG_SIZE, /* uint64_t, bytes; CONFIG_SIZE_ENDLESS when it is below zero */
        CONFIG_STRING, /* const char *, never NULL, "" when it is not there */
        CONFIG_SECRET, /* the same, masked when printed */
        CONFIG_PATH, /* the same, absolute */
        CONFIG_URL, /* the same, its password masked when printed */
        CONFIG_PROTOCOL, /* the same */
        CONFIG_SECTION, /* the section's own struct */
        /* from here on: const struct yaml_node *, NULL when it is not there or null */
        CONFIG_STRINGS, /* list of strings */
        CONFIG_PROTOCOLS, /* list of strings */
        CONFIG_MAP, /* name → string */
        CONFIG_LISTS, /* name → list of strings */
        CONFIG_SECTIONS, /* list of maps */
        CONFIG_LIST, /* list of anything */
        CONFIG_ANY,
};

enum config_support {
        CONFIG_USED,
        CONFIG_IGNORED, /* any good value is taken; it has no effect here, which is noted */
        CONFIG_IGNORED_WARN, /* the same, and worth a warning */
        CONFIG_REFUSED, /* anything but the default is refused: the help is the reason */
        CONFIG_NO_EFFECT, /* the default is what is done anyway; other values: a warning, why */
};

struct config_section;

struct config_key {
        const char *name;
        enum config_type type;
        enum config_support support;
        size_t offset; /* in the section's struct; CONFIG_NOWHERE: the value is not kept */
        const char *fallback; /* as one would write it; NULL: zero, empty */
        const char *min; /* as one would write it; NULL: no bound beyond the type's */
        const char *max;
        const struct config_section *section; /* of CONFIG_SECTION and, for docs, lists and maps */
        const char *help; /* one sentence: what it does, when to change it */
};

#define CONFIG_NOWHERE ((size_t)-1)
/* What a size below zero is: no page reaches it, and in a job it is not 0, so not global's. */
#define CONFIG_SIZE_ENDLESS UINT64_MAX

/* Keys that several sections have in common. */
struct config_inlined {
        const struct config_section *section;
        size_t offset; /* of its struct in the section's */
};

/* A section's struct begins with `const struct yaml_node *node`: the map, NULL when not there. */
struct config_section {
        const char *name; /* for docs and messages: "scrape_configs" */
        const char *go_type; /* what Prometheus calls it in "field x not found in type …" */
        const char *go_list; /* and a list of it in "cannot unmarshal … into …"; NULL: no list */
        const struct config_key *keys;
        size_t n_keys;
        struct config_inlined inlined[2]; /* section NULL: none */
        const char *help;
};

extern const struct config_section config_top_section;
extern const struct config_section config_global_section;
extern const struct config_section config_common_section; /* of global and scrape_configs */
extern const struct config_section config_alerting_section;
/* config_server.c: not in config_sections, nobody reads them */
extern const struct config_section config_storage_section;
extern const struct config_section config_tracing_section;
extern const struct config_section config_otlp_section;
extern const struct config_section config_runtime_section;
extern const struct config_section config_wal_section;
extern const struct config_section config_agent_section;
extern const struct config_section config_job_section;
extern const struct config_section config_job_file_section; /* a file of scrape_config_files */
extern const struct config_section config_group_section;
extern const struct config_section config_file_sd_section;
extern const struct config_section config_relabel_section;
extern const struct config_section config_remote_section;
extern const struct config_section config_queue_section;
extern const struct config_section config_metadata_section;
extern const struct config_section config_sigv4_section;
extern const struct config_section config_azuread_section;
extern const struct config_section config_azure_managed_section;
extern const struct config_section config_azure_workload_section;
extern const struct config_section config_azure_oauth_section;
extern const struct config_section config_azure_sdk_section;
extern const struct config_section config_google_iam_section;
extern const struct config_section config_http_section;
extern const struct config_section config_header_section;
extern const struct config_section config_basic_auth_section;
extern const struct config_section config_authorization_section;
extern const struct config_section config_tls_section;
extern const struct config_section config_proxy_section;
extern const struct config_section config_oauth2_section;
extern const struct config_section config_http_sd_section;
extern const struct config_section config_dns_sd_section;
extern const struct config_section config_kubernetes_sd_section;
extern const struct config_section config_kubernetes_namespaces_section;
extern const struct config_section config_kubernetes_selector_section;
extern const struct config_section config_kubernetes_attach_section;

/* The key of that name, of the section or inlined; *out_offset is where its value goes. */
const struct config_key *config_key_find(
    const struct config_section *section, const char *name, size_t *out_offset);
/* The known name nearest to a wrong one; NULL when none is near. */
const char *config_key_nearest(const struct config_section *section, const char *name);

/* All sections in the order of the reference. */
extern const struct config_section *const config_sections[];
extern const size_t config_sections_count;

#endif
