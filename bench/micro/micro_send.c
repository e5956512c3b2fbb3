#include "bench/micro/micro.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "remotewrite/encode.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "remotewrite/request.h"
#include "wal/column.h"

enum { SAMPLES = 2 /* of each series: scrapes every 15 s, windows of 30 s */, TICK_MS = 15000 };
enum { BODY_BYTES = 900000, REQUEST_SAMPLES = 20000, RAW_MAX = 64 << 20 };

static const int64_t BEGIN_MS = 1700000000000;

int
micro_label_set(
    struct micro_input *in, const struct micro_series *s, struct labels *out, struct err *e)
{
        int rc;

        labels_init(out, &in->arena);
        rc = textparse_labels(s->raw, s->type, out, NULL, e);
        if (rc == 0)
                rc = labels_set(out, VIEW_LIT("instance"), VIEW_LIT("127.0.0.1:9100"), e);
        if (rc == 0)
                rc = labels_set(out, VIEW_LIT("job"), VIEW_LIT("micro"), e);
        labels_sort(out);
        return rc;
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

__attribute__((noinline)) static int
measured_identity(
    struct identity *d, const struct group_series *s, struct identity_result *out, struct err *e)
{
        return identity_of(d, s, out, e);
}

__attribute__((noinline)) static int
measured_request(struct builder *b, const struct identity_result *id, const struct group_series *s,
    struct err *e)
{
        const struct builder_bounds bounds = {BODY_BYTES, REQUEST_SAMPLES};
        struct request *r = NULL;
        int rc = 0;

        if (s != NULL && !builder_full(b) && builder_takes(b, s->n_samples))
                return builder_add(b, id, s->samples, s->n_samples, e);
        builder_group_end(b);
        rc = builder_finish(b, &r, e);
        request_free(r);
        builder_begin(b, &bounds);
        return rc < 0 || s == NULL ? rc : builder_add(b, id, s->samples, s->n_samples, e);
}

/* Labels → identity → request, sorted, packed, as the send thread does it. */
int
micro_send(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        const struct builder_bounds bounds = {BODY_BYTES, REQUEST_SAMPLES};
        struct encode_sample samples[SAMPLES];
        struct group_series s;
        struct identity *d = NULL;
        struct builder *b = NULL;
        int rc = open_identity(&d, e);

        if (rc == 0)
                rc = builder_new(&b, e);
        if (rc == 0)
                builder_begin(b, &bounds);
        for (size_t i = 0; i < in->pages[0].n && rc == 0; i++) {
                struct identity_result id;

                rc = window_series(in, i, samples, &s, e);
                if (rc == 0)
                        rc = measured_identity(d, &s, &id, e);
                if (rc == 0)
                        rc = measured_request(b, &id, &s, e);
        }
        if (rc == 0)
                rc = measured_request(b, NULL, NULL, e);
        *out_samples += SAMPLES * in->pages[0].n;
        builder_free(b);
        identity_free(d);
        return rc;
}

/* ---- snappy, as a request's bytes come: in the order of the page ---- */

__attribute__((noinline)) static int
measured_snappy(const struct buf *raw, struct buf *out, struct err *e)
{
        buf_reset(out);
        return snappy_pack(buf_view(raw), out, e);
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
