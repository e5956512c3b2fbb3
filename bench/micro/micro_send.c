#include "bench/micro/micro.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/encode.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/request.h"
#include "remotewrite/window.h"
#include "wal/column.h"
#include "wal/wal.h"

#include <stdbool.h>

enum { SAMPLES = 2 /* of each series: scrapes every 15 s, windows of 30 s */, TICK_MS = 15000 };
enum { BODY_BYTES = 900000, REQUEST_SAMPLES = 20000, RAW_MAX = 64 << 20 };

static const int64_t BEGIN_MS = 1700000000000;

int
micro_label_set(
    struct micro_input *in, const struct micro_series *s, struct labels *out, struct err *e)
{
        const struct text_sample text = {.series = s->raw, .type = s->type};
        int rc;

        labels_init(out, &in->arena);
        rc = textparse_labels(&text, out, NULL, e);
        if (rc == 0)
                rc = labels_set(out, VIEW_LIT("instance"), VIEW_LIT("127.0.0.1:9100"), e);
        if (rc == 0)
                rc = labels_set(out, VIEW_LIT("job"), VIEW_LIT("micro"), e);
        labels_sort(out);
        return rc;
}

/* ---- what a log holds → requests, as the send thread does it ---- */

static int
open_identity(struct identity **out, struct err *e)
{
        struct remote_config *c = NULL;
        int rc = remote_config_new(&c, e);

        if (rc < 0)
                return rc;
        c->endpoints = arena_calloc(&c->arena, 1, sizeof(*c->endpoints));
        c->external_labels = arena_calloc(&c->arena, 1, sizeof(*c->external_labels));
        if (c->endpoints == NULL || c->external_labels == NULL) {
                rc = err_nomem(e, "the configuration");
        } else {
                c->n_endpoints = 1;
                c->external_labels[0] = (struct label){VIEW_LIT("cluster"), VIEW_LIT("edge-1")};
                c->n_external_labels = 1;
                rc = identity_new(c, &c->endpoints[0], out, e);
        }
        remote_config_unref(c);
        return rc;
}

struct road {
        struct wal *wal;
        struct window *window;
        struct block_cache *cache;
        struct group *group;
        struct identity *identity;
        struct builder *builder;
};

static int
open_road(struct road *r, const char *folder, struct err *e)
{
        const struct wal_options o = {.dir = folder,
            .tenant = MICRO_TENANT,
            .max_size = MICRO_LOG_BYTES,
            .max_age_ms = INT64_MAX / 2,
            .sync_interval_ms = INT64_C(3600) * 1000,
            .clock = clock_system(),
            .read_only_tool = true};
        int rc = wal_open(&o, &r->wal, e);

        if (rc == 0)
                rc = window_new(r->wal, &r->window, e);
        if (rc == 0)
                rc = block_cache_new(r->wal, &r->cache, e);
        if (rc == 0)
                rc = group_new(r->wal, r->cache, &r->group, e);
        if (rc == 0)
                rc = open_identity(&r->identity, e);
        if (rc == 0)
                rc = builder_new(&r->builder, e);
        return rc;
}

static void
close_road(struct road *r)
{
        builder_free(r->builder);
        identity_free(r->identity);
        group_free(r->group);
        block_cache_free(r->cache);
        window_free(r->window);
        wal_close(r->wal);
}

__attribute__((noinline)) static int
measured_window(struct road *r, const struct window_bounds *b, struct err *e)
{
        return window_fill(r->window, b, e);
}

__attribute__((noinline)) static int
measured_group(struct road *r, uint32_t number, struct err *e)
{
        const struct group_limits none = {INT64_MAX, INT64_MIN};

        return group_load(r->group, r->window, number, &none, e);
}

__attribute__((noinline)) static bool
measured_series(struct road *r, struct group_series *out)
{
        return group_next(r->group, out);
}

__attribute__((noinline)) static int
measured_identity(
    struct road *r, const struct group_series *s, struct identity_result *out, struct err *e)
{
        return identity_of(r->identity, s, out, e);
}

__attribute__((noinline)) static int
measured_add(
    struct road *r, const struct identity_result *id, const struct group_series *s, struct err *e)
{
        return builder_add(r->builder, id, s->samples, s->n_samples, e);
}

__attribute__((noinline)) static int
measured_pack(struct road *r, struct request **out, struct err *e)
{
        return builder_finish(r->builder, out, e);
}

