/*
 * Samples whose own timestamp is further ahead of the scrape than half of agent.clock_tolerance
 * (the other half is for the receiver's clock). They may not be sent yet, and the log is sent in
 * its order: one of them in it would hold the samples of all targets back. So they wait here until
 * a scrape comes that they are not ahead of, and go to the log with it. A scrape takes what is due
 * and leaves what is later, so a series stays in the order of time. The timestamps that the log
 * remembers (stamps.h) are not touched before.
 *
 * They live in memory: few exporters write timestamps, fewer of them ahead of the time, and none by
 * more than ten minutes (SERIES_AHEAD_MS). What there is no room for, and what is left when the
 * target or its slots go, counts as out of bounds.
 */
#include "base/err.h"
#include "base/memory.h"
#include "scrape/job.h"
#include "scrape/series_state.h"
#include "scrape/target.h"

#include <stdlib.h>

static int
reserve(struct series_extra **v, size_t *cap, size_t n, struct err *e)
{
        size_t more = *cap > 0 ? *cap : 64;
        struct series_extra *p;

        if (n <= *cap)
                return 0;
        while (more < n)
                more *= 2;
        p = realloc(*v, more * sizeof(*p));
        if (p == NULL)
                return err_nomem(e, "samples with timestamps");
        *v = p;
        *cap = more;
        return 0;
}

int
series_reserve_extras(struct series *s, size_t n, struct err *e)
{
        return reserve(&s->extras, &s->cap_extras, n, e);
}

static size_t
count_later(const struct series_extra *v, size_t n, int64_t latest_ms)
{
        size_t later = 0;

        for (size_t i = 0; i < n; i++)
                later += v[i].time_ms > latest_ms;
        return later;
}

bool
series_is_held(const struct series *s, uint32_t slot, int64_t time_ms)
{
        const int64_t *newest = stamps_find(&s->held.newest, slot);

        return newest != NULL && time_ms <= *newest;
}

bool
series_is_late(const struct series *s, uint32_t slot)
{
        const int64_t *last = stamps_find(&s->stamps, slot);

        return (last != NULL && *last >= s->tick_ms) || series_is_held(s, slot, s->tick_ms);
}

static bool
note_newest(struct series *s, const struct series_extra *x)
{
        return series_is_held(s, x->slot, x->time_ms) ||
            stamps_set(&s->held.newest, x->slot, x->time_ms, NULL) == 0;
}

/* Moves those after latest_ms from the scrape to the held ones, as many as there is room for. */
static void
hold_later(struct series *s, int64_t latest_ms, size_t room)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_extras; i++) {
                const struct series_extra *x = &s->extras[i];

                if (x->time_ms <= latest_ms)
                        s->extras[kept++] = *x;
                else if (s->held.n < room && note_newest(s, x))
                        s->held.v[s->held.n++] = *x;
                else
                        s->report.out_of_bounds++;
        }
        s->n_extras = kept;
}

static void
release_due(struct series *s, int64_t latest_ms)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->held.n; i++) {
                if (s->held.v[i].time_ms <= latest_ms)
                        s->extras[s->n_extras++] = s->held.v[i];
                else
                        s->held.v[kept++] = s->held.v[i];
        }
        s->held.n = kept;
}

static int
by_slot_and_time(const void *a, const void *b)
{
        const struct series_extra *x = a;
        const struct series_extra *y = b;

        if (x->slot != y->slot)
                return x->slot < y->slot ? -1 : 1;
        if (x->time_ms != y->time_ms)
                return x->time_ms < y->time_ms ? -1 : 1;
        return (x->order > y->order) - (x->order < y->order);
}

static void
sort_extras(struct series *s)
{
        size_t kept = 0;

        if (s->n_extras == 0)
                return;
        qsort(s->extras, s->n_extras, sizeof(*s->extras), by_slot_and_time);
        for (size_t i = 1; i < s->n_extras; i++) {
                const struct series_extra *last = &s->extras[kept];

                if (s->extras[i].slot != last->slot || s->extras[i].time_ms != last->time_ms)
                        s->extras[++kept] = s->extras[i];
        }
        s->report.duplicates += s->n_extras - (kept + 1);
        s->n_extras = kept + 1;
}

static int
pass_held(struct series *s, struct err *e)
{
        int64_t latest_ms = s->tick_ms + s->target->config->clock_tolerance_ms / 2;
        size_t later = count_later(s->extras, s->n_extras, latest_ms);
        size_t due = s->held.n - count_later(s->held.v, s->held.n, latest_ms);
        size_t room = memory_refuses_new() ? s->held.n : HELD_MAX;
        int rc = 0;

        if (later == 0 && due == 0)
                return 0;
        room = room < s->held.n + later ? room : s->held.n + later;
        rc = reserve(&s->held.v, &s->held.cap, room, e);
        if (rc == 0)
                rc = series_reserve_extras(s, s->n_extras - later + due, e);
        if (rc < 0)
                return rc;
        hold_later(s, latest_ms, room);
        release_due(s, latest_ms);
        if (s->held.n == 0)
                series_drop_held(s);
        return 0;
}

int
series_pass_held(struct series *s, struct err *e)
{
        int rc = pass_held(s, e);

        if (rc == 0)
                sort_extras(s);
        return rc;
}

void
series_drop_held(struct series *s)
{
        s->out_of_bounds += s->held.n;
        free(s->held.v);
        stamps_release(&s->held.newest);
        s->held = (struct series_held){.v = NULL};
}
