#include "remotewrite/adapt.h"

static uint64_t
clamp(uint64_t v, uint64_t low, uint64_t high)
{
        if (v < low)
                return low;
        return v > high ? high : v;
}

void
adapt_init(struct adapt *a, int64_t timeout_ms, unsigned max_in_flight, int64_t now_mono_ms)
{
        *a = (struct adapt){
            .bound = ADAPT_START,
            .ceiling = ADAPT_MAX,
            .in_flight = 1,
            .max_in_flight = max_in_flight > 0 ? max_in_flight : 1,
            .timeout_ms = timeout_ms,
            .ceiling_ms = now_mono_ms,
        };
}

static void
raise_ceiling(struct adapt *a, int64_t now_mono_ms)
{
        if (a->ceiling >= ADAPT_MAX || now_mono_ms - a->ceiling_ms < ADAPT_RAISE_MS)
                return;
        a->ceiling = clamp(a->ceiling + a->ceiling / 4, ADAPT_MIN, ADAPT_MAX);
        a->ceiling_ms = now_mono_ms;
}

void
adapt_success(struct adapt *a, uint64_t bytes, int64_t ms, int64_t now_mono_ms)
{
        double rate;
        uint64_t target;

        ms = ms > 0 ? ms : 1;
        raise_ceiling(a, now_mono_ms);
        /* a full link would only be shared by more requests: more are for latency */
        if (ms > a->timeout_ms / 4 && a->in_flight > 1)
                a->in_flight--;
        else if (ms <= a->timeout_ms / 8 && a->in_flight < a->max_in_flight)
                a->in_flight++;
        if (bytes < a->bound / 4)
                return; /* its time says more about the distance than about the link */
        rate = (double)bytes / (double)ms;
        a->rate = a->rate > 0 ? (a->rate + rate) / 2 : rate;
        target = (uint64_t)(a->rate * (double)a->timeout_ms / 3);
        if (target > a->bound * 2)
                target = a->bound * 2;
        a->bound = clamp(target, ADAPT_MIN, a->ceiling);
}

bool
adapt_timeout(struct adapt *a, uint64_t bytes, bool in_body)
{
        bool fast = a->rate > 0 && (double)bytes / a->rate < (double)a->timeout_ms / 2;

        a->rate = 0; /* what was known is in doubt: the next timeout counts against the link */
        a->in_flight = 1;
        if (!in_body && (fast || bytes < ADAPT_SMALL))
                return false;
        a->bound = clamp(bytes < a->bound ? bytes / 2 : a->bound / 2, ADAPT_MIN, a->ceiling);
        return true;
}

void
adapt_too_large(struct adapt *a, uint64_t bytes, int64_t now_mono_ms)
{
        if (bytes / 2 < a->ceiling)
                a->ceiling = clamp(bytes / 2, ADAPT_MIN, ADAPT_MAX);
        a->ceiling_ms = now_mono_ms;
        a->bound = clamp(a->bound, ADAPT_MIN, a->ceiling);
}

void
adapt_failure(struct adapt *a)
{
        a->in_flight = 1;
}
