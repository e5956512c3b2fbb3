/*
 * Writes a backlog into a log through the log's own interface, with a clock of its own: hours of
 * scrapes in a second or two. For tests/e2e/test_backlog.py, which knows the values by heart.
 *
 *   wal_backlog --data-dir D --tenant T --targets 30 --series 50 --hours 6 --interval 60 [--move]
 *
 * Each target is a chunk. Ticks are the last `hours` before now, aligned to `interval` seconds.
 * Series: backlog{instance="target-<t>", job="backlog", series="<s>"}; its value at tick number k:
 *   s mod 3 = 0: k       s mod 3 = 1: s + k / 4       s mod 3 = 2: ((7919 k + s) mod 1000) / 8
 * --move: half-way all series of every target move to a new chunk behind one barrier, as a
 * compaction moves them.
 */
#include "agent/options.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/wal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYFRAME_EVERY = 24, MAX_TARGETS = 1000 };

struct target_under_way {
        uint64_t number;
        uint64_t chunk;
        uint64_t keyframe;
        uint64_t values[CHUNK_SLOTS]; /* of the keyframe */
};

struct backlog {
        struct wal *wal;
        struct clock_manual clock;
        struct zstd_packer *packer;
        struct target_under_way *targets; /* owned */
        unsigned n_targets;
        unsigned series; /* of each target */
        int64_t interval_ms;
        int64_t ticks;
        bool move;
        _Atomic uint64_t refused; /* batches answered "not stored" */
};

static void
take_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        struct backlog *b = arg;

        (void)target;
        (void)serial;
        if (!stored)
                atomic_fetch_add(&b->refused, 1);
}

static uint64_t
value_bits(unsigned series, int64_t tick)
{
        double value;
        uint64_t bits;

        if (series % 3 == 0)
                value = (double)tick;
        else if (series % 3 == 1)
                value = series + (double)tick / 4;
        else
                value = (double)((7919 * tick + series) % 1000) / 8;
        memcpy(&bits, &value, sizeof(bits));
        return bits;
}

static int
put_layout(struct backlog *b, const struct target_under_way *t, unsigned index,
    struct wal_batch *batch, struct err *e)
{
        struct layout_builder *builder = NULL;
        struct layout_head head = {.chunk = t->chunk, .target = t->number, .slots = b->series};
        struct batch_put put = {.kind = BATCH_LAYOUT, .id = t->chunk, .chunk = t->chunk};
        size_t from = batch->bytes.len;
        char instance[32];
        char series[32];
        int rc = layout_builder_new(&builder, e);

        (void)snprintf(instance, sizeof(instance), "target-%u", index);
        for (unsigned s = 0; rc == 0 && s < b->series; s++) {
                struct label labels[] = {
                    {VIEW_LIT("__name__"), VIEW_LIT("backlog")},
                    {VIEW_LIT("instance"), view_of(instance)},
                    {VIEW_LIT("job"), VIEW_LIT("backlog")},
                    {VIEW_LIT("series"), {series, 0}},
                };

                (void)snprintf(series, sizeof(series), "%u", s);
                labels[3].value = view_of(series);
                rc = layout_builder_add(builder, labels, 4, e);
        }
        if (rc == 0)
                rc = layout_builder_encode(builder, &head, b->packer, &batch->bytes, e);
        if (rc == 0)
                rc = wal_batch_put(batch, &put, from, e);
        layout_builder_free(builder);
        return rc;
}

static int
put_plain(struct wal_batch *batch, enum batch_put_kind kind, uint64_t id, struct err *e)
{
        struct batch_put put = {.kind = kind, .id = id};

        return id == 0 ? 0 : wal_batch_put(batch, &put, batch->bytes.len, e);
}

/* The values at this tick become what the records from here on refer to. */
static int
put_keyframe(struct backlog *b, struct target_under_way *t, struct wal_batch *batch, struct err *e)
{
        struct keyframe_head head = {
            .id = wal_new_id(b->wal),
            .chunk = t->chunk,
            .target = t->number,
            .slots = b->series,
        };
        struct batch_put put = {.kind = BATCH_KEYFRAME, .id = head.id, .chunk = t->chunk};
        size_t from;
        int rc = put_plain(batch, BATCH_RETIRE_KEYFRAME, t->keyframe, e);

        from = batch->bytes.len;
        if (rc == 0)
                rc = keyframe_encode(&head, t->values, b->packer, &batch->bytes, e);
        if (rc == 0)
                rc = wal_batch_put(batch, &put, from, e);
        t->keyframe = head.id;
        return rc;
}

static int
put_records(const struct backlog *b, const struct target_under_way *t, const uint64_t *column,
    struct wal_batch *batch, struct err *e)
{
        int64_t now = clock_wall(&b->clock.clock);
        unsigned first = 0;

        while (first < b->series) {
                struct record_input in = {
                    .keyframe = t->values,
                    .keyframe_slots = b->series,
                    .column = column,
                    .first = first,
                    .slots = b->series - first,
                    .time_ms = now,
                };
                struct block_record record = {
                    .target = t->number,
                    .chunk = t->chunk,
                    .keyframe = t->keyframe,
                    .time_ms = now,
                    .first = (uint16_t)first,
                };
                size_t from = batch->bytes.len;
                unsigned used;
                unsigned samples;
                size_t extras;
                int rc = record_encode(&in, &batch->bytes, &used, &samples, &extras, e);

                record.slots = (uint16_t)used;
                record.samples = (uint16_t)samples;
                if (rc == 0)
                        rc = wal_batch_record(batch, &record, from, e);
                if (rc < 0)
                        return rc;
                first += used;
        }
        return 0;
}

