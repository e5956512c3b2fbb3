/*
 * Reading layouts. Nothing in the bytes is believed: every number that sizes memory is bounded by
 * the bytes that must stand behind it or by a limit that the builder keeps too.
 */
#include "wal/layout.h"

#include "base/compress.h"
#include "base/err.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/layout_format.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct series {
        uint32_t shape;
        uint32_t first; /* of its values */
};

struct layout_part {
        struct layout_head head;
        char *text; /* owned, as all arrays below */
        struct layout_symbol *symbols;
        struct layout_shape *shapes;
        uint32_t *names; /* symbols, by shape */
        uint32_t *values; /* symbols, by series */
        struct series *series;
        uint32_t n_symbols; /* in use; all of them at the end */
        uint32_t n_shapes;
        uint32_t n_names;
        uint32_t n_values;
        uint32_t text_bytes;
        size_t max_labels;
        size_t memory;
};

/* What the part's own numbers promise; reading stays below and must meet them. */
struct promise {
        uint64_t symbols;
        uint64_t shapes;
        uint64_t labels;
        uint64_t text;
        struct bytes_reader runs[LAYOUT_RUNS];
};

static int
corrupt(struct err *e, const char *what)
{
        (void)err_set(e, ERR_CORRUPT, "layout is damaged: %s", what);
        return ERR_CORRUPT;
}

void
layout_part_free(struct layout_part *p)
{
        if (p == NULL)
                return;
        free(p->text);
        free(p->symbols);
        free(p->shapes);
        free(p->names);
        free(p->values);
        free(p->series);
        free(p);
}

static int
read_promise(struct bytes_reader raw, unsigned slots, struct promise *out, struct err *e)
{
        uint64_t lengths[RUN_TEXT];
        const uint8_t *p;

        out->symbols = bytes_varint(&raw);
        out->shapes = bytes_varint(&raw);
        out->labels = bytes_varint(&raw);
        out->text = bytes_varint(&raw);
        for (unsigned i = 0; i < RUN_TEXT; i++)
                lengths[i] = bytes_varint(&raw);
        for (unsigned i = 0; i < RUN_TEXT; i++) {
                p = bytes_take(&raw, lengths[i]);
                if (p == NULL)
                        return corrupt(e, "its runs are longer than it is");
                out->runs[i] = (struct bytes_reader){p, p + lengths[i], false};
        }
        out->runs[RUN_TEXT] = raw;
        /* a symbol has two lengths, a shape its count of names, a series at least its shape */
        if (out->symbols > lengths[RUN_LENGTHS] / 2 || out->shapes > lengths[RUN_SHAPES] ||
            out->shapes > slots || slots > lengths[RUN_SERIES] || out->labels > LAYOUT_MAX_LABELS ||
            out->text > LAYOUT_MAX_BYTES)
                return corrupt(e, "its counts");
        return 0;
}

/* NULL when out of memory. */
static struct layout_part *
make_part(const struct layout_head *head, const struct promise *promise)
{
        struct layout_part *p = calloc(1, sizeof(*p));
        size_t names = bytes_left(&promise->runs[RUN_SHAPES]);

        if (p == NULL)
                return NULL;
        p->head = *head;
        p->memory = sizeof(*p) + promise->text + promise->symbols * sizeof(*p->symbols) +
            promise->shapes * sizeof(*p->shapes) + names * sizeof(*p->names) +
            promise->labels * sizeof(*p->values) + head->slots * sizeof(*p->series);
        /* one more of each, so that none is empty */
        p->text = malloc(promise->text + 1);
        p->symbols = calloc(promise->symbols + 1, sizeof(*p->symbols));
        p->shapes = calloc(promise->shapes + 1, sizeof(*p->shapes));
        p->names = calloc(names + 1, sizeof(*p->names));
        p->values = calloc(promise->labels + 1, sizeof(*p->values));
        p->series = calloc(head->slots + 1, sizeof(*p->series));
        if (p->text == NULL || p->symbols == NULL || p->shapes == NULL || p->names == NULL ||
            p->values == NULL || p->series == NULL) {
                layout_part_free(p);
                return NULL;
        }
        return p;
}

