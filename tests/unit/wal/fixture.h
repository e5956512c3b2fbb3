/*
 * What the tests of the log share: a log in a directory of its own with a clock set by hand and a
 * commit that fails on demand; a source that fills it through the log's own interface with values
 * known in advance; and a check that reads everything back.
 *
 * A source is one target with one chunk. The value of slot s at scrape k of a source is a function
 * of the three, so a record is checked by its time alone.
 */
#ifndef TESTS_WAL_FIXTURE_H
#define TESTS_WAL_FIXTURE_H

#include "tests/testing/testing.h"

#include "base/clock.h"
#include "base/compress.h"
#include "base/file.h"
#include "wal/batch.h"
#include "wal/block.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/target_state.h"
#include "wal/wal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXTURE_ANSWERS = 1 << 16, FIXTURE_SLOTS = 40, FIXTURE_KEYFRAME_EVERY = 8 };

static const int64_t fixture_epoch_ms = 1700000000000;

struct fixture {
        char *dir;
        struct clock_manual clock;
        struct wal *w;
        uint64_t max_size;
        int64_t max_age_ms;
        /* the store seam: the commit with this number fails with this error */
        _Atomic int commits;
        _Atomic int fail_from; /* 0: none */
        _Atomic int fail_count;
        _Atomic int fail_errno;
        /* answers, in the order in which they came; by serial: -1 none, 0 not stored, 1 stored */
        pthread_mutex_t mtx;
        signed char answer[FIXTURE_ANSWERS];
        uint64_t last_serial;
        bool out_of_order;
};

static inline int
fixture_fault(void *arg)
{
        struct fixture *f = arg;
        int n = ++f->commits;

        return f->fail_from > 0 && n >= f->fail_from && n < f->fail_from + f->fail_count
            ? f->fail_errno
            : 0;
}

static inline void
fixture_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        struct fixture *f = arg;

        (void)target;
        (void)pthread_mutex_lock(&f->mtx);
        if (serial <= f->last_serial || serial >= FIXTURE_ANSWERS || f->answer[serial] != -1)
                f->out_of_order = true;
        f->last_serial = serial;
        f->answer[serial % FIXTURE_ANSWERS] = stored ? 1 : 0;
        (void)pthread_mutex_unlock(&f->mtx);
}

static inline struct wal_options
fixture_options(struct fixture *f)
{
        return (struct wal_options){
            .dir = f->dir,
            .tenant = "tenant-a",
            .max_size = f->max_size,
            .max_age_ms = f->max_age_ms,
            .sync_interval_ms = 5000,
            .clock = &f->clock.clock,
            .answer = fixture_answer,
            .answer_arg = f,
            .commit_fault = fixture_fault,
            .commit_fault_arg = f,
        };
}

static inline void
fixture_open(struct fixture *f)
{
        struct wal_options o = fixture_options(f);
        struct err e = ERR_INIT;

        f->fail_from = 0;
        f->last_serial = 0;
        memset(f->answer, -1, sizeof(f->answer));
        testing_ok(wal_open(&o, &f->w, &e), &e);
        f->commits = 0;
}

/* At every look: offered = appended + not stored + queued. */
static inline void
fixture_check_tally(struct fixture *f)
{
        struct wal_stats s;
        uint64_t sum;

        wal_stats(f->w, &s);
        sum = s.samples_appended + s.samples_queued;
        for (int i = 0; i < NOT_STORED_REASONS; i++)
                sum += s.not_stored[i];
        assert_int_equal(s.samples_offered, sum);
}

static inline void
fixture_close(struct fixture *f)
{
        fixture_check_tally(f);
        wal_close(f->w);
        f->w = NULL;
}

static inline int
fixture_setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->dir = testing_directory();
        f->max_size = (uint64_t)64 << 20;
        f->max_age_ms = (int64_t)48 * 3600 * 1000;
        clock_manual_init(&f->clock, fixture_epoch_ms);
        (void)pthread_mutex_init(&f->mtx, NULL);
        fixture_open(f);
        *state = f;
        return 0;
}

static inline int
fixture_teardown(void **state)
{
        struct fixture *f = *state;

        if (f->w != NULL)
                fixture_check_tally(f);
        wal_close(f->w);
        assert_false(f->out_of_order);
        testing_remove(f->dir);
        (void)pthread_mutex_destroy(&f->mtx);
        free(f);
        return 0;
}

/* The answer to a serial: -1 none yet. */
static inline int
fixture_answered(struct fixture *f, uint64_t serial)
{
        int a;

        (void)pthread_mutex_lock(&f->mtx);
        a = f->answer[serial];
        (void)pthread_mutex_unlock(&f->mtx);
        return a;
}

