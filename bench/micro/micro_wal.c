#include "bench/micro/micro.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "wal/column.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/record.h"

#include <stdbool.h>
#include <string.h>

enum { LEVEL = 1, VALUE_MAX = 1 << 20, RECORDS_MAX = 64 };

static size_t
smaller(size_t a, size_t b)
{
        return a < b ? a : b;
}

static unsigned
read_column(const struct micro_page *page, size_t first, uint64_t *column)
{
        size_t n = smaller(CHUNK_SLOTS, page->n - first);

        for (size_t i = 0; i < n; i++)
                column[i] = page->series[first + i].bits;
        return (unsigned)n;
}

/* ---- records ---- */

struct cut {
        size_t at;
        unsigned first;
        unsigned slots;
};

/* A column as records against a keyframe. */
struct packed {
        struct buf bytes;
        struct cut cuts[RECORDS_MAX];
        size_t n;
};

__attribute__((noinline)) static int
measured_record_encode(
    const uint64_t *keyframe, const uint64_t *column, unsigned slots, struct packed *out)
{
        struct record_input in = {.keyframe = keyframe, .keyframe_slots = slots, .column = column};
        struct buf one = BUF_INIT(RECORD_MAX_BYTES);
        int rc = 0;

        while (in.first < slots && rc == 0 && out->n < RECORDS_MAX) {
                unsigned used = 0;
                unsigned samples = 0;
                size_t extras = 0;

                in.slots = slots - in.first;
                buf_reset(&one);
                rc = record_encode(&in, &one, &used, &samples, &extras, NULL);
                out->cuts[out->n++] = (struct cut){out->bytes.len, in.first, used};
                if (rc == 0)
                        rc = buf_append(&out->bytes, one.ptr, one.len, NULL);
                in.first += used;
        }
        buf_release(&one);
        return rc;
}

__attribute__((noinline)) static int
measured_record_decode(
    const uint64_t *keyframe, const struct packed *p, unsigned slots, uint64_t *column)
{
        int rc = 0;

        for (size_t i = 0; i < p->n && rc == 0; i++) {
                size_t end = i + 1 < p->n ? p->cuts[i + 1].at : p->bytes.len;
                const struct record_decode_input in = {
                    .bytes = {p->bytes.ptr + p->cuts[i].at, end - p->cuts[i].at},
                    .keyframe = keyframe,
                    .keyframe_slots = slots,
                    .first = p->cuts[i].first,
                    .slots = p->cuts[i].slots};

                rc = record_decode(&in, column, NULL);
        }
        return rc;
}

static int
run_records(const struct micro_page *first, const struct micro_page *page, struct packed *p)
{
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        uint64_t back[CHUNK_SLOTS];
        size_t n = smaller(first->n, page->n);
        int rc = 0;

        for (size_t at = 0; at < n && rc == 0; at += CHUNK_SLOTS) {
                unsigned slots = read_column(first, at, keyframe);
                unsigned others = read_column(page, at, column);

                slots = others < slots ? others : slots;
                buf_reset(&p->bytes);
                p->n = 0;
                rc = measured_record_encode(keyframe, column, slots, p);
                if (rc == 0)
                        rc = measured_record_decode(keyframe, p, slots, back);
                if (rc == 0 && memcmp(column, back, slots * sizeof(*column)) != 0)
                        rc = ERR_CORRUPT;
        }
        return rc;
}

int
micro_record(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct packed p = {.bytes = BUF_INIT(VALUE_MAX)};
        int rc = 0;

        for (size_t i = 0; i < in->n_pages && rc == 0; i++) {
                rc = run_records(&in->pages[0], &in->pages[i], &p);
                *out_samples += smaller(in->pages[0].n, in->pages[i].n);
        }
        buf_release(&p.bytes);
        return rc < 0 ? err_set(e, rc, "a record does not come back as it was") : 0;
}

/* ---- keyframes ---- */

__attribute__((noinline)) static int
measured_keyframe_encode(const struct keyframe_head *head, const uint64_t *column,
    struct zstd_packer *z, struct buf *out, struct err *e)
{
        return keyframe_encode(head, column, z, out, e);
}

