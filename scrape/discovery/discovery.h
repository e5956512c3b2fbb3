/*
 * The discover thread: each kind of discovery has a file beside this one and turns its section of
 * the configuration into target groups.
 *
 * It builds targets (relabel_configs run here) and hands whole target sets to a callback.
 */
#ifndef SCRAPE_DISCOVERY_H
#define SCRAPE_DISCOVERY_H

#include "scrape/discovery/net.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct discovery;
struct feed_view;
struct scrape_config;
struct target_set;

/* Called on the discover thread; takes the set over. */
typedef void (*discovery_sink)(void *arg, struct target_set *set);

struct discovery_stats {
        uint64_t refreshes;
        uint64_t failures; /* files that could not be read, or were no good; since the start */
        uint64_t targets_refused; /* in the newest set */
        uint64_t targets_dropped; /* in the newest set */
        char first_refusal[512]; /* job, address and reason; "" when none is refused */
        struct source_counters net;
};

struct discovery_options {
        const char *host_name;
        /* Where targets found are kept for the next run, made when it is missing; NULL: nowhere. */
        const char *folder;
        discovery_sink sink;
        void *arg;
};

/* Takes a reference on config. */
int discovery_start(const struct discovery_options *o, struct scrape_config *config,
    struct discovery **out, struct err *e);
/* Takes a reference on config; the next set is built from it. */
int discovery_reload(struct discovery *d, struct scrape_config *config, struct err *e);
/* Waits for the thread; the sink is not called any more. NULL-safe. */
void discovery_stop(struct discovery *d);
void discovery_stats(struct discovery *d, struct discovery_stats *out);
/* Called for each section that talks to the network. Holds a lock: be quick. Any thread. */
typedef int (*discovery_visitor)(void *arg, const struct feed_view *f, struct err *e);
int discovery_visit(struct discovery *d, discovery_visitor visit, void *arg, struct err *e);
/* Called for each job, with or without targets. As above. */
struct job_targets;
typedef int (*discovery_job_visitor)(
    void *arg, const char *job, const struct job_targets *n, struct err *e);
int discovery_visit_jobs(
    struct discovery *d, discovery_job_visitor visit, void *arg, struct err *e);

/* Everything once, without a thread: for `gleaner check`. The caller frees the set. */
int discovery_once(struct scrape_config *config, const char *host_name, struct target_set **out,
    struct discovery_stats *stats, struct err *e);

#endif
