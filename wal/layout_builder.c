/*
 * Writing layouts: every label set is turned into bytes as it comes, against the ones before, so
 * that a builder holds little more than what it will write.
 */
#include "wal/layout.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/hash.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/layout_format.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        KEEP_BYTES = 256 << 10, /* of a buffer, at a reset */
        LABEL_WORST = 4 * VARINT_MAX, /* what a label may take beside its text */
        SET_WORST = 2 * VARINT_MAX,
        TABLE_MIN = 1024,
};

struct layout_builder {
        struct buf runs[LAYOUT_RUNS];
        struct buf text; /* of all symbols, whole */
        struct layout_symbol *symbols; /* owned */
        size_t n_symbols;
        size_t cap_symbols;
        uint32_t *table; /* owned; symbol + 1 by hash, 0: free; cap_table is a power of two */
        size_t cap_table;
        struct layout_shape *shapes; /* owned, CHUNK_SLOTS of them */
        uint32_t *names; /* owned; of the shapes */
        size_t n_names;
        size_t cap_names;
        unsigned n_shapes;
        unsigned last_shape;
        uint32_t last_new_name; /* symbol + 1 */
        unsigned sets;
        size_t n_labels;
};

int
layout_builder_new(struct layout_builder **out, struct err *e)
{
        struct layout_builder *b = calloc(1, sizeof(*b));

        if (b == NULL)
                return err_nomem(e, "a layout");
        for (unsigned i = 0; i < LAYOUT_RUNS; i++)
                b->runs[i].max = LAYOUT_MAX_BYTES;
        b->text.max = LAYOUT_MAX_BYTES;
        b->shapes = calloc(CHUNK_SLOTS, sizeof(*b->shapes));
        b->table = calloc(TABLE_MIN, sizeof(*b->table));
        b->cap_table = TABLE_MIN;
        if (b->shapes == NULL || b->table == NULL) {
                layout_builder_free(b);
                return err_nomem(e, "a layout");
        }
        *out = b;
        return 0;
}

void
layout_builder_free(struct layout_builder *b)
{
        if (b == NULL)
                return;
        for (unsigned i = 0; i < LAYOUT_RUNS; i++)
                buf_release(&b->runs[i]);
        buf_release(&b->text);
        free(b->symbols);
        free(b->table);
        free(b->shapes);
        free(b->names);
        free(b);
}

void
layout_builder_reset(struct layout_builder *b)
{
        for (unsigned i = 0; i < LAYOUT_RUNS; i++) {
                if (b->runs[i].cap > KEEP_BYTES)
                        buf_release(&b->runs[i]);
                buf_reset(&b->runs[i]);
        }
        if (b->text.cap > KEEP_BYTES)
                buf_release(&b->text);
        buf_reset(&b->text);
        if (b->cap_symbols * sizeof(*b->symbols) > KEEP_BYTES) {
                free(b->symbols);
                b->symbols = NULL;
                b->cap_symbols = 0;
        }
        if (b->cap_names * sizeof(*b->names) > KEEP_BYTES) {
                free(b->names);
                b->names = NULL;
                b->cap_names = 0;
        }
        memset(b->table, 0, b->cap_table * sizeof(*b->table));
        b->n_symbols = 0;
        b->n_names = 0;
        b->n_shapes = 0;
        b->last_shape = 0;
        b->last_new_name = 0;
        b->sets = 0;
        b->n_labels = 0;
}

unsigned
layout_builder_count(const struct layout_builder *b)
{
        return b->sets;
}

size_t
layout_builder_bytes(const struct layout_builder *b)
{
        size_t n = sizeof(*b) + b->text.cap + CHUNK_SLOTS * sizeof(*b->shapes);

        for (unsigned i = 0; i < LAYOUT_RUNS; i++)
                n += b->runs[i].cap;
        return n + b->cap_symbols * sizeof(*b->symbols) + b->cap_table * sizeof(*b->table) +
            b->cap_names * sizeof(*b->names);
}

static struct view
text_of(const struct layout_builder *b, size_t symbol)
{
        const struct layout_symbol *s = &b->symbols[symbol];

        return (struct view){b->text.ptr + s->offset, s->length};
}

static int
put_number(struct buf *run, uint64_t v, struct err *e)
{
        uint8_t bytes[VARINT_MAX];

        return buf_append(run, bytes, varint_put(bytes, v), e);
}

/* Where in the table v stands or would stand. */
static uint32_t *
find_place(const struct layout_builder *b, struct view v)
{
        size_t mask = b->cap_table - 1;
        size_t i = (size_t)hash_seeded(v.p, v.n) & mask;

        while (b->table[i] != 0 && !view_eq(text_of(b, b->table[i] - 1), v))
                i = (i + 1) & mask;
        return &b->table[i];
}

static int
grow_table(struct layout_builder *b, struct err *e)
{
        uint32_t *bigger = calloc(b->cap_table * 2, sizeof(*bigger));

        if (bigger == NULL)
                return err_nomem(e, "a layout");
        free(b->table);
        b->table = bigger;
        b->cap_table *= 2;
        for (size_t i = 0; i < b->n_symbols; i++)
                *find_place(b, text_of(b, i)) = (uint32_t)i + 1;
        return 0;
}

