/*
 * What the log remembers of a target's series, and moving the living series of half-dead chunks
 * together. After a restart a series is known again by its final label set in the target's living
 * chunks; the same way serves a relabel reload and a layout that could not be stored.
 */
#include "scrape/series_state.h"

#include "base/err.h"
#include "base/labels.h"
#include "scrape/target.h"
#include "wal/layout.h"
#include "wal/target_state.h"
#include "wal/wal.h"

#include <stdlib.h>
#include <string.h>

static void
forget_all(struct series *s)
{
        slots_release(&s->slots);
        slotmap_release(&s->dropped);
        slotmap_release(&s->aliases);
        stamps_release(&s->stamps);
        series_drop_held(s);
        for (int i = 0; i < REPORT_SERIES_MAX; i++)
                s->report_slot[i] = SLOT_NONE;
        s->slots_version++;
        s->hashes_known = false;
        s->open_tail = false;
        s->state_dirty = true;
        s->reload = false;
        s->wants_compaction = false;
}

static int
restore_chunk(struct series *s, const struct target_chunk *t, struct err *e)
{
        int rc = slots_add_chunk(&s->slots, t->chunk, e);
        struct slot_chunk *c;

        if (rc == 0)
                rc = slots_grow(&s->slots, s->slots.n_chunks - 1, t->slots, SLOT_RECENT, e);
        if (rc < 0)
                return rc;
        c = &s->slots.chunks[s->slots.n_chunks - 1];
        for (unsigned k = 0; k < t->slots; k++) {
                if ((t->alive[k / 8] >> (k % 8) & 1) != 0)
                        c->flags[k] |= SLOT_ALIVE | SLOT_STORED;
        }
        return 0;
}

int
series_restore(struct series *s, struct err *e)
{
        struct target_state state = {0};
        int rc;

        forget_all(s);
        if (s->number == 0) {
                s->number = pool_known_target(s->pool, s->target->identity);
                if (s->number == 0) {
                        s->number = wal_new_id(s->pool->wal);
                        return pool_remember_target(s->pool, s->target->identity, s->number, e);
                }
        }
        rc = wal_read_target(s->pool->wal, s->number, &state, e);
        if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT)
                return 0; /* its series begin anew; the log has counted the damage */
        if (rc < 0)
                return rc;
        if (strcmp(state.identity, s->target->identity) == 0) {
                for (size_t i = 0; rc == 0 && i < state.n_chunks; i++)
                        rc = restore_chunk(s, &state.chunks[i], e);
                for (size_t i = 0; rc == 0 && i < state.n_stamps; i++)
                        rc = stamps_set(
                            &s->stamps, state.stamps[i].slot, state.stamps[i].time_ms, e);
                s->open_tail = s->slots.n_chunks > 0;
        } else {
                s->number = wal_new_id(s->pool->wal); /* two identities with one hash */
                rc = pool_remember_target(s->pool, s->target->identity, s->number, e);
        }
        target_state_release(&state);
        return rc;
}

/* ---- the index of final label sets ---- */

struct finals_walk {
        struct series *s;
        size_t chunk;
        struct label *labels; /* owned */
        size_t cap;
};

static int
reserve_labels(struct finals_walk *w, const struct layout_part *part, struct err *e)
{
        size_t want = layout_part_max_labels(part) + 1;
        struct label *v;

        if (want <= w->cap)
                return 0;
        v = realloc(w->labels, want * sizeof(*v));
        if (v == NULL)
                return err_nomem(e, "a label set");
        w->labels = v;
        w->cap = want;
        return 0;
}

static int
add_part(void *arg, struct layout_part *part, struct err *e)
{
        struct finals_walk *w = arg;
        struct slots *slots = &w->s->slots;
        const struct layout_head *head = layout_part_head(part);
        unsigned end = head->first + head->slots;
        int rc = reserve_labels(w, part, e);

        /* parts that went to the log ahead of a scrape that was not stored: their slots are taken
         */
        if (rc == 0 && end > slots->chunks[w->chunk].slots)
                rc = slots_grow(slots, w->chunk, end - slots->chunks[w->chunk].slots, 0, e);
        for (unsigned i = 0; rc == 0 && i < head->slots; i++) {
                struct labels l = {.v = w->labels};

                l.n = layout_part_labels(part, i, w->labels, w->cap);
                rc = slotmap_put(&w->s->finals, labels_hash(&l),
                    (uint32_t)(w->chunk * CHUNK_SLOTS + head->first + i), e);
        }
        layout_part_free(part);
        return rc;
}

