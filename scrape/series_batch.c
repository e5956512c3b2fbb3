/*
 * An ended scrape becomes a batch: per chunk a record against its keyframe, new label sets,
 * new keyframes, the target's state. And what follows from the log's answer.
 */
#include "scrape/series_state.h"

#include "base/compress.h"
#include "base/err.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/target_state.h"
#include "wal/wal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int
series_batch(struct series *s, struct err *e)
{
        int rc;

        if (s->batch != NULL)
                return 0;
        s->batch_has_layout = false;
        rc = wal_batch_new(s->number, s->pool->next_serial++, &s->batch, e);
        if (rc == 0)
                s->batch->generation = s->scrape_generation;
        return rc;
}

int
series_note_marker(struct series *s, uint32_t slot, struct err *e)
{
        if (s->n_markers == s->cap_markers) {
                size_t cap = s->cap_markers > 0 ? s->cap_markers * 2 : 16;
                uint32_t *v = realloc(s->markers, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "staleness markers");
                s->markers = v;
                s->cap_markers = cap;
        }
        s->markers[s->n_markers++] = slot;
        return 0;
}

/* ---- handing over ---- */

static int
remember_pending(struct series *s, struct err *e)
{
        struct series_pending *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "a batch under way");
        p->serial = s->batch->serial;
        p->has_layout = s->batch_has_layout;
        p->slots_version = s->slots_version;
        if (s->n_markers > 0 && s->phase == SERIES_ENDED) {
                p->markers = malloc(s->n_markers * sizeof(*p->markers));
                if (p->markers == NULL) {
                        free(p);
                        return err_nomem(e, "a batch under way");
                }
                memcpy(p->markers, s->markers, s->n_markers * sizeof(*p->markers));
                p->n_markers = s->n_markers;
        }
        p->next = s->pending;
        s->pending = p;
        return 0;
}

int
series_submit(struct series *s, struct err *e)
{
        uint64_t serial = s->batch->serial;
        int rc = remember_pending(s, e);

        s->batch->offered = s->offered;
        if (rc < 0) {
                wal_count_not_stored(s->pool->wal, NOT_STORED_MEMORY, s->offered);
        } else {
                rc = wal_submit(s->pool->wal, &s->batch, e);
                if (rc < 0)
                        series_answered(s, serial, false);
        }
        if (rc < 0) {
                wal_batch_free(s->batch);
                s->batch = NULL;
        }
        s->batch_has_layout = false;
        return rc;
}

int
series_flush_layout(struct series *s, struct err *e)
{
        struct slot_chunk *tail = &s->slots.chunks[s->slots.n_chunks - 1];
        const struct layout_head head = {.chunk = tail->id,
            .target = s->number,
            .first = s->builder_first,
            .slots = layout_builder_count(s->builder)};
        const struct batch_put put = {
            .kind = BATCH_LAYOUT, .id = tail->id, .chunk = tail->id, .first = s->builder_first};
        size_t from;
        int rc = series_batch(s, e);

        if (rc < 0)
                return rc;
        from = s->batch->bytes.len;
        rc = layout_builder_encode(s->builder, &head, s->pool->packer, &s->batch->bytes, e);
        if (rc == 0)
                rc = wal_batch_put(s->batch, &put, from, e);
        if (rc < 0)
                return rc;
        s->batch_has_layout = true;
        pool_return_builder(s->pool, s->builder);
        s->builder = NULL;
        /* Ahead of its scrape, so that a first page holds one chunk of text. A full queue is no
         * loss yet: the batch then goes on growing until the scrape is over. */
        if (s->phase == SERIES_READING && s->batch->bytes.len >= AHEAD_BATCH_BYTES) {
                rc = remember_pending(s, e);
                if (rc < 0)
                        return rc;
                if (wal_submit(s->pool->wal, &s->batch, NULL) < 0) {
                        struct series_pending *p = s->pending;

                        s->pending = p->next;
                        free(p);
                } else {
                        s->batch_has_layout = false;
                }
        }
        return 0;
}

/* ---- encoding ---- */

static int
put_plain(struct series *s, enum batch_put_kind kind, uint64_t id, struct err *e)
{
        const struct batch_put put = {.kind = kind, .id = id};

        return wal_batch_put(s->batch, &put, s->batch->bytes.len, e);
}

