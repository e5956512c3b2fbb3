/*
 * The configuration file: YAML → each part's own options (scrape_config, remote_config, and the
 * two sections below). All errors of a file are collected: file:line:column: what, expected, the
 * nearest known key. The keys are one table (config_keys.h).
 *
 * Called at start, at a reload and by `gleaner check`; one thread at a time.
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct remote_config;
struct scrape_config;

struct config_wal {
        uint64_t max_size; /* default 1 GiB */
        int64_t max_age_ms; /* default 48 h */
        int64_t sync_interval_ms; /* default 5 s */
};

struct config_agent {
        uint64_t memory_limit; /* 0: the default (memory_default_limit) */
        const char *tenant_header; /* default THANOS-TENANT */
        const char *listen_address; /* NULL: not in the file */
        int64_t clock_tolerance_ms; /* default 60 s */
        uint64_t catchup_samples_per_second; /* 0: no limit */
};

struct config {
        struct scrape_config *scrape; /* a reference */
        struct remote_config *remote; /* a reference */
        struct config_wal wal;
        struct config_agent agent;
        char *masked; /* owned: the file as loaded, secrets as <secret>: config_effective.h */
        char *path; /* owned */
        void *storage; /* owned: the strings of `agent`, the patterns */
        const char **patterns; /* of scrape_config_files, absolute */
        size_t n_patterns;
        bool extra_scrape_metrics; /* global's */
        uint64_t contents; /* of all files that were read (config_contents.h) */
};

enum config_severity { CONFIG_ERROR, CONFIG_WARNING, CONFIG_NOTE };

/* In which order Prometheus would have met the errors: the summary names the first one. */
enum config_stage {
        CONFIG_STAGE_YAML, /* the file is no YAML */
        CONFIG_STAGE_SHAPE, /* unknown keys, wrong types */
        CONFIG_STAGE_VALUE, /* bad values and combinations */
        CONFIG_STAGE_LATER, /* not supported yet */
        CONFIG_STAGE_MODE, /* what an agent refuses, and included files: after the loading */
};

struct config_place {
        const char *file; /* of the report */
        unsigned line; /* from 1; 0: the file as a whole */
        unsigned column;
};

struct config_message {
        enum config_severity severity;
        enum config_stage stage;
        const char *file; /* owned by the report */
        unsigned line; /* from 1; 0: the file as a whole */
        unsigned column;
        char *text; /* owned */
};

/* Errors and warnings in order of lines; bounded (1,000, then one line says that there are more).
 */
struct config_report {
        struct config_message *v; /* owned */
        size_t n;
        size_t cap;
        size_t errors;
        char **files; /* owned, in the order in which they were read */
        size_t n_files;
        struct config_place *targets; /* owned: of static targets, in the order of jobs */
        size_t n_targets;
        size_t cap_targets;
};

struct config_env {
        const char *tenant; /* for ${TENANT} and the tenant header */
        bool send_tenant_header; /* --tenant was given */
        int64_t max_age_ms; /* wal.max_age where the file has none; 0: its default */
        bool extra_scrape_metrics; /* what global has where the file says nothing */
        bool look_at_files; /* warn of files that cannot be read: they are read when needed only */
};

/*
 * ERR_CONFIG: the report says why, and e holds the summary of it as Prometheus would put it;
 * *out is untouched. Warnings may be there on success too. The report is zeroed by the caller
 * before the first use, and released by it in any case.
 */
int config_load(const char *path, const struct config_env *env, struct config **out,
    struct config_report *report, struct err *e);
/* The same for text that is there already; path names it and gives the folder of relative files. */
int config_load_text(const char *path, struct view text, const struct config_env *env,
    struct config **out, struct config_report *report, struct err *e);
void config_free(struct config *c);
void config_report_release(struct config_report *r);
/* "file:line:column: error: text" lines. */
int config_report_print(const struct config_report *r, struct buf *out, struct err *e);
/* The same as lines of the log, for an agent that runs. */
void config_report_log(const struct config_report *r);

#endif
