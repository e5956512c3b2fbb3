/*
 * A log in memory behind the functions of wal.h that the sender calls, for the tests of what stands
 * between the log and a request: blocks, keyframes and layouts are real bytes, and can be damaged
 * or taken away. Included by one test program at a time.
 */
#ifndef FAKE_WAL_H
#define FAKE_WAL_H

#include "base/compress.h"
#include "tests/testing/testing.h"
#include "wal/block.h"
#include "wal/column.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/wal.h"

#include <stdlib.h>
#include <string.h>

enum { FAKE_BLOCK = 4080, FAKE_BLOCKS = 4096, FAKE_KEYFRAMES = 512, FAKE_PARTS = 512 };

struct fake_block {
        struct buf bytes;
        uint32_t samples;
        bool gone; /* trimmed */
        bool damaged; /* cannot be read as a whole */
};

struct fake_keyframe {
        uint64_t id;
        unsigned slots;
        uint64_t column[CHUNK_SLOTS];
        bool damaged;
};

struct fake_part {
        uint64_t chunk;
        struct buf bytes;
        bool damaged;
};

struct wal {
        struct fake_block blocks[FAKE_BLOCKS]; /* number i + 1 */
        size_t n_blocks;
        struct fake_keyframe *keyframes[FAKE_KEYFRAMES];
        size_t n_keyframes;
        struct fake_part parts[FAKE_PARTS];
        size_t n_parts;
        uint64_t samples;
        struct block_builder *builder;
        bool barrier; /* before the next block */
        struct zstd_packer *packer;
        struct zstd_unpacker *unpacker;
        unsigned block_reads;
        struct wal_cursor cursor;
        uint64_t window_samples; /* of the window under way, not settled */
};

static inline struct wal *
fake_wal_new(void)
{
        struct wal *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        testing_ok(block_builder_new(FAKE_BLOCK, &w->builder, NULL), NULL);
        testing_ok(zstd_packer_new(3, &w->packer, NULL), NULL);
        testing_ok(zstd_unpacker_new(&w->unpacker, NULL), NULL);
        w->cursor.settled = 1;
        return w;
}

static inline void
fake_wal_free(struct wal *w)
{
        for (size_t i = 0; i < w->n_blocks; i++)
                buf_release(&w->blocks[i].bytes);
        for (size_t i = 0; i < w->n_keyframes; i++)
                free(w->keyframes[i]);
        for (size_t i = 0; i < w->n_parts; i++)
                buf_release(&w->parts[i].bytes);
        block_builder_free(w->builder);
        zstd_packer_free(w->packer);
        zstd_unpacker_free(w->unpacker);
        free(w);
}

/* ---- writing ---- */

static inline void
fake_block_end(struct wal *w)
{
        struct fake_block *b = &w->blocks[w->n_blocks];
        struct block_head head = {0};

        if (block_builder_empty(w->builder))
                return;
        assert_true(w->n_blocks < FAKE_BLOCKS);
        b->samples = block_builder_samples(w->builder);
        head.seq = ++w->n_blocks;
        head.samples_before = w->samples;
        head.barrier = w->barrier;
        w->barrier = false;
        w->samples += b->samples;
        w->cursor.appended = w->samples;
        b->bytes = (struct buf)BUF_INIT(FAKE_BLOCK);
        testing_ok(buf_reserve(&b->bytes, FAKE_BLOCK, NULL), NULL);
        block_builder_finish(w->builder, &head, (uint8_t *)b->bytes.ptr);
        b->bytes.len = FAKE_BLOCK;
}

static inline void
fake_barrier(struct wal *w)
{
        fake_block_end(w);
        w->barrier = true;
}

static inline struct fake_keyframe *
fake_keyframe_find(struct wal *w, uint64_t id)
{
        for (size_t i = 0; i < w->n_keyframes; i++) {
                if (w->keyframes[i]->id == id)
                        return w->keyframes[i];
        }
        return NULL;
}

static inline void
fake_keyframe(struct wal *w, uint64_t id, const uint64_t *column, unsigned slots)
{
        struct fake_keyframe *k = calloc(1, sizeof(*k));

        assert_non_null(k);
        assert_true(w->n_keyframes < FAKE_KEYFRAMES);
        k->id = id;
        k->slots = slots;
        memcpy(k->column, column, slots * sizeof(*column));
        w->keyframes[w->n_keyframes++] = k;
}

/* One scrape of a chunk, as one record or as many as it takes. */
struct fake_scrape {
        uint64_t chunk;
        uint64_t keyframe; /* 0: none */
        int64_t time_ms;
        const uint64_t *column;
        unsigned slots;
        const struct record_extra *extras;
        size_t n_extras;
};

