#include "remotewrite/receiver_clock.h"

#include <stdlib.h>

enum { AGREE_MS = 2000, APART_MS = 60000, HALF_SECOND = 500 };

static void
see(struct receiver_clock *c, const struct receiver_date *a, const struct clock_reading *now)
{
        int64_t time = a->date_ms + HALF_SECOND;
        int64_t skew = time - now->wall_ms;

        if (!a->trusted || !c->trusted || llabs(skew - c->first_skew_ms) > AGREE_MS) {
                c->verified = false;
                c->first_skew_ms = skew;
                c->first_mono_ms = now->mono_ms;
        } else if (now->mono_ms - c->first_mono_ms >= APART_MS) {
                c->verified = true;
        }
        c->trusted = a->trusted;
        c->seen = true;
        c->time_ms = time;
        c->mono_ms = now->mono_ms;
        c->skew_ms = skew;
}

void
receiver_clock_observe(
    struct receiver_clock *c, const struct receiver_date *a, const struct clock_reading *now)
{
        if (a->date_ms != 0)
                see(c, a, now);
        if (!a->good && ++c->turned_away < RECEIVER_CLOCK_TRIES)
                return;
        c->answered = true;
        c->answered_mono_ms = now->mono_ms;
        c->turned_away = 0;
}

bool
receiver_clock_wanted(const struct receiver_clock *c, const struct clock_reading *now)
{
        return !now->synchronised &&
            (!c->answered || now->mono_ms - c->answered_mono_ms >= RECEIVER_CLOCK_FRESH_MS);
}

void
receiver_clock_doubt(struct receiver_clock *c)
{
        c->answered = false;
}

static int64_t
add(int64_t a, int64_t b)
{
        return b > 0 && a > INT64_MAX - b ? INT64_MAX : a + b;
}

struct clock_limits
receiver_clock_limits(
    const struct receiver_clock *c, const struct clock_reading *now, int64_t tolerance_ms)
{
        struct clock_limits l = {INT64_MAX, INT64_MAX};
        int64_t receiver = c->time_ms + (now->mono_ms - c->mono_ms);
        /* then and now: a step of ours since the last Date is not verified by it */
        bool agrees = c->verified && llabs(c->skew_ms) <= tolerance_ms &&
            llabs(receiver - now->wall_ms) <= tolerance_ms;

        if (now->synchronised)
                l.hold_after_ms = add(now->wall_ms, tolerance_ms);
        else if (c->seen)
                l.hold_after_ms = add(receiver, tolerance_ms);
        if (now->synchronised || agrees)
                l.give_up_after_ms = add(now->wall_ms, tolerance_ms);
        return l;
}
