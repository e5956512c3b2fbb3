/*
 * The life of a scrape, from its first line (series_sample.c) to what its end means for each slot.
 */
#include "scrape/series.h"

#include "base/err.h"
#include "base/memory.h"
#include "scrape/finalize.h"
#include "scrape/job.h"
#include "scrape/series_state.h"
#include "scrape/target.h"
#include "wal/layout.h"
#include "wal/wal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const report_names[REPORT_SERIES_MAX] = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    /* with extra_scrape_metrics */
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};

static int
count_report_series(const struct series *s)
{
        return s->target->job->extra_scrape_metrics ? REPORT_SERIES_MAX : REPORT_SERIES;
}

int
series_new(struct series_pool *p, struct target *t, struct series **out, struct err *e)
{
        struct series *s = calloc(1, sizeof(*s));
        int rc;

        if (s == NULL)
                return err_nomem(e, "a target's series");
        s->pool = p;
        s->target = t;
        s->last_tick_ms = INT64_MIN;
        s->generation = wal_new_id(p->wal); /* newer than all of a former life of the target */
        slots_init(&s->slots);
        rc = series_restore(s, e);
        if (rc < 0) {
                series_free(s);
                return rc;
        }
        series_account(s);
        *out = s;
        return 0;
}

void
series_free(struct series *s)
{
        if (s == NULL)
                return;
        series_drop_scrape(s);
        while (s->pending != NULL) {
                struct series_pending *next = s->pending->next;

                free(s->pending->markers);
                free(s->pending);
                s->pending = next;
        }
        slots_release(&s->slots);
        slotmap_release(&s->dropped);
        slotmap_release(&s->aliases);
        stamps_release(&s->stamps);
        series_drop_held(s);
        free(s->columns);
        free(s->extras);
        free(s->markers);
        memory_account(MEMORY_SERIES, -(int64_t)s->accounted);
        free(s);
}

void
series_set_target(struct series *s, struct target *t)
{
        s->target = t;
}

bool
series_busy(const struct series *s)
{
        return s->phase != SERIES_IDLE;
}

uint64_t
series_target_number(const struct series *s)
{
        return s->number;
}

void
series_account(struct series *s)
{
        size_t now = sizeof(*s) + slots_memory(&s->slots) + slotmap_memory(&s->dropped) +
            slotmap_memory(&s->aliases) + slotmap_memory(&s->finals) + stamps_memory(&s->stamps) +
            stamps_memory(&s->held.newest) + s->cap_columns * sizeof(*s->columns) +
            (s->cap_extras + s->held.cap) * sizeof(*s->extras) +
            s->cap_markers * sizeof(*s->markers);

        memory_account(MEMORY_SERIES, (int64_t)now - (int64_t)s->accounted);
        s->accounted = now;
}

void
series_drop_scrape(struct series *s)
{
        for (size_t i = 0; i < s->cap_columns; i++) {
                if (s->columns[i] != NULL)
                        pool_return_column(s->pool, s->columns[i], CHUNK_SLOTS);
                s->columns[i] = NULL;
        }
        for (size_t i = 0; s->phase == SERIES_READING && i < s->slots.n_chunks; i++) {
                for (unsigned k = 0; k < s->slots.chunks[i].slots; k++)
                        s->slots.chunks[i].flags[k] &= (uint8_t)~SLOT_SEEN;
        }
        pool_return_builder(s->pool, s->builder);
        s->builder = NULL;
        slotmap_release(&s->finals);
        s->has_finals = false;
        wal_batch_free(s->batch);
        s->batch = NULL;
        s->batch_has_layout = false;
        s->n_extras = 0;
        s->n_markers = 0;
        s->offered = 0;
        s->phase = SERIES_IDLE;
}

int
series_begin(struct series *s, int64_t tick_ms, struct err *e)
{
        assert(s->phase == SERIES_IDLE);
        if (s->reload) {
                int rc = series_restore(s, e);

                if (rc < 0)
                        return rc;
        }
        memset(&s->report, 0, sizeof(s->report));
        s->report.out_of_bounds = s->out_of_bounds;
        s->out_of_bounds = 0;
        s->tick_ms = tick_ms;
        s->kept = 0;
        s->limited = 0;
        s->kept_stamped = 0;
        s->offered = 0;
        s->n_extras = 0;
        s->n_markers = 0;
        s->scrapes++;
        s->scrape_generation = s->generation;
        slots_rewind(&s->slots, s->report_slot[0] == 0 ? (uint32_t)count_report_series(s) : 0,
            !s->hashes_known);
        s->phase = SERIES_READING;
        return 0;
}

