#include "base/clock.h"

#include <sys/timex.h>
#include <time.h>

static int64_t
read_ms(clockid_t id)
{
        struct timespec t;

        (void)clock_gettime(id, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
system_wall(const struct clock *c)
{
        (void)c;
        return read_ms(CLOCK_REALTIME);
}

static int64_t
system_mono(const struct clock *c)
{
        (void)c;
        return read_ms(CLOCK_BOOTTIME);
}

static bool
system_synchronised(const struct clock *c)
{
        struct timex t = {0};
        int state = adjtimex(&t);

        (void)c;
        return state >= 0 && state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
}

const struct clock *
clock_system(void)
{
        static const struct clock system = {system_wall, system_mono, system_synchronised};

        return &system;
}

static int64_t
manual_wall(const struct clock *c)
{
        return ((const struct clock_manual *)c)->wall;
}

static int64_t
manual_mono(const struct clock *c)
{
        return ((const struct clock_manual *)c)->mono;
}

static bool
manual_synchronised(const struct clock *c)
{
        return ((const struct clock_manual *)c)->synchronised;
}

void
clock_manual_init(struct clock_manual *m, int64_t wall_ms)
{
        m->clock.wall_ms = manual_wall;
        m->clock.mono_ms = manual_mono;
        m->clock.synchronised = manual_synchronised;
        m->wall = wall_ms;
        m->mono = 1000;
        m->synchronised = true;
}

void
clock_manual_advance(struct clock_manual *m, int64_t ms)
{
        m->wall += ms;
        m->mono += ms;
}
