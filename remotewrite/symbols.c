/*
 * Hashes are keyed (hash.h): texts come from pages, and none can be made to collide.
 */
#include "remotewrite/symbols.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "remotewrite/encode_bytes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        FIRST_ROOM = 256, /* a power of two, as all sizes */
        FIELDS_MAX = 32 << 20, /* a request's series are far less */
};

struct symbol {
        uint32_t at; /* of the text, in the fields */
        uint32_t bytes;
        uint32_t hash;
};

struct symbols {
        struct buf fields;
        struct symbol *v; /* owned; by number */
        uint32_t *table; /* owned; hash → number, 0: free; twice the room */
        size_t n;
        size_t room;
};

int
symbols_new(struct symbols **out, struct err *e)
{
        struct symbols *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "a table of symbols");
        s->fields = (struct buf)BUF_INIT(FIELDS_MAX);
        *out = s;
        return 0;
}

void
symbols_reset(struct symbols *s)
{
        buf_release(&s->fields);
        free(s->v);
        free(s->table);
        s->v = NULL;
        s->table = NULL;
        s->n = s->room = 0;
}

void
symbols_free(struct symbols *s)
{
        if (s == NULL)
                return;
        symbols_reset(s);
        free(s);
}

size_t
symbols_bytes(const struct symbols *s)
{
        return sizeof(*s) + s->fields.cap + s->room * (sizeof(*s->v) + 2 * sizeof(*s->table));
}

static uint32_t *
place_of(struct symbols *s, struct view text, uint32_t hash)
{
        size_t mask = 2 * s->room - 1;
        size_t i = hash & mask;

        for (; s->table[i] != 0; i = (i + 1) & mask) {
                const struct symbol *x = &s->v[s->table[i]];

                if (x->hash == hash && x->bytes == text.n &&
                    memcmp(s->fields.ptr + x->at, text.p, text.n) == 0)
                        break;
        }
        return &s->table[i];
}

static int
grow(struct symbols *s, struct err *e)
{
        size_t room = s->room > 0 ? s->room * 2 : FIRST_ROOM;
        struct symbol *v = realloc(s->v, room * sizeof(*v));
        uint32_t *table;

        if (v == NULL)
                return err_nomem(e, "a table of symbols");
        s->v = v;
        table = calloc(2 * room, sizeof(*table));
        if (table == NULL)
                return err_nomem(e, "a table of symbols");
        free(s->table);
        s->table = table;
        s->room = room;
        for (uint32_t i = 1; i < s->n; i++)
                *place_of(s, symbols_text(s, i), s->v[i].hash) = i;
        return 0;
}

/* Appends a text that is not there. */
static int
add(struct symbols *s, struct view text, uint32_t hash, struct err *e)
{
        uint8_t *p;
        int rc = s->n == s->room ? grow(s, e) : 0;

        if (rc == 0)
                rc = buf_reserve(&s->fields, 1 + VARINT_MAX + text.n, e);
        if (rc < 0)
                return rc;
        p = put_length((uint8_t *)s->fields.ptr + s->fields.len, TAG_SYMBOL, text.n);
        s->fields.len = (size_t)(p - (uint8_t *)s->fields.ptr);
        s->v[s->n++] = (struct symbol){(uint32_t)s->fields.len, (uint32_t)text.n, hash};
        (void)put_text(p, text.p, text.n);
        s->fields.len += text.n;
        return 0;
}

int
symbols_begin(struct symbols *s, struct err *e)
{
        buf_reset(&s->fields);
        s->n = 0;
        if (s->room > 0)
                memset(s->table, 0, 2 * s->room * sizeof(*s->table));
        return add(s, VIEW_LIT(""), 0, e);
}

int
symbols_ref(struct symbols *s, struct view text, uint32_t *out, struct err *e)
{
        uint32_t hash;
        uint32_t *place;
        int rc;

        if (text.n == 0) {
                *out = 0;
                return 0;
        }
        hash = (uint32_t)hash_seeded(text.p, text.n);
        place = place_of(s, text, hash);
        if (*place == 0) {
                rc = add(s, text, hash, e);
                if (rc < 0)
                        return rc;
                place = place_of(s, text, hash); /* the table may have grown */
                *place = (uint32_t)s->n - 1;
        }
        *out = *place;
        return 0;
}

struct view
symbols_text(const struct symbols *s, uint32_t ref)
{
        return (struct view){s->fields.ptr + s->v[ref].at, s->v[ref].bytes};
}

struct view
symbols_fields(const struct symbols *s)
{
        return buf_view(&s->fields);
}
