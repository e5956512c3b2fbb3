/*
 * One line of a page: the common one costs a hash, a compare and a store. Only an unknown raw text
 * is parsed, relabeled and looked up by its final labels.
 */
#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "scrape/finalize.h"
#include "scrape/job.h"
#include "scrape/series_state.h"
#include "scrape/target.h"
#include "wal/layout.h"
#include "wal/wal.h"

#include <stdlib.h>
#include <string.h>

static int
reserve_columns(struct series *s, struct err *e)
{
        size_t cap = s->cap_columns > 0 ? s->cap_columns : 1;
        uint64_t **v;

        while (cap < s->slots.n_chunks)
                cap *= 2;
        v = realloc(s->columns, cap * sizeof(*v));
        if (v == NULL)
                return err_nomem(e, "staged values");
        for (size_t i = s->cap_columns; i < cap; i++)
                v[i] = NULL;
        s->columns = v;
        s->cap_columns = cap;
        return 0;
}

int
series_stage(struct series *s, uint32_t slot, uint64_t bits, struct err *e)
{
        size_t chunk = slot / CHUNK_SLOTS;

        if (chunk >= s->cap_columns) {
                int rc = reserve_columns(s, e);

                if (rc < 0)
                        return rc;
        }
        if (s->columns[chunk] == NULL) {
                s->columns[chunk] = pool_borrow_column(s->pool);
                if (s->columns[chunk] == NULL)
                        return err_nomem(e, "staged values");
        }
        s->columns[chunk][slot % CHUNK_SLOTS] = bits;
        return 0;
}

/* The time of the series' last sample, as far as it is remembered; INT64_MIN: it has none. */
static int64_t
last_time(const struct series *s, uint32_t slot, uint8_t flags)
{
        const int64_t *stamp = stamps_find(&s->stamps, slot);
        int64_t last = stamp != NULL ? *stamp : INT64_MIN;

        /* with markers for all, the stamp knows of each sample */
        if (stamp != NULL && s->target->job->track_timestamps_staleness)
                return last;
        if ((flags & (SLOT_STORED | SLOT_STAMPED)) == SLOT_STORED && s->last_tick_ms > last)
                last = s->last_tick_ms;
        return last;
}

/* Is the sample of a time of its own one to take? Counts the one that is not. */
static bool
is_in_time(struct series *s, uint32_t slot, uint8_t flags, int64_t time_ms)
{
        if (time_ms > s->tick_ms + SERIES_AHEAD_MS) {
                s->report.out_of_bounds++;
                return false;
        }
        if (time_ms <= last_time(s, slot, flags) || series_is_held(s, slot, time_ms)) {
                s->report.out_of_order++;
                return false;
        }
        return true;
}

/* A sample with a timestamp of its own: rides beside the column. */
static int
stage_stamped(struct series *s, uint32_t slot, const struct text_sample *x, struct err *e)
{
        uint8_t *flags = slots_flags(&s->slots, slot);
        int rc;

        if (!is_in_time(s, slot, *flags, x->timestamp_ms)) {
                /* its line is there all the same */
                if ((*flags & (SLOT_COUNTED | SLOT_SEEN)) == SLOT_COUNTED)
                        *flags |= SLOT_SEEN | SLOT_STAMPED;
                return 0;
        }
        if (s->n_extras == EXTRAS_MAX)
                return err_set(
                    e, ERR_LIMIT, "the page has more than %d samples with timestamps", EXTRAS_MAX);
        rc = series_reserve_extras(s, s->n_extras + 1, e);
        if (rc < 0)
                return rc;
        s->extras[s->n_extras] =
            (struct series_extra){slot, (uint32_t)s->n_extras, x->timestamp_ms, x->bits};
        s->n_extras++;
        if (s->target->job->track_timestamps_staleness)
                *flags &= (uint8_t)~SLOT_STAMPED;
        else if ((*flags & SLOT_SEEN) == 0)
                *flags |= SLOT_STAMPED; /* else it has one of the tick, too */
        *flags |= SLOT_SEEN;
        return 0;
}

/* One more sample under sample_limit: is there room for it? */
static bool
over_sample_limit(struct series *s)
{
        uint64_t limit = s->target->job->sample_limit;

        if (limit == 0)
                return false;
        if (s->limited < limit) {
                s->limited++;
                return false;
        }
        s->report.over_limit++;
        return true;
}

/* Another line of a series that is there already is no sample of its own, but counts for the limit.
 * True: it was over it. */
