/*
 * What the tests of the sender share: a real log in a directory of its own, a receiver inside the
 * program that keeps what it takes and answers as a script says, and endpoints that send from one
 * to the other.
 *
 * One source fills the log: a chunk whose series are numbered; series i has the value
 * i * 1000 + scrape at each scrape. So a sample that arrives can be checked by itself.
 */
#ifndef SENDER_WORLD_H
#define SENDER_WORLD_H

#include "base/clock.h"
#include "base/compress.h"
#include "remotewrite/decode.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/sender.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "wal/column.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/wal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORLD_SERIES = 1000, WORLD_SCRAPES = 400, WORLD_WAIT_MS = 60000 };

struct world;

/* Decides on one request: the status; 2xx takes it. body: decompressed. */
typedef int (*world_script)(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply);

/* The machine's clock, moved; synchronised, whatever the machine's kernel says of it. */
struct world_clock {
        struct clock clock; /* first, so that it converts back */
        _Atomic int64_t wall_by;
        _Atomic int64_t mono_by;
        _Atomic bool synchronised;
};

struct world {
        char *dir;
        struct wal *wal;
        struct world_clock time;
        const struct clock *clock; /* the senders': time */
        struct remote_config *config;
        struct senders *senders;
        struct testing_server *server;

        pthread_mutex_t mtx;
        world_script script; /* under mtx, as what follows; NULL: takes everything */
        unsigned requests;
        unsigned taken; /* requests */
        unsigned char got[WORLD_SERIES][WORLD_SCRAPES]; /* how often each sample arrived */
        uint64_t samples; /* that arrived */
        int64_t newest_ms; /* of the samples that arrived */
        size_t largest; /* body */
        unsigned faults; /* series that are wrong in themselves */
        int mark; /* for scripts */
        bool
            only_1; /* 2.0 requests are answered as the script says, and nothing is taken of them */
        unsigned requests_2; /* of 2.0 with samples */
        char written_header[96];

        uint64_t chunk;
        uint64_t keyframe;
        unsigned series; /* in the layout so far */
        unsigned scrapes; /* written */
        int64_t start_ms; /* time of scrape 0 */
        int64_t step_ms;
        uint64_t written; /* samples */
};

static inline int64_t
world_wall(const struct clock *c)
{
        return clock_wall(clock_system()) + ((const struct world_clock *)c)->wall_by;
}

static inline int64_t
world_mono(const struct clock *c)
{
        return clock_mono(clock_system()) + ((const struct world_clock *)c)->mono_by;
}

static inline bool
world_synchronised(const struct clock *c)
{
        return ((const struct world_clock *)c)->synchronised;
}

static inline int64_t
world_time(const struct world *w, unsigned scrape)
{
        return w->start_ms + (int64_t)scrape * w->step_ms;
}

/* ---- the receiver ---- */

static inline enum write_message
world_message(const struct testing_request *r)
{
        char type[128];

        (void)testing_header(r, "Content-Type", type, sizeof(type));
        return strstr(type, "write.v2") != NULL ? WRITE_2 : WRITE_1;
}

static inline int
world_take(void *arg, const struct decode_series *s, struct err *e)
{
        struct world *w = arg;

        (void)e;
        if (s->fault != NULL) {
                w->faults++;
                return 0;
        }
        for (size_t i = 0; i < s->n_samples; i++) {
                double value;
                unsigned series;
                unsigned scrape;

                memcpy(&value, &s->samples[i].bits, sizeof(value));
                series = (unsigned)value / 1000;
                scrape = (unsigned)value % 1000;
                if (series >= WORLD_SERIES || scrape >= WORLD_SCRAPES ||
                    s->samples[i].time_ms != world_time(w, scrape)) {
                        w->faults++;
                        continue;
                }
                w->got[series][scrape]++;
                w->samples++;
                if (s->samples[i].time_ms > w->newest_ms)
                        w->newest_ms = s->samples[i].time_ms;
        }
        return 0;
}

