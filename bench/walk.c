#include "bench/walk.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/varint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT, WIRE_64_BIT, WIRE_BYTES, WIRE_32_BIT = 5 };
enum { FIELD_TIMESERIES = 1, FIELD_METADATA = 3, FIELD_V2_SYMBOLS = 4, FIELD_V2_TIMESERIES = 5 };
enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2, SERIES_V2_METADATA = 5 };
enum { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIME = 2 };

struct field {
        uint64_t number;
        unsigned wire;
        uint64_t value; /* of a varint */
        struct view bytes; /* of all others */
};

/* What is left of a message. */
struct cursor {
        const uint8_t *p;
        const uint8_t *end;
};

struct walk {
        const struct walk_sink *sink; /* borrowed */
        struct view *symbols; /* owned; of a 2.0 request */
        size_t n_symbols;
};

static struct cursor
cursor_of(struct view v)
{
        const uint8_t *p = (const uint8_t *)v.p;

        return (struct cursor){p, p + v.n};
}

static bool
next_field(struct cursor *c, struct field *f)
{
        uint64_t key = 0;
        uint64_t length = 0;
        size_t n = varint_get(c->p, c->end, &key);

        if (n == 0)
                return false;
        c->p += n;
        f->number = key >> 3;
        f->wire = key & 7;
        f->bytes = (struct view){"", 0};
        if (f->wire == WIRE_VARINT || f->wire == WIRE_BYTES) {
                n = varint_get(c->p, c->end, f->wire == WIRE_VARINT ? &f->value : &length);
                if (n == 0)
                        return false;
                c->p += n;
        } else if (f->wire == WIRE_64_BIT || f->wire == WIRE_32_BIT) {
                length = f->wire == WIRE_64_BIT ? 8 : 4;
        } else {
                return false;
        }
        if (length > (size_t)(c->end - c->p))
                return false;
        f->bytes = (struct view){(const char *)c->p, (size_t)length};
        c->p += length;
        return true;
}

/* The same in both messages. */
static bool
walk_sample(struct view v, uint64_t series, const struct walk_sink *sink)
{
        struct cursor c = cursor_of(v);
        struct field f = {.number = 0};
        uint64_t bits = 0;
        int64_t time_ms = 0;

        while (c.p < c.end) {
                if (!next_field(&c, &f))
                        return false;
                if (f.number == SAMPLE_VALUE && f.wire == WIRE_64_BIT)
                        memcpy(&bits, f.bytes.p, sizeof(bits));
                else if (f.number == SAMPLE_TIME && f.wire == WIRE_VARINT)
                        time_ms = (int64_t)f.value;
        }
        sink->sample(sink->arg, series, time_ms, bits);
        return true;
}

/* ---- 1.0 ---- */

static bool
hash_label(struct view v, uint64_t *series)
{
        struct cursor c = cursor_of(v);
        struct field f = {.number = 0};
        struct view name = {"", 0};
        struct view value = {"", 0};

        while (c.p < c.end) {
                if (!next_field(&c, &f))
                        return false;
                if (f.number == LABEL_NAME)
                        name = f.bytes;
                else if (f.number == LABEL_VALUE)
                        value = f.bytes;
        }
        *series = hash_stable(value.p, value.n, hash_stable(name.p, name.n, *series));
        return true;
}

/* Labels come first in what every sender writes: one pass does. */
static bool
walk_series(const struct walk *w, struct view v)
{
        struct cursor c = cursor_of(v);
        struct field f = {.number = 0};
        uint64_t series = 0;

        while (c.p < c.end) {
                if (!next_field(&c, &f) ||
                    (f.number == SERIES_LABELS && !hash_label(f.bytes, &series)) ||
                    (f.number == SERIES_SAMPLES && !walk_sample(f.bytes, series, w->sink)))
                        return false;
        }
        return true;
}