/* ---- a source ---- */

struct source {
        struct wal *w;
        uint64_t target;
        uint64_t chunk;
        uint64_t keyframe; /* 0: none yet */
        uint64_t generation; /* one more after each batch that was not stored (batch.h) */
        unsigned scrapes; /* since the keyframe */
        uint64_t column[CHUNK_SLOTS]; /* of the keyframe */
        bool has_layout;
        bool noise; /* values that do not compress */
        struct zstd_packer *z;
};

/* Slot 3 is absent now and then, slot 5 has markers; the rest counts up or is noise. */
static inline uint64_t
source_value(const struct source *s, unsigned slot, int64_t time_ms)
{
        int64_t k = (time_ms - fixture_epoch_ms) / 1000;
        struct testing_random r = {(uint64_t)k * 1000003 + slot * 7919 + s->target};
        double v = (double)(slot * 1000) + (double)k;
        uint64_t bits;

        if (slot == 3 && k % 4 == 0)
                return COLUMN_ABSENT;
        if (slot == 5 && k % 6 == 0)
                return COLUMN_STALE;
        if (s->noise) {
                bits = testing_random(&r) >> 12; /* a small positive double */
                return bits | UINT64_C(0x3ff0000000000000);
        }
        memcpy(&bits, &v, sizeof(bits));
        return bits;
}

static inline void
source_init(struct source *s, struct wal *w)
{
        *s = (struct source){.w = w};
        s->target = wal_new_id(w);
        s->chunk = wal_new_id(w);
        testing_ok(zstd_packer_new(1, &s->z, NULL), NULL);
}

static inline void
source_release(struct source *s)
{
        zstd_packer_free(s->z);
}

static inline struct wal_batch *
source_batch(struct source *s, uint64_t serial)
{
        struct wal_batch *b = NULL;

        testing_ok(wal_batch_new(s->target, serial, &b, NULL), NULL);
        b->generation = s->generation;
        return b;
}

/* A batch was not stored: what it had, and what refers to it, is made anew. */
static inline void
source_lost(struct source *s, bool had_layout)
{
        s->keyframe = 0;
        s->has_layout = had_layout;
        s->generation++;
}

static inline void
source_put_layout(struct source *s, struct wal_batch *b)
{
        struct layout_head head = {s->chunk, s->target, 0, FIXTURE_SLOTS};
        struct batch_put put = {.kind = BATCH_LAYOUT, .id = s->chunk, .chunk = s->chunk};
        struct layout_builder *builder = NULL;
        size_t from = b->bytes.len;
        struct err e = ERR_INIT;

        testing_ok(layout_builder_new(&builder, &e), &e);
        for (unsigned i = 0; i < FIXTURE_SLOTS; i++) {
                char slot[32];
                struct label labels[] = {
                    {VIEW_LIT("__name__"), VIEW_LIT("some_metric")}, {VIEW_LIT("slot"), {slot, 0}}};

                labels[1].value.n = (size_t)snprintf(slot, sizeof(slot), "%u", i);
                testing_ok(layout_builder_add(builder, labels, 2, &e), &e);
        }
        testing_ok(layout_builder_encode(builder, &head, s->z, &b->bytes, &e), &e);
        testing_ok(wal_batch_put(b, &put, from, &e), &e);
        layout_builder_free(builder);
        s->has_layout = true;
}

static inline void
source_put_keyframe(struct source *s, struct wal_batch *b, int64_t time_ms)
{
        struct batch_put retire = {.kind = BATCH_RETIRE_KEYFRAME, .id = s->keyframe};
        struct keyframe_head head = {wal_new_id(s->w), s->chunk, s->target, FIXTURE_SLOTS};
        struct batch_put put = {.kind = BATCH_KEYFRAME, .id = head.id, .chunk = s->chunk};
        size_t from = b->bytes.len;
        struct err e = ERR_INIT;

        if (s->keyframe != 0)
                testing_ok(wal_batch_put(b, &retire, from, &e), &e);
        for (unsigned i = 0; i < FIXTURE_SLOTS; i++) {
                uint64_t v = source_value(s, i, time_ms);

                s->column[i] = v == COLUMN_STALE ? COLUMN_ABSENT : v;
        }
        testing_ok(keyframe_encode(&head, s->column, s->z, &b->bytes, &e), &e);
        testing_ok(wal_batch_put(b, &put, from, &e), &e);
        s->keyframe = head.id;
        s->scrapes = 0;
}