static bool
over_limit_twice(struct series *s, uint32_t slot)
{
        return (*slots_flags(&s->slots, slot) & SLOT_SEEN) != 0 && over_sample_limit(s);
}

static int
stage_sample(struct series *s, uint32_t slot, const struct text_sample *x, struct err *e)
{
        uint8_t *flags = slots_flags(&s->slots, slot);

        if (x->has_timestamp && s->target->job->honor_timestamps) {
                if (over_sample_limit(s))
                        return 0;
                s->kept++;
                s->kept_stamped++;
                return stage_stamped(s, slot, x, e);
        }
        if ((*flags & SLOT_SEEN) != 0) {
                s->report.duplicates++;
                return 0;
        }
        if (over_sample_limit(s))
                return 0;
        s->kept++;
        *flags = (uint8_t)((*flags | SLOT_SEEN) & ~SLOT_STAMPED);
        return series_stage(s, slot, x->bits, e);
}

/* Samples of the page that were not taken: what changes it does not count as added. */
static uint64_t
count_refused(const struct series *s)
{
        return s->report.over_limit + s->report.out_of_order + s->report.out_of_bounds;
}

/* ---- unknown raw texts ---- */

/* The chunk that takes new slots: the tail, or a new one when it is full. */
static int
open_tail(struct series *s, struct err *e)
{
        int rc = 0;

        if (s->open_tail && s->slots.chunks[s->slots.n_chunks - 1].slots < CHUNK_SLOTS)
                return 0;
        if (s->builder != NULL)
                rc = series_flush_layout(s, e);
        if (rc == 0)
                rc = slots_add_chunk(&s->slots, wal_new_id(s->pool->wal), e);
        if (rc == 0)
                s->open_tail = true;
        return rc;
}

int
series_add_slot(
    struct series *s, const struct labels *l, uint8_t flags, uint32_t *out, struct err *e)
{
        struct slot_chunk *tail;
        int rc = open_tail(s, e);

        if (rc < 0)
                return rc;
        tail = &s->slots.chunks[s->slots.n_chunks - 1];
        if (s->builder == NULL) {
                s->builder = pool_borrow_builder(s->pool, e);
                if (s->builder == NULL)
                        return ERR_NOMEM;
                s->builder_first = tail->slots;
        }
        rc = layout_builder_add(s->builder, l->v, l->n, e);
        if (rc == 0)
                rc = slots_grow(&s->slots, s->slots.n_chunks - 1, 1, flags, e);
        if (rc < 0)
                return rc;
        *out = (uint32_t)((s->slots.n_chunks - 1) * CHUNK_SLOTS + tail->slots - 1);
        s->state_dirty = true;
        if (s->has_finals)
                rc = slotmap_put(&s->finals, labels_hash(l), *out, e);
        return rc;
}

/*
 * The slot of a final label set: one that is there, or a new one. SLOT_NONE: not taken. *again: it
 * had this very line before, which slots_find does not look for before there was a good page.
 */
static int
slot_of_labels(struct series *s, const struct labels *l, uint64_t raw_hash, uint32_t *out,
    bool *again, struct err *e)
{
        const uint32_t *found;
        int rc = 0;

        if (!s->has_finals)
                rc = series_build_finals(s, e);
        if (rc < 0)
                return rc;
        found = slotmap_find(&s->finals, labels_hash(l));
        if (found != NULL) {
                *out = *found;
                *again = slots_hash(&s->slots, *out) == raw_hash &&
                    (*slots_flags(&s->slots, *out) & (SLOT_COUNTED | SLOT_SEEN)) != 0;
                if ((*slots_flags(&s->slots, *out) & SLOT_SEEN) != 0)
                        return *again ? 0 : slotmap_put(&s->aliases, raw_hash, *out, e);
        } else {
                if (memory_refuses_new()) {
                        s->report.refused_memory++;
                        *out = SLOT_NONE;
                        return 0;
                }
                rc = series_add_slot(s, l, 0, out, e);
        }
        if (rc == 0)
                rc = slots_set_hash(&s->slots, *out, raw_hash, e);
        return rc;
}

uint32_t
series_dropped_generation(const struct series *s)
{
        return (uint32_t)(s->scrapes / DROPPED_GENERATION_SCRAPES);
}