/* The next symbol, its text against that of `before` (symbol + 1; 0: against nothing). */
static bool
read_symbol(struct layout_part *p, struct promise *promise, uint32_t before)
{
        uint64_t shared = bytes_varint(&promise->runs[RUN_LENGTHS]);
        uint64_t own = bytes_varint(&promise->runs[RUN_LENGTHS]);
        const uint8_t *text = bytes_take(&promise->runs[RUN_TEXT], own);
        char *to = p->text + p->text_bytes;
        uint64_t left = promise->text - p->text_bytes;

        if (promise->runs[RUN_LENGTHS].bad || text == NULL || p->n_symbols == promise->symbols ||
            shared > (before > 0 ? p->symbols[before - 1].length : 0) || shared > left ||
            own > left - shared)
                return false;
        if (shared > 0)
                memcpy(to, p->text + p->symbols[before - 1].offset, shared);
        memcpy(to + shared, text, own);
        p->symbols[p->n_symbols++] =
            (struct layout_symbol){.offset = p->text_bytes, .length = (uint32_t)(shared + own)};
        p->text_bytes += (uint32_t)(shared + own);
        return true;
}

static bool
read_shape(struct layout_part *p, struct promise *promise, uint32_t *last_new_name)
{
        struct bytes_reader *r = &promise->runs[RUN_SHAPES];
        uint64_t n = bytes_varint(r);

        if (r->bad || p->n_shapes == promise->shapes || n > bytes_left(r))
                return false;
        p->shapes[p->n_shapes++] = (struct layout_shape){p->n_names, (uint32_t)n};
        p->max_labels = n > p->max_labels ? n : p->max_labels;
        for (; n > 0; n--) {
                uint64_t symbol = bytes_varint(r);

                if (r->bad || symbol > p->n_symbols)
                        return false;
                if (symbol == 0) {
                        if (!read_symbol(p, promise, *last_new_name))
                                return false;
                        symbol = p->n_symbols;
                        *last_new_name = p->n_symbols;
                }
                p->names[p->n_names++] = (uint32_t)symbol - 1;
        }
        return true;
}

/* The value of a label that differs from the last one of its name. */
static bool
read_value(struct layout_part *p, struct promise *promise, uint32_t name)
{
        uint64_t token = bytes_varint(&promise->runs[RUN_TOKENS]);
        uint64_t symbol;

        if (promise->runs[RUN_TOKENS].bad)
                return false;
        if (token == LAYOUT_TOKEN_NEW) {
                if (!read_symbol(p, promise, p->symbols[name].last_new))
                        return false;
                symbol = p->n_symbols;
                p->symbols[name].last_new = (uint32_t)symbol;
        } else {
                symbol = p->symbols[name].last_value + (uint64_t)unzigzag(token - 1);
                if (symbol < 1 || symbol > p->n_symbols)
                        return false;
        }
        p->symbols[name].last_value = (uint32_t)symbol;
        return true;
}

static bool
read_series(struct layout_part *p, struct promise *promise, uint32_t shape)
{
        const struct layout_shape *s = &p->shapes[shape];
        uint8_t changed = 0;

        if (s->names > promise->labels - p->n_values)
                return false;
        for (uint32_t i = 0; i < s->names; i++) {
                uint32_t name = p->names[s->first + i];

                if (i % 8 == 0)
                        changed = bytes_u8(&promise->runs[RUN_SERIES]);
                if ((changed >> i % 8 & 1) != 0 && !read_value(p, promise, name))
                        return false;
                if (p->symbols[name].last_value == 0)
                        return false;
                p->values[p->n_values++] = p->symbols[name].last_value - 1;
        }
        return !promise->runs[RUN_SERIES].bad;
}

