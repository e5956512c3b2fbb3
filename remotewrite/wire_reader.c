#include "remotewrite/wire_reader.h"

#include "base/err.h"
#include "base/labels.h"
#include "remotewrite/encode.h"
#include "remotewrite/encode_bytes.h"

#include <stdlib.h>

enum { SERIES_MAX = 32 << 20 };

/* Counts the symbols in front, and notes them when there is room; *rest is what follows. */
static size_t
take_symbols(struct view *rest, struct view *out)
{
        struct view whole;
        struct view text;
        size_t n = 0;

        while (wire_field(rest, TAG_SYMBOL, &whole, &text)) {
                if (out != NULL)
                        out[n] = text;
                n++;
        }
        return n;
}

int
wire_reader_open(struct wire_reader *r, struct view raw, enum write_message message, struct err *e)
{
        struct view rest = raw;

        *r = (struct wire_reader){.message = message, .rest = raw, .series = BUF_INIT(SERIES_MAX)};
        if (message == WRITE_1)
                return 0;
        r->n_symbols = take_symbols(&rest, NULL);
        if (r->n_symbols == 0)
                return err_set(e, ERR_PARSE, "a request holds no symbols");
        r->symbols = calloc(r->n_symbols, sizeof(*r->symbols));
        if (r->symbols == NULL)
                return err_nomem(e, "the symbols of a request");
        (void)take_symbols(&r->rest, r->symbols);
        return 0;
}

void
wire_reader_close(struct wire_reader *r)
{
        free(r->symbols);
        free(r->labels);
        buf_release(&r->series);
        *r = (struct wire_reader){.message = r->message};
}

bool
wire_reader_end(const struct wire_reader *r)
{
        return r->rest.n == 0;
}

static int
make_room(struct wire_reader *r, size_t n, struct err *e)
{
        size_t cap = n * 2 + 16;
        struct label *labels;

        if (n < r->cap_labels)
                return 0;
        labels = realloc(r->labels, cap * sizeof(*labels));
        if (labels == NULL)
                return err_nomem(e, "a series");
        r->labels = labels;
        r->cap_labels = cap;
        return 0;
}

/* Takes the next number off *refs and finds its text. */
static bool
take_text(const struct wire_reader *r, struct view *refs, struct view *out)
{
        const uint8_t *p = (const uint8_t *)refs->p;
        uint64_t ref;
        size_t n = varint_get(p, p + refs->n, &ref);

        if (n == 0 || ref >= r->n_symbols)
                return false;
        refs->p += n;
        refs->n -= n;
        *out = r->symbols[ref];
        return true;
}

/* Writes the labels that the numbers stand for. */
static int
put_labels(struct wire_reader *r, struct view refs, struct err *e)
{
        size_t n = 0;

        while (refs.n > 0) {
                int rc = make_room(r, n, e);

                if (rc < 0)
                        return rc;
                if (!take_text(r, &refs, &r->labels[n].name) ||
                    !take_text(r, &refs, &r->labels[n].value))
                        return err_set(e, ERR_PARSE, "a request refers to a symbol it has not");
                n++;
        }
        return encode_labels(r->labels, n, &r->series, e);
}

/* A 2.0 series as a 1.0 field in r->series. */
static int
translate(struct wire_reader *r, struct err *e)
{
        static const char head[1 + VARINT_MAX] = {0};
        struct view refs = {NULL, 0};
        struct view inside;
        struct view whole;
        uint8_t front[1 + VARINT_MAX];
        size_t n;
        int rc;

        buf_reset(&r->series);
        if (!wire_field(&r->rest, TAG_SERIES_2, &whole, &inside))
                return err_set(e, ERR_PARSE, "a request holds something else than series");
        (void)wire_field(&inside, TAG_FIRST_BYTES, &whole, &refs);
        /* tag and length go in front when that is known */
        rc = buf_append(&r->series, head, sizeof(head), e);
        if (rc == 0)
                rc = put_labels(r, refs, e);
        if (rc == 0)
                rc = buf_append(&r->series, inside.p, inside.n, e);
        if (rc < 0)
                return rc;
        n = (size_t)(put_length(front, TAG_FIRST_BYTES, r->series.len - sizeof(head)) - front);
        memcpy(r->series.ptr + sizeof(head) - n, front, n);
        buf_consume(&r->series, sizeof(head) - n);
        return 0;
}

int
wire_reader_next(struct wire_reader *r, struct wire_series *out, struct err *e)
{
        struct view series;
        int rc;

        if (r->message == WRITE_1)
                return wire_next(&r->rest, out, e);
        rc = translate(r, e);
        if (rc < 0)
                return rc;
        series = buf_view(&r->series);
        return wire_next(&series, out, e);
}