static inline void
source_put_target(struct source *s, struct wal_batch *b, int64_t time_ms)
{
        char identity[64];
        struct target_chunk chunk = {.chunk = s->chunk, .slots = FIXTURE_SLOTS};
        struct target_state state = {.target = s->target,
            .identity = identity,
            .time_ms = time_ms,
            .interval_ms = 1000,
            .chunks = &chunk,
            .n_chunks = 1};
        struct batch_put put = {.kind = BATCH_TARGET, .id = s->target};
        size_t from = b->bytes.len;
        struct err e = ERR_INIT;

        (void)snprintf(identity, sizeof(identity), "target %llu", (unsigned long long)s->target);
        testing_ok(target_state_encode(&state, &b->bytes, &e), &e);
        testing_ok(wal_batch_put(b, &put, from, &e), &e);
}

static inline void
source_put_records(struct source *s, struct wal_batch *b, int64_t time_ms)
{
        uint64_t column[CHUNK_SLOTS];
        struct record_input in = {.keyframe = s->column,
            .keyframe_slots = FIXTURE_SLOTS,
            .column = column,
            .slots = FIXTURE_SLOTS,
            .time_ms = time_ms};
        struct err e = ERR_INIT;

        for (unsigned i = 0; i < FIXTURE_SLOTS; i++) {
                column[i] = source_value(s, i, time_ms);
                b->offered += column[i] != COLUMN_ABSENT;
        }
        while (in.slots > 0) {
                struct block_record r = {.target = s->target,
                    .chunk = s->chunk,
                    .keyframe = s->keyframe,
                    .time_ms = time_ms,
                    .first = (uint16_t)in.first};
                size_t from = b->bytes.len;
                unsigned samples = 0;
                unsigned used = 0;
                size_t extras = 0;

                testing_ok(record_encode(&in, &b->bytes, &used, &samples, &extras, &e), &e);
                r.slots = (uint16_t)used;
                r.samples = (uint16_t)samples;
                testing_ok(wal_batch_record(b, &r, from, &e), &e);
                in.first += used;
                in.slots -= used;
        }
        s->scrapes++;
}

/* One scrape, with everything that it needs. */
static inline struct wal_batch *
source_scrape(struct source *s, uint64_t serial, int64_t time_ms)
{
        struct wal_batch *b = source_batch(s, serial);

        if (!s->has_layout) {
                source_put_layout(s, b);
                source_put_target(s, b, time_ms);
        }
        if (s->keyframe == 0 || s->scrapes == FIXTURE_KEYFRAME_EVERY)
                source_put_keyframe(s, b, time_ms);
        source_put_records(s, b, time_ms);
        return b;
}

static inline void
fixture_submit(struct fixture *f, struct wal_batch *b)
{
        struct err e = ERR_INIT;

        testing_ok(wal_submit(f->w, &b, &e), &e);
        assert_null(b);
}

/* Scrapes a second apart, numbered from *serial on, each in a commit of its own when `flush`. */
static inline void
fixture_run(struct fixture *f, struct source *s, uint64_t *serial, unsigned scrapes, bool flush)
{
        for (unsigned i = 0; i < scrapes; i++) {
                fixture_submit(f, source_scrape(s, *serial, clock_wall(&f->clock.clock)));
                clock_manual_advance(&f->clock, 1000);
                ++*serial;
                if (flush)
                        wal_flush(f->w);
        }
}

/* ---- reading back ---- */

struct readback {
        struct wal *w;
        const struct source *sources; /* to check values by; by target number */
        size_t n_sources;
        uint64_t records;
        uint64_t samples;
        uint64_t undecodable;
        uint64_t markers;
        int64_t last_ms;
        bool disordered;
        uint64_t next_samples_before;
        unsigned barriers;
        int64_t times[1 << 14]; /* of each record of the first source, in order */
        size_t n_times;
};

static inline const struct source *
readback_source(const struct readback *r, uint64_t target)
{
        for (size_t i = 0; i < r->n_sources; i++) {
                if (r->sources[i].target == target)
                        return &r->sources[i];
        }
        return NULL;
}

