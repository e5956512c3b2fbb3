/*
 * Neighbours in a request have most labels in common (order.h): a label's bytes are compared with
 * those that stood in its place before, and looked up in the table only when they are others.
 */
#include "remotewrite/recode.h"

#include "base/buf.h"
#include "base/err.h"
#include "remotewrite/encode_bytes.h"
#include "remotewrite/symbols.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum {
        LABELS_MAX = 32 << 20, /* bytes of one series' labels */
        REF_MAX = 4, /* bytes: a table has less than 2^25 texts (symbols.c) */
};

/* A label of the series under way, and of the one before. */
struct known {
        uint32_t bytes; /* of its field */
        uint32_t name; /* number of its text */
        uint8_t refs[2 * REF_MAX]; /* both numbers as they are written */
        uint32_t refs_bytes;
};

struct labels_known {
        struct known *v; /* owned */
        size_t n;
        size_t cap;
        struct buf fields; /* one after the other; written when the series is done */
};

struct recoder {
        struct symbols *symbols; /* owned */
        struct labels_known now;
        struct labels_known last; /* of the series before */
        size_t at; /* in last: the label that is expected next */
        size_t field; /* where its bytes are */
        struct buf refs; /* of the series under way */
};

int
recoder_new(struct recoder **out, struct err *e)
{
        struct recoder *r = calloc(1, sizeof(*r));
        int rc;

        if (r == NULL)
                return err_nomem(e, "a writer of 2.0 requests");
        r->now.fields = r->last.fields = r->refs = (struct buf)BUF_INIT(LABELS_MAX);
        rc = symbols_new(&r->symbols, e);
        if (rc < 0) {
                free(r);
                return rc;
        }
        *out = r;
        return 0;
}

static void
reset(struct labels_known *x)
{
        free(x->v);
        x->v = NULL;
        x->n = x->cap = 0;
        buf_release(&x->fields);
}

void
recoder_reset(struct recoder *r)
{
        symbols_reset(r->symbols);
        reset(&r->now);
        reset(&r->last);
        buf_release(&r->refs);
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
        return sizeof(*r) + symbols_bytes(r->symbols) + r->refs.cap + r->now.fields.cap +
            r->last.fields.cap + (r->now.cap + r->last.cap) * sizeof(*r->now.v);
}

int
recoder_begin(struct recoder *r, struct err *e)
{
        r->last.n = r->last.fields.len = 0;
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
is_name(const struct recoder *r, size_t at, struct view name)
{
        return at < r->last.n && view_eq(symbols_text(r->symbols, r->last.v[at].name), name);
}

/* Goes on to the next label of the series before. */
static inline void
pass(struct recoder *r)
{
        r->field += r->last.v[r->at++].bytes;
}

/* Finds the number of a name; r->at is then at the label of that name, if the series before has it
 * and it was not passed. */
static int
find_name(struct recoder *r, struct view name, uint32_t *out, struct err *e)
{
        size_t at;
        int rc;

        if (is_name(r, r->at, name)) {
                *out = r->last.v[r->at].name;
                return 0;
        }
        rc = symbols_ref(r->symbols, name, out, e);
        for (at = r->at; rc == 0 && at < r->last.n && r->last.v[at].name != *out; at++)
                ;
        while (rc == 0 && at < r->last.n && r->at < at)
                pass(r);
        return rc;
}

/* A label that is another than the one before: its texts are looked up. */
static int
look_up(struct recoder *r, struct view label, struct known *out, struct err *e)
{
        struct view name = {"", 0};
        struct view value = {"", 0};
        uint32_t ref = 0;
        int rc;

        (void)take(&label, TAG_FIRST_BYTES, &name);
        (void)take(&label, TAG_SECOND_BYTES, &value);
        if (label.n > 0)
                return err_set(e, ERR_PARSE, "a request holds a strange label");
        rc = find_name(r, name, &out->name, e);
        if (rc == 0)
                rc = symbols_ref(r->symbols, value, &ref, e);
        if (rc < 0)
                return rc;
        out->refs_bytes = (uint32_t)varint_put(out->refs, out->name);
        out->refs_bytes += (uint32_t)varint_put(out->refs + out->refs_bytes, ref);
        if (r->at < r->last.n && r->last.v[r->at].name == out->name)
                pass(r);
        return 0;
}

/* Room for one more label. */
static int
make_room(struct recoder *r, struct err *e)
{
        struct labels_known *x = &r->now;
        size_t cap = x->cap > 0 ? x->cap * 2 : 32;
        struct known *v;

        if (x->n == x->cap) {
                v = realloc(x->v, cap * sizeof(*v));
                if (v == NULL)
                        return err_nomem(e, "a series");
                x->v = v;
                x->cap = cap;
        }
        return buf_reserve(&r->refs, sizeof(x->v->refs), e);
}

/* The label that is expected next stands here, byte for byte. */
static inline bool
is_expected(const struct recoder *r, struct view rest)
{
        size_t n;

        if (r->at == r->last.n)
                return false;
        n = r->last.v[r->at].bytes;
        return n <= rest.n && memcmp(rest.p, r->last.fields.ptr + r->field, n) == 0;
}

/* Takes the labels off *rest, into r->now and r->refs. */
static int
take_labels(struct recoder *r, struct view *rest, struct err *e)
{
        struct view all = *rest;
        int rc = 0;

        r->now.n = r->at = r->field = r->refs.len = r->now.fields.len = 0;
        while (rest->n > 0 && (unsigned char)rest->p[0] == TAG_FIRST_BYTES) {
                struct view before = *rest;
                struct view label;
                struct known *x;

                rc = make_room(r, e);
                if (rc < 0)
                        return rc;
                x = &r->now.v[r->now.n];
                if (is_expected(r, *rest)) {
                        *x = r->last.v[r->at];
                        pass(r);
                        rest->p += x->bytes;
                        rest->n -= x->bytes;
                } else {
                        if (!take(rest, TAG_FIRST_BYTES, &label))
                                return err_set(e, ERR_PARSE, "a request holds half a label");
                        rc = look_up(r, label, x, e);
                        if (rc < 0)
                                return rc;
                        x->bytes = (uint32_t)(before.n - rest->n);
                }
                memcpy(r->refs.ptr + r->refs.len, x->refs, sizeof(x->refs));
                r->refs.len += x->refs_bytes;
                r->now.n++;
        }
        return buf_append(&r->now.fields, all.p, all.n - rest->n, e);
}

/* ---- writing ---- */

static int
put_series(struct view refs, struct view samples, struct buf *out, struct err *e)
{
        size_t size = (refs.n > 0 ? 1 + varint_size(refs.n) + refs.n : 0) + samples.n;
        int rc = buf_reserve(out, 1 + VARINT_MAX + size, e);
        uint8_t *p;

        if (rc < 0)
                return rc;
        p = put_length((uint8_t *)out->ptr + out->len, TAG_SERIES_2, size);
        if (refs.n > 0) {
                p = put_length(p, TAG_FIRST_BYTES, refs.n);
                memcpy(p, refs.p, refs.n);
                p += refs.n;
        }
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
        struct labels_known before;
        int rc;

        if (!take(&rest, TAG_FIRST_BYTES, &inside) || rest.n > 0)
                return err_set(e, ERR_PARSE, "a request holds something else than series");
        rc = take_labels(r, &inside, e);
        if (rc == 0)
                rc = put_series(buf_view(&r->refs), inside, out, e);
        if (rc < 0)
                return rc;
        before = r->last;
        r->last = r->now;
        r->now = before;
        return 0;
}
