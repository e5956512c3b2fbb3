/*
 * Neighbours in a request have most labels in common (order.h): a label is compared with the one
 * that stood in its place before, and looked up in the table only when it is another.
 */
#include "remotewrite/recode.h"

#include "base/buf.h"
#include "base/err.h"
#include "remotewrite/encode_bytes.h"
#include "remotewrite/symbols.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct refs {
        uint32_t *v; /* owned; name, value, name, … */
        size_t n;
        size_t cap;
};

struct recoder {
        struct symbols *symbols; /* owned */
        struct refs now;
        struct refs last; /* of the series before */
        size_t at; /* in last: the label that is expected next */
};

int
recoder_new(struct recoder **out, struct err *e)
{
        struct recoder *r = calloc(1, sizeof(*r));
        int rc;

        if (r == NULL)
                return err_nomem(e, "a writer of 2.0 requests");
        rc = symbols_new(&r->symbols, e);
        if (rc < 0) {
                free(r);
                return rc;
        }
        *out = r;
        return 0;
}

void
recoder_reset(struct recoder *r)
{
        symbols_reset(r->symbols);
        free(r->now.v);
        free(r->last.v);
        r->now = r->last = (struct refs){NULL, 0, 0};
}

void
recoder_free(struct recoder *r)
{
        if (r == NULL)
                return;
        recoder_reset(r);
        symbols_free(r->symbols);
        free(r);
}

size_t
recoder_bytes(const struct recoder *r)
{
        return sizeof(*r) + symbols_bytes(r->symbols) +
            (r->now.cap + r->last.cap) * sizeof(*r->now.v);
}

int
recoder_begin(struct recoder *r, struct err *e)
{
        r->last.n = 0;
        return symbols_begin(r->symbols, e);
}

struct view
recoder_symbols(const struct recoder *r)
{
        return symbols_fields(r->symbols);
}

/* ---- reading ---- */

/* Takes a field with this tag off *rest; false: what stands there is another. */
static inline bool
take(struct view *rest, uint8_t tag, struct view *inside)
{
        const uint8_t *p = (const uint8_t *)rest->p;
        uint64_t length;
        size_t n = 1;

        if (rest->n < 2 || p[0] != tag)
                return false;
        length = p[1];
        if (length >= 0x80)
                n = varint_get(p + 1, p + rest->n, &length);
        if (n == 0 || length > rest->n - 1 - n)
                return false;
        *inside = (struct view){rest->p + 1 + n, (size_t)length};
        rest->p += 1 + n + (size_t)length;
        rest->n -= 1 + n + (size_t)length;
        return true;
}

/* ---- labels ---- */

static inline bool
is_text(const struct recoder *r, size_t at, struct view text)
{
        return at < r->last.n && view_eq(symbols_text(r->symbols, r->last.v[at]), text);
}

static int
name_ref(struct recoder *r, struct view name, uint32_t *out, struct err *e)
{
        int rc;

        if (!is_text(r, r->at, name) && is_text(r, r->at + 2, name))
                r->at += 2; /* the series before had a label more */
        if (is_text(r, r->at, name)) {
                *out = r->last.v[r->at];
                return 0;
        }
        rc = symbols_ref(r->symbols, name, out, e);
        for (size_t i = r->at; rc == 0 && i < r->last.n; i += 2) {
                if (r->last.v[i] == *out)
                        r->at = i;
        }
        return rc;
}

static int
add_label(struct recoder *r, struct view name, struct view value, struct err *e)
{
        uint32_t *to = r->now.v + r->now.n;
        bool same;
        int rc = name_ref(r, name, &to[0], e);

        if (rc < 0)
                return rc;
        r->now.n += 2;
        same = r->at < r->last.n && r->last.v[r->at] == to[0];
        if (same && is_text(r, r->at + 1, value))
                to[1] = r->last.v[r->at + 1];
        else
                rc = symbols_ref(r->symbols, value, &to[1], e);
        r->at += same ? 2 : 0;
        return rc;
}

static int
make_room(struct refs *x, struct err *e)
{
        size_t cap = x->cap > 0 ? x->cap * 2 : 64;
        uint32_t *v;

        if (x->n + 2 <= x->cap)
                return 0;
        v = realloc(x->v, cap * sizeof(*v));
        if (v == NULL)
                return err_nomem(e, "a series");
        x->v = v;
        x->cap = cap;
        return 0;
}

/* Takes the labels off *rest, into r->now. */
static int
take_labels(struct recoder *r, struct view *rest, struct err *e)
{
        struct view label;
        int rc = 0;

        r->now.n = r->at = 0;
        while (rc == 0 && take(rest, TAG_FIRST_BYTES, &label)) {
                struct view name = {"", 0};
                struct view value = {"", 0};

                (void)take(&label, TAG_FIRST_BYTES, &name);
                (void)take(&label, TAG_SECOND_BYTES, &value);
                if (label.n > 0)
                        return err_set(e, ERR_PARSE, "a request holds a strange label");
                rc = make_room(&r->now, e);
                if (rc == 0)
                        rc = add_label(r, name, value, e);
        }
        return rc;
}

/* ---- writing ---- */

static int
put_series(const struct refs *x, struct view samples, struct buf *out, struct err *e)
{
        size_t bytes = 0;
        size_t size;
        uint8_t *p;
        int rc;

        for (size_t i = 0; i < x->n; i++)
                bytes += varint_size(x->v[i]);
        size = (bytes > 0 ? 1 + varint_size(bytes) + bytes : 0) + samples.n;
        rc = buf_reserve(out, 1 + VARINT_MAX + size, e);
        if (rc < 0)
                return rc;
        p = put_length((uint8_t *)out->ptr + out->len, TAG_SERIES_2, size);
        if (bytes > 0)
                p = put_length(p, TAG_FIRST_BYTES, bytes);
        for (size_t i = 0; i < x->n; i++)
                p += varint_put(p, x->v[i]);
        if (samples.n > 0)
                memcpy(p, samples.p, samples.n);
        out->len = (size_t)(p - (uint8_t *)out->ptr) + samples.n;
        return 0;
}

int
recoder_add(struct recoder *r, struct view series, struct buf *out, struct err *e)
{
        struct view rest = series;
        struct view inside;
        struct refs before;
        int rc;

        if (!take(&rest, TAG_FIRST_BYTES, &inside) || rest.n > 0)
                return err_set(e, ERR_PARSE, "a request holds something else than series");
        rc = take_labels(r, &inside, e);
        if (rc == 0)
                rc = put_series(&r->now, inside, out, e);
        if (rc < 0)
                return rc;
        before = r->last;
        r->last = r->now;
        r->now = before;
        return 0;
}