static inline void
world_handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct world *w = arg;
        struct buf raw = BUF_INIT(64 << 20);
        int status = 200;

        (void)pthread_mutex_lock(&w->mtx);
        w->requests++;
        w->largest = r->body.n > w->largest ? r->body.n : w->largest;
        if (snappy_unpack(r->body, &raw, NULL) < 0)
                w->faults++;
        if (w->script != NULL)
                status = w->script(w, r, buf_view(&raw), reply);
        w->requests_2 += world_message(r) == WRITE_2 && r->body.n > 4;
        if (status / 100 == 2 && (world_message(r) == WRITE_1 || !w->only_1)) {
                uint64_t before = w->samples;

                w->taken++;
                if (decode_request(r->body, world_message(r), world_take, w, NULL) < 0)
                        w->faults++;
                (void)snprintf(w->written_header, sizeof(w->written_header),
                    "X-Prometheus-Remote-Write-Samples-Written: %llu\r\n",
                    (unsigned long long)(w->samples - before));
                if (reply->headers == NULL && world_message(r) == WRITE_2)
                        reply->headers = w->written_header;
        }
        (void)pthread_mutex_unlock(&w->mtx);
        reply->status = status;
        buf_release(&raw);
}

static inline void
world_set_script(struct world *w, world_script script)
{
        (void)pthread_mutex_lock(&w->mtx);
        w->script = script;
        (void)pthread_mutex_unlock(&w->mtx);
}

static inline unsigned
world_requests(struct world *w)
{
        unsigned n;

        (void)pthread_mutex_lock(&w->mtx);
        n = w->requests;
        (void)pthread_mutex_unlock(&w->mtx);
        return n;
}

/* ---- the log ---- */

static inline void
world_open_wal(struct world *w)
{
        const struct wal_options o = {
            .dir = w->dir,
            .tenant = "tenant-a",
            .max_size = (uint64_t)64 << 20,
            .max_age_ms = (int64_t)48 * 3600 * 1000,
            .sync_interval_ms = 50,
            .clock = clock_system(),
        };
        struct err e = ERR_INIT;

        testing_ok(wal_open(&o, &w->wal, &e), &e);
}

static inline void
world_put_layout(struct world *w, struct wal_batch *b, unsigned slots, struct zstd_packer *z)
{
        const struct layout_head head = {.chunk = w->chunk, .target = 1, .slots = slots};
        struct layout_builder *l = NULL;
        size_t from = b->bytes.len;
        char number[16];

        testing_ok(layout_builder_new(&l, NULL), NULL);
        for (unsigned i = 0; i < slots; i++) {
                const struct label labels[] = {{VIEW_LIT("__name__"), VIEW_LIT("m")},
                    {VIEW_LIT("i"), {number, (size_t)snprintf(number, sizeof(number), "%u", i)}},
                    {VIEW_LIT("job"), VIEW_LIT("test")}};

                testing_ok(layout_builder_add(l, labels, 3, NULL), NULL);
        }
        testing_ok(layout_builder_encode(l, &head, z, &b->bytes, NULL), NULL);
        testing_ok(
            wal_batch_put(b, &(struct batch_put){.kind = BATCH_LAYOUT, .id = w->chunk}, from, NULL),
            NULL);
        layout_builder_free(l);
        w->series = slots;
}

