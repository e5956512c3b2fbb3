/*
 * The agent's own metrics: tables of rows, one per subject, in the order of the page. Where
 * Prometheus exposes the same quantity its name is used, so that dashboards and alerts keep
 * working; everything else is gleaner_….
 *
 * To add one: a row in metrics_rows_<subject>.c, then scripts/docs.sh writes docs/METRICS.md anew.
 */
#ifndef AGENT_METRICS_TABLE_H
#define AGENT_METRICS_TABLE_H

#include <stddef.h>

struct metrics_snapshot;

/* Where a table's numbers lie. */
enum metric_source {
        METRIC_OF_BUILD, /* the program */
        METRIC_OF_PROCESS, /* struct metrics_process */
        METRIC_OF_MEMORY, /* struct metrics_memory */
        METRIC_OF_AGENT, /* struct status_agent */
        METRIC_OF_WEB, /* struct web_stats; not without a web configuration */
        METRIC_OF_LOG, /* struct metrics_log */
        METRIC_OF_SCRAPING, /* struct metrics_scraping */
        METRIC_OF_POOL, /* struct metrics_pool, one per job */
        METRIC_OF_DISCOVERY, /* the same, with the labels of discovery */
        METRIC_OF_FEED, /* struct metrics_feed, one per job and kind */
        METRIC_OF_KUBERNETES, /* uint64_t[KUBERNETES_EVENTS], one per role */
        METRIC_OF_REMOTE, /* struct sender_stats, one per endpoint */
};

enum metric_unit {
        METRIC_COUNT, /* uint64_t */
        METRIC_SIGNED, /* int64_t */
        METRIC_MS, /* int64_t milliseconds, shown as seconds; 0 or less than 0 as they are */
        METRIC_BOOL,
        METRIC_DOUBLE,
        METRIC_COMPUTED, /* by the function */
};

struct metric_row {
        const char *name; /* ends in _total: a counter; else a gauge */
        enum metric_unit unit;
        size_t offset; /* into the source's struct */
        const char *help; /* one sentence; no line feed */
        /* One sample per name, label `key`: the value is an array, or computed with its index. */
        const char *key;
        const char *const *names;
        size_t n_names;
        /* NaN: there is nothing to show. */
        double (*compute)(const struct metrics_snapshot *s, const void *item, size_t i);
};

/* A subject: what its samples are read from, and which labels they have besides a row's key. */
struct metric_table {
        const char *title; /* of its section in docs/METRICS.md */
        const char *labels; /* NULL: none */
        enum metric_source source;
        const struct metric_row *rows;
        size_t n_rows;
};

/* metrics_rows_process.c */
extern const struct metric_table metrics_of_build;
extern const struct metric_table metrics_of_process;
extern const struct metric_table metrics_of_agent;
extern const struct metric_table metrics_of_web;
extern const struct metric_table metrics_of_memory;
/* metrics_rows_log.c */
extern const struct metric_table metrics_of_log;
/* metrics_rows_scraping.c */
extern const struct metric_table metrics_of_pools;
extern const struct metric_table metrics_of_scraping;
/* metrics_rows_discovery.c */
extern const struct metric_table metrics_of_discovered;
extern const struct metric_table metrics_of_feeds;
extern const struct metric_table metrics_of_kubernetes;
extern const struct metric_table metrics_of_discovery;
/* metrics_rows_remote.c */
extern const struct metric_table metrics_of_remote;

/* All of them, in the order of the page; NULL ends them. */
extern const struct metric_table *const metrics_tables[];

/* "counter" or "gauge". */
const char *metric_type_name(const struct metric_row *row);

#endif