static int
pack(struct road *r, struct err *e)
{
        const struct builder_bounds bounds = {.bytes = BODY_BYTES, .samples = REQUEST_SAMPLES};
        struct request *made = NULL;
        int rc = measured_pack(r, &made, e);

        request_free(made);
        builder_begin(r->builder, &bounds);
        return rc;
}

static int
send_group(struct road *r, uint32_t number, uint64_t *samples, struct err *e)
{
        struct group_series s;
        struct identity_result id;
        int rc = measured_group(r, number, e);

        identity_group_begins(r->identity);
        while (rc == 0 && measured_series(r, &s)) {
                if (builder_full(r->builder) || builder_takes(r->builder, s.n_samples) == 0)
                        rc = pack(r, e);
                if (rc == 0)
                        rc = measured_identity(r, &s, &id, e);
                if (rc == 0)
                        rc = measured_add(r, &id, &s, e);
                *samples += s.n_samples;
        }
        builder_group_end(r->builder);
        return rc;
}

/* Windows of two scrapes: a scrape every 15 s, a window every 30 s. */
int
micro_send(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        const struct builder_bounds bounds = {.bytes = BODY_BYTES, .samples = REQUEST_SAMPLES};
        struct road r = {.wal = NULL};
        int rc = open_road(&r, in->folder, e);

        if (rc == 0)
                builder_begin(r.builder, &bounds);
        for (size_t i = 0; i + SAMPLES < in->n_marks && rc == 0; i += SAMPLES) {
                const struct window_bounds b = {
                    in->marks[i], in->marks[i + SAMPLES], INT64_MAX, INT64_MAX};

                rc = measured_window(&r, &b, e);
                for (uint32_t g = 0; rc == 0 && g < window_info(r.window)->groups; g++)
                        rc = send_group(&r, g, out_samples, e);
                if (rc == 0)
                        rc = pack(&r, e);
        }
        if (rc == 0 && *out_samples == 0)
                rc = err_set(e, ERR_NOTFOUND, "the log of the scrapes is empty");
        close_road(&r);
        return rc;
}

/* ---- snappy, as a request's bytes come: in the order of the page ---- */

__attribute__((noinline)) static int
measured_snappy(const struct buf *raw, struct buf *out, struct err *e)
{
        buf_reset(out);
        return snappy_pack(buf_view(raw), out, e);
}

/* A series of the first page as a window has it. */
static int
window_series(struct micro_input *in, size_t i, struct encode_sample *samples,
    struct group_series *out, struct err *e)
{
        const struct micro_page *page = &in->pages[0];
        const struct micro_page *next = &in->pages[in->n_pages > 1 ? 1 : 0];
        struct labels l;
        int rc = micro_label_set(in, &page->series[i], &l, e);

        samples[0] = (struct encode_sample){BEGIN_MS, page->series[i].bits};
        samples[1] = (struct encode_sample){
            BEGIN_MS + TICK_MS, next->series[i < next->n ? i : next->n - 1].bits};
        *out = (struct group_series){.chunk = 1 + i / CHUNK_SLOTS,
            .slot = (unsigned)(i % CHUNK_SLOTS),
            .labels = l.v,
            .n_labels = l.n,
            .samples = samples,
            .n_samples = SAMPLES};
        return rc;
}

int
micro_request(struct micro_input *in, struct buf *out, struct err *e)
{
        struct encode_sample samples[SAMPLES];
        struct group_series s;
        struct buf labels = BUF_INIT(RAW_MAX);
        int rc = 0;

        for (size_t i = 0; i < in->pages[0].n && rc == 0; i++) {
                rc = window_series(in, i, samples, &s, e);
                buf_reset(&labels);
                if (rc == 0)
                        rc = encode_labels(s.labels, s.n_labels, &labels, e);
                if (rc == 0)
                        rc = encode_series(buf_view(&labels), samples, SAMPLES, out, e);
        }
        buf_release(&labels);
        return rc;
}

int
micro_snappy(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct buf raw = BUF_INIT(RAW_MAX);
        struct buf packed = BUF_INIT(RAW_MAX);
        int rc = micro_request(in, &raw, e);

        if (rc == 0)
                rc = measured_snappy(&raw, &packed, e);
        *out_samples += SAMPLES * in->pages[0].n;
        buf_release(&raw);
        buf_release(&packed);
        return rc;
}