static int
write_scrape(struct backlog *b, unsigned index, int64_t tick, struct err *e)
{
        struct target_under_way *t = &b->targets[index];
        bool moves = b->move && tick == b->ticks / 2;
        bool first = tick == 0 || moves;
        uint64_t column[CHUNK_SLOTS];
        struct wal_batch *batch = NULL;
        int rc = wal_batch_new(t->number, (uint64_t)tick + 1, &batch, e);

        if (rc < 0)
                return rc;
        batch->barrier = moves && index == 0; /* barriers are global: one for all targets */
        for (unsigned s = 0; s < b->series; s++)
                column[s] = value_bits(s, tick);
        batch->offered = b->series;
        if (first) {
                rc = put_plain(batch, BATCH_RETIRE_CHUNK, t->chunk, e);
                t->chunk = wal_new_id(b->wal);
                if (rc == 0)
                        rc = put_layout(b, t, index, batch, e);
        }
        if (rc == 0 && (first || tick % KEYFRAME_EVERY == index % KEYFRAME_EVERY)) {
                memcpy(t->values, column, sizeof(t->values[0]) * b->series);
                rc = put_keyframe(b, t, batch, e);
        }
        if (rc == 0)
                rc = put_records(b, t, column, batch, e);
        if (rc == 0)
                rc = wal_submit(b->wal, &batch, e);
        wal_batch_free(batch);
        return rc;
}

static int
write_all(struct backlog *b, struct err *e)
{
        for (unsigned i = 0; i < b->n_targets; i++)
                b->targets[i].number = wal_new_id(b->wal);
        for (int64_t tick = 0; tick < b->ticks; tick++) {
                clock_manual_advance(&b->clock, tick > 0 ? b->interval_ms : 0);
                for (unsigned i = 0; i < b->n_targets; i++) {
                        int rc = write_scrape(b, i, tick, e);

                        if (rc < 0)
                                return rc;
                }
                if (tick % 16 == 15)
                        wal_flush(b->wal);
        }
        wal_flush(b->wal);
        return 0;
}

static int
run(struct backlog *b, const char *dir, const char *tenant, struct err *e)
{
        struct wal_options options = {
            .dir = dir,
            .tenant = tenant,
            .max_size = UINT64_C(1) << 30,
            .max_age_ms = INT64_C(48) * 3600 * 1000,
            .sync_interval_ms = 5000,
            .clock = &b->clock.clock,
            .answer = take_answer,
            .answer_arg = b,
        };
        int64_t now_ms = (int64_t)time(NULL) * 1000;
        int64_t first_ms = (now_ms / b->interval_ms - b->ticks) * b->interval_ms;
        int rc;

        clock_manual_init(&b->clock, first_ms);
        rc = zstd_packer_new(3, &b->packer, e);
        if (rc == 0)
                rc = wal_open(&options, &b->wal, e);
        if (rc == 0)
                rc = write_all(b, e);
        wal_close(b->wal);
        zstd_packer_free(b->packer);
        if (rc == 0 && atomic_load(&b->refused) > 0)
                rc = err_set(
                    e, ERR_SYS, "%" PRIu64 " batches were not stored", atomic_load(&b->refused));
        return rc;
}

/* 1 to max, else 0. */
static unsigned
number(const char *text, unsigned max)
{
        char *end = NULL;
        unsigned long n = text == NULL ? 0 : strtoul(text, &end, 10);

        return end == NULL || *end != '\0' || n > max ? 0 : (unsigned)n;
}

int
main(int argc, char **argv)
{
        const char *data_dir = NULL;
        const char *tenant = NULL;
        const char *targets = NULL;
        const char *series = NULL;
        const char *hours = NULL;
        const char *interval = NULL;
        struct backlog b = {0};
        struct err e = ERR_INIT;
        char dir[PATH_MAX];
        unsigned n_hours;
        const struct option_row rows[] = {
            {"data-dir", &data_dir, NULL, "DIR", "the log is DIR/TENANT"},
            {"tenant", &tenant, NULL, "NAME", ""},
            {"targets", &targets, NULL, "N", "chunks"},
            {"series", &series, NULL, "N", "of each target, up to 1,024"},
            {"hours", &hours, NULL, "N", "of sample time"},
            {"interval", &interval, NULL, "SECONDS", "between two samples"},
            {"move", NULL, &b.move, NULL, "half-way all series move to new chunks"},
        };
        int rc = options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]), &e);

        log_setup(LOG_WARN, LOG_FORMAT_LOGFMT, tenant);
        n_hours = number(hours, 1000);
        b.n_targets = number(targets, MAX_TARGETS);
        b.series = number(series, CHUNK_SLOTS);
        b.interval_ms = INT64_C(1000) * number(interval, 3600);
        if (rc < 0 || data_dir == NULL || tenant == NULL || n_hours == 0 || b.n_targets == 0 ||
            b.series == 0 || b.interval_ms == 0) {
                (void)fprintf(stderr, "wal_backlog: %s\n", rc < 0 ? e.msg : "bad arguments");
                return 2;
        }
        b.ticks = INT64_C(3600) * 1000 * n_hours / b.interval_ms;
        b.targets = calloc(b.n_targets, sizeof(*b.targets));
        (void)snprintf(dir, sizeof(dir), "%s/%s", data_dir, tenant);
        rc = b.targets == NULL ? err_nomem(&e, "targets") : run(&b, dir, tenant, &e);
        free(b.targets);
        if (rc < 0)
                (void)fprintf(stderr, "wal_backlog: %s\n", e.msg);
        return rc < 0 ? 1 : 0;
}