static inline void
world_put_records(struct world *w, struct wal_batch *b, const uint64_t *key, unsigned slots)
{
        uint64_t column[WORLD_SERIES];
        unsigned first = 0;

        for (unsigned i = 0; i < slots; i++) {
                double value = (double)(i * 1000 + w->scrapes);

                memcpy(&column[i], &value, sizeof(value));
        }
        while (first < slots) {
                const struct record_input in = {.keyframe = key,
                    .keyframe_slots = slots,
                    .column = column,
                    .first = first,
                    .slots = slots - first,
                    .time_ms = world_time(w, w->scrapes)};
                struct block_record r = {.target = 1,
                    .chunk = w->chunk,
                    .keyframe = w->keyframe,
                    .time_ms = in.time_ms,
                    .first = (uint16_t)first};
                size_t from = b->bytes.len;
                unsigned used = 0;
                unsigned samples = 0;
                size_t extras = 0;

                testing_ok(record_encode(&in, &b->bytes, &used, &samples, &extras, NULL), NULL);
                r.slots = (uint16_t)used;
                r.samples = (uint16_t)samples;
                testing_ok(wal_batch_record(b, &r, from, NULL), NULL);
                first += used;
        }
}

/* The next scrape, of so many series (the same number each time), stored when this returns. */
static inline void
world_scrape(struct world *w, unsigned slots)
{
        static uint64_t key[WORLD_SERIES];
        struct wal_batch *b = NULL;
        struct zstd_packer *z = NULL;
        struct err e = ERR_INIT;

        assert_true(w->scrapes < WORLD_SCRAPES && slots <= WORLD_SERIES);
        assert_true(w->series == 0 || w->series == slots);
        testing_ok(wal_batch_new(1, w->scrapes + 1, &b, &e), &e);
        testing_ok(zstd_packer_new(3, &z, &e), &e);
        if (w->series == 0) {
                struct keyframe_head head = {.target = 1, .slots = slots};
                size_t from;

                for (unsigned i = 0; i < slots; i++) {
                        double value = (double)(i * 1000);

                        memcpy(&key[i], &value, sizeof(value));
                }
                w->chunk = wal_new_id(w->wal);
                w->keyframe = wal_new_id(w->wal);
                world_put_layout(w, b, slots, z);
                from = b->bytes.len;
                head.id = w->keyframe;
                head.chunk = w->chunk;
                testing_ok(keyframe_encode(&head, key, z, &b->bytes, &e), &e);
                testing_ok(wal_batch_put(b,
                               &(struct batch_put){
                                   .kind = BATCH_KEYFRAME, .id = w->keyframe, .chunk = w->chunk},
                               from, &e),
                    &e);
        }
        world_put_records(w, b, key, slots);
        w->written += b->samples;
        w->scrapes++;
        testing_ok(wal_submit(w->wal, &b, &e), &e);
        wal_flush(w->wal);
        zstd_packer_free(z);
}

/* ---- endpoints ---- */

/* A configuration with one endpoint for each name (NULL ends), all to the one receiver. */
static inline struct remote_config *
world_config(struct world *w, const char *const *names)
{
        struct remote_config *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(remote_config_new(&c, &e), &e);
        c->endpoints = arena_calloc(&c->arena, 4, sizeof(*c->endpoints));
        c->external_labels = arena_calloc(&c->arena, 1, sizeof(struct label));
        assert_non_null(c->endpoints);
        assert_non_null(c->external_labels);
        c->external_labels[0] = (struct label){VIEW_LIT("cluster"), VIEW_LIT("c")};
        c->n_external_labels = 1;
        c->clock_tolerance_ms = 60000;
        for (; names[c->n_endpoints] != NULL; c->n_endpoints++) {
                struct remote_endpoint *x = &c->endpoints[c->n_endpoints];

                x->name = names[c->n_endpoints];
                x->url = arena_strdup(&c->arena, testing_server_url(w->server));
                x->remote_timeout_ms = 30000;
                http_options_init(&x->http);
                x->max_samples_per_send = 20000;
                x->batch_send_deadline_ms = 100;
                x->max_shards = 4;
                x->min_backoff_ms = 5;
                x->max_backoff_ms = 20;
        }
        return c;
}

static inline void
world_start(struct world *w)
{
        const struct senders_options o = {.wal = w->wal, .clock = w->clock};
        struct err e = ERR_INIT;

        testing_ok(senders_start(&o, w->config, &w->senders, &e), &e);
}