/* The chunk's values of this scrape become what its next records refer to. */
static int
write_keyframe(struct series *s, struct slot_chunk *c, const uint64_t *column, struct err *e)
{
        struct keyframe_head head = {
            .id = wal_new_id(s->pool->wal), .chunk = c->id, .target = s->number, .slots = c->slots};
        const struct batch_put put = {
            .kind = BATCH_KEYFRAME, .id = head.id, .chunk = c->id, .first = c->slots};
        size_t from = s->batch->bytes.len;
        int rc;

        for (unsigned i = 0; i < c->slots; i++)
                s->pool->keyframe[i] = column[i] == COLUMN_STALE ? COLUMN_ABSENT : column[i];
        rc = keyframe_encode(&head, s->pool->keyframe, s->pool->packer, &s->batch->bytes, e);
        if (rc == 0)
                rc = wal_batch_put(s->batch, &put, from, e);
        if (rc == 0 && c->keyframe != 0)
                rc = put_plain(s, BATCH_RETIRE_KEYFRAME, c->keyframe, e);
        if (rc == 0 && c->retired != 0)
                rc = put_plain(s, BATCH_RETIRE_KEYFRAME, c->retired, e);
        if (rc < 0)
                return rc;
        c->keyframe = head.id;
        c->retired = 0;
        c->keyframe_age = 0;
        return 0;
}

static unsigned
keyframe_life(const struct slot_chunk *c)
{
        return KEYFRAME_SCRAPES + (unsigned)(c->id % (KEYFRAME_SCRAPES + 1));
}

/* Makes pool->keyframe the values that the chunk's record refers to. */
static int
load_keyframe(
    struct series *s, struct slot_chunk *c, const uint64_t *column, unsigned *slots, struct err *e)
{
        c->keyframe_age++;
        if (c->keyframe != 0 && c->keyframe_age < keyframe_life(c) &&
            wal_read_keyframe(s->pool->wal, c->keyframe, s->pool->keyframe, slots, NULL) == 0)
                return 0;
        *slots = c->slots;
        return write_keyframe(s, c, column, e);
}

/* One record, or several when the values of the chunk do not fit one. */
static int
encode_records(struct series *s, const struct slot_chunk *c, struct record_input *in, struct err *e)
{
        unsigned end = in->first + in->slots;
        size_t n_extras = in->n_extras;
        uint64_t *column = s->pool->scratch;
        int rc = 0;

        memcpy(column, in->column, c->slots * sizeof(*column));
        in->column = column;
        while (rc == 0 && (in->first < end || n_extras > 0)) {
                struct block_record r = {.target = s->number,
                    .chunk = c->id,
                    .keyframe = c->keyframe,
                    .time_ms = s->tick_ms,
                    .first = (uint16_t)in->first};
                size_t from = s->batch->bytes.len;
                unsigned used = 0;
                unsigned samples = 0;
                size_t extras = 0;

                in->slots = end - in->first;
                in->n_extras = n_extras;
                rc = record_encode(in, &s->batch->bytes, &used, &samples, &extras, e);
                if (rc < 0)
                        break;
                r.slots = (uint16_t)(used > 0 ? used : 1);
                r.samples = (uint16_t)samples;
                if (samples > 0)
                        rc = wal_batch_record(s->batch, &r, from, e);
                else
                        s->batch->bytes.len = from;
                if (used == 0)
                        column[in->first] = COLUMN_ABSENT;
                in->first += used;
                in->extras += extras;
                n_extras -= extras;
        }
        return rc;
}

/* The extras of a chunk, in the form that records take; *out is valid until the arena is reset. */
static int
chunk_extras(struct series *s, size_t chunk, struct record_extra **out, size_t *n, struct err *e)
{
        size_t from = s->next_extra;
        size_t to = from;
        struct record_extra *v;

        *out = NULL;
        *n = 0;
        while (to < s->n_extras && s->extras[to].slot / CHUNK_SLOTS == chunk)
                to++;
        s->next_extra = to;
        if (to == from)
                return 0;
        v = malloc((to - from) * sizeof(*v));
        if (v == NULL)
                return err_nomem(e, "samples with timestamps");
        for (size_t i = from; i < to; i++)
                v[i - from] = (struct record_extra){s->extras[i].time_ms, s->extras[i].bits,
                    (uint16_t)(s->extras[i].slot % CHUNK_SLOTS)};
        *out = v;
        *n = to - from;
        return 0;
}