static int
grow_symbols(struct layout_builder *b, struct err *e)
{
        size_t cap = b->cap_symbols > 0 ? b->cap_symbols * 2 : 256;
        struct layout_symbol *p = realloc(b->symbols, cap * sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "a layout");
        b->symbols = p;
        b->cap_symbols = cap;
        return 0;
}

static size_t
common_prefix(struct view a, struct view b)
{
        size_t n = 0;

        while (n < a.n && n < b.n && a.p[n] == b.p[n])
                n++;
        return n;
}

/* Makes a symbol, its text stored against that of `before` (symbol + 1; 0: against nothing). */
static int
make_symbol(struct layout_builder *b, struct view v, uint32_t before, struct err *e)
{
        size_t shared = before > 0 ? common_prefix(text_of(b, before - 1), v) : 0;
        int rc = 0;

        if (b->n_symbols == b->cap_symbols)
                rc = grow_symbols(b, e);
        if (rc == 0 && (b->n_symbols + 1) * 2 > b->cap_table)
                rc = grow_table(b, e);
        if (rc == 0)
                rc = put_number(&b->runs[RUN_LENGTHS], shared, e);
        if (rc == 0)
                rc = put_number(&b->runs[RUN_LENGTHS], v.n - shared, e);
        if (rc == 0)
                rc = buf_append(&b->runs[RUN_TEXT], v.n > 0 ? v.p + shared : "", v.n - shared, e);
        if (rc == 0)
                rc = buf_append(&b->text, v.p, v.n, e);
        if (rc < 0)
                return rc;
        b->symbols[b->n_symbols] = (struct layout_symbol){
            .offset = (uint32_t)(b->text.len - v.n), .length = (uint32_t)v.n};
        b->n_symbols++;
        *find_place(b, v) = (uint32_t)b->n_symbols;
        return 0;
}

/*
 * The number of a label name; the names of a new shape are written to its run as they come. It is
 * known already in nearly all cases.
 */
static int
put_name(struct layout_builder *b, struct view name, struct err *e)
{
        uint32_t symbol = *find_place(b, name);
        int rc = put_number(&b->runs[RUN_SHAPES], symbol, e);

        if (rc == 0 && symbol == 0) {
                rc = make_symbol(b, name, b->last_new_name, e);
                symbol = (uint32_t)b->n_symbols;
                b->last_new_name = symbol;
        }
        if (rc == 0 && b->n_names == b->cap_names) {
                size_t cap = b->cap_names > 0 ? b->cap_names * 2 : 256;
                uint32_t *p = realloc(b->names, cap * sizeof(*p));

                if (p == NULL)
                        return err_nomem(e, "a layout");
                b->names = p;
                b->cap_names = cap;
        }
        if (rc == 0)
                b->names[b->n_names++] = symbol - 1;
        return rc;
}

static bool
shape_is(const struct layout_builder *b, unsigned shape, const struct label *labels, size_t n)
{
        const struct layout_shape *s = &b->shapes[shape];

        if (s->names != n)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!view_eq(text_of(b, b->names[s->first + i]), labels[i].name))
                        return false;
        }
        return true;
}

static unsigned
find_shape(const struct layout_builder *b, const struct label *labels, size_t n)
{
        unsigned i;

        if (b->n_shapes > 0 && shape_is(b, b->last_shape, labels, n))
                return b->last_shape;
        for (i = 0; i < b->n_shapes; i++) {
                if (shape_is(b, i, labels, n))
                        break;
        }
        return i;
}

/* The shape of this label set: its number goes to the series. */
static int
put_shape(struct layout_builder *b, const struct label *labels, size_t n, struct err *e)
{
        unsigned shape = find_shape(b, labels, n);
        int64_t step = (int64_t)shape - (int64_t)b->last_shape;
        bool known = shape < b->n_shapes;
        int rc = put_number(&b->runs[RUN_SERIES], known ? zigzag(step) + 1 : LAYOUT_SHAPE_NEW, e);

        b->last_shape = shape;
        if (rc < 0 || known)
                return rc;
        b->shapes[shape] = (struct layout_shape){(uint32_t)b->n_names, (uint32_t)n};
        rc = put_number(&b->runs[RUN_SHAPES], n, e);
        for (size_t i = 0; i < n && rc == 0; i++)
                rc = put_name(b, labels[i].name, e);
        b->n_shapes++;
        return rc;
}

/* A value that differs from the last one of this name. */
static int
put_value(struct layout_builder *b, uint32_t name, struct view value, struct err *e)
{
        uint32_t symbol = *find_place(b, value);
        int64_t last = b->symbols[name].last_value;
        int rc = put_number(&b->runs[RUN_TOKENS],
            symbol > 0 ? zigzag((int64_t)symbol - last) + 1 : LAYOUT_TOKEN_NEW, e);

        if (rc == 0 && symbol == 0) {
                rc = make_symbol(b, value, b->symbols[name].last_new, e);
                symbol = (uint32_t)b->n_symbols;
                b->symbols[name].last_new = symbol;
        }
        b->symbols[name].last_value = symbol;
        return rc;
}

