/*
 * The schedule: a heap of due times. Pure: time comes in, the next target comes out.
 *
 * A target's ticks are the instants t (wall clock, ms) with t mod interval = offset. Waiting is
 * done on the monotonic clock, re-anchored when the two differ by more than 100 ms (DESIGN 4).
 * Not thread-safe.
 */
#ifndef SCRAPE_SCHEDULE_H
#define SCRAPE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct schedule;

struct schedule_entry { /* embedded in what is scheduled */
        int64_t due_ms; /* wall time of the next tick */
        int64_t interval_ms;
        int64_t offset_ms;
        size_t position; /* in the heap; SIZE_MAX: not in it */
};

int schedule_new(struct schedule **out, struct err *e);
void schedule_free(struct schedule *s);
/* The first tick strictly after now_wall_ms. */
int64_t schedule_next_tick(int64_t interval_ms, int64_t offset_ms, int64_t now_wall_ms);
/* Puts in, with its next tick after now. */
int schedule_add(struct schedule *s, struct schedule_entry *x, int64_t now_wall_ms, struct err *e);
void schedule_remove(struct schedule *s, struct schedule_entry *x);
/* The entry with the earliest tick, NULL when empty. */
struct schedule_entry *schedule_peek(const struct schedule *s);
/*
 * If the earliest tick is due at now: takes it, moves the entry on to its next tick after `now`,
 * sets *out_tick_ms to the tick taken and *out_skipped to the ticks that were passed over.
 * NULL when nothing is due.
 */
struct schedule_entry *schedule_take(
    struct schedule *s, int64_t now_wall_ms, int64_t *out_tick_ms, uint64_t *out_skipped);
/* After the wall clock was stepped: every entry gets its next tick after now. */
void schedule_rebase(struct schedule *s, int64_t now_wall_ms);
size_t schedule_count(const struct schedule *s);

#endif
