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
#include <remotewrite/remote2.pb-c.h>
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
        FIELD_SYMBOLS = 4, /* of 2.0, as the next */
        FIELD_TIMESERIES_2 = 5,
        SYMBOLS_MAX = 1 << 20,
};

/* What is used again for every series of a body. */
struct walk {
        enum write_message message;
        decode_sink sink;
        void *arg;
        struct label *labels; /* owned */
        size_t cap_labels;
        struct encode_sample *samples; /* owned */
        size_t cap_samples;
        struct view *symbols; /* owned; of 2.0 */
        size_t n_symbols;
        size_t cap_symbols;
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

static const char *
series_fault(const struct walk *w, size_t n_labels, size_t n_samples)
{
        const char *fault = label_fault(w->labels, n_labels);

        return fault != NULL ? fault : sample_fault(w->samples, n_samples);
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

/* Room for a series; its labels and samples are written there. */
static int
make_room(struct walk *w, size_t n_labels, size_t n_samples, struct err *e)
{
        void *labels = w->labels;
        void *samples = w->samples;
        bool room = reserve(&labels, &w->cap_labels, n_labels, sizeof(*w->labels));

        w->labels = labels;
        room = room && reserve(&samples, &w->cap_samples, n_samples, sizeof(*w->samples));
        w->samples = samples;
        return room ? 0 : err_nomem(e, "a series");
}

static void
put_sample(struct encode_sample *to, double value, int64_t time_ms)
{
        to->time_ms = time_ms;
        memcpy(&to->bits, &value, sizeof(to->bits));
}

/* Hands on what is in w->labels and w->samples; fault: what is wrong with it already. */
static int
give(struct walk *w, size_t n_labels, size_t n_samples, const char *fault, struct err *e)
{
        const struct decode_series s = {
            .labels = w->labels,
            .n_labels = n_labels,
            .samples = w->samples,
            .n_samples = n_samples,
            .fault = fault != NULL ? fault : series_fault(w, n_labels, n_samples),
        };

        return w->sink(w->arg, &s, e);
}

static int
give_series(struct walk *w, const Prometheus__TimeSeries *t, struct err *e)
{
        int rc = make_room(w, t->n_labels, t->n_samples, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < t->n_labels; i++)
                w->labels[i] = (struct label){
                    view_of_bytes(t->labels[i]->name), view_of_bytes(t->labels[i]->value)};
        for (size_t i = 0; i < t->n_samples; i++)
                put_sample(&w->samples[i], t->samples[i]->value, t->samples[i]->timestamp);
        return give(w, t->n_labels, t->n_samples, NULL, e);
}

static const char *
message_fault(const struct walk *w, const Io__Prometheus__Write__V2__TimeSeries *t)
{
        if (w->n_symbols == 0 || w->symbols[0].n > 0)
                return "the first symbol is not empty";
        if (t->n_labels_refs % 2 != 0)
                return "label reference without a value";
        for (size_t i = 0; i < t->n_labels_refs; i++) {
                if (t->labels_refs[i] >= w->n_symbols)
                        return "reference to a symbol that is not there";
        }
        if (t->n_histograms > 0)
                return "native histogram: only samples are taken";
        return NULL;
}

static int
give_series_2(struct walk *w, const Io__Prometheus__Write__V2__TimeSeries *t, struct err *e)
{
        const char *fault = message_fault(w, t);
        size_t n_labels = fault == NULL ? t->n_labels_refs / 2 : 0;
        int rc = make_room(w, n_labels, t->n_samples, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < n_labels; i++)
                w->labels[i] = (struct label){
                    w->symbols[t->labels_refs[2 * i]], w->symbols[t->labels_refs[2 * i + 1]]};
        for (size_t i = 0; i < t->n_samples; i++)
                put_sample(&w->samples[i], t->samples[i]->value, t->samples[i]->timestamp);
        return give(w, n_labels, t->n_samples, fault, e);
}

static int
unpack_series(struct walk *w, struct view bytes, struct err *e)
{
        const uint8_t *p = (const uint8_t *)bytes.p;
        Prometheus__TimeSeries *t = NULL;
        Io__Prometheus__Write__V2__TimeSeries *t2 = NULL;
        int rc;

        if (bytes.n > SERIES_MAX_BYTES)
                return err_set(e, ERR_LIMIT, "a series of %zu bytes is over the limit of %d",
                    bytes.n, SERIES_MAX_BYTES);
        if (w->message == WRITE_1)
                t = prometheus__time_series__unpack(NULL, bytes.n, p);
        else
                t2 = io__prometheus__write__v2__time_series__unpack(NULL, bytes.n, p);
        if (t != NULL)
                rc = give_series(w, t, e);
        else if (t2 != NULL)
                rc = give_series_2(w, t2, e);
        else
                rc = err_set(e, ERR_PARSE, "body has a series that is not a TimeSeries message");
        if (t != NULL)
                prometheus__time_series__free_unpacked(t, NULL);
        if (t2 != NULL)
                io__prometheus__write__v2__time_series__free_unpacked(t2, NULL);
        return rc;
}

static int
add_symbol(struct walk *w, struct view text, struct err *e)
{
        void *symbols = w->symbols;

        if (w->n_symbols == SYMBOLS_MAX)
                return err_set(e, ERR_LIMIT, "a request of more than %d symbols", SYMBOLS_MAX);
        if (w->n_symbols == w->cap_symbols &&
            !reserve(&symbols, &w->cap_symbols, w->cap_symbols * 2 + 64, sizeof(*w->symbols)))
                return err_nomem(e, "symbols");
        w->symbols = symbols;
        w->symbols[w->n_symbols++] = text;
        return 0;
}

/* Calls `take` with the inside of each field of that number. */
static int
walk_fields(struct walk *w, struct view raw, uint64_t number,
    int (*take)(struct walk *w, struct view bytes, struct err *e), struct err *e)
{
        const uint8_t *p = (const uint8_t *)raw.p;
        const uint8_t *end = p + raw.n;
        int rc = 0;

        while (p < end && rc == 0) {
                struct field f;

                if (!next_field(&p, end, &f) || (f.number == number && f.wire != WIRE_BYTES))
                        return err_set(e, ERR_PARSE, "body is not a %s message",
                            w->message == WRITE_1 ? "WriteRequest" : "Request");
                if (f.number == number)
                        rc = take(w, f.bytes, e);
        }
        return rc;
}

/* Symbols may stand anywhere in a request: all of them first. */
static int
walk_request(struct walk *w, struct view raw, struct err *e)
{
        int rc;

        if (w->message == WRITE_1)
                return walk_fields(w, raw, FIELD_TIMESERIES, unpack_series, e);
        rc = walk_fields(w, raw, FIELD_SYMBOLS, add_symbol, e);
        return rc < 0 ? rc : walk_fields(w, raw, FIELD_TIMESERIES_2, unpack_series, e);
}

int
decode_request(
    struct view body, enum write_message message, decode_sink sink, void *arg, struct err *e)
{
        struct buf raw = BUF_INIT(DECODE_MAX_BYTES);
        struct walk w = {.message = message, .sink = sink, .arg = arg};
        int rc = snappy_unpack(body, &raw, e);

        if (rc == 0)
                rc = walk_request(&w, buf_view(&raw), e);
        free(w.labels);
        free(w.samples);
        free(w.symbols);
        buf_release(&raw);
        return rc;
}