static inline void
fake_scrape(struct wal *w, const struct fake_scrape *s)
{
        struct fake_keyframe *k = s->keyframe != 0 ? fake_keyframe_find(w, s->keyframe) : NULL;
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        unsigned first = 0;
        size_t extra = 0;

        while (first < s->slots) {
                const struct record_input in = {
                    .keyframe = k != NULL ? k->column : NULL,
                    .keyframe_slots = k != NULL ? k->slots : 0,
                    .column = s->column,
                    .first = first,
                    .slots = s->slots - first,
                    .time_ms = s->time_ms,
                    .extras = s->extras + extra,
                    .n_extras = s->n_extras - extra,
                };
                struct block_record r = {.target = 1,
                    .chunk = s->chunk,
                    .keyframe = s->keyframe,
                    .time_ms = s->time_ms,
                    .first = (uint16_t)first};
                unsigned used = 0;
                unsigned samples = 0;
                size_t extras = 0;
                int rc;

                buf_reset(&bytes);
                testing_ok(record_encode(&in, &bytes, &used, &samples, &extras, NULL), NULL);
                r.slots = (uint16_t)used;
                r.samples = (uint16_t)samples;
                r.length = (uint32_t)bytes.len;
                rc = block_builder_add(w->builder, &r, buf_view(&bytes), w->packer, NULL);
                if (rc == ERR_LIMIT) {
                        fake_block_end(w);
                        rc = block_builder_add(w->builder, &r, buf_view(&bytes), w->packer, NULL);
                }
                testing_ok(rc, NULL);
                first += used;
                extra += extras;
        }
        buf_release(&bytes);
}

/* A layout part: one label set per slot, sorted. */
static inline void
fake_layout(struct wal *w, uint64_t chunk, unsigned first, const struct labels *sets, unsigned n)
{
        struct fake_part *p = &w->parts[w->n_parts++];
        const struct layout_head head = {.chunk = chunk, .target = 1, .first = first, .slots = n};
        struct layout_builder *b = NULL;

        assert_true(w->n_parts < FAKE_PARTS);
        testing_ok(layout_builder_new(&b, NULL), NULL);
        for (unsigned i = 0; i < n; i++)
                testing_ok(layout_builder_add(b, sets[i].v, sets[i].n, NULL), NULL);
        p->chunk = chunk;
        p->bytes = (struct buf)BUF_INIT(LAYOUT_MAX_BYTES);
        testing_ok(layout_builder_encode(b, &head, w->packer, &p->bytes, NULL), NULL);
        layout_builder_free(b);
}

/* ---- what the sender calls ---- */

int
wal_scan(struct wal *w, uint64_t from, wal_block_sink sink, void *arg, struct err *e)
{
        for (uint64_t seq = from > 0 ? from : 1; seq <= w->n_blocks; seq++) {
                struct fake_block *b = &w->blocks[seq - 1];
                struct block_head head;
                int rc;

                if (b->gone || b->damaged)
                        continue;
                testing_ok(block_read_head(buf_view(&b->bytes), true, &head, e), e);
                rc = sink(arg, &head, buf_view(&b->bytes), e);
                if (rc != 0)
                        return rc < 0 ? rc : 0;
        }
        return 0;
}

int
wal_read_block(struct wal *w, uint64_t seq, struct buf *out, struct err *e)
{
        struct fake_block *b = seq >= 1 && seq <= w->n_blocks ? &w->blocks[seq - 1] : NULL;

        w->block_reads++;
        if (b == NULL || b->gone)
                return err_set(e, ERR_NOTFOUND, "block %u is gone", (unsigned)seq);
        if (b->damaged)
                return err_set(e, ERR_CORRUPT, "block %u is damaged", (unsigned)seq);
        return buf_append(out, b->bytes.ptr, b->bytes.len, e);
}

int
wal_read_keyframe(
    struct wal *w, uint64_t keyframe, uint64_t *column, unsigned *out_slots, struct err *e)
{
        struct fake_keyframe *k = fake_keyframe_find(w, keyframe);

        if (k == NULL)
                return err_set(e, ERR_NOTFOUND, "no keyframe %u", (unsigned)keyframe);
        if (k->damaged)
                return err_set(e, ERR_CORRUPT, "keyframe %u is damaged", (unsigned)keyframe);
        memcpy(column, k->column, k->slots * sizeof(*column));
        *out_slots = k->slots;
        return 0;
}

int
wal_read_layout(struct wal *w, uint64_t chunk, wal_layout_sink sink, void *arg, struct err *e)
{
        unsigned found = 0;

        for (size_t i = 0; i < w->n_parts; i++) {
                struct layout_part *part = NULL;
                int rc;

                if (w->parts[i].chunk != chunk)
                        continue;
                if (w->parts[i].damaged)
                        return err_set(e, ERR_CORRUPT, "a layout is damaged");
                rc = layout_part_decode(buf_view(&w->parts[i].bytes), w->unpacker, &part, e);
                if (rc == 0)
                        rc = sink(arg, part, e);
                if (rc < 0)
                        return rc;
                found++;
        }
        return found > 0 ? 0 : err_set(e, ERR_NOTFOUND, "no layout of chunk %u", (unsigned)chunk);
}

void
wal_give_back(struct wal *w)
{
        (void)w;
}

void
wal_window_settle(
    struct wal *w, struct wal_endpoint *ep, uint64_t groups, const struct wal_ledger *counts)
{
        (void)ep;
        w->cursor.groups_settled += groups;
        w->cursor.ledger.acknowledged += counts->acknowledged;
        w->cursor.ledger.unconfirmed += counts->unconfirmed;
        w->cursor.ledger.filtered += counts->filtered;
        for (int i = 0; i < LOST_REASONS; i++)
                w->cursor.ledger.lost[i] += counts->lost[i];
}

#endif
