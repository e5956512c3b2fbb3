#include "wal/store_lmdb.h"

#include "base/err.h"
#include "wal/store_page.h"

#include <string.h>

enum {
        VALUE_MAX_BYTES = 80 << 20, /* the largest layout part there can be, and more */
};

static MDB_val
val_of(struct view v)
{
        return (MDB_val){v.n, (void *)(uintptr_t)v.p};
}

static MDB_val
key_val(const struct key *k)
{
        return (MDB_val){k->n, (void *)(uintptr_t)k->bytes};
}

/* LMDB believes the length that stands in the tree: one that leads out of the file is damage. */
static int
check_value(struct store_txn *t, const MDB_val *v, struct view *out, struct err *e)
{
        struct store *s = t->store;
        const char *p = v->mv_data;

        if (v->mv_size > VALUE_MAX_BYTES)
                return err_set(
                    e, ERR_CORRUPT, "a stored value says that it has %zu bytes", v->mv_size);
        if (s->map != NULL && p >= s->map && p < s->map + s->map_length &&
            (uint64_t)(p - s->map) + v->mv_size > atomic_load(&s->data_bytes))
                return err_set(e, ERR_CORRUPT, "a stored value leads out of the file");
        atomic_fetch_add_explicit(&s->touched, v->mv_size, memory_order_relaxed);
        *out = (struct view){p, v->mv_size};
        return 0;
}

int
store_get(struct store_txn *t, const struct key *k, struct view *out, struct err *e)
{
        MDB_val key = key_val(k);
        MDB_val v;
        int rc = mdb_get(t->txn, t->store->dbi, &key, &v);

        if (rc != 0)
                return store_fail(t->store, rc, e, "read a value of the log");
        return check_value(t, &v, out, e);
}

int
store_put(struct store_txn *t, const struct key *k, struct view value, bool append, struct err *e)
{
        MDB_val key = key_val(k);
        MDB_val v = val_of(value);
        int rc = mdb_put(t->txn, t->store->dbi, &key, &v, append ? MDB_APPEND : 0);

        return rc == 0 ? 0 : store_fail(t->store, rc, e, "store a value");
}

int
store_delete(struct store_txn *t, const struct key *k, struct err *e)
{
        MDB_val key = key_val(k);
        int rc = mdb_del(t->txn, t->store->dbi, &key, NULL);

        return rc == 0 || rc == MDB_NOTFOUND ? 0 : store_fail(t->store, rc, e, "delete a value");
}

static bool
same_kind(const MDB_val *k, uint8_t kind)
{
        return k->mv_size >= 1 && k->mv_size <= KEY_MAX_BYTES &&
            *(const uint8_t *)k->mv_data == kind;
}

static void
copy_key(const MDB_val *k, struct key *out)
{
        memcpy(out->bytes, k->mv_data, k->mv_size);
        out->n = (uint8_t)k->mv_size;
}

int
store_first(struct store_txn *t, const struct key *from, struct key *out_key,
    struct view *out_value, struct err *e)
{
        MDB_cursor *c = NULL;
        MDB_val k = key_val(from);
        MDB_val v;
        struct view value = {NULL, 0};
        int rc = mdb_cursor_open(t->txn, t->store->dbi, &c);

        if (rc == 0)
                rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
        if (rc == 0 && !same_kind(&k, from->bytes[0]))
                rc = MDB_NOTFOUND;
        if (rc != 0) {
                rc = store_fail(t->store, rc, e, "find a key of the log");
        } else if (out_value != NULL) {
                rc = check_value(t, &v, &value, e);
        }
        if (rc == 0) {
                copy_key(&k, out_key);
                if (out_value != NULL)
                        *out_value = value;
        }
        if (c != NULL)
                mdb_cursor_close(c);
        return rc;
}

int
store_last(struct store_txn *t, enum key_kind kind, struct key *out_key, struct err *e)
{
        uint8_t next_kind = (uint8_t)(kind + 1);
        MDB_cursor *c = NULL;
        MDB_val k = {1, &next_kind};
        MDB_val v;
        int rc = mdb_cursor_open(t->txn, t->store->dbi, &c);

        if (rc == 0) {
                rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
                rc = mdb_cursor_get(c, &k, &v, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
        }
        if (rc == 0 && !same_kind(&k, (uint8_t)kind))
                rc = MDB_NOTFOUND;
        if (rc == 0)
                copy_key(&k, out_key);
        if (c != NULL)
                mdb_cursor_close(c);
        return rc == 0 ? 0 : store_fail(t->store, rc, e, "find the last key");
}

int
store_holds_any(struct store_txn *t, struct err *e)
{
        MDB_stat st;
        int rc = mdb_stat(t->txn, t->store->dbi, &st);

        if (rc != 0)
                return store_fail(t->store, rc, e, "look at the log");
        return st.ms_entries > 0 ? 1 : 0;
}

int
store_walk(struct store_txn *t, const struct key *from, store_sink sink, void *arg, struct err *e)
{
        MDB_cursor *c = NULL;
        MDB_val k = key_val(from);
        MDB_val v;
        struct view value = {NULL, 0};
        int result = 0;
        int rc = mdb_cursor_open(t->txn, t->store->dbi, &c);

        if (rc != 0)
                return store_fail(t->store, rc, e, "walk the log");
        rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
        while (rc == 0 && result == 0 && same_kind(&k, from->bytes[0])) {
                if (check_value(t, &v, &value, NULL) < 0)
                        value = (struct view){NULL, 0};
                result = sink(arg, (struct view){k.mv_data, k.mv_size}, value, e);
                if (result == 0)
                        rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
        }
        mdb_cursor_close(c);
        if (rc != 0 && rc != MDB_NOTFOUND)
                return store_fail(t->store, rc, e, "walk the log");
        return result;
}

/*
 * LMDB frees as many pages as the head of a value's own pages names, from the number that it names:
 * a head that says otherwise would free pages of others. In a leaf no value begins where it does
 * in a page of its own.
 */
static bool
may_delete(const struct store *s, const MDB_val *v)
{
        const char *p = v->mv_data;
        size_t at;

        if (s->map == NULL || p < s->map || p >= s->map + s->map_length)
                return true; /* a page of this transaction, not from the file */
        at = (size_t)(p - s->map);
        return at % s->page_size != PAGE_HEAD_BYTES ||
            page_run_fits((const uint8_t *)p - PAGE_HEAD_BYTES, at / s->page_size,
                page_run_of(v->mv_size, s->page_size));
}

int
store_delete_range(struct store_txn *t, struct store_range *r, struct err *e)
{
        MDB_cursor *c = NULL;
        MDB_val to = key_val(&r->to);
        MDB_val k = key_val(&r->from);
        MDB_val v;
        int rc = mdb_cursor_open(t->txn, t->store->dbi, &c);

        r->deleted = 0;
        r->refused = 0;
        if (rc == 0)
                rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
        while (rc == 0 && r->deleted < r->max && mdb_cmp(t->txn, t->store->dbi, &k, &to) < 0) {
                if (may_delete(t->store, &v)) {
                        rc = mdb_cursor_del(c, 0);
                        r->deleted++;
                } else {
                        r->refused++;
                }
                if (rc == 0)
                        rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
        }
        if (c != NULL)
                mdb_cursor_close(c);
        return rc == 0 || rc == MDB_NOTFOUND ? 0
                                             : store_fail(t->store, rc, e, "delete from the log");
}
