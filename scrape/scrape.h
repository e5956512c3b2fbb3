/*
 * The scraper: the scrape thread (schedule, fetch, parse, encode) and the discover thread that
 * feeds it targets. What goes in: a scrape_config; what comes out: batches in the log.
 *
 * The functions below may be called from the main and HTTP threads.
 */
#ifndef SCRAPE_SCRAPE_H
#define SCRAPE_SCRAPE_H

#include "base/labels.h"
#include "scrape/discovery/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct metadata;
struct scrape_config;
struct scraper;
struct target;
struct wal;

struct scraper_options {
        struct wal *wal;
        const struct clock *clock;
        const char *host_name; /* seed of the offsets */
        const char *targets_folder; /* discovery.h: folder; NULL: discovered targets are not kept */
        int64_t
            earliest_wall_ms; /* before it the clock is implausible: scrapes are held, counted */
};

/*
 * The wal must have been opened with answer = scraper_answer and a struct scraper_mailbox * as its
 * argument, made before both (the log's thread may answer at any time).
 */
struct scraper_mailbox;
int scraper_mailbox_new(struct scraper_mailbox **out, struct err *e);
void scraper_mailbox_free(struct scraper_mailbox *m);
void scraper_answer(void *mailbox, uint64_t target, uint64_t serial, bool stored);

int scraper_start(const struct scraper_options *o, struct scraper_mailbox *m,
    struct scrape_config *config, struct scraper **out, struct err *e);
/* Stops scraping; scrapes in flight are given up. No markers (specs: scrape.md section 5). */
void scraper_stop(struct scraper *s);
/* Takes a reference on config; never waits for the network. Targets whose effective
 * configuration is unchanged keep slots, phase and connection. */
int scraper_reload(struct scraper *s, struct scrape_config *config, struct err *e);

enum target_health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

struct target_status {
        struct target *target; /* a reference during the call */
        enum target_health health;
        bool leaving; /* not discovered any more: its markers come with its next tick */
        const char *last_error; /* "" when none */
        int64_t last_scrape_ms; /* wall time; 0: never */
        double last_duration_seconds;
        uint64_t last_samples;
        uint64_t last_size_bytes; /* of the page, decompressed */
        uint64_t series_slots;
        uint64_t series_alive;
        uint64_t refused_memory; /* new series refused at the last scrape */
        struct metadata *metadata; /* of its metrics, a reference during the call; NULL: none */
};

/* Called for each target until it returns anything but 0, which is passed on; views are valid
 * during the call. Holds a lock: be quick. */
typedef int (*target_visitor)(void *arg, const struct target_status *s, struct err *e);
/* In order of identities; only those behind `after`, unless it is NULL. So a walk can go on where
 * it stopped, whatever became of the targets meanwhile. */
int scraper_visit_active(
    struct scraper *s, const char *after, target_visitor visit, void *arg, struct err *e);
int scraper_visit_dropped(struct scraper *s, target_visitor visit, void *arg, struct err *e);

/* Called for each discovery section that talks to the network. Holds a lock: be quick. */
struct feed_view;
typedef int (*feed_visitor)(void *arg, const struct feed_view *f, struct err *e);
int scraper_visit_feeds(struct scraper *s, feed_visitor visit, void *arg, struct err *e);
/* Called for each job, with or without targets. Holds a lock: be quick. */
struct job_targets;
typedef int (*job_visitor)(void *arg, const char *job, const struct job_targets *n, struct err *e);
int scraper_visit_jobs(struct scraper *s, job_visitor visit, void *arg, struct err *e);

struct scraper_stats {
        uint64_t targets;
        uint64_t targets_up;
        uint64_t scrapes;
        uint64_t scrapes_failed;
        uint64_t scrapes_skipped_late; /* ticks that came too late to be started */
        uint64_t scrapes_skipped_busy; /* ticks while the scrape before was still running */
        uint64_t scrapes_held_clock; /* ticks while the clock was implausible */
        uint64_t samples_scraped;
        uint64_t samples_duplicate;
        uint64_t samples_out_of_order;
        uint64_t samples_out_of_bounds;
        uint64_t series_refused_memory;
        uint64_t pages_over_body_limit;
        uint64_t pages_over_sample_limit;
        uint64_t bytes_received; /* on the wire */
        uint64_t bytes_page; /* decompressed */
        uint64_t series_alive;
        uint64_t series_slots;
        uint64_t chunks;
        uint64_t samples_held; /* further ahead of their scrape than they may be */
        uint64_t connections_opened;
        uint64_t relabel_limit_errors;
        uint64_t metadata_refused; /* pages whose # lines had no room */
        uint64_t exemplars_dropped;
        uint64_t failure_lines_lost; /* that scrape_failure_log_file did not take */
        uint64_t sd_refreshes;
        uint64_t sd_failures;
        uint64_t compactions;
        uint64_t barriers;
        uint64_t targets_dropped;
        uint64_t targets_refused; /* after relabeling, by the checks */
        struct source_counters net; /* of discovery */
        bool clock_held;
        bool first_sync_done;
        int64_t loop_beat_ms; /* monotonic: when the scrape loop last came round (watchdog) */
};
void scraper_stats(struct scraper *s, struct scraper_stats *out);

#endif