static int
put_values(struct layout_builder *b, const struct label *labels, size_t n, struct err *e)
{
        const struct layout_shape *s = &b->shapes[b->last_shape];
        struct buf *series = &b->runs[RUN_SERIES];
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i += 8) {
                uint8_t changed = 0;

                for (size_t k = i; k < n && k < i + 8 && rc == 0; k++) {
                        uint32_t name = b->names[s->first + k];
                        uint32_t last = b->symbols[name].last_value;

                        if (last > 0 && view_eq(text_of(b, last - 1), labels[k].value))
                                continue;
                        changed |= (uint8_t)(1U << (k - i));
                        rc = put_value(b, name, labels[k].value, e);
                }
                if (rc == 0)
                        rc = buf_putc(series, (char)changed, e);
        }
        return rc;
}

/* Is there room for n labels with this much text, whatever they share with those before? */
static bool
has_room(const struct layout_builder *b, size_t n, size_t text)
{
        size_t worst = SET_WORST + n * LABEL_WORST + text;

        for (unsigned i = 0; i < LAYOUT_RUNS; i++)
                worst += b->runs[i].len;
        return n <= LAYOUT_MAX_LABELS - b->n_labels && worst <= LAYOUT_MAX_BYTES &&
            text <= LAYOUT_MAX_BYTES - b->text.len;
}

int
layout_builder_add(struct layout_builder *b, const struct label *labels, size_t n, struct err *e)
{
        size_t text = 0;
        int rc;

        if (b->sets == CHUNK_SLOTS)
                return err_set(e, ERR_LIMIT, "a layout holds at most %d label sets", CHUNK_SLOTS);
        for (size_t i = 0; i < n; i++)
                text += labels[i].name.n + labels[i].value.n;
        if (!has_room(b, n, text))
                return err_set(e, ERR_LIMIT, "a layout holds at most %d bytes and %d labels",
                    LAYOUT_MAX_BYTES, LAYOUT_MAX_LABELS);
        rc = put_shape(b, labels, n, e);
        if (rc == 0)
                rc = put_values(b, labels, n, e);
        if (rc < 0)
                return rc;
        b->sets++;
        b->n_labels += n;
        return 0;
}

/* All runs behind each other, with what tells them apart in front. */
static int
join_runs(const struct layout_builder *b, struct buf *raw, struct err *e)
{
        int rc = put_number(raw, b->n_symbols, e);

        if (rc == 0)
                rc = put_number(raw, b->n_shapes, e);
        if (rc == 0)
                rc = put_number(raw, b->n_labels, e);
        if (rc == 0)
                rc = put_number(raw, b->text.len, e);
        for (unsigned i = 0; i < RUN_TEXT && rc == 0; i++)
                rc = put_number(raw, b->runs[i].len, e);
        for (unsigned i = 0; i < LAYOUT_RUNS && rc == 0; i++)
                rc = buf_append(raw, b->runs[i].ptr, b->runs[i].len, e);
        return rc;
}

static int
write_part(const struct layout_head *head, const struct buf *raw, struct zstd_packer *z,
    struct buf *out, struct err *e)
{
        size_t start;
        size_t packed;
        uint8_t *p;
        int rc = buf_reserve(out, ENVELOPE_BYTES + LAYOUT_HEAD_BYTES + raw->len, e);

        if (rc == 0)
                rc = envelope_begin(out, &start, e);
        if (rc != 0)
                return rc;
        p = (uint8_t *)out->ptr + out->len;
        bytes_put_u64(p, head->chunk);
        bytes_put_u64(p + 8, head->target);
        bytes_put_u16(p + 16, (uint16_t)head->first);
        bytes_put_u16(p + 18, (uint16_t)head->slots);
        p[20] = LAYOUT_VERSION;
        bytes_put_u32(p + 22, (uint32_t)raw->len);
        packed = zstd_pack(z, raw->ptr, raw->len, p + LAYOUT_HEAD_BYTES, raw->len - 1);
        p[21] = packed > 0 ? LAYOUT_FLAG_PACKED : 0;
        if (packed == 0) {
                memcpy(p + LAYOUT_HEAD_BYTES, raw->ptr, raw->len);
                packed = raw->len;
        }
        out->len += LAYOUT_HEAD_BYTES + packed;
        envelope_end(out, start, ENVELOPE_LAYOUT);
        return 0;
}

int
layout_builder_encode(struct layout_builder *b, const struct layout_head *head,
    struct zstd_packer *z, struct buf *out, struct err *e)
{
        struct buf raw = BUF_INIT((size_t)2 * LAYOUT_MAX_BYTES);
        int rc;

        assert(head->slots == b->sets && head->first + head->slots <= CHUNK_SLOTS);
        rc = join_runs(b, &raw, e);
        if (rc == 0)
                rc = write_part(head, &raw, z, out, e);
        buf_release(&raw);
        return rc;
}
