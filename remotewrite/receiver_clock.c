#include "remotewrite/receiver_clock.h"

#include <stdlib.h>

enum { AGREE_MS = 2000, APART_MS = 60000, HALF_SECOND = 500 };

void
receiver_clock_observe(struct receiver_clock *c, int64_t date_ms, int64_t wall_ms, int64_t mono_ms)
{
        int64_t skew = date_ms + HALF_SECOND - wall_ms;

        if (!c->seen || llabs(skew - c->first_skew_ms) > AGREE_MS) {
                *c = (struct receiver_clock){
                    .seen = true, .first_skew_ms = skew, .first_mono_ms = mono_ms};
        } else if (mono_ms - c->first_mono_ms >= APART_MS) {
                c->verified = true;
        }
        c->skew_ms = skew;
}

static int64_t
add(int64_t a, int64_t b)
{
        return b > 0 && a > INT64_MAX - b ? INT64_MAX : a + b;
}

struct clock_limits
receiver_clock_limits(
    const struct receiver_clock *c, bool kernel_synchronised, int64_t wall_ms, int64_t tolerance_ms)
{
        struct clock_limits l = {INT64_MAX, INT64_MAX};
        bool agrees = c->verified && llabs(c->skew_ms) <= tolerance_ms;

        if (kernel_synchronised)
                l.hold_after_ms = add(wall_ms, tolerance_ms);
        else if (c->verified)
                l.hold_after_ms = add(wall_ms + c->skew_ms, tolerance_ms);
        if (kernel_synchronised || agrees)
                l.give_up_after_ms = add(wall_ms, tolerance_ms);
        return l;
}
