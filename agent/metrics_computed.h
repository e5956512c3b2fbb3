/*
 * Metrics that are not a field of a struct: what rows of the table give as `compute`. Pure.
 * `item` is the struct of the row's source, i the place in the row's names. NaN: nothing to show.
 */
#ifndef AGENT_METRICS_COMPUTED_H
#define AGENT_METRICS_COMPUTED_H

#include <stddef.h>

struct metrics_snapshot;

double compute_one(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_full_in(const struct metrics_snapshot *s, const void *item, size_t i);

enum { SKIP_LATE, SKIP_BUSY, SKIP_CLOCK, SKIP_REASONS };
extern const char *const skip_names[SKIP_REASONS];
double compute_skipped(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_scrape_loop_age(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_discovery_age(const struct metrics_snapshot *s, const void *item, size_t i);

enum { DROP_SERIES, DROP_TOO_OLD, DROP_OTHER, DROP_REASONS };
extern const char *const drop_names[DROP_REASONS];
double compute_dropped(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_failed(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_state(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_skew(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_expiry(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_drained_in(const struct metrics_snapshot *s, const void *item, size_t i);
double compute_send_loop_age(const struct metrics_snapshot *s, const void *item, size_t i);

#endif
