#include "scrape/discovery/ask.h"

#include "base/clock.h"
#include "scrape/discovery/feed.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/providers.h"
#include "scrape/discovery/source.h"

#include <string.h>

enum { WAIT_MAX_MS = 1000, MAX_FDS = 16 * SOURCE_MAX_FDS };

static int64_t
now(void)
{
        return clock_mono(clock_system());
}

/* A watch of Kubernetes objects tries again by itself, for ever: one failure is an answer here. */
static bool
has_answered(const struct providers *p, const struct feed *f)
{
        struct feed_view view;

        feed_show(f, &view);
        return view.known || view.failures > 0 ||
            (strcmp(view.mechanism, "kubernetes") == 0 &&
                p->net->counters.kubernetes.watches_failing > 0);
}

static bool
all_answered(const struct providers *p)
{
        for (size_t i = 0; i < p->n_feeds; i++) {
                if (!has_answered(p, p->feeds[i]))
                        return false;
        }
        return true;
}

static void
wait_until(const struct providers *p, int64_t end_ms)
{
        struct curl_waitfd fds[MAX_FDS];
        unsigned n = (unsigned)providers_fds(p, fds, MAX_FDS);
        int64_t due = providers_turn_due(p);
        int64_t ms = (due < end_ms ? due : end_ms) - now();

        if (ms > WAIT_MAX_MS)
                ms = WAIT_MAX_MS;
        (void)curl_multi_poll(p->net->multi, fds, n, ms > 0 ? (int)ms : 0, NULL);
}

void
discovery_ask(struct providers *p, int64_t timeout_ms)
{
        int64_t end_ms = now() + timeout_ms;

        (void)providers_turn(p, now());
        while (!all_answered(p) && now() < end_ms) {
                wait_until(p, end_ms);
                (void)providers_turn(p, now());
        }
}
