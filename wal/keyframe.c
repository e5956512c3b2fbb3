/*
 * A keyframe is coded as a record is, against nothing: tags, runs of the value before as one tag,
 * then values against 0 (closer than the value before: neighbours are seldom alike in size).
 */
#include "wal/keyframe.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/value.h"

#include <assert.h>
#include <string.h>

enum {
        KEYFRAME_VERSION = 1,
        FLAG_PACKED = 1, /* one zstd frame; else as it is */
        HEAD_BYTES = 8 + 8 + 8 + 2 + 2 + 1 + 1,
        RUN_BEFORE = 128, /* tags from here on: runs of the value before */
        RUN_BEFORE_MAX = 128,
        RAW_MAX = 2 + CHUNK_SLOTS * (1 + VALUE_MAX),
};

/* Ends a run of slots that repeat the value before. */
static size_t
put_run(uint8_t *tags, unsigned run)
{
        size_t n = 0;

        for (unsigned part; run > 0; run -= part) {
                part = run < RUN_BEFORE_MAX ? run : RUN_BEFORE_MAX;
                tags[n++] = (uint8_t)(RUN_BEFORE + part - 1);
        }
        return n;
}

/* The length of the tags, the tags, the values; at most RAW_MAX bytes. */
static size_t
put_column(const uint64_t *column, unsigned slots, uint8_t *raw)
{
        uint8_t values[CHUNK_SLOTS * VALUE_MAX] = {0};
        uint8_t *tags = raw + 2;
        size_t n_tags = 0;
        size_t n_values = 0;
        unsigned run = 0;
        size_t n;

        for (unsigned i = 0; i < slots; i++) {
                assert(column[i] != COLUMN_STALE);
                if (i > 0 && column[i] == column[i - 1]) {
                        run++;
                        continue;
                }
                n_tags += put_run(tags + n_tags, run);
                run = 0;
                tags[n_tags++] = (uint8_t)value_put(column[i], 0, values + n_values, &n);
                n_values += n;
        }
        n_tags += put_run(tags + n_tags, run);
        bytes_put_u16(raw, (uint16_t)n_tags);
        memcpy(tags + n_tags, values, n_values);
        return 2 + n_tags + n_values;
}

int
keyframe_encode(const struct keyframe_head *head, const uint64_t *column, struct zstd_packer *z,
    struct buf *out, struct err *e)
{
        uint8_t raw[RAW_MAX];
        size_t raw_bytes;
        size_t packed;
        size_t start;
        uint8_t *p;
        int rc;

        assert(head->slots >= 1 && head->slots <= CHUNK_SLOTS);
        raw_bytes = put_column(column, head->slots, raw);
        rc = buf_reserve(out, ENVELOPE_BYTES + HEAD_BYTES + raw_bytes, e);
        if (rc < 0)
                return rc;
        rc = envelope_begin(out, &start, e);
        assert(rc == 0); /* there is room */
        p = (uint8_t *)out->ptr + out->len;
        bytes_put_u64(p, head->id);
        bytes_put_u64(p + 8, head->chunk);
        bytes_put_u64(p + 16, head->target);
        bytes_put_u16(p + 24, (uint16_t)head->slots);
        bytes_put_u16(p + 26, (uint16_t)raw_bytes);
        p[28] = KEYFRAME_VERSION;
        packed = zstd_pack(z, raw, raw_bytes, p + HEAD_BYTES, raw_bytes - 1);
        p[29] = packed > 0 ? FLAG_PACKED : 0;
        if (packed == 0) {
                memcpy(p + HEAD_BYTES, raw, raw_bytes);
                packed = raw_bytes;
        }
        out->len += HEAD_BYTES + packed;
        envelope_end(out, start, ENVELOPE_KEYFRAME);
        return 0;
}

static int
corrupt(struct err *e, const char *what)
{
        return err_set(e, ERR_CORRUPT, "keyframe is damaged: %s", what);
}

static int
get_column(struct bytes_reader *raw, uint64_t *column, unsigned slots, struct err *e)
{
        size_t n_tags = bytes_u16(raw);
        const uint8_t *tags = bytes_take(raw, n_tags);
        unsigned slot = 0;

        if (tags == NULL)
                return corrupt(e, "tags are cut short");
        for (size_t i = 0; i < n_tags; i++) {
                unsigned run = 1;

                if (tags[i] >= RUN_BEFORE)
                        run = tags[i] - (unsigned)RUN_BEFORE + 1;
                if (run > slots - slot || (tags[i] >= RUN_BEFORE && slot == 0))
                        return corrupt(e, "a run of slots");
                if (tags[i] >= RUN_BEFORE) {
                        for (unsigned k = 0; k < run; k++)
                                column[slot + k] = column[slot - 1];
                } else {
                        int n = value_get(tags[i], raw->p, raw->end, 0, &column[slot]);

                        if (n < 0)
                                return corrupt(e, "a value");
                        raw->p += n;
                }
                slot += run;
        }
        if (slot != slots || bytes_left(raw) > 0)
                return corrupt(e, "it has more or less than its slots");
        return 0;
}

int
keyframe_decode(struct view bytes, struct zstd_unpacker *z, struct keyframe_head *head,
    uint64_t *column, struct err *e)
{
        uint8_t raw[RAW_MAX];
        struct keyframe_head h;
        struct bytes_reader r;
        size_t raw_bytes;
        uint8_t version;
        uint8_t flags;
        int rc = envelope_open(bytes, ENVELOPE_KEYFRAME, true, &r, e);

        if (rc < 0)
                return rc;
        h.id = bytes_u64(&r);
        h.chunk = bytes_u64(&r);
        h.target = bytes_u64(&r);
        h.slots = bytes_u16(&r);
        raw_bytes = bytes_u16(&r);
        version = bytes_u8(&r);
        flags = bytes_u8(&r);
        if (r.bad || version != KEYFRAME_VERSION || flags > FLAG_PACKED || h.slots < 1 ||
            h.slots > CHUNK_SLOTS || raw_bytes > RAW_MAX)
                return corrupt(e, "its head");
        if ((flags & FLAG_PACKED) != 0) {
                rc = zstd_unpack(z, r.p, bytes_left(&r), raw, raw_bytes, e);
                if (rc < 0)
                        return rc;
                r = (struct bytes_reader){raw, raw + raw_bytes, false};
        } else if (bytes_left(&r) != raw_bytes) {
                return corrupt(e, "its length");
        }
        rc = get_column(&r, column, h.slots, e);
        if (rc < 0)
                return rc;
        *head = h;
        return 0;
}
