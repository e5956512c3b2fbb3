/*
 * The few fields of a WriteRequest by hand. As proto3 has it, a field with its default value is
 * left out: an empty string, timestamp 0, a value whose bits are all 0 (-0.0 is written).
 *
 *      WriteRequest  1: TimeSeries     0a length …
 *      TimeSeries    1: Label          0a length …       2: Sample     12 length …
 *      Label         1: name           0a length …       2: value      12 length …
 *      Sample        1: value          09 8 bytes        2: timestamp  10 varint
 */
#include "remotewrite/encode.h"

#include "base/buf.h"
#include "base/err.h"
#include "remotewrite/encode_bytes.h"

#include <endian.h>
#include <string.h>

/* A tag, a length, and so many bytes. */
static size_t
field_size(size_t bytes)
{
        return 1 + varint_size(bytes) + bytes;
}

static size_t
string_size(struct view v)
{
        return v.n > 0 ? field_size(v.n) : 0;
}

static uint8_t *
put_string(uint8_t *p, uint8_t tag, struct view v)
{
        if (v.n == 0)
                return p;
        p = put_length(p, tag, v.n);
        return put_text(p, v.p, v.n);
}

int
encode_labels(const struct label *labels, size_t n, struct buf *out, struct err *e)
{
        size_t total = 0;
        uint8_t *p;
        int rc;

        for (size_t i = 0; i < n; i++)
                total += field_size(string_size(labels[i].name) + string_size(labels[i].value));
        rc = buf_reserve(out, total, e);
        if (rc < 0 || total == 0)
                return rc;
        p = (uint8_t *)out->ptr + out->len;
        for (size_t i = 0; i < n; i++) {
                p = put_length(
                    p, TAG_FIRST_BYTES, string_size(labels[i].name) + string_size(labels[i].value));
                p = put_string(p, TAG_FIRST_BYTES, labels[i].name);
                p = put_string(p, TAG_SECOND_BYTES, labels[i].value);
        }
        out->len += total;
        return 0;
}

/* Less than 128 always: 9 bytes of value, 11 of timestamp. */
static size_t
sample_size(const struct encode_sample *s)
{
        return (s->bits != 0 ? 9U : 0U) +
            (s->time_ms != 0 ? 1 + varint_size((uint64_t)s->time_ms) : 0);
}

/* varint_put of what is mostly a number of 41 bits: six bytes, worked out side by side. */
static inline size_t
put_time(uint8_t *p, uint64_t t)
{
        const uint64_t more = UINT64_C(0x8080808080);
        uint64_t six;

        if (t >> 35 == 0 || t >> 42 != 0)
                return varint_put(p, t);
        six = (t & 0x7f) | (t & 0x3f80) << 1 | (t & 0x1fc000) << 2 | (t & 0xfe00000) << 3 |
            (t & UINT64_C(0x7f0000000)) << 4 | (t & UINT64_C(0x3f800000000)) << 5;
        six = htole64(six | more);
        memcpy(p, &six, 6);
        return 6;
}

static uint8_t *
put_sample(uint8_t *p, const struct encode_sample *s)
{
        uint8_t *size;

        *p++ = TAG_SECOND_BYTES;
        size = p++;
        if (s->bits != 0) {
                uint64_t bits = htole64(s->bits);

                *p++ = TAG_VALUE;
                memcpy(p, &bits, sizeof(bits));
                p += sizeof(bits);
        }
        if (s->time_ms != 0) {
                *p++ = TAG_TIMESTAMP;
                p += put_time(p, (uint64_t)s->time_ms);
        }
        *size = (uint8_t)(p - size - 1);
        return p;
}

static size_t
series_size(size_t labels_bytes, const struct encode_sample *samples, size_t n)
{
        size_t total = labels_bytes;

        for (size_t i = 0; i < n; i++)
                total += 2 + sample_size(&samples[i]);
        return total;
}

size_t
encode_series_size(size_t labels_bytes, const struct encode_sample *samples, size_t n)
{
        return field_size(series_size(labels_bytes, samples, n));
}

int
encode_series(struct view labels, const struct encode_sample *samples, size_t n, struct buf *out,
    struct err *e)
{
        size_t size = series_size(labels.n, samples, n);
        uint8_t *p;
        int rc = buf_reserve(out, field_size(size), e);

        if (rc < 0)
                return rc;
        p = put_length((uint8_t *)out->ptr + out->len, TAG_FIRST_BYTES, size);
        if (labels.n > 0)
                memcpy(p, labels.p, labels.n);
        p += labels.n;
        for (size_t i = 0; i < n; i++)
                p = put_sample(p, &samples[i]);
        out->len = (size_t)(p - (uint8_t *)out->ptr);
        return 0;
}
