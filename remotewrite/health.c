#include "remotewrite/health.h"

#include <stdio.h>

void
health_init(struct health *h, int64_t min_backoff_ms, int64_t max_backoff_ms, uint64_t seed)
{
        *h = (struct health){.state = ENDPOINT_FINE};
        backoff_init(&h->retry, min_backoff_ms, max_backoff_ms, seed);
        backoff_init(&h->hold, HOLD_MIN_MS, HOLD_MAX_MS, seed ^ 1);
}

void
health_set_backoff(struct health *h, int64_t min_backoff_ms, int64_t max_backoff_ms)
{
        unsigned tries = h->retry.tries;

        backoff_init(&h->retry, min_backoff_ms, max_backoff_ms, h->retry.random);
        h->retry.tries = tries;
}

static bool
enter(struct health *h, enum health_state state, struct health_now now)
{
        bool changed = h->state != state;

        if (changed) {
                h->since_mono_ms = now.mono_ms;
                h->since_wall_ms = now.wall_ms;
        }
        h->state = state;
        return changed;
}

bool
health_good(struct health *h, struct health_now now)
{
        backoff_reset(&h->retry);
        backoff_reset(&h->hold);
        h->text[0] = '\0';
        return enter(h, ENDPOINT_FINE, now);
}

bool
health_bad(struct health *h, const struct judgement *j, struct health_now now)
{
        enum health_state state = j->verdict == VERDICT_HOLD ? ENDPOINT_HELD : ENDPOINT_FAILING;
        bool late = h->state == state && now.mono_ms < h->retry_at_ms;
        bool changed = enter(h, state, now);

        (void)snprintf(h->text, sizeof(h->text), "%s", j->text);
        if (!late)
                h->retry_at_ms = now.mono_ms +
                    backoff_next(state == ENDPOINT_HELD ? &h->hold : &h->retry, j->retry_after_ms);
        return changed;
}

void
health_try_now(struct health *h, int64_t now_mono_ms)
{
        if (h->state != ENDPOINT_FINE)
                h->retry_at_ms = now_mono_ms;
}

void
health_probe(struct health *h, int64_t now_mono_ms)
{
        if (h->state == ENDPOINT_FINE)
                return;
        h->retry_at_ms = now_mono_ms;
        backoff_reset(&h->retry);
        backoff_reset(&h->hold);
}
