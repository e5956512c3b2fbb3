/*
 * Any bytes in a sealed layout: no undefined behaviour, what decodes survives another round, and
 * its label sets are encoded by their shape as they are one by one.
 */
#include "base/buf.h"
#include "base/compress.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/identity.h"
#include "wal/envelope.h"
#include "wal/layout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct zstd_packer *packer;
static struct zstd_unpacker *unpacker;
static struct layout_builder *builder;

static void
again(const struct layout_part *p)
{
        const struct layout_head *head = layout_part_head(p);
        size_t cap = layout_part_max_labels(p) + 1;
        struct label *labels = calloc(cap, sizeof(*labels));
        struct label *back = calloc(cap, sizeof(*back));
        struct buf out = BUF_INIT((size_t)256 << 20);
        struct layout_part *other = NULL;

        if (labels == NULL || back == NULL)
                abort();
        layout_builder_reset(builder);
        for (unsigned i = 0; i < head->slots; i++) {
                if (layout_builder_add(
                        builder, labels, layout_part_labels(p, i, labels, cap), NULL) < 0)
                        abort();
        }
        if (layout_builder_encode(builder, head, packer, &out, NULL) < 0 ||
            layout_part_decode(buf_view(&out), unpacker, &other, NULL) < 0)
                abort();
        for (unsigned i = 0; i < head->slots; i++) {
                size_t n = layout_part_labels(p, i, labels, cap);

                if (layout_part_labels(other, i, back, cap) != n)
                        abort();
                for (size_t k = 0; k < n; k++) {
                        if (!view_eq(labels[k].name, back[k].name) ||
                            !view_eq(labels[k].value, back[k].value))
                                abort();
                }
        }
        layout_part_free(other);
        buf_release(&out);
        free(labels);
        free(back);
}

static struct remote_config *
make_config(void)
{
        static struct label external[] = {
            {VIEW_LIT("cluster"), VIEW_LIT("c")}, {VIEW_LIT("zone"), VIEW_LIT("z")}};
        struct remote_config *c = NULL;

        if (remote_config_new(&c, NULL) < 0)
                abort();
        c->endpoints = arena_calloc(&c->arena, 1, sizeof(*c->endpoints));
        if (c->endpoints == NULL)
                abort();
        c->n_endpoints = 1;
        c->external_labels = external;
        c->n_external_labels = 2;
        return c;
}

static void
by_shape(const struct layout_part *p)
{
        static struct remote_config *config;
        static struct identity *shaped;
        static struct identity *single;
        size_t cap = layout_part_max_labels(p) + 1;
        struct label *labels = calloc(cap, sizeof(*labels));

        if (config == NULL) {
                config = make_config();
                if (identity_new(config, config->endpoints, &shaped, NULL) < 0 ||
                    identity_new(config, config->endpoints, &single, NULL) < 0)
                        abort();
        }
        if (labels == NULL)
                abort();
        identity_group_begins(shaped);
        for (unsigned i = 0; i < layout_part_head(p)->slots; i++) {
                struct group_series s = {
                    .labels = labels, .n_labels = layout_part_labels(p, i, labels, cap)};
                struct identity_result a;
                struct identity_result b;
                int rc = identity_of(single, &s, &a, NULL);

                s.shape = layout_part_shape(p, i) + 1;
                if (s.shape > layout_part_shapes(p) || identity_of(shaped, &s, &b, NULL) != rc)
                        abort();
                if (rc == 0 &&
                    (!view_eq(a.labels, b.labels) || a.kin != b.kin || a.object != b.object ||
                        a.name_at != b.name_at || a.name_bytes != b.name_bytes ||
                        a.instance_at != b.instance_at || a.instance_bytes != b.instance_bytes))
                        abort();
        }
        free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf bytes = BUF_INIT(1 << 20);
        struct layout_part *p = NULL;
        size_t start;

        if (packer == NULL &&
            (zstd_packer_new(1, &packer, NULL) < 0 || zstd_unpacker_new(&unpacker, NULL) < 0 ||
                layout_builder_new(&builder, NULL) < 0))
                abort();
        if (envelope_begin(&bytes, &start, NULL) < 0 || buf_append(&bytes, data, size, NULL) < 0)
                abort();
        envelope_end(&bytes, 0, ENVELOPE_LAYOUT);
        if (layout_part_decode(buf_view(&bytes), unpacker, &p, NULL) == 0) {
                again(p);
                by_shape(p);
        }
        layout_part_free(p);
        buf_release(&bytes);
        return 0;
}