/* ---- the end of a page ---- */

/* A page without a byte does not count as one where something is missing. */
static bool
has_content(const struct series *s)
{
        return s->report.scraped > 0 || s->body_bytes > 0;
}

/* What a slot becomes when the scrape counts. */
static uint8_t
settle_good(const struct series *s, uint8_t old)
{
        uint8_t flags = (uint8_t)(old & ~(SLOT_SEEN | SLOT_MARK | SLOT_ALIVE));

        if ((old & SLOT_SEEN) == 0)
                return has_content(s) ? (uint8_t)(flags & ~SLOT_COUNTED) : flags;
        flags |= SLOT_STORED | SLOT_RECENT | SLOT_COUNTED;
        return (old & SLOT_STAMPED) != 0 ? flags : (uint8_t)(flags | SLOT_ALIVE);
}

/* … and when it failed: what was read before the failure stays alive. */
static uint8_t
settle_failed(uint8_t old)
{
        uint8_t flags = (uint8_t)(old & ~(SLOT_SEEN | SLOT_ALIVE));

        if ((old & SLOT_SEEN) == 0)
                return (uint8_t)(flags & ~SLOT_MARK);
        flags |= SLOT_COUNTED;
        return (old & (SLOT_STORED | SLOT_STAMPED)) == SLOT_STORED ? (uint8_t)(flags | SLOT_ALIVE)
                                                                   : flags;
}

/* What was alive and is not any more gets a marker; so does what begins to bring timestamps. */
static int
settle_slot(struct series *s, bool ok, uint32_t slot, struct err *e)
{
        uint8_t *flags = slots_flags(&s->slots, slot);
        uint8_t old = *flags;
        uint8_t now = ok ? settle_good(s, old) : settle_failed(old);
        uint8_t due = (old & SLOT_SEEN) != 0 ? SLOT_ALIVE : SLOT_ALIVE | SLOT_MARK;

        *flags = now;
        s->alive += (now & SLOT_ALIVE) != 0;
        if (((old ^ now) & SLOT_ALIVE) != 0)
                s->state_dirty = true;
        if ((old & ~now & due) == 0 || (old & SLOT_STORED) == 0 || series_is_late(s, slot))
                return 0;
        return series_note_marker(s, slot, e);
}

static int
settle_slots(struct series *s, bool ok, struct err *e)
{
        int rc = 0;

        s->alive = 0;
        for (size_t i = 0; i < s->slots.n_chunks; i++) {
                struct slot_chunk *c = &s->slots.chunks[i];

                for (unsigned k = 0; rc == 0 && k < c->slots; k++) {
                        uint32_t slot = (uint32_t)(i * CHUNK_SLOTS + k);

                        if ((c->flags[k] & (SLOT_SEEN | SLOT_ALIVE | SLOT_MARK | SLOT_COUNTED)) ==
                            0)
                                continue;
                        rc = settle_slot(s, ok, slot, e);
                }
        }
        return rc;
}

/* The values of a failed scrape are worth nothing. */
static void
drop_staged(struct series *s)
{
        for (size_t i = 0; i < s->cap_columns; i++) {
                if (s->columns[i] != NULL)
                        pool_return_column(s->pool, s->columns[i], CHUNK_SLOTS);
                s->columns[i] = NULL;
        }
        s->n_extras = 0;
}

/* The report series have slots as the others do, made with the target's first scrape. */
static int
make_report_slots(struct series *s, struct err *e)
{
        const struct finalize_input in = {.job = s->target->job,
            .target_labels = s->target->labels,
            .n_target_labels = s->target->n_labels};
        int rc = 0;

        if (s->report_slot[0] != SLOT_NONE)
                return 0;
        if (!s->has_finals)
                rc = series_build_finals(s, e);
        for (int i = 0; rc == 0 && i < count_report_series(s); i++) {
                const uint32_t *found;
                struct labels l;

                arena_reset(&s->pool->arena);
                labels_init(&l, &s->pool->arena);
                rc = finalize_report(&in, report_names[i], &l, e);
                if (rc < 0)
                        break;
                found = slotmap_find(&s->finals, labels_hash(&l));
                if (found != NULL) {
                        s->report_slot[i] = *found;
                } else {
                        rc = series_add_slot(s, &l, 0, &s->report_slot[i], e);
                }
        }
        if (rc < 0)
                s->report_slot[0] = SLOT_NONE;
        return rc;
}