static int
encode_chunk(struct series *s, size_t chunk, struct err *e)
{
        struct slot_chunk *c = &s->slots.chunks[chunk];
        uint64_t *column;
        struct record_extra *extras = NULL;
        struct record_input in = {0};
        int rc = chunk_extras(s, chunk, &extras, &in.n_extras, e);

        if (rc < 0)
                return rc;
        if ((chunk >= s->cap_columns || s->columns[chunk] == NULL) && in.n_extras > 0)
                rc = series_stage(s, (uint32_t)(chunk * CHUNK_SLOTS), COLUMN_ABSENT, e);
        if (rc < 0 || chunk >= s->cap_columns || s->columns[chunk] == NULL)
                goto out;
        column = s->columns[chunk];
        rc = load_keyframe(s, c, column, &in.keyframe_slots, e);
        if (rc < 0)
                goto out;
        in.keyframe = s->pool->keyframe;
        in.column = column;
        in.time_ms = s->tick_ms;
        in.extras = extras;
        in.slots = c->slots;
        while (in.n_extras == 0 && in.slots > 1 && column[in.slots - 1] == COLUMN_ABSENT)
                in.slots--;
        rc = encode_records(s, c, &in, e);
out:
        free(extras);
        if (chunk < s->cap_columns && s->columns[chunk] != NULL) {
                pool_return_column(s->pool, s->columns[chunk], c->slots);
                s->columns[chunk] = NULL;
        }
        return rc;
}

/*
 * Whether the log is to remember the newest timestamp of a series that brings its own. Where such
 * series get markers, a sample may come again behind one; and an old sample that came twice would
 * be refused. Others come twice after a restart, which is no harm: it is the same sample.
 */
static bool
is_worth_keeping(const struct series *s, int64_t stamp_ms)
{
        return s->target->job->track_timestamps_staleness || stamp_ms < s->tick_ms - EPOCH_MS;
}

static int
list_stamps(const struct series *s, struct target_state *state, struct err *e)
{
        if (s->stamps.n == 0)
                return 0;
        state->stamps = malloc(s->stamps.n * sizeof(*state->stamps));
        if (state->stamps == NULL)
                return err_nomem(e, "a target's state");
        for (size_t i = 0; i < s->stamps.n; i++) {
                if (is_worth_keeping(s, s->stamps.times[i]))
                        state->stamps[state->n_stamps++] =
                            (struct target_stamp){s->stamps.slots[i], s->stamps.times[i]};
        }
        return 0;
}

int
series_put_state(struct series *s, struct err *e)
{
        const struct batch_put put = {.kind = BATCH_TARGET, .id = s->number};
        struct target_state state = {.target = s->number,
            .identity = s->target->identity,
            .time_ms = s->tick_ms,
            .interval_ms = s->target->interval_ms,
            .n_chunks = s->slots.n_chunks};
        size_t from = s->batch->bytes.len;
        int rc;

        state.chunks = calloc(s->slots.n_chunks + 1, sizeof(*state.chunks));
        if (state.chunks == NULL)
                return err_nomem(e, "a target's state");
        for (size_t i = 0; i < s->slots.n_chunks; i++) {
                const struct slot_chunk *c = &s->slots.chunks[i];

                state.chunks[i].chunk = c->id;
                state.chunks[i].slots = c->slots;
                for (unsigned k = 0; k < c->slots; k++) {
                        if ((c->flags[k] & (SLOT_ALIVE | SLOT_MARK)) != 0)
                                state.chunks[i].alive[k / 8] |= (uint8_t)(1U << (k % 8));
                }
        }
        rc = list_stamps(s, &state, e);
        if (rc == 0)
                rc = target_state_encode(&state, &s->batch->bytes, e);
        free(state.stamps);
        free(state.chunks);
        if (rc == 0)
                rc = wal_batch_put(s->batch, &put, from, e);
        if (rc == 0)
                s->state_dirty = false;
        return rc;
}

