/*
 * A body is walked field by field; protobuf-c unpacks one TimeSeries at a time, so that memory is
 * bounded by the largest series and not by the body.
 */
#include "remotewrite/decode.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/varint.h"

#include <remotewrite/remote.pb-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        SERIES_MAX_BYTES = 4 << 20, /* unpacked, one may take fifty times as much */
        WIRE_VARINT = 0,
        WIRE_64_BIT = 1,
        WIRE_BYTES = 2,
        WIRE_32_BIT = 5,
        FIELD_TIMESERIES = 1,
};

/* What is used again for every series of a body. */
struct walk {
        decode_sink sink;
        void *arg;
        struct label *labels; /* owned */
        size_t cap_labels;
        struct encode_sample *samples; /* owned */
        size_t cap_samples;
};

struct field {
        uint64_t number;
        unsigned wire;
        struct view bytes; /* of a field with a length */
};

/* The next field from *p on; false when the bytes are none. */
static bool
next_field(const uint8_t **p, const uint8_t *end, struct field *f)
{
        uint64_t key;
        uint64_t length = 0;
        size_t n = varint_get(*p, end, &key);

        if (n == 0)
                return false;
        *p += n;
        *f = (struct field){.number = key >> 3, .wire = key & 7};
        switch (f->wire) {
        case WIRE_VARINT:
                n = varint_get(*p, end, &length);
                if (n == 0)
                        return false;
                *p += n;
                length = 0;
                break;
        case WIRE_64_BIT:
                length = 8;
                break;
        case WIRE_32_BIT:
                length = 4;
                break;
        case WIRE_BYTES:
                n = varint_get(*p, end, &length);
                if (n == 0)
                        return false;
                *p += n;
                break;
        default:
                return false;
        }
        if (f->number == 0 || length > (size_t)(end - *p))
                return false;
        f->bytes = (struct view){(const char *)*p, (size_t)length};
        *p += length;
        return true;
}

static const char *
label_fault(const struct label *labels, size_t n)
{
        bool named = false;

        for (size_t i = 0; i < n; i++) {
                int order = i > 0 ? view_cmp(labels[i - 1].name, labels[i].name) : -1;

                if (!utf8_valid(labels[i].name) || !utf8_valid(labels[i].value))
                        return "label is not UTF-8";
                if (labels[i].name.n == 0)
                        return "label without a name";
                if (labels[i].value.n == 0)
                        return "label without a value";
                if (order == 0)
                        return "label name occurs twice";
                if (order > 0)
                        return "labels are not sorted";
                named = named || view_is(labels[i].name, "__name__");
        }
        return named ? NULL : "series without a name";
}

static const char *
sample_fault(const struct encode_sample *samples, size_t n)
{
        if (n == 0)
                return "series without samples";
        for (size_t i = 1; i < n; i++) {
                if (samples[i].time_ms == samples[i - 1].time_ms)
                        return "two samples of a series at one time";
                if (samples[i].time_ms < samples[i - 1].time_ms)
                        return "samples of a series are not in order of time";
        }
        return NULL;
}

/* Room for n items; false when out of memory. */
static bool
reserve(void **items, size_t *cap, size_t n, size_t item)
{
        void *p;

        if (n <= *cap)
                return true;
        p = realloc(*items, n * item);
        if (p == NULL)
                return false;
        *items = p;
        *cap = n;
        return true;
}

static struct view
view_of_bytes(ProtobufCBinaryData b)
{
        return (struct view){b.len > 0 ? (const char *)b.data : "", b.len};
}

static int
give_series(struct walk *w, const Prometheus__TimeSeries *t, struct err *e)
{
        struct decode_series s = {.n_labels = t->n_labels, .n_samples = t->n_samples};
        void *labels = w->labels;
        void *samples = w->samples;
        bool room = reserve(&labels, &w->cap_labels, t->n_labels, sizeof(*w->labels));

        w->labels = labels;
        room = room && reserve(&samples, &w->cap_samples, t->n_samples, sizeof(*w->samples));
        w->samples = samples;
        if (!room)
                return err_nomem(e, "a series");
        for (size_t i = 0; i < t->n_labels; i++)
                w->labels[i] = (struct label){
                    view_of_bytes(t->labels[i]->name), view_of_bytes(t->labels[i]->value)};
        for (size_t i = 0; i < t->n_samples; i++) {
                w->samples[i].time_ms = t->samples[i]->timestamp;
                memcpy(&w->samples[i].bits, &t->samples[i]->value, sizeof(w->samples[i].bits));
        }
        s.labels = w->labels;
        s.samples = w->samples;
        s.fault = label_fault(w->labels, s.n_labels);
        if (s.fault == NULL)
                s.fault = sample_fault(w->samples, s.n_samples);
        return w->sink(w->arg, &s, e);
}

static int
unpack_series(struct walk *w, struct view bytes, struct err *e)
{
        Prometheus__TimeSeries *t;
        int rc;

        if (bytes.n > SERIES_MAX_BYTES)
                return err_set(e, ERR_LIMIT, "a series of %zu bytes is over the limit of %d",
                    bytes.n, SERIES_MAX_BYTES);
        t = prometheus__time_series__unpack(NULL, bytes.n, (const uint8_t *)bytes.p);
        if (t == NULL)
                return err_set(e, ERR_PARSE, "body has a series that is not a TimeSeries message");
        rc = give_series(w, t, e);
        prometheus__time_series__free_unpacked(t, NULL);
        return rc;
}

static int
walk_request(struct walk *w, struct view body, struct err *e)
{
        const uint8_t *p = (const uint8_t *)body.p;
        const uint8_t *end = p + body.n;
        int rc = 0;

        while (p < end && rc == 0) {
                struct field f;

                if (!next_field(&p, end, &f) ||
                    (f.number == FIELD_TIMESERIES && f.wire != WIRE_BYTES))
                        return err_set(e, ERR_PARSE, "body is not a WriteRequest message");
                if (f.number == FIELD_TIMESERIES)
                        rc = unpack_series(w, f.bytes, e);
        }
        return rc;
}

int
decode_request(struct view body, decode_sink sink, void *arg, struct err *e)
{
        struct buf raw = BUF_INIT(DECODE_MAX_BYTES);
        struct walk w = {.sink = sink, .arg = arg};
        int rc = snappy_unpack(body, &raw, e);

        if (rc == 0)
                rc = walk_request(&w, buf_view(&raw), e);
        free(w.labels);
        free(w.samples);
        buf_release(&raw);
        return rc;
}