static int
add_unknown(struct series *s, const struct text_sample *x, uint64_t raw_hash, struct err *e)
{
        const struct finalize_input in = {.job = s->target->job,
            .target_labels = s->target->labels,
            .n_target_labels = s->target->n_labels,
            .series = x->series,
            .type = x->type,
            .format = x->format};
        struct labels l;
        size_t offset;
        bool kept = false;
        uint32_t slot = SLOT_NONE;
        uint64_t refused;
        bool again = false;
        int rc;

        arena_reset(&s->pool->arena);
        labels_init(&l, &s->pool->arena);
        rc = finalize_labels(&in, &l, &kept, &offset, e);
        s->report.relabel_gave_up += rc == ERR_LIMIT;
        if (rc < 0)
                return rc;
        if (!kept)
                return slotmap_put(&s->dropped, raw_hash, series_dropped_generation(s), e);
        s->report.post_relabel++;
        if (s->target->job->sample_limit > 0 && s->limited >= s->target->job->sample_limit) {
                s->report.over_limit++;
                return 0;
        }
        rc = slot_of_labels(s, &l, raw_hash, &slot, &again, e);
        if (rc < 0 || slot == SLOT_NONE || (!again && over_limit_twice(s, slot)))
                return rc;
        refused = count_refused(s);
        rc = stage_sample(s, slot, x, e);
        s->report.added += rc == 0 && !again && count_refused(s) == refused;
        return rc;
}

/* Another raw text of a series that has a slot: a duplicate, or what the series is called now. */
static int
take_alias(
    struct series *s, uint32_t slot, const struct text_sample *x, uint64_t raw_hash, struct err *e)
{
        s->report.post_relabel++;
        if ((*slots_flags(&s->slots, slot) & SLOT_SEEN) == 0) {
                int rc = slots_set_hash(&s->slots, slot, raw_hash, e);

                if (rc < 0)
                        return rc;
        } else if (over_limit_twice(s, slot)) {
                return 0;
        }
        return stage_sample(s, slot, x, e);
}

/* What nearly every sample is: of a series that was there the last time, without a limit. */
static bool
take_usual(struct series *s, uint32_t slot, uint64_t bits)
{
        size_t chunk = slot / CHUNK_SLOTS;
        uint64_t *column = chunk < s->cap_columns ? s->columns[chunk] : NULL;
        uint8_t *flags = slots_flags(&s->slots, slot);

        if (column == NULL || (*flags & (SLOT_ALIVE | SLOT_SEEN)) != SLOT_ALIVE ||
            s->target->job->sample_limit > 0)
                return false;
        *flags = (uint8_t)((*flags | SLOT_SEEN) & ~SLOT_STAMPED);
        column[slot % CHUNK_SLOTS] = bits;
        s->kept++;
        s->report.post_relabel++;
        return true;
}

static int
take_known(struct series *s, uint32_t slot, const struct text_sample *x, struct err *e)
{
        uint64_t refused;
        bool back;
        int rc;

        if (!x->has_timestamp && take_usual(s, slot, x->bits))
                return 0;
        /* a line that was away from a good page counts as added again */
        back = (*slots_flags(&s->slots, slot) & (SLOT_COUNTED | SLOT_SEEN)) == 0;
        refused = count_refused(s);
        rc = stage_sample(s, slot, x, e);
        s->report.post_relabel++;
        if (back && count_refused(s) == refused)
                s->report.added++;
        return rc;
}

bool
series_guess(const struct series *s, struct view text)
{
        return slots_is_next(&s->slots, hash_seeded(text.p, text.n));
}

int
series_sample(struct series *s, const struct text_sample *x, struct err *e)
{
        uint64_t hash;
        uint32_t *found;
        uint32_t slot;
        int rc;

        if (x->guessed) {
                s->report.scraped++;
                return take_known(s, slots_take_next(&s->slots), x, e);
        }
        hash = hash_seeded(x->series.p, x->series.n);
        rc = slots_find(&s->slots, hash, &slot, e);
        if (rc < 0)
                return rc;
        s->report.scraped++;
        if (slot != SLOT_NONE)
                return take_known(s, slot, x, e);
        found = slotmap_find(&s->dropped, hash);
        if (found != NULL) {
                *found = series_dropped_generation(s);
                return 0;
        }
        found = slotmap_find(&s->aliases, hash);
        if (found != NULL)
                return take_alias(s, *found, x, hash, e);
        rc = add_unknown(s, x, hash, e);
        if (rc == ERR_PARSE)
                s->report.scraped--; /* a line that cannot be read is no sample (Prometheus
                                        scrape/scrape.go counts what its parser gave) */
        return rc;
}
