/*
 * The receiver's time, by the Date of its answers, and what follows for the samples: one that is
 * ahead of its time makes Thanos refuse every sender of the tenant (DESIGN section 9, C6). Pure.
 *
 * Only answers over verified TLS may be shown to it.
 */
#ifndef REMOTEWRITE_RECEIVER_CLOCK_H
#define REMOTEWRITE_RECEIVER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct receiver_clock {
        bool seen;
        bool verified; /* two answers a minute apart agreed */
        int64_t skew_ms; /* receiver's time minus ours, as seen last */
        int64_t first_skew_ms;
        int64_t first_mono_ms;
};

/* date_ms has whole seconds. */
void receiver_clock_observe(
    struct receiver_clock *c, int64_t date_ms, int64_t wall_ms, int64_t mono_ms);

/* Bounds for the timestamps of samples; INT64_MAX where nothing is known. */
struct clock_limits {
        int64_t hold_after_ms; /* later ones wait */
        int64_t give_up_after_ms; /* scrapes later than that were made by a clock that has been
                                     stepped back since: they are lost */
};

/* A kernel that is synchronised outranks the receiver. */
struct clock_limits receiver_clock_limits(const struct receiver_clock *c, bool kernel_synchronised,
    int64_t wall_ms, int64_t tolerance_ms);

#endif
