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

/* The next knock, unless samples are tried before that anyway. */
static void
plan_knock(struct health *h, const struct judgement *j, int64_t now_ms)
{
        int64_t every = (now_ms - h->since_mono_ms) / KNOCK_SHARE;

        every = every < KNOCK_MAX_MS ? every : KNOCK_MAX_MS;
        every = every > KNOCK_MIN_MS ? every : KNOCK_MIN_MS;
        every = every > h->retry.min_ms ? every : h->retry.min_ms;
        h->knock_at_ms = now_ms + backoff_jitter(&h->retry, every);
        if (h->state != ENDPOINT_FAILING || j->asks_for_less || h->knock_at_ms >= h->retry_at_ms)
                h->knock_at_ms = INT64_MAX;
}

bool
health_bad(struct health *h, const struct judgement *j, struct health_now now)
{
        enum health_state state = j->verdict == VERDICT_HOLD ? ENDPOINT_HELD : ENDPOINT_FAILING;
        bool late = h->state == state && now.mono_ms < h->retry_at_ms;
        bool changed = enter(h, state, now);

        (void)snprintf(h->text, sizeof(h->text), "%s", j->text);
        if (late)
                return changed;
        h->retry_at_ms = now.mono_ms +
            backoff_next(state == ENDPOINT_HELD ? &h->hold : &h->retry, j->retry_after_ms);
        h->knock_failed = false;
        plan_knock(h, j, now.mono_ms);
        return changed;
}

void
health_knocked(struct health *h, const struct judgement *j, int64_t now_mono_ms)
{
        bool bad = j->verdict == VERDICT_RETRY || j->verdict == VERDICT_HOLD;

        if (h->state == ENDPOINT_FINE || now_mono_ms >= h->retry_at_ms)
                return;
        if (bad) {
                h->knock_failed = true;
                plan_knock(h, j, now_mono_ms);
        } else if (h->knock_failed) {
                h->retry_at_ms = now_mono_ms;
        } else {
                h->knock_at_ms = INT64_MAX;
        }
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