__attribute__((noinline)) static int
measured_keyframe_decode(
    const struct buf *bytes, struct zstd_unpacker *z, uint64_t *column, struct err *e)
{
        struct keyframe_head head;

        return keyframe_decode(buf_view(bytes), z, &head, column, e);
}

int
micro_keyframe(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        const struct micro_page *page = &in->pages[in->n_pages - 1];
        struct zstd_packer *packer = NULL;
        struct zstd_unpacker *unpacker = NULL;
        struct buf bytes = BUF_INIT(VALUE_MAX);
        uint64_t column[CHUNK_SLOTS];
        int rc = zstd_packer_new(LEVEL, &packer, e);

        if (rc == 0)
                rc = zstd_unpacker_new(&unpacker, e);
        for (size_t at = 0; at < page->n && rc == 0; at += CHUNK_SLOTS) {
                const struct keyframe_head head = {.id = at + 1,
                    .chunk = at + 1,
                    .target = 1,
                    .slots = read_column(page, at, column)};

                buf_reset(&bytes);
                rc = measured_keyframe_encode(&head, column, packer, &bytes, e);
                if (rc == 0)
                        rc = measured_keyframe_decode(&bytes, unpacker, column, e);
        }
        *out_samples += page->n;
        zstd_packer_free(packer);
        zstd_unpacker_free(unpacker);
        buf_release(&bytes);
        return rc;
}

/* ---- layouts ---- */

__attribute__((noinline)) static int
measured_layout_encode(struct layout_builder *b, const struct labels *sets, unsigned n,
    struct zstd_packer *z, struct buf *out)
{
        const struct layout_head head = {.chunk = 1, .target = 1, .first = 0, .slots = n};
        int rc = 0;

        for (unsigned i = 0; i < n && rc == 0; i++)
                rc = layout_builder_add(b, sets[i].v, sets[i].n, NULL);
        return rc < 0 ? rc : layout_builder_encode(b, &head, z, out, NULL);
}

__attribute__((noinline)) static int
measured_layout_decode(const struct buf *bytes, struct zstd_unpacker *z, unsigned n)
{
        struct layout_part *part = NULL;
        struct label labels[64];
        int rc = layout_part_decode(buf_view(bytes), z, &part, NULL);

        for (unsigned i = 0; i < n && rc == 0; i++)
                (void)layout_part_labels(part, i, labels, sizeof(labels) / sizeof(labels[0]));
        layout_part_free(part);
        return rc;
}

/* One chunk. */
static int
run_layout(struct micro_input *in, size_t at, struct zstd_packer *packer,
    struct zstd_unpacker *unpacker, struct err *e)
{
        static struct labels sets[CHUNK_SLOTS]; /* large */
        const struct micro_page *page = &in->pages[0];
        unsigned n = (unsigned)smaller(CHUNK_SLOTS, page->n - at);
        struct buf bytes = BUF_INIT(VALUE_MAX);
        struct layout_builder *b = NULL;
        int rc = layout_builder_new(&b, e);

        for (unsigned i = 0; i < n && rc == 0; i++)
                rc = micro_label_set(in, &page->series[at + i], &sets[i], e);
        if (rc == 0)
                rc = measured_layout_encode(b, sets, n, packer, &bytes);
        if (rc == 0)
                rc = measured_layout_decode(&bytes, unpacker, n);
        layout_builder_free(b);
        buf_release(&bytes);
        return rc;
}

int
micro_layout(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct zstd_packer *packer = NULL;
        struct zstd_unpacker *unpacker = NULL;
        int rc = zstd_packer_new(LEVEL, &packer, e);

        if (rc == 0)
                rc = zstd_unpacker_new(&unpacker, e);
        for (size_t at = 0; at < in->pages[0].n && rc == 0; at += CHUNK_SLOTS)
                rc = run_layout(in, at, packer, unpacker, e);
        *out_samples += in->pages[0].n;
        zstd_packer_free(packer);
        zstd_unpacker_free(unpacker);
        return rc < 0 ? err_prefix(e, "layouts") : 0;
}
