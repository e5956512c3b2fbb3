#include "remotewrite/wire.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/varint.h"

enum {
        TAG_SERIES = 0x0a, /* WriteRequest.timeseries, bytes */
        TAG_LABEL = 0x0a, /* TimeSeries.labels */
        TAG_SAMPLE = 0x12, /* TimeSeries.samples */
        TAG_VALUE = 0x09, /* Sample.value, 64 bit */
        TAG_TIMESTAMP = 0x10, /* Sample.timestamp, varint */
        VALUE_BYTES = 1 + 8,
};

bool
wire_field(struct view *rest, uint8_t tag, struct view *field, struct view *inside)
{
        const uint8_t *p = (const uint8_t *)rest->p;
        uint64_t length;
        size_t n;

        if (rest->n < 2 || p[0] != tag)
                return false;
        n = varint_get(p + 1, p + rest->n, &length);
        if (n == 0 || length > rest->n - 1 - n)
                return false;
        *field = (struct view){rest->p, 1 + n + (size_t)length};
        *inside = (struct view){rest->p + 1 + n, (size_t)length};
        rest->p += field->n;
        rest->n -= field->n;
        return true;
}

/* A value of 0 and a timestamp of 0 are not on the wire. */
static bool
sample_time(struct view sample, int64_t *out)
{
        const uint8_t *p = (const uint8_t *)sample.p;
        const uint8_t *end = p + sample.n;
        uint64_t t = 0;

        if (p < end && *p == TAG_VALUE) {
                if (end - p < VALUE_BYTES)
                        return false;
                p += VALUE_BYTES;
        }
        if (p < end) {
                if (*p++ != TAG_TIMESTAMP || varint_get(p, end, &t) != (size_t)(end - p))
                        return false;
        }
        *out = (int64_t)t;
        return true;
}

int
wire_next(struct view *rest, struct wire_series *out, struct err *e)
{
        struct view inside;
        struct view field;
        struct view x;
        int64_t t;

        *out = (struct wire_series){.oldest_ms = INT64_MAX, .newest_ms = INT64_MIN};
        if (!wire_field(rest, TAG_SERIES, &out->field, &inside))
                return err_set(e, ERR_PARSE, "a request holds something else than series");
        out->labels.p = inside.p;
        while (wire_field(&inside, TAG_LABEL, &field, &x))
                out->labels.n += field.n;
        out->samples = inside;
        while (wire_field(&inside, TAG_SAMPLE, &field, &x)) {
                if (!sample_time(x, &t))
                        return err_set(e, ERR_PARSE, "a request holds a strange sample");
                out->n_samples++;
                out->oldest_ms = t < out->oldest_ms ? t : out->oldest_ms;
                out->newest_ms = t > out->newest_ms ? t : out->newest_ms;
        }
        if (inside.n > 0)
                return err_set(e, ERR_PARSE, "a series holds something else than samples");
        return 0;
}

int
wire_filter(const struct wire_series *s, int64_t oldest_ms, struct buf *out, uint64_t *out_samples,
    struct err *e)
{
        struct view rest = s->samples;
        struct view kept = {rest.p + rest.n, 0};
        struct view field;
        struct view x;
        uint8_t head[1 + VARINT_MAX] = {TAG_SERIES};
        uint64_t n = 0;
        int64_t t = 0;
        int rc;

        /* samples are in time order: what is kept is the end */
        while (wire_field(&rest, TAG_SAMPLE, &field, &x)) {
                if (n == 0 && (!sample_time(x, &t) || t < oldest_ms))
                        continue;
                kept = n == 0 ? field : (struct view){kept.p, kept.n + field.n};
                n++;
        }
        *out_samples = n;
        if (n == 0)
                return 0;
        rc = buf_append(out, head, 1 + varint_put(head + 1, s->labels.n + kept.n), e);
        if (rc == 0)
                rc = buf_append(out, s->labels.p, s->labels.n, e);
        if (rc == 0)
                rc = buf_append(out, kept.p, kept.n, e);
        return rc;
}