int
series_build_finals(struct series *s, struct err *e)
{
        struct finals_walk w = {.s = s};
        int rc = slotmap_reserve(&s->finals, (size_t)slots_count(&s->slots), e);

        for (; rc == 0 && w.chunk < s->slots.n_chunks; w.chunk++) {
                struct err why = ERR_INIT;

                rc = wal_read_layout(s->pool->wal, s->slots.chunks[w.chunk].id, add_part, &w, &why);
                /* a layout that is gone or damaged: its series get new slots (counted by the log)
                 */
                if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT)
                        rc = 0;
                if (rc < 0 && e != NULL)
                        *e = why;
        }
        free(w.labels);
        s->has_finals = rc == 0;
        if (rc < 0)
                slotmap_release(&s->finals);
        return rc;
}

/* ---- compaction ---- */

struct move {
        struct series *s;
        size_t from; /* chunk */
        struct label *labels;
        size_t cap;
};

static bool
is_living(uint8_t flags)
{
        return (flags & (SLOT_RECENT | SLOT_BEFORE | SLOT_ALIVE | SLOT_MARK)) != 0;
}

static int
move_part(void *arg, struct layout_part *part, struct err *e)
{
        struct move *m = arg;
        struct series *s = m->s;
        const struct layout_head *head = layout_part_head(part);
        struct finals_walk room = {.labels = m->labels, .cap = m->cap};
        int rc = reserve_labels(&room, part, e);

        m->labels = room.labels;
        m->cap = room.cap;
        for (unsigned i = 0; rc == 0 && i < head->slots; i++) {
                const struct slot_chunk *c = &s->slots.chunks[m->from];
                unsigned k = head->first + i;
                struct labels l = {.v = m->labels};
                const int64_t *stamp;
                uint32_t to;

                if (k >= c->slots || !is_living(c->flags[k]))
                        continue;
                l.n = layout_part_labels(part, i, m->labels, m->cap);
                rc = series_add_slot(s, &l, c->flags[k], &to, e);
                if (rc < 0)
                        break;
                c = &s->slots.chunks[m->from]; /* the array may have moved */
                slots_chunk(&s->slots, to)->hash[to % CHUNK_SLOTS] = c->hash[k];
                stamp = stamps_find(&s->stamps, (uint32_t)(m->from * CHUNK_SLOTS + k));
                if (stamp != NULL)
                        rc = stamps_set(&s->stamps, to, *stamp, e);
        }
        layout_part_free(part);
        return rc;
}

static bool
is_half_dead(const struct slot_chunk *c)
{
        unsigned dead = 0;

        for (unsigned k = 0; k < c->slots; k++)
                dead += !is_living(c->flags[k]);
        return c->slots >= COMPACT_MIN_SLOTS && dead > c->slots / 2;
}

static int
move_chunk(struct series *s, size_t chunk, struct err *e)
{
        struct move m = {.s = s, .from = chunk};
        int rc = wal_read_layout(s->pool->wal, s->slots.chunks[chunk].id, move_part, &m, e);

        free(m.labels);
        if (rc == 0)
                rc = series_retire_chunk(s, &s->slots.chunks[chunk], e);
        return rc;
}

/* Chunk by chunk to the tail; the old chunks are taken away at the end, from the last one down. */
static int
move_half_dead(struct series *s, struct err *e)
{
        size_t n = s->slots.n_chunks;
        bool *moved = calloc(n + 1, sizeof(*moved));
        int rc = 0;

        if (moved == NULL)
                return err_nomem(e, "a compaction");
        if (is_half_dead(&s->slots.chunks[n - 1]))
                s->open_tail = false;
        for (size_t i = 0; rc == 0 && i < n; i++) {
                moved[i] = is_half_dead(&s->slots.chunks[i]);
                if (moved[i])
                        rc = move_chunk(s, i, e);
        }
        if (rc == 0 && s->builder != NULL)
                rc = series_flush_layout(s, e);
        for (size_t i = n; rc == 0 && i-- > 0;) {
                if (!moved[i])
                        continue;
                slots_remove_chunk(&s->slots, i);
                rc = stamps_remove_chunk(&s->stamps, i, e);
        }
        free(moved);
        return rc;
}

int
series_compact(struct series *s, int64_t now_ms, struct err *e)
{
        int rc;

        if (s->phase != SERIES_IDLE || s->reload || s->slots.n_chunks == 0)
                return 0;
        s->wants_compaction = false;
        s->scrape_generation = s->generation;
        s->tick_ms = now_ms;
        rc = series_batch(s, e);
        if (rc == 0)
                rc = move_half_dead(s, e);
        s->slots_version++;
        slotmap_release(&s->aliases);
        series_drop_held(s);
        for (int i = 0; i < REPORT_SERIES_MAX; i++)
                s->report_slot[i] = SLOT_NONE;
        if (rc == 0)
                rc = series_put_state(s, e);
        if (rc == 0)
                rc = series_submit(s, e);
        if (rc < 0)
                s->reload = true;
        series_drop_scrape(s);
        series_account(s);
        return rc;
}
