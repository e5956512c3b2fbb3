#include "wal/retire.h"

#include "base/err.h"
#include "wal/batch.h"
#include "wal/pack.h"
#include "wal/store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_MAX = 1 << 24 };

/* ---- a growing array of ids ---- */

static int
reserve(struct live *l, size_t more, struct err *e)
{
        size_t cap = l->cap > 0 ? l->cap : 64;
        uint64_t *ids;

        if (l->n + more <= l->cap)
                return 0;
        if (l->n + more > IDS_MAX)
                return err_set(e, ERR_LIMIT, "more than %d keyframes in use", IDS_MAX);
        while (cap < l->n + more)
                cap *= 2;
        ids = realloc(l->ids, cap * sizeof(*ids));
        if (ids == NULL)
                return err_nomem(e, "the list of keyframes");
        l->ids = ids;
        l->cap = cap;
        return 0;
}

void
live_release(struct live *l)
{
        free(l->ids);
        *l = (struct live){NULL, 0, 0};
}

/* Index of the first id >= id. */
static size_t
lower_bound(const uint64_t *ids, size_t n, uint64_t id)
{
        size_t from = 0;

        while (n > 0) {
                size_t half = n / 2;

                if (ids[from + half] < id) {
                        from += half + 1;
                        n -= half + 1;
                } else {
                        n = half;
                }
        }
        return from;
}

/* Ids are counted up, so this is nearly always at the end. */
static void
insert(struct live *l, uint64_t id)
{
        size_t i = lower_bound(l->ids, l->n, id);

        if (i < l->n && l->ids[i] == id)
                return;
        memmove(l->ids + i + 1, l->ids + i, (l->n - i) * sizeof(*l->ids));
        l->ids[i] = id;
        l->n++;
}

static void
take_out(struct live *l, uint64_t id)
{
        size_t i = lower_bound(l->ids, l->n, id);

        if (i == l->n || l->ids[i] != id)
                return;
        memmove(l->ids + i, l->ids + i + 1, (l->n - i - 1) * sizeof(*l->ids));
        l->n--;
}

typedef void (*keyframe_visitor)(void *arg, uint64_t id);

static void
each_keyframe(const struct plan *p, keyframe_visitor visit, void *arg)
{
        for (const struct wal_batch *b = p->head; b != NULL; b = b->next) {
                for (size_t i = 0; i < b->n_puts; i++) {
                        if (b->puts[i].kind == BATCH_KEYFRAME)
                                visit(arg, b->puts[i].id);
                }
        }
}

static void
count_one(void *arg, uint64_t id)
{
        (void)id;
        ++*(size_t *)arg;
}

static void
insert_one(void *arg, uint64_t id)
{
        insert(arg, id);
}

static void
least_one(void *arg, uint64_t id)
{
        uint64_t *low = arg;

        if (id < *low)
                *low = id;
}

int
live_reserve(struct live *l, const struct plan *p, struct err *e)
{
        size_t n = 0;

        each_keyframe(p, count_one, &n);
        return reserve(l, n, e);
}

void
live_apply(struct live *l, const struct plan *p)
{
        each_keyframe(p, insert_one, l);
        for (size_t i = 0; i < p->n_retired; i++) {
                if (!p->retired[i].chunk)
                        take_out(l, p->retired[i].id);
        }
}

uint64_t
live_low(const struct live *l, const struct plan *p, uint64_t next_id)
{
        uint64_t low = l->n > 0 && l->ids[0] < next_id ? l->ids[0] : next_id;

        if (p != NULL)
                each_keyframe(p, least_one, &low);
        return low;
}

/* ---- 'X' keys ---- */

static int
put_retired(
    struct store_txn *t, uint64_t last_block, enum key_kind kind, uint64_t id, struct err *e)
{
        struct key k = key_retired(last_block, kind, id);

        return store_put(t, &k, VIEW_LIT(""), false, e);
}

int
retire_put(struct store_txn *t, const struct plan *p, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < p->n_retired && rc == 0; i++) {
                const struct plan_retired *r = &p->retired[i];

                rc = put_retired(t, r->last_block, r->chunk ? KEY_LAYOUT : KEY_KEYFRAME, r->id, e);
        }
        return rc;
}

struct due {
        uint64_t first_block;
        struct key *keys; /* owned, room for max */
        size_t n;
        size_t max;
};

static int
note_due(void *arg, struct view key, struct view value, struct err *e)
{
        struct due *d = arg;

        (void)value;
        (void)e;
        if (d->n == d->max || key_number(key) >= d->first_block)
                return 1;
        memcpy(d->keys[d->n].bytes, key.p, key.n);
        d->keys[d->n++].n = (uint8_t)key.n;
        return 0;
}