static bool
walk_write_request(const struct walk *w, struct view body)
{
        struct cursor c = cursor_of(body);
        struct field f = {.number = 0};

        while (c.p < c.end) {
                if (!next_field(&c, &f) ||
                    (f.number == FIELD_TIMESERIES && !walk_series(w, f.bytes)))
                        return false;
                if (f.number == FIELD_METADATA)
                        w->sink->metadata(w->sink->arg);
        }
        return true;
}

/* ---- 2.0 ---- */

/* Finds the symbols: the first pass (fill false) only counts them. */
static bool
read_symbols(struct walk *w, struct view body, bool fill)
{
        struct cursor c = cursor_of(body);
        struct field f = {.number = 0};
        size_t n = 0;

        while (c.p < c.end) {
                if (!next_field(&c, &f))
                        return false;
                if (f.number != FIELD_V2_SYMBOLS)
                        continue;
                if (fill)
                        w->symbols[n] = f.bytes;
                n++;
        }
        w->n_symbols = n;
        return true;
}

static int
collect_symbols(struct walk *w, struct view body, struct err *e)
{
        if (!read_symbols(w, body, false))
                return err_set(e, ERR_PARSE, "body is not a 2.0 Request message");
        if (w->n_symbols > WALK_SYMBOLS_MAX)
                return err_set(e, ERR_LIMIT, "request has %zu symbols, more than %d", w->n_symbols,
                    WALK_SYMBOLS_MAX);
        w->symbols = calloc(w->n_symbols + 1, sizeof(*w->symbols));
        if (w->symbols == NULL)
                return err_nomem(e, "the symbols of a request");
        (void)read_symbols(w, body, true); /* it went well a line ago */
        return 0;
}

static bool
hash_symbol(const struct walk *w, uint64_t number, uint64_t *series)
{
        if (number >= w->n_symbols)
                return false;
        *series = hash_stable(w->symbols[number].p, w->symbols[number].n, *series);
        return true;
}

/* Packed, as it is written; one by one, as a reader must take it too. */
static bool
hash_references(const struct walk *w, const struct field *f, uint64_t *series)
{
        struct cursor c = cursor_of(f->bytes);

        if (f->wire == WIRE_VARINT)
                return hash_symbol(w, f->value, series);
        while (c.p < c.end) {
                uint64_t number = 0;
                size_t n = varint_get(c.p, c.end, &number);

                c.p += n;
                if (n == 0 || !hash_symbol(w, number, series))
                        return false;
        }
        return true;
}

static bool
walk_series_v2(const struct walk *w, struct view v)
{
        struct cursor c = cursor_of(v);
        struct field f = {.number = 0};
        uint64_t series = 0;

        while (c.p < c.end) {
                if (!next_field(&c, &f) ||
                    (f.number == SERIES_LABELS && !hash_references(w, &f, &series)) ||
                    (f.number == SERIES_SAMPLES && !walk_sample(f.bytes, series, w->sink)))
                        return false;
                if (f.number == SERIES_V2_METADATA && f.bytes.n > 0)
                        w->sink->metadata(w->sink->arg);
        }
        return true;
}

static bool
walk_request_v2(const struct walk *w, struct view body)
{
        struct cursor c = cursor_of(body);
        struct field f = {.number = 0};

        while (c.p < c.end) {
                if (!next_field(&c, &f) ||
                    (f.number == FIELD_V2_TIMESERIES && !walk_series_v2(w, f.bytes)))
                        return false;
        }
        return true;
}

int
walk_request(
    struct view body, enum walk_message message, const struct walk_sink *sink, struct err *e)
{
        struct walk w = {.sink = sink};
        bool v2 = message == WALK_REQUEST_V2;
        int rc = v2 ? collect_symbols(&w, body, e) : 0;

        if (rc == 0 && !(v2 ? walk_request_v2(&w, body) : walk_write_request(&w, body)))
                rc = err_set(
                    e, ERR_PARSE, "body is not a %s message", v2 ? "2.0 Request" : "WriteRequest");
        free(w.symbols);
        return rc;
}
