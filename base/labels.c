#include "base/labels.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "base/varint.h"

#include <stdlib.h>
#include <string.h>

enum {
        LABELS_FIRST_CAP = 16,
        /* Working on a set is quadratic in places; nothing real comes near this. */
        LABELS_MAX = 16384,
        SORT_BY_INSERTION = 32,
        HASH_PIECE = 1024,
};

void
labels_init(struct labels *l, struct arena *arena)
{
        *l = (struct labels){.arena = arena};
}

static int
grow(struct labels *l, struct err *e)
{
        size_t cap = l->cap > 0 ? l->cap * 2 : LABELS_FIRST_CAP;
        struct label *v;

        if (cap > LABELS_MAX)
                return err_set(e, ERR_LIMIT, "a label set has more than %d labels", LABELS_MAX);
        v = arena_alloc(l->arena, cap * sizeof(*v));
        if (v == NULL)
                return err_nomem(e, "a label set");
        if (l->n > 0)
                memcpy(v, l->v, l->n * sizeof(*v));
        l->v = v;
        l->cap = cap;
        return 0;
}

int
labels_add(struct labels *l, struct view name, struct view value, struct err *e)
{
        if (l->n == l->cap) {
                int rc = grow(l, e);

                if (rc < 0)
                        return rc;
        }
        l->v[l->n++] = (struct label){name, value};
        return 0;
}

/* The index of the first label of that name, l->n when there is none. */
static size_t
find(const struct labels *l, struct view name)
{
        size_t i = 0;

        while (i < l->n && !view_eq(l->v[i].name, name))
                i++;
        return i;
}

void
labels_del_at(struct labels *l, size_t i)
{
        l->n--;
        if (i < l->frozen)
                l->frozen--;
        memmove(l->v + i, l->v + i + 1, (l->n - i) * sizeof(*l->v));
}

int
labels_set(struct labels *l, struct view name, struct view value, struct err *e)
{
        size_t i = find(l, name);

        if (value.n == 0) {
                labels_del(l, name);
                return 0;
        }
        if (i < l->n && i >= l->frozen) {
                l->v[i].value = value;
                return 0;
        }
        /* A frozen label that is set counts as added: it leaves its place. */
        if (i < l->n)
                labels_del_at(l, i);
        return labels_add(l, name, value, e);
}

void
labels_del(struct labels *l, struct view name)
{
        size_t i = find(l, name);

        while (i < l->n) {
                if (view_eq(l->v[i].name, name))
                        labels_del_at(l, i);
                else
                        i++;
        }
}

struct view
labels_get(const struct labels *l, struct view name)
{
        size_t i = find(l, name);

        return i < l->n ? l->v[i].value : (struct view){"", 0};
}

bool
labels_has(const struct labels *l, struct view name)
{
        return find(l, name) < l->n;
}

static int
compare(const void *a, const void *b)
{
        return view_cmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

void
labels_sort(struct labels *l)
{
        l->frozen = 0;
        if (l->n > SORT_BY_INSERTION) {
                qsort(l->v, l->n, sizeof(*l->v), compare);
                return;
        }
        for (size_t i = 1; i < l->n; i++) {
                struct label x = l->v[i];
                size_t j = i;

                for (; j > 0 && view_cmp(l->v[j - 1].name, x.name) > 0; j--)
                        l->v[j] = l->v[j - 1];
                l->v[j] = x;
        }
}

void
labels_freeze(struct labels *l)
{
        labels_sort(l);
        l->frozen = l->n;
}

struct view
labels_duplicate(const struct labels *l)
{
        for (size_t i = 1; i < l->n; i++) {
                if (view_eq(l->v[i - 1].name, l->v[i].name))
                        return l->v[i].name;
        }
        return (struct view){"", 0};
}

/* Bytes on their way into the hash, gathered so that a usual set is hashed in one go. */
struct piece {
        uint64_t hash;
        size_t len;
        char bytes[HASH_PIECE];
};

static void
put_view(struct piece *p, struct view v)
{
        if (p->len + VARINT_MAX + v.n > sizeof(p->bytes)) {
                p->hash = hash_stable(p->bytes, p->len, p->hash);
                p->len = 0;
        }
        /* The length goes first, so that ("ab","c") and ("a","bc") differ. */
        p->len += varint_put((uint8_t *)p->bytes + p->len, v.n);
        if (v.n > sizeof(p->bytes) - VARINT_MAX) {
                p->hash = hash_stable(p->bytes, p->len, p->hash);
                p->hash = hash_stable(v.p, v.n, p->hash);
                p->len = 0;
                return;
        }
        if (v.n > 0)
                memcpy(p->bytes + p->len, v.p, v.n);
        p->len += v.n;
}

uint64_t
labels_hash(const struct labels *l)
{
        struct piece p;

        p.hash = 0;
        p.len = 0;
        for (size_t i = 0; i < l->n; i++) {
                put_view(&p, l->v[i].name);
                put_view(&p, l->v[i].value);
        }
        return hash_stable(p.bytes, p.len, p.hash);
}

static bool
is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* [a-zA-Z_][a-zA-Z0-9_]*, with colons for metric names. */
static bool
legacy_valid(struct view name, bool colon)
{
        if (name.n == 0)
                return false;
        for (size_t i = 0; i < name.n; i++) {
                char c = name.p[i];

                if (is_letter(c) || (colon && c == ':') || (i > 0 && c >= '0' && c <= '9'))
                        continue;
                return false;
        }
        return true;
}

bool
name_metric_valid(struct view name, enum name_scheme scheme)
{
        if (scheme == NAME_LEGACY)
                return legacy_valid(name, true);
        return name.n > 0 && utf8_valid(name);
}

bool
name_label_valid(struct view name, enum name_scheme scheme)
{
        if (scheme == NAME_LEGACY)
                return legacy_valid(name, false);
        return name.n > 0 && utf8_valid(name);
}

/* From i to the first byte above 0x7f, by words. */
static size_t
skip_ascii(struct view v, size_t i)
{
        uint64_t w[4];

        for (; v.n - i >= sizeof(w); i += sizeof(w)) {
                memcpy(w, v.p + i, sizeof(w));
                if (((w[0] | w[1] | w[2] | w[3]) & UINT64_C(0x8080808080808080)) != 0)
                        break;
        }
        for (; v.n - i >= sizeof(w[0]); i += sizeof(w[0])) {
                memcpy(w, v.p + i, sizeof(w[0]));
                if ((w[0] & UINT64_C(0x8080808080808080)) != 0)
                        break;
        }
        while (i < v.n && (unsigned char)v.p[i] < 0x80)
                i++;
        return i;
}

bool
utf8_valid(struct view v)
{
        size_t i = skip_ascii(v, 0);

        while (i < v.n) {
                uint32_t c;
                size_t n = utf8_decode(v.p + i, v.n - i, &c);

                if (n == 0)
                        return false;
                i = skip_ascii(v, i + n);
        }
        return true;
}
