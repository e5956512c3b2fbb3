/*
 * A target that is being scraped: its place in the schedule, its series, and the scrape under way.
 *
 *      idle → runner_begin → fetching → (page over) → encoding → runner_encode until done → idle
 *
 * Scrape thread only, but for what is said to be under env->mtx: that is what the API looks at.
 */
#ifndef SCRAPE_RUNNER_H
#define SCRAPE_RUNNER_H

#include "base/err.h"
#include "scrape/clients.h"
#include "scrape/fetch.h"
#include "scrape/schedule.h"
#include "scrape/scrape.h"
#include "scrape/series.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metadata;
struct metadata_draft;
struct metadata_pool;
struct runner;
struct target;
struct textparse;

/* What all runners share. */
struct runner_env {
        /* set before start */
        struct fetcher *fetcher;
        struct series_pool *pool;
        struct metadata_pool *metadata; /* owned */

        /* scrape thread only */
        struct clients clients;
        struct runner *encoding; /* those whose scrape is being encoded, oldest first */
        struct runner *encoding_last;
        size_t n_next; /* runners with a next_target */
        size_t n_barriers; /* runners with barrier_wanted */
        size_t n_waiting; /* runners with a waiting_tick_ms */
        uint64_t n_not_stored; /* scrapes in a row that could not be handed to the log */

        /* under mtx */
        pthread_mutex_t mtx;
        struct scraper_stats stats; /* counters; what can be summed up is not kept here */
};

enum runner_phase { RUNNER_IDLE, RUNNER_FETCHING, RUNNER_ENCODING };

struct runner {
        struct schedule_entry entry; /* first, so that the schedule's entry converts back */
        struct runner_env *env; /* borrowed */
        struct series *series; /* owned */
        struct job_client *client; /* a reference */
        enum runner_phase phase;
        struct fetch_route route; /* its connection */
        struct runner *next_encoding;
        int64_t last_tick_ms; /* the last one that was taken; INT64_MIN: none */
        int64_t waiting_tick_ms; /* came while the runner was busy; INT64_MIN: none */

        /* the scrape under way */
        struct fetch *fetch; /* NULL: none in flight */
        struct textparse *parse; /* owned; NULL: none */
        int64_t tick_ms;
        double started_seconds;
        size_t parse_memory; /* of parse, as accounted */
        struct metadata_draft *draft; /* owned; NULL: its metadata is not looked at */
        int64_t metadata_ms; /* the tick at which it was looked at last; INT64_MIN: never */
        bool metadata_old; /* there have been new series since */

        /* what discovery and reload have in store for it */
        struct target *next_target; /* a reference; takes over when the runner is idle */
        bool barrier_wanted; /* before the next scrape begins */
        bool reset_wanted; /* behind that barrier: the next scrape finds other label sets */
        bool compact_wanted; /* the barrier has been written */
        int64_t marker_ms; /* leaving: the time of its staleness markers */
        int64_t leave_mono_ms; /* leaving: when they are written */

        /* under env->mtx */
        struct target *target; /* a reference; written by the scrape thread alone */
        bool leaving; /* not discovered any more; written by the scrape thread alone */
        enum target_health health;
        char *last_error; /* owned; NULL: none */
        int64_t last_scrape_ms;
        double last_duration_seconds;
        uint64_t last_samples;
        uint64_t last_size_bytes;
        uint64_t refused_memory;
        struct series_counts counts;
        struct metadata *metadata; /* a reference; NULL: none */
};

/* Takes a reference on t. The runner is not in the schedule yet; its entry is set. */
int runner_new(struct runner_env *env, struct target *t, struct runner **out, struct err *e);
/* Gives up what is in flight. Must not be in the schedule. NULL-safe. */
void runner_free(struct runner *r);

/* Starts the scrape of a tick, which may fail and be over at once. The runner must be idle. */
void runner_begin(struct runner *r, int64_t tick_ms);
/*
 * Encodes up to `chunks` chunks of the runner that waits longest for it and sends it to the back of
 * the line. False when nobody waits.
 */
bool runner_encode_some(struct runner_env *env, unsigned chunks);
/* Encodes all that is left of this runner's scrape, if it is encoding. */
void runner_encode_all(struct runner *r);
/*
 * The same identity was discovered again: takes over when the runner is idle, at once if it is.
 * Takes a reference.
 */
void runner_set_target(struct runner *r, struct target *t);
/* A tick while the runner is busy: it may still begin when that is over soon. */
void runner_wait_tick(struct runner *r, int64_t tick_ms);
/* No tick is waiting any more. */
void runner_forget_tick(struct runner *r);
void runner_want_barrier(struct runner *r);
/* The barrier has been written, and the runner is idle. */
void runner_pass_barrier(struct runner *r);
/* Scrapes that are later than this are not worth starting. */
int64_t runner_allowed_late_ms(int64_t interval_ms);

#endif
