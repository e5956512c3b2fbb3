/* Any bytes in a sealed layout: no undefined behaviour, and what decodes survives another round. */
#include "base/buf.h"
#include "base/compress.h"
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
        if (layout_part_decode(buf_view(&bytes), unpacker, &p, NULL) == 0)
                again(p);
        layout_part_free(p);
        buf_release(&bytes);
        return 0;
}
