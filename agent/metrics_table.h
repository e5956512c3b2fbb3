/*
 * The table of the agent's own metrics. Where Prometheus exposes the same quantity its name is
 * used, so that dashboards and alerts keep working; everything else is gleaner_….
 *
 * To add one: a row in metrics_table.c, then scripts/docs.sh writes docs/METRICS.md anew.
 */
#ifndef AGENT_METRICS_TABLE_H
#define AGENT_METRICS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct metrics_snapshot;

/* What a row is about: where its numbers lie, and which labels its samples have. */
enum metric_source {
        METRIC_OF_BUILD, /* the program; label version */
        METRIC_OF_PROCESS, /* struct metrics_process */
        METRIC_OF_MEMORY, /* struct metrics_memory */
        METRIC_OF_AGENT, /* struct status_agent */
        METRIC_OF_WEB, /* struct web_stats; not without a web configuration */
        METRIC_OF_LOG, /* struct metrics_log */
        METRIC_OF_SCRAPING, /* struct metrics_scraping */
        METRIC_OF_POOL, /* struct metrics_pool, one per job; label scrape_job */
        METRIC_OF_DISCOVERY, /* the same; labels name="scrape" and config (the job) */
        METRIC_OF_FEED, /* struct metrics_feed, one per job and kind; labels mechanism and config */
        METRIC_OF_KUBERNETES, /* uint64_t[KUBERNETES_EVENTS], one per role; label role */
        METRIC_OF_REMOTE, /* struct sender_stats, one per endpoint; labels remote_name and url */
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
        const char *name;
        bool counter; /* else a gauge */
        enum metric_source source;
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

extern const struct metric_row metrics_table[];
extern const size_t metrics_table_rows;

/* The labels that a source's samples have, besides a row's own key: for the documentation. */
const char *metric_source_labels(enum metric_source source);

#endif