static inline void
world_init(struct world *w)
{
        static const char *const one[] = {"central", NULL};

        memset(w, 0, sizeof(*w));
        (void)pthread_mutex_init(&w->mtx, NULL);
        w->time.clock = (struct clock){world_wall, world_mono, world_synchronised};
        w->time.synchronised = true;
        w->clock = &w->time.clock;
        w->dir = testing_directory();
        w->step_ms = 1000;
        w->start_ms = clock_wall(w->clock) - WORLD_SCRAPES * w->step_ms;
        world_open_wal(w);
        w->server = testing_server_start(
            &(struct testing_server_options){.handler = world_handle, .arg = w});
        w->config = world_config(w, one);
}

static inline void
world_stop(struct world *w, int64_t timeout_ms)
{
        senders_stop(w->senders, timeout_ms);
        w->senders = NULL;
}

static inline void
world_release(struct world *w)
{
        world_stop(w, 0);
        testing_server_stop(w->server);
        remote_config_unref(w->config);
        wal_close(w->wal);
        assert_int_equal(w->faults, 0);
        testing_remove(w->dir);
        (void)pthread_mutex_destroy(&w->mtx);
}

/* Starts anew on the same log, as after a crash: nothing that was in memory is left. The source
 * begins with a chunk of its own then. */
static inline void
world_restart(struct world *w)
{
        world_stop(w, 0);
        wal_close(w->wal);
        world_open_wal(w);
        w->series = 0;
        world_start(w);
}

static inline void
world_stats(struct world *w, struct sender_stats *out)
{
        assert_true(senders_stats(w->senders, out, 1) >= 1);
}

static inline uint64_t
world_ledger_sum(const struct wal_ledger *l)
{
        uint64_t sum = l->acknowledged + l->unconfirmed + l->filtered;

        for (int i = 0; i < LOST_REASONS; i++)
                sum += l->lost[i];
        return sum;
}

/* Waits until a condition on the first endpoint's numbers holds; fails the test otherwise. */
typedef bool (*world_condition)(struct world *w, const struct sender_stats *s);

static inline void
world_wait(struct world *w, const char *what, world_condition condition)
{
        struct sender_stats s = {0};

        for (int ms = 0; ms < WORLD_WAIT_MS; ms += 5) {
                world_stats(w, &s);
                if (condition(w, &s))
                        return;
                (void)nanosleep(&(struct timespec){0, 5000000}, NULL);
        }
        fail_msg("waited in vain for %s: pending %llu, acknowledged %llu, unconfirmed %llu, state "
                 "%s, requests %u, error \"%s\"",
            what, (unsigned long long)s.cursor.pending,
            (unsigned long long)s.cursor.ledger.acknowledged,
            (unsigned long long)s.cursor.ledger.unconfirmed, sender_state_names[s.state],
            world_requests(w), s.last_error);
}

static inline bool
world_is_drained(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->cursor.pending == 0 && s->state == SENDER_IDLE;
}

/* Waits until nothing is pending; the ledger must add up to what was written. */
static inline void
world_drain(struct world *w, struct sender_stats *out)
{
        world_wait(w, "an empty log", world_is_drained);
        world_stats(w, out);
        assert_int_equal(world_ledger_sum(&out->cursor.ledger), w->written);
}

/* Every sample of the first `series` series and all scrapes has arrived, at least once. */
static inline void
world_expect_all(struct world *w, unsigned series)
{
        (void)pthread_mutex_lock(&w->mtx);
        for (unsigned i = 0; i < series; i++) {
                for (unsigned n = 0; n < w->scrapes; n++) {
                        if (w->got[i][n] == 0)
                                fail_msg("series %u of scrape %u is missing", i, n);
                }
        }
        (void)pthread_mutex_unlock(&w->mtx);
}

#endif
