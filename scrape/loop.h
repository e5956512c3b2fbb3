/*
 * What the scrape thread does, turn by turn: takes in what came (a target set, the log's answers),
 * starts the scrapes whose ticks are due, ends the series of targets that are gone, encodes what is
 * left of scrapes, then drives the network until the next tick.
 *
 * Ticks are wall time, waiting is monotonic: a turn never waits longer than a second, and both
 * clocks are read at its beginning, so that slow drift is followed and a step is seen as one.
 *
 * loop_turn is for one thread; loop_offer and loop_wake for any. The API looks at what is said to
 * be under env.mtx.
 */
#ifndef SCRAPE_LOOP_H
#define SCRAPE_LOOP_H

#include "scrape/roster.h"
#include "scrape/runner.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct orphans;
struct schedule;
struct scraper_mailbox;
struct target_set;
struct wal;

struct loop_options {
        struct wal *wal;
        const struct clock *clock;
        struct scraper_mailbox *mailbox;
        int64_t earliest_wall_ms; /* before it scrapes are held */
};

struct loop {
        struct loop_options o; /* set before start */

        /* the loop's thread only, but for what they say themselves */
        struct runner_env env; /* its mtx guards what is below, too */
        struct roster roster;
        struct schedule *schedule; /* owned */
        struct orphans *orphans; /* owned */
        struct roster_time now;
        struct roster_time before; /* the turn before; mono_ms 0: there was none */
        bool collected; /* orphans have been looked for */
        bool held; /* the clock is implausible */
        int64_t compact_mono_ms;
        size_t n_compact; /* runners with compact_wanted */

        /* any thread */
        _Atomic int64_t loop_beat_ms;

        /* under env.mtx */
        struct target_set *next_set; /* owned; NULL: nothing new */
        bool first_sync_done;
        bool clock_held;
};

int loop_new(const struct loop_options *o, struct loop **out, struct err *e);
/* Gives up scrapes in flight, without markers. NULL-safe. */
void loop_free(struct loop *l);
void loop_turn(struct loop *l);
/* Takes the set over; a set that was not looked at yet is replaced. Any thread. */
void loop_offer(struct loop *l, struct target_set *set);
/* Ends a wait. Any thread. */
void loop_wake(struct loop *l);

#endif
