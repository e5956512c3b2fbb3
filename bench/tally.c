#include "bench/tally.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>

enum { PLACES_MIN = 1024, WINDOW = 64 };

static const uint64_t STALE_BITS = 0x7ff0000000000002;

struct entry {
        uint64_t series; /* 0: a free place */
        int64_t newest_ms;
        uint64_t seen; /* bit i: a sample i intervals before the newest */
        uint64_t ended; /* the newest is a staleness marker */
};

struct tally {
        struct tally_counts counts;
        int64_t interval_ms;
        int64_t mark_ms;
        size_t max_series;
        struct entry *entries; /* owned */
        size_t places; /* a power of two; at most half of them are taken */
};

int
tally_new(int64_t interval_ms, size_t max_series, struct tally **out, struct err *e)
{
        struct tally *t = calloc(1, sizeof(*t));

        if (t != NULL)
                t->entries = calloc(PLACES_MIN, sizeof(*t->entries));
        if (t == NULL || t->entries == NULL) {
                free(t);
                return err_nomem(e, "the books");
        }
        t->interval_ms = interval_ms > 0 ? interval_ms : 1;
        t->max_series = max_series;
        t->places = PLACES_MIN;
        t->mark_ms = INT64_MIN;
        *out = t;
        return 0;
}

void
tally_free(struct tally *t)
{
        if (t == NULL)
                return;
        free(t->entries);
        free(t);
}

void
tally_mark(struct tally *t, int64_t time_ms)
{
        t->mark_ms = time_ms;
        t->counts.held = 0;
}

const struct tally_counts *
tally_read(const struct tally *t)
{
        return &t->counts;
}

static struct entry *
find(struct entry *entries, size_t places, uint64_t series)
{
        size_t i = series & (places - 1);

        while (entries[i].series != 0 && entries[i].series != series)
                i = (i + 1) & (places - 1);
        return &entries[i];
}

static bool
grow(struct tally *t)
{
        struct entry *bigger = calloc(t->places * 2, sizeof(*bigger));

        if (bigger == NULL)
                return false;
        for (size_t i = 0; i < t->places; i++) {
                if (t->entries[i].series != 0)
                        *find(bigger, t->places * 2, t->entries[i].series) = t->entries[i];
        }
        free(t->entries);
        t->entries = bigger;
        t->places *= 2;
        return true;
}

/* The place of a series, a new one if need be; NULL when there is no room. */
static struct entry *
remember(struct tally *t, uint64_t series)
{
        struct entry *entry = find(t->entries, t->places, series);

        if (entry->series != 0)
                return entry;
        if (t->counts.series >= t->max_series)
                return NULL;
        if (t->counts.series >= t->places / 2) {
                if (!grow(t))
                        return NULL;
                entry = find(t->entries, t->places, series);
        }
        t->counts.series++;
        entry->series = series;
        return entry;
}

/* A sample newer than all before it. */
static void
advance(struct tally *t, struct entry *entry, int64_t time_ms)
{
        int64_t steps = (time_ms - entry->newest_ms + t->interval_ms / 2) / t->interval_ms;

        if (steps < 1)
                steps = 1;
        if (!entry->ended)
                t->counts.missing += (uint64_t)steps - 1;
        entry->seen = steps < WINDOW ? entry->seen << steps : 0;
        entry->seen |= 1;
        entry->newest_ms = time_ms;
}

/* A sample that is not newer. */
static void
look_back(struct tally *t, struct entry *entry, int64_t time_ms)
{
        int64_t steps = (entry->newest_ms - time_ms + t->interval_ms / 2) / t->interval_ms;
        uint64_t bit = steps < WINDOW ? (uint64_t)1 << steps : 0;

        if (steps == 0 || (entry->seen & bit) != 0) {
                t->counts.duplicates++;
                return;
        }
        t->counts.out_of_order++;
        if (bit == 0) {
                t->counts.too_late++;
                return;
        }
        entry->seen |= bit;
        if (t->counts.missing > 0)
                t->counts.missing--;
}

void
tally_sample(struct tally *t, uint64_t series, int64_t time_ms, uint64_t bits)
{
        struct tally_counts *c = &t->counts;
        struct entry *entry = remember(t, series != 0 ? series : 1);
        bool stale = bits == STALE_BITS;

        c->samples++;
        c->stale_markers += stale;
        c->held += time_ms < t->mark_ms;
        if (c->oldest_ms == 0 || time_ms < c->oldest_ms)
                c->oldest_ms = time_ms;
        if (time_ms > c->newest_ms)
                c->newest_ms = time_ms;
        if (entry == NULL) {
                c->series_beyond++;
                return;
        }
        if (entry->newest_ms == 0) {
                entry->newest_ms = time_ms;
                entry->seen = 1;
        } else if (time_ms > entry->newest_ms) {
                advance(t, entry, time_ms);
        } else {
                look_back(t, entry, time_ms);
                return;
        }
        entry->ended = stale;
}
