/*
 * All runners, and what becomes of them when a new target set comes in:
 *
 *      in both          goes on: slots, phase, connection; another series_hash: wants a reset
 *      new              begins; if it takes over the labels of one that goes, after a barrier
 *      gone             leaves after two more ticks, with staleness markers; or comes back before
 *
 * Scrape thread only; the arrays are changed under env->mtx, so that the API may walk them.
 */
#ifndef SCRAPE_ROSTER_H
#define SCRAPE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct orphans;
struct runner;
struct runner_env;
struct schedule;
struct target;
struct target_set;

struct roster {
        struct runner_env *env; /* borrowed */
        struct schedule *schedule; /* borrowed */
        struct orphans *orphans; /* borrowed; may be NULL in tests */

        /* under env->mtx; owned */
        struct runner **v; /* sorted by identity */
        size_t n;
        struct target **dropped; /* references, for display */
        size_t n_dropped;

        /* scrape thread only */
        struct runner **by_number; /* the same runners, sorted by target number */
        size_t n_leaving;
        int64_t leave_mono_ms; /* when the next one that leaves is due; INT64_MAX: none */
};

/* Now, on both clocks. */
struct roster_time {
        int64_t wall_ms;
        int64_t mono_ms;
};

void roster_init(
    struct roster *r, struct runner_env *env, struct schedule *schedule, struct orphans *orphans);
/* Gives up all scrapes, without markers. */
void roster_release(struct roster *r);

/*
 * Takes the set over. A target that cannot be taken up for want of memory is logged and left out;
 * ERR_NOMEM when nothing could be changed at all.
 */
int roster_apply(struct roster *r, struct target_set *set, struct roster_time now, struct err *e);
/* Ends the series of those that leave and are due. */
void roster_dismiss(struct roster *r, struct roster_time now);
struct runner *roster_by_number(const struct roster *r, uint64_t number);
/* Where the first one behind that identity is; NULL: behind nothing. Under env->mtx. */
size_t roster_behind(const struct roster *r, const char *identity);
/* Is there one with the same labels, whatever its URL? */
bool roster_has_labels(const struct roster *r, const char *identity);
/* The longest interval of all runners. */
int64_t roster_longest_interval_ms(const struct roster *r);

#endif