static bool
is_staged(const struct series *s, uint32_t slot)
{
        size_t chunk = slot / CHUNK_SLOTS;

        return chunk < s->cap_columns && s->columns[chunk] != NULL &&
            s->columns[chunk][slot % CHUNK_SLOTS] != COLUMN_ABSENT;
}

static int
stage_report(struct series *s, struct err *e)
{
        const double values[REPORT_SERIES_MAX] = {s->report.up ? 1.0 : 0.0,
            s->report.duration_seconds, (double)s->report.scraped, (double)s->report.post_relabel,
            (double)s->report.added, (double)s->target->timeout_ms / 1000,
            (double)s->target->job->sample_limit, s->body_bytes};
        int rc = make_report_slots(s, e);

        for (int i = 0; rc == 0 && i < count_report_series(s); i++) {
                uint8_t *flags = slots_flags(&s->slots, s->report_slot[i]);
                uint64_t bits;

                if (is_staged(s, s->report_slot[i])) {
                        s->report.duplicates++; /* the page has the same series, and was first */
                        continue;
                }
                memcpy(&bits, &values[i], sizeof(bits));
                *flags = (uint8_t)((*flags | SLOT_SEEN | SLOT_STORED) & ~SLOT_STAMPED);
                s->offered++;
                rc = series_stage(s, s->report_slot[i], bits, e);
        }
        return rc;
}

static bool
is_report(const struct series *s, uint32_t slot)
{
        for (int i = 0; i < count_report_series(s); i++) {
                if (s->report_slot[i] == slot)
                        return true;
        }
        return false;
}

/* Samples of the tick whose series had one with a later timestamp of its own. */
static void
drop_late(struct series *s, const struct stamps *st)
{
        for (size_t i = 0; i < st->n; i++) {
                uint32_t slot = st->slots[i];

                if (st->times[i] < s->tick_ms || !is_staged(s, slot))
                        continue;
                s->columns[slot / CHUNK_SLOTS][slot % CHUNK_SLOTS] = COLUMN_ABSENT;
                *slots_flags(&s->slots, slot) |= SLOT_STAMPED;
                s->offered--;
                s->report.out_of_order += !is_report(s, slot);
        }
}

/* A new epoch: what was in neither this one nor the one before is dead. */
static void
turn_epoch(struct series *s)
{
        s->epoch_ms = s->tick_ms;
        s->wants_compaction = false;
        s->state_dirty |= s->stamps.n > 0; /* some may have become old enough to be remembered */
        for (size_t i = 0; i < s->slots.n_chunks; i++) {
                struct slot_chunk *c = &s->slots.chunks[i];
                unsigned dead = 0;

                for (unsigned k = 0; k < c->slots; k++) {
                        uint8_t f = c->flags[k];

                        dead += (f & (SLOT_RECENT | SLOT_BEFORE | SLOT_ALIVE)) == 0;
                        f &= (uint8_t) ~(SLOT_RECENT | SLOT_BEFORE);
                        if ((c->flags[k] & SLOT_RECENT) != 0)
                                f |= SLOT_BEFORE;
                        c->flags[k] = f;
                }
                if (c->slots >= COMPACT_MIN_SLOTS && dead > c->slots / 2)
                        s->wants_compaction = true;
        }
}

static bool
is_recent_generation(const void *arg, uint32_t generation)
{
        return generation + 2 >= *(const uint32_t *)arg;
}

static int
forget_old(struct series *s, struct err *e)
{
        uint32_t generation = series_dropped_generation(s);

        if (s->scrapes % DROPPED_GENERATION_SCRAPES != 0)
                return 0;
        /* Lines that end as one series are on the page each time; texts that change pile up. */
        if (s->aliases.used > slots_count(&s->slots) + s->report.scraped)
                slotmap_release(&s->aliases);
        return slotmap_filter(&s->dropped, is_recent_generation, &generation, e);
}

/* A marker bears the tick: where series with timestamps of their own get them, it is the newest. */
static int
keep_stamps(struct series *s, struct err *e)
{
        bool track = s->target->job->track_timestamps_staleness;
        int rc = 0;

        for (size_t i = 0; track && rc == 0 && i < s->n_markers; i++)
                rc = stamps_set(&s->stamps, s->markers[i], s->tick_ms, e);
        for (size_t i = 0; rc == 0 && i < s->n_extras; i++) {
                const struct series_extra *x = &s->extras[i];
                const int64_t *last = stamps_find(&s->stamps, x->slot);

                if (last == NULL || x->time_ms > *last)
                        rc = stamps_set(&s->stamps, x->slot, x->time_ms, e);
        }
        return rc;
}

