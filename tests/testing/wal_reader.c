#include "tests/testing/wal_reader.h"

#include "base/compress.h"
#include "tests/testing/testing.h"
#include "wal/block.h"
#include "wal/column.h"
#include "wal/layout.h"
#include "wal/record.h"
#include "wal/wal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct reader {
        struct wal *wal;
        struct zstd_unpacker *z;
        struct buf *out;
        struct buf copies; /* the blocks, one behind the other */
        size_t samples;
        /* the record being shown */
        const struct block_record *record;
        struct layout_part *parts[CHUNK_SLOTS];
        size_t n_parts;
};

static int
copy_block(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        struct reader *r = arg;
        uint32_t n = (uint32_t)bytes.n;

        (void)head;
        testing_ok(buf_append(&r->copies, &n, sizeof(n), e), e);
        testing_ok(buf_append(&r->copies, bytes.p, bytes.n, e), e);
        return 0;
}

static int
keep_part(void *arg, struct layout_part *part, struct err *e)
{
        struct reader *r = arg;

        (void)e;
        assert_true(r->n_parts < CHUNK_SLOTS);
        r->parts[r->n_parts++] = part;
        return 0;
}

static void
show_labels(struct reader *r, unsigned slot)
{
        struct label labels[128];

        for (size_t i = 0; i < r->n_parts; i++) {
                const struct layout_head *h = layout_part_head(r->parts[i]);
                size_t n;
                bool first = true;

                if (slot < h->first || slot >= h->first + h->slots)
                        continue;
                n = layout_part_labels(r->parts[i], slot - h->first, labels, 128);
                for (size_t k = 0; k < n; k++) {
                        if (view_is(labels[k].name, "__name__"))
                                testing_ok(
                                    buf_append(r->out, labels[k].value.p, labels[k].value.n, NULL),
                                    NULL);
                }
                testing_ok(buf_putc(r->out, '{', NULL), NULL);
                for (size_t k = 0; k < n; k++) {
                        if (view_is(labels[k].name, "__name__"))
                                continue;
                        testing_ok(buf_printf(r->out, NULL, "%s%.*s=\"%.*s\"", first ? "" : ",",
                                       (int)labels[k].name.n, labels[k].name.p,
                                       (int)labels[k].value.n, labels[k].value.p),
                            NULL);
                        first = false;
                }
                testing_ok(buf_puts(r->out, "} ", NULL), NULL);
                return;
        }
        fail_msg("slot %u of chunk %" PRIu64 " has no layout", slot, r->record->chunk);
}

static void
show_sample(struct reader *r, unsigned slot, uint64_t bits, int64_t time_ms)
{
        double d;

        show_labels(r, slot);
        memcpy(&d, &bits, sizeof(d));
        if (bits == COLUMN_STALE)
                testing_ok(buf_puts(r->out, "STALE", NULL), NULL);
        else
                testing_ok(buf_printf(r->out, NULL, "%.17g", d), NULL);
        testing_ok(buf_printf(r->out, NULL, " %" PRId64 "\n", time_ms), NULL);
        r->samples++;
}

static int
show_extra(void *arg, const struct record_extra *x, struct err *e)
{
        (void)e;
        show_sample(arg, x->slot, x->bits, x->time_ms);
        return 0;
}

static void
show_record(struct reader *r, struct view payload)
{
        const struct block_record *b = r->record;
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct err e = ERR_INIT;
        struct record_decode_input in = {.bytes = {payload.p + b->offset, b->length},
            .first = b->first,
            .slots = b->slots,
            .time_ms = b->time_ms,
            .extra = show_extra,
            .arg = r};
        size_t before = r->samples;

        if (b->keyframe != 0) {
                testing_ok(
                    wal_read_keyframe(r->wal, b->keyframe, keyframe, &in.keyframe_slots, &e), &e);
                in.keyframe = keyframe;
        }
        r->n_parts = 0;
        testing_ok(wal_read_layout(r->wal, b->chunk, keep_part, r, &e), &e);
        testing_ok(record_decode(&in, column, &e), &e);
        for (unsigned i = b->first; i < (unsigned)b->first + b->slots; i++) {
                if (column[i] != COLUMN_ABSENT)
                        show_sample(r, i, column[i], b->time_ms);
        }
        assert_int_equal(r->samples - before, b->samples);
        for (size_t i = 0; i < r->n_parts; i++)
                layout_part_free(r->parts[i]);
}

static void
show_block(struct reader *r, struct view bytes)
{
        static struct block_record records[BLOCK_MAX_RECORDS];
        struct block_head head;
        struct err e = ERR_INIT;
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD);

        testing_ok(block_read_head(bytes, true, &head, &e), &e);
        testing_ok(block_read_directory(bytes, records, BLOCK_MAX_RECORDS, &e), &e);
        testing_ok(block_read_payload(bytes, r->z, &payload, &e), &e);
        for (unsigned i = 0; i < head.records; i++) {
                r->record = &records[i];
                show_record(r, buf_view(&payload));
        }
        buf_release(&payload);
}

size_t
testing_wal_dump(struct wal *w, struct buf *out)
{
        struct reader *r = calloc(1, sizeof(*r));
        struct err e = ERR_INIT;
        size_t samples;

        assert_non_null(r);
        r->wal = w;
        r->out = out;
        r->copies = (struct buf)BUF_INIT((size_t)1 << 30);
        testing_ok(zstd_unpacker_new(&r->z, &e), &e);
        testing_ok(wal_scan(w, 0, copy_block, r, &e), &e);
        for (size_t at = 0; at < r->copies.len;) {
                uint32_t n;

                memcpy(&n, r->copies.ptr + at, sizeof(n));
                at += sizeof(n);
                show_block(r, (struct view){r->copies.ptr + at, n});
                at += n;
        }
        samples = r->samples;
        zstd_unpacker_free(r->z);
        buf_release(&r->copies);
        free(r);
        return samples;
}

size_t
testing_count_lines(const struct buf *dump, const char *text)
{
        size_t count = 0;
        size_t n = strlen(text);

        for (size_t i = 0; i + n <= dump->len; i++)
                count += memcmp(dump->ptr + i, text, n) == 0;
        return count;
}