static inline void
readback_record(struct readback *r, const struct block_record *x, struct view payload)
{
        const struct source *s = readback_source(r, x->target);
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct record_decode_input in = {.bytes = {payload.p + x->offset, x->length},
            .keyframe = keyframe,
            .first = x->first,
            .slots = x->slots,
            .time_ms = x->time_ms};
        unsigned samples = 0;

        r->records++;
        if (x->time_ms < r->last_ms)
                r->disordered = true;
        r->last_ms = x->time_ms;
        if (wal_read_keyframe(r->w, x->keyframe, keyframe, &in.keyframe_slots, NULL) < 0 ||
            record_decode(&in, column, NULL) < 0) {
                r->undecodable++;
                return;
        }
        assert_non_null(s);
        for (unsigned i = x->first; i < (unsigned)x->first + x->slots; i++) {
                if (column[i] != source_value(s, i, x->time_ms))
                        fail_msg("target %d, slot %u at %lld: another value", (int)x->target, i,
                            (long long)x->time_ms);
                samples += column[i] != COLUMN_ABSENT;
                r->markers += column[i] == COLUMN_STALE;
        }
        assert_int_equal(samples, x->samples);
        r->samples += samples;
        if (x->first == 0 && x->target == r->sources[0].target)
                r->times[r->n_times++] = x->time_ms;
}

static inline int
readback_block(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        struct readback *r = arg;
        struct block_record *v = calloc(BLOCK_MAX_RECORDS, sizeof(*v));
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD + 1);
        struct zstd_unpacker *z = NULL;
        uint64_t before = r->samples;

        assert_non_null(v);
        testing_ok(zstd_unpacker_new(&z, e), e);
        assert_true(head->samples_before >= r->next_samples_before);
        r->next_samples_before = head->samples_before + head->samples;
        r->barriers += head->barrier;
        testing_ok(block_read_directory(bytes, v, BLOCK_MAX_RECORDS, e), e);
        testing_ok(block_read_payload(bytes, z, &payload, e), e);
        for (unsigned i = 0; i < head->records; i++)
                readback_record(r, &v[i], buf_view(&payload));
        if (r->undecodable == 0)
                assert_int_equal(r->samples - before, head->samples);
        zstd_unpacker_free(z);
        buf_release(&payload);
        free(v);
        return 0;
}

/* Reads all that the log holds from block `from` on and checks every value. */
static inline void
fixture_read(
    struct fixture *f, const struct source *sources, size_t n, uint64_t from, struct readback *out)
{
        struct err e = ERR_INIT;

        memset(out, 0, sizeof(*out));
        out->w = f->w;
        out->sources = sources;
        out->n_sources = n;
        testing_ok(wal_scan(f->w, from, readback_block, out, &e), &e);
}

/* Flips a bit in the body of the n-th stored value of this kind; the log is closed. */
static inline void
fixture_damage(struct fixture *f, enum envelope_kind kind, int n)
{
        const char magic[4] = {'g', 'l', 'e', (char)kind};
        struct buf file = BUF_INIT((size_t)256 << 20);
        char path[600];
        bool found = false;

        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        testing_ok(file_read(path, &file, NULL), NULL);
        for (size_t i = 0; i + sizeof(magic) < file.len && !found; i++) {
                if (memcmp(file.ptr + i, magic, sizeof(magic)) == 0 && n-- == 0) {
                        file.ptr[i + ENVELOPE_BYTES + 3] ^= 0x20;
                        found = true;
                }
        }
        assert_true(found);
        testing_write(path, file.ptr, file.len);
        buf_release(&file);
}

/* ---- endpoints ---- */

static inline struct wal_endpoint *
fixture_endpoint(struct fixture *f, const char *name)
{
        struct wal_endpoint *ep = NULL;
        struct err e = ERR_INIT;

        testing_ok(wal_endpoint_open(f->w, name, WAL_START_OLDEST, &ep, &e), &e);
        return ep;
}

static inline struct wal_cursor
fixture_cursor(struct fixture *f, struct wal_endpoint *ep)
{
        struct wal_cursor c;
        uint64_t sum;

        wal_endpoint_get(f->w, ep, &c);
        sum = c.ledger.acknowledged + c.ledger.unconfirmed + c.ledger.filtered;
        for (int i = 0; i < LOST_REASONS; i++)
                sum += c.ledger.lost[i];
        assert_int_equal(c.appended, sum + c.pending);
        return c;
}

/* Settles everything up to the log's end as acknowledged, in one window. */
static inline void
fixture_settle_all(struct fixture *f, struct wal_endpoint *ep)
{
        struct wal_ledger counts = {0};
        struct wal_stats s;

        wal_stats(f->w, &s);
        wal_window_begin(f->w, ep, s.next_block);
        counts.acknowledged = fixture_cursor(f, ep).pending;
        wal_window_settle(f->w, ep, 1, &counts);
        wal_window_end(f->w, ep);
}

#endif
