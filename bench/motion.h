/*
 * How one series moves, learnt from its values on successive recorded pages: constant, counter or
 * wandering gauge, in which steps, how often it changes at all. A value is then a pure function of
 * (motion, seed, tick), so that a fleet of any size holds no state per series and a run can be
 * repeated exactly.
 */
#ifndef BENCH_MOTION_H
#define BENCH_MOTION_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOTION_TEXT_MAX = 32, MOTION_TICK_FIRST = 1000 };

enum motion_kind { MOTION_CONSTANT, MOTION_COUNTER, MOTION_WANDER };

/* Values are units of 10^-decimals. */
struct motion {
        enum motion_kind kind;
        unsigned decimals;
        bool dusty; /* printed as n * 10^-decimals in binary: 1.1440000000000001 */
        double change; /* share of ticks on which it changes */
        int64_t first; /* counter: where it starts; wander: the lowest value */
        double rate; /* counter: units a tick; wander: width of the range */
        int64_t grain; /* it moves in multiples of this */
        char text[MOTION_TEXT_MAX]; /* of a constant, as recorded */
        size_t text_len;
};

/* values: n texts, in order of time. One value, or none that can be read, makes a constant. */
void motion_learn(const struct view *values, size_t n, struct motion *out);

/* A counter that was recorded once: it rises by `step` every 1/change ticks on average. */
void motion_assume(struct view value, double change, int64_t step, struct motion *out);

/* The text of the value at a tick, at most MOTION_TEXT_MAX bytes, not ended; returns its length. */
size_t motion_print(const struct motion *m, uint64_t seed, int64_t tick, char *p);

/* A well mixed number of two. */
uint64_t motion_mix(uint64_t a, uint64_t b);

#endif