static bool
read_all(struct layout_part *p, struct promise *promise)
{
        uint32_t last_new_name = 0;
        uint64_t shape = 0;

        for (unsigned i = 0; i < p->head.slots; i++) {
                uint64_t coded = bytes_varint(&promise->runs[RUN_SERIES]);

                if (promise->runs[RUN_SERIES].bad)
                        return false;
                if (coded == LAYOUT_SHAPE_NEW) {
                        if (!read_shape(p, promise, &last_new_name))
                                return false;
                        shape = p->n_shapes - 1;
                } else {
                        shape += (uint64_t)unzigzag(coded - 1);
                        if (shape >= p->n_shapes)
                                return false;
                }
                p->series[i] = (struct series){(uint32_t)shape, p->n_values};
                if (!read_series(p, promise, (uint32_t)shape))
                        return false;
        }
        for (unsigned i = 0; i < LAYOUT_RUNS; i++) {
                if (bytes_left(&promise->runs[i]) > 0)
                        return false;
        }
        return p->n_symbols == promise->symbols && p->n_shapes == promise->shapes &&
            p->n_values == promise->labels && p->text_bytes == promise->text;
}

static int
read_raw(struct bytes_reader raw, const struct layout_head *head, struct layout_part **out,
    struct err *e)
{
        struct layout_part *p;
        struct promise promise;
        int rc = read_promise(raw, head->slots, &promise, e);

        if (rc < 0)
                return rc;
        p = make_part(head, &promise);
        if (p == NULL)
                return err_nomem(e, "a layout");
        if (!read_all(p, &promise)) {
                layout_part_free(p);
                return corrupt(e, "its label sets");
        }
        *out = p;
        return 0;
}

int
layout_part_decode(
    struct view bytes, struct zstd_unpacker *z, struct layout_part **out, struct err *e)
{
        struct layout_head head;
        struct bytes_reader r;
        uint8_t *raw;
        size_t raw_bytes;
        uint8_t version;
        uint8_t flags;
        int rc = envelope_open(bytes, ENVELOPE_LAYOUT, true, &r, e);

        if (rc < 0)
                return rc;
        head.chunk = bytes_u64(&r);
        head.target = bytes_u64(&r);
        head.first = bytes_u16(&r);
        head.slots = bytes_u16(&r);
        version = bytes_u8(&r);
        flags = bytes_u8(&r);
        raw_bytes = bytes_u32(&r);
        if (r.bad || version != LAYOUT_VERSION || flags > LAYOUT_FLAG_PACKED ||
            head.first >= CHUNK_SLOTS || head.slots < 1 || head.slots > CHUNK_SLOTS - head.first ||
            raw_bytes > (size_t)2 * LAYOUT_MAX_BYTES)
                return corrupt(e, "its head");
        if ((flags & LAYOUT_FLAG_PACKED) == 0)
                return bytes_left(&r) == raw_bytes ? read_raw(r, &head, out, e)
                                                   : corrupt(e, "its length");
        raw = malloc(raw_bytes + 1);
        if (raw == NULL)
                return err_nomem(e, "a layout");
        rc = zstd_unpack(z, r.p, bytes_left(&r), raw, raw_bytes, e);
        if (rc == 0)
                rc = read_raw((struct bytes_reader){raw, raw + raw_bytes, false}, &head, out, e);
        free(raw);
        return rc;
}

const struct layout_head *
layout_part_head(const struct layout_part *p)
{
        return &p->head;
}

size_t
layout_part_bytes(const struct layout_part *p)
{
        return p->memory;
}

size_t
layout_part_max_labels(const struct layout_part *p)
{
        return p->max_labels;
}

uint32_t
layout_part_shape(const struct layout_part *p, unsigned i)
{
        return p->series[i].shape;
}

uint32_t
layout_part_shapes(const struct layout_part *p)
{
        return p->n_shapes;
}

static struct view
text_of(const struct layout_part *p, uint32_t symbol)
{
        return (struct view){p->text + p->symbols[symbol].offset, p->symbols[symbol].length};
}

size_t
layout_part_labels(const struct layout_part *p, unsigned i, struct label *out, size_t cap)
{
        const struct series *s = &p->series[i];
        const struct layout_shape *shape = &p->shapes[s->shape];

        for (size_t k = 0; k < shape->names && k < cap; k++) {
                out[k].name = text_of(p, p->names[shape->first + k]);
                out[k].value = text_of(p, p->values[s->first + k]);
        }
        return shape->names;
}