int
series_encode(struct series *s, unsigned chunks, bool *done, struct err *e)
{
        int rc = series_batch(s, e);

        assert(s->phase == SERIES_ENDED);
        *done = false;
        for (; rc == 0 && chunks > 0 && s->next_chunk < s->slots.n_chunks; chunks--)
                rc = encode_chunk(s, s->next_chunk++, e);
        if (rc == 0 && s->next_chunk < s->slots.n_chunks)
                return 0;
        if (rc == 0 && s->state_dirty)
                rc = series_put_state(s, e);
        *done = true;
        if (rc == 0)
                rc = series_submit(s, e);
        else
                wal_count_not_stored(s->pool->wal, NOT_STORED_MEMORY, s->offered);
        series_drop_scrape(s);
        pool_trim(s->pool);
        series_account(s);
        return rc;
}

/* ---- the answer ---- */

static struct series_pending *
take_pending(struct series *s, uint64_t serial)
{
        for (struct series_pending **p = &s->pending; *p != NULL; p = &(*p)->next) {
                if ((*p)->serial == serial) {
                        struct series_pending *found = *p;

                        *p = found->next;
                        return found;
                }
        }
        return NULL;
}

/* New keyframes, the markers again; a lost layout means starting from what the log has. */
static void
undo(struct series *s, const struct series_pending *p)
{
        s->generation = wal_new_id(s->pool->wal);
        s->state_dirty = true;
        if (p->has_layout || p->slots_version != s->slots_version) {
                s->reload = true;
                return;
        }
        for (size_t i = 0; i < s->slots.n_chunks; i++) {
                struct slot_chunk *c = &s->slots.chunks[i];

                if (c->keyframe != 0)
                        c->retired = c->keyframe;
                c->keyframe = 0;
        }
        for (size_t i = 0; i < p->n_markers; i++) {
                uint8_t *flags = slots_flags(&s->slots, p->markers[i]);

                if ((*flags & (SLOT_ALIVE | SLOT_SEEN)) == 0)
                        *flags |= SLOT_MARK;
        }
}

void
series_answered(struct series *s, uint64_t serial, bool stored)
{
        struct series_pending *p = take_pending(s, serial);

        if (p == NULL)
                return;
        if (!stored)
                undo(s, p);
        free(p->markers);
        free(p);
}

/* ---- the end of a target ---- */

int
series_retire_chunk(struct series *s, const struct slot_chunk *c, struct err *e)
{
        int rc = put_plain(s, BATCH_RETIRE_CHUNK, c->id, e);

        if (rc == 0 && c->keyframe != 0)
                rc = put_plain(s, BATCH_RETIRE_KEYFRAME, c->keyframe, e);
        if (rc == 0 && c->retired != 0)
                rc = put_plain(s, BATCH_RETIRE_KEYFRAME, c->retired, e);
        return rc;
}

int
series_vanish(struct series *s, int64_t time_ms, struct err *e)
{
        int rc;

        series_drop_scrape(s);
        rc = s->reload ? series_restore(s, e) : 0;
        s->scrape_generation = s->generation;
        s->tick_ms = time_ms;
        if (rc == 0)
                rc = series_batch(s, e);
        for (size_t i = 0; rc == 0 && i < s->slots.n_chunks; i++) {
                struct slot_chunk *c = &s->slots.chunks[i];

                for (unsigned k = 0; rc == 0 && k < c->slots; k++) {
                        uint32_t slot = (uint32_t)(i * CHUNK_SLOTS + k);

                        if ((c->flags[k] & (SLOT_ALIVE | SLOT_MARK)) == 0 ||
                            series_is_late(s, slot))
                                continue;
                        s->offered++;
                        rc = series_stage(s, slot, COLUMN_STALE, e);
                }
                if (rc == 0)
                        rc = encode_chunk(s, i, e);
                if (rc == 0)
                        rc = series_retire_chunk(s, c, e);
        }
        if (rc == 0)
                rc = put_plain(s, BATCH_FORGET_TARGET, s->number, e);
        if (rc == 0)
                rc = series_submit(s, e);
        if (rc == 0)
                pool_forget_target(s->pool, s->number);
        series_drop_scrape(s);
        pool_trim(s->pool);
        return rc;
}
