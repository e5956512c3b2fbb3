#include "bench/walk.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/varint.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { WIRE_VARINT, WIRE_64_BIT, WIRE_BYTES, WIRE_32_BIT = 5 };
enum { FIELD_TIMESERIES = 1, FIELD_METADATA = 3 };
enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIME = 2 };

struct field {
        uint64_t number;
        uint64_t value; /* of a varint */
        struct view bytes; /* of all others */
};

static bool
next_field(const uint8_t **p, const uint8_t *end, struct field *f)
{
        uint64_t key = 0;
        uint64_t length = 0;
        size_t n = varint_get(*p, end, &key);
        unsigned wire = key & 7;

        *p += n;
        f->number = key >> 3;
        f->bytes = (struct view){"", 0};
        if (n == 0)
                return false;
        if (wire == WIRE_VARINT || wire == WIRE_BYTES) {
                n = varint_get(*p, end, wire == WIRE_VARINT ? &f->value : &length);
                if (n == 0)
                        return false;
                *p += n;
        } else if (wire == WIRE_64_BIT || wire == WIRE_32_BIT) {
                length = wire == WIRE_64_BIT ? 8 : 4;
        } else {
                return false;
        }
        if (length > (size_t)(end - *p))
                return false;
        f->bytes = (struct view){(const char *)*p, (size_t)length};
        *p += length;
        return true;
}

static bool
walk_sample(struct view v, uint64_t series, const struct walk_sink *sink)
{
        const uint8_t *p = (const uint8_t *)v.p;
        const uint8_t *end = p + v.n;
        struct field f = {.number = 0};
        uint64_t bits = 0;
        int64_t time_ms = 0;

        while (p < end) {
                if (!next_field(&p, end, &f))
                        return false;
                if (f.number == SAMPLE_VALUE && f.bytes.n == sizeof(bits))
                        memcpy(&bits, f.bytes.p, sizeof(bits));
                else if (f.number == SAMPLE_TIME)
                        time_ms = (int64_t)f.value;
        }
        sink->sample(sink->arg, series, time_ms, bits);
        return true;
}

/* Labels come first in what every sender writes: one pass does. */
static bool
walk_series(struct view v, const struct walk_sink *sink)
{
        const uint8_t *p = (const uint8_t *)v.p;
        const uint8_t *end = p + v.n;
        struct field f = {.number = 0};
        uint64_t series = 0;

        while (p < end) {
                if (!next_field(&p, end, &f))
                        return false;
                if (f.number == SERIES_LABELS)
                        series = hash_stable(f.bytes.p, f.bytes.n, series);
                else if (f.number == SERIES_SAMPLES && !walk_sample(f.bytes, series, sink))
                        return false;
        }
        return true;
}

int
walk_request(struct view body, const struct walk_sink *sink, struct err *e)
{
        const uint8_t *p = (const uint8_t *)body.p;
        const uint8_t *end = p + body.n;
        struct field f = {.number = 0};

        while (p < end) {
                if (!next_field(&p, end, &f) ||
                    (f.number == FIELD_TIMESERIES && !walk_series(f.bytes, sink)))
                        return err_set(e, ERR_PARSE, "body is not a WriteRequest message");
                if (f.number == FIELD_METADATA)
                        sink->metadata(sink->arg);
        }
        return 0;
}
