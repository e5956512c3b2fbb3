/*
 * All numbers of one /metrics page, taken once: the table's rows are read from it.
 */
#ifndef AGENT_METRICS_SNAPSHOT_H
#define AGENT_METRICS_SNAPSHOT_H

#include "agent/status.h"
#include "agent/web.h"
#include "base/arena.h"
#include "base/memory.h"
#include "remotewrite/sender.h"
#include "scrape/scrape.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct metrics_input;

struct metrics_process {
        double cpu_seconds;
        double resident_bytes;
        double virtual_bytes;
        double open_fds;
        double max_fds;
        double start_seconds;
};

/* Behind what is accounted for by owner: the rest of what is resident, by what it is. */
enum {
        MEMORY_OTHER_HEAP = MEMORY_PARTS, /* the rest of the heap */
        MEMORY_STACKS,
        MEMORY_DATA, /* variables and the loader's tables */
        MEMORY_CODE, /* pages of the program and its libraries */
        MEMORY_WAL_MAP,
        MEMORY_SHOWN
};
extern const char *const memory_shown_names[MEMORY_SHOWN];

struct metrics_memory {
        int64_t parts[MEMORY_SHOWN];
        uint64_t limit;
        uint64_t anonymous;
        bool refuses_new;
};

struct metrics_log {
        struct wal_stats stats;
        bool usable;
};

struct metrics_scraping {
        struct scraper_stats stats;
};

/* One scrape job. */
struct metrics_pool {
        const char *job; /* in the snapshot's arena */
        uint64_t active;
        uint64_t discovered; /* dropped ones included */
        struct metrics_pool *next;
};

/* The discovery sections of one job and kind that talk to the network. */
struct metrics_feed {
        const char *job; /* in the snapshot's arena */
        const char *mechanism; /* constant */
        uint64_t refreshes;
        uint64_t failures;
        bool known;
        bool kept_in_use;
        int64_t confirmed_ms; /* monotonic: of the oldest groups in use */
        struct metrics_feed *next;
};

struct metrics_snapshot {
        int64_t wall_ms;
        int64_t mono_ms;
        int64_t start_ms;
        struct metrics_process process;
        struct metrics_memory memory;
        bool has_agent;
        struct status_agent agent;
        bool has_web;
        struct web_stats web;
        bool has_log;
        struct metrics_log log;
        bool has_scraping;
        struct metrics_scraping scraping;
        struct metrics_pool *pools; /* in order of their first target */
        struct metrics_feed *feeds; /* in order of the configuration */
        struct sender_stats *remotes; /* owned */
        size_t n_remotes;
        struct arena arena;
};

int metrics_snapshot_take(
    const struct metrics_input *in, struct metrics_snapshot *out, struct err *e);
void metrics_snapshot_release(struct metrics_snapshot *s);

#endif