static int
delete_layout(struct store_txn *t, uint64_t chunk, struct err *e)
{
        struct store_range r = {key_layout(chunk, 0), key_layout(chunk + 1, 0), UINT64_MAX, 0, 0};

        return store_delete_range(t, &r, e);
}

static int
collect_one(struct store_txn *t, const struct key *x, struct err *e)
{
        int rc = 0;

        if (x->n == KEY_MAX_BYTES) { /* any other length is not ours: delete the key alone */
                uint64_t id = be64_get(x->bytes + 10);
                struct key k = key_of(KEY_KEYFRAME, id);

                if (x->bytes[9] == KEY_LAYOUT) {
                        rc = delete_layout(t, id, e);
                } else if (x->bytes[9] == KEY_KEYFRAME) {
                        rc = store_delete(t, &k, e);
                }
        }
        return rc == 0 ? store_delete(t, x, e) : rc;
}

int
retire_collect(struct store_txn *t, uint64_t first_block, size_t max, struct err *e)
{
        struct key from = key_of(KEY_RETIRED, 0);
        struct due d = {first_block, NULL, 0, max};
        struct key found;
        int rc = store_first(t, &from, &found, NULL, e);

        if (rc == ERR_NOTFOUND || (rc == 0 && be64_get(found.bytes + 1) >= first_block))
                return 0;
        if (rc < 0)
                return rc;
        d.keys = calloc(max, sizeof(*d.keys));
        if (d.keys == NULL)
                return err_nomem(e, "the list of retired keyframes");
        rc = store_walk(t, &from, note_due, &d, e);
        for (size_t i = 0; i < d.n && rc >= 0; i++)
                rc = collect_one(t, &d.keys[i], e);
        free(d.keys);
        return rc < 0 ? rc : 0;
}

/* ---- at open ---- */

static int
append(struct live *l, uint64_t id, struct err *e)
{
        int rc = reserve(l, 1, e);

        if (rc == 0 && l->ids != NULL)
                l->ids[l->n++] = id;
        return rc;
}

static int
note_id(void *arg, struct view key, struct view value, struct err *e)
{
        (void)value;
        return append(arg, key_number(key), e);
}

static int
compare_ids(const void *a, const void *b)
{
        const uint64_t *x = a;
        const uint64_t *y = b;

        return (*x > *y) - (*x < *y);
}

static bool
has(const uint64_t *ids, size_t n, uint64_t id)
{
        size_t i = lower_bound(ids, n, id);

        return i < n && ids[i] == id;
}

/* Chunks with a stored layout that no target lists. One search per chunk, whatever its parts. */
static int
unlisted_chunks(
    struct store_txn *t, const struct retire_last_run *r, struct live *out, struct err *e)
{
        struct key from = key_layout(0, 0);
        struct key found;
        int rc;

        while ((rc = store_first(t, &from, &found, NULL, e)) == 0) {
                uint64_t chunk = be64_get(found.bytes + 1);

                if (!has(r->chunks, r->n_chunks, chunk)) {
                        rc = append(out, chunk, e);
                        if (rc < 0)
                                return rc;
                }
                if (chunk == UINT64_MAX)
                        return 0;
                from = key_layout(chunk + 1, 0);
        }
        return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
drop_retired_chunk(void *arg, struct view key, struct view value, struct err *e)
{
        (void)value;
        (void)e;
        if (key.n == KEY_MAX_BYTES && key.p[9] == KEY_LAYOUT)
                take_out(arg, be64_get((const uint8_t *)key.p + 10));
        return 0;
}

static int
retire_ids(struct store_txn *t, const struct live *l, uint64_t last_block, enum key_kind kind,
    struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < l->n && rc == 0; i++)
                rc = put_retired(t, last_block, kind, l->ids[i], e);
        return rc;
}

int
retire_last_run(struct store_txn *t, const struct retire_last_run *r, struct err *e)
{
        struct key keyframes = key_of(KEY_KEYFRAME, r->keyframe_low);
        struct key retired = key_of(KEY_RETIRED, 0);
        struct live ids = {NULL, 0, 0};
        struct live chunks = {NULL, 0, 0};
        int rc = store_walk(t, &keyframes, note_id, &ids, e);

        if (rc == 0)
                rc = retire_ids(t, &ids, r->last_block, KEY_KEYFRAME, e);
        if (rc == 0)
                rc = unlisted_chunks(t, r, &chunks, e);
        if (rc == 0 && chunks.n > 0) {
                qsort(chunks.ids, chunks.n, sizeof(*chunks.ids), compare_ids);
                rc = store_walk(t, &retired, drop_retired_chunk, &chunks, e);
        }
        if (rc == 0)
                rc = retire_ids(t, &chunks, r->last_block, KEY_LAYOUT, e);
        live_release(&ids);
        live_release(&chunks);
        return rc;
}
