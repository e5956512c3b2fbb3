/*
 * The clock seam: every part that looks at the time takes a struct clock, so that tests run an
 * hour in milliseconds. All times are milliseconds; wall time since 1970 UTC, monotonic time
 * since an arbitrary start (CLOCK_BOOTTIME: it goes on while the machine sleeps).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
        int64_t (*wall_ms)(const struct clock *c);
        int64_t (*mono_ms)(const struct clock *c);
        bool (*synchronised)(const struct clock *c);
};

/* The machine's own clock; lives as long as the process. */
const struct clock *clock_system(void);

/* A clock that tests set by hand, while other threads look at it. */
struct clock_manual {
        struct clock clock; /* first, so that &m.clock converts back */
        _Atomic int64_t wall;
        _Atomic int64_t mono;
        _Atomic bool synchronised;
};

/* Synchronised, until the test says otherwise. */
void clock_manual_init(struct clock_manual *m, int64_t wall_ms);
/* Moves both wall and monotonic time. */
void clock_manual_advance(struct clock_manual *m, int64_t ms);

static inline int64_t
clock_wall(const struct clock *c)
{
        return c->wall_ms(c);
}

static inline int64_t
clock_mono(const struct clock *c)
{
        return c->mono_ms(c);
}

/* True when the kernel says that wall time is synchronised (adjtimex(2): STA_UNSYNC not set). */
static inline bool
clock_synchronised(const struct clock *c)
{
        return c->synchronised(c);
}

#endif