/* Everything of series_end that can fail for want of memory. */
static int
finish_page(struct series *s, struct err *e)
{
        int rc = series_pass_held(s, e);

        s->offered = s->n_extras + (s->report.up ? s->kept - s->kept_stamped : 0);
        if (rc == 0)
                rc = stage_report(s, e);
        if (rc == 0) {
                drop_late(s, &s->stamps);
                drop_late(s, &s->held.newest);
                rc = settle_slots(s, s->report.up, e);
        }
        if (rc == 0)
                rc = keep_stamps(s, e);
        for (size_t i = 0; rc == 0 && i < s->n_markers; i++)
                rc = series_stage(s, s->markers[i], COLUMN_STALE, e);
        s->offered += s->n_markers;
        if (rc == 0 && s->builder != NULL)
                rc = series_flush_layout(s, e);
        if (rc == 0)
                rc = forget_old(s, e);
        return rc;
}

void
series_unread(struct series *s)
{
        drop_staged(s);
        for (size_t i = 0; i < s->slots.n_chunks; i++) {
                for (unsigned k = 0; k < s->slots.chunks[i].slots; k++)
                        s->slots.chunks[i].flags[k] &= (uint8_t)~SLOT_SEEN;
        }
        s->report.scraped = 0;
        s->report.post_relabel = 0;
        s->report.added = 0;
        s->report.duplicates = 0;
        s->report.over_limit = 0;
        s->kept = 0;
        s->kept_stamped = 0;
}

void
series_set_body(struct series *s, double bytes)
{
        s->body_bytes = bytes;
}

int
series_end(
    struct series *s, bool ok, double duration_seconds, struct series_report *report, struct err *e)
{
        int failed = 0;
        int rc;

        assert(s->phase == SERIES_READING);
        if (ok && s->report.over_limit > 0) {
                failed = err_set(e, ERR_LIMIT,
                    "sample limit exceeded: the page has %" PRIu64
                    " samples after relabeling, sample_limit is %" PRIu64,
                    s->limited + s->report.over_limit, s->target->job->sample_limit);
                ok = false;
        }
        s->report.up = ok;
        s->report.duration_seconds = duration_seconds;
        if (!ok)
                drop_staged(s);
        rc = finish_page(s, e);
        *report = s->report;
        slotmap_release(&s->finals);
        s->has_finals = false;
        slots_page_done(&s->slots);
        if (rc < 0) {
                wal_count_not_stored(
                    s->pool->wal, NOT_STORED_MEMORY, s->kept + (uint64_t)count_report_series(s));
                series_drop_scrape(s);
                return rc;
        }
        if (ok)
                s->hashes_known = true;
        if (ok && s->report.refused_memory > 0)
                wal_count_not_stored(s->pool->wal, NOT_STORED_MEMORY, s->report.refused_memory);
        if (s->epoch_ms == 0)
                s->epoch_ms = s->tick_ms;
        if (s->tick_ms - s->epoch_ms >= EPOCH_MS)
                turn_epoch(s);
        s->phase = SERIES_ENDED;
        s->last_tick_ms = s->tick_ms;
        s->next_chunk = 0;
        s->next_extra = 0;
        series_account(s);
        return failed;
}

bool
series_wants_compaction(const struct series *s, int64_t now_ms)
{
        (void)now_ms;
        return s->wants_compaction && s->phase == SERIES_IDLE;
}

void
series_renew(struct series *s)
{
        for (size_t i = 0; i < s->slots.n_chunks; i++)
                s->slots.chunks[i].keyframe_age = UINT16_MAX;
        /* times of a clock that was wrong: nothing is late by them */
        stamps_release(&s->stamps);
        series_drop_held(s);
        s->last_tick_ms = INT64_MIN;
        s->state_dirty = true;
}

int
series_reset(struct series *s, struct err *e)
{
        (void)e;
        slots_forget_hashes(&s->slots);
        slotmap_release(&s->dropped);
        slotmap_release(&s->aliases);
        s->hashes_known = false;
        series_account(s);
        return 0;
}

void
series_count(const struct series *s, struct series_counts *out)
{
        out->slots = slots_count(&s->slots);
        out->alive = s->alive;
        out->dropped = s->dropped.used;
        out->chunks = s->slots.n_chunks;
        out->held = s->held.n;
}
