#include "wal/commit.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/batch.h"
#include "wal/meta.h"
#include "wal/pack.h"
#include "wal/parts.h"
#include "wal/retire.h"
#include "wal/store.h"
#include "wal/trim.h"

#include <string.h>

enum {
        TRIES = 3,
        ID_STEP = 1024, /* ids handed out after a commit are not given again after a crash */
};

/* ---- deleting ---- */

int
commit_delete_blocks(struct wal *w, struct store_txn *t, uint64_t below, uint64_t max,
    struct change *c, uint64_t *out_deleted, struct err *e)
{
        struct store_range r = {.to = key_of(KEY_BLOCK, below), .max = max};
        struct position first;
        struct position next;
        struct key found;
        uint64_t from = below;
        int rc;

        book_positions(w->book, &first, &next);
        r.from = key_of(KEY_BLOCK, first.block); /* not 0: damaged ones may have been left behind */
        rc = store_delete_range(t, &r, e);
        if (rc < 0)
                return rc;
        *out_deleted = r.deleted;
        if (r.refused > 0)
                log_warn("blocks with a damaged page header are left in the file",
                    LOG_UINT("blocks", r.refused));
        if (r.deleted == max) { /* there may be more below */
                rc = store_first(t, &r.from, &found, NULL, e);
                if (rc == 0)
                        from = be64_get(found.bytes + 1);
                if (rc == ERR_NOTFOUND)
                        rc = 0;
        }
        if (rc == 0) {
                rc = wal_find_first(w, t, from, &c->trim.first, e);
                if (rc == ERR_NOTFOUND) { /* the log is empty now */
                        c->trim.first = c->next;
                        rc = 0;
                }
        }
        if (rc == 0)
                c->trimmed = true;
        return rc;
}

/* ---- the records that ride in every transaction ---- */

static int
put_cursor(void *arg, uint64_t key, struct view value, struct err *e)
{
        struct key k = key_of(KEY_CURSOR, key);

        return store_put(arg, &k, value, false, e);
}

static int
drop_cursor(void *arg, uint64_t key, struct view value, struct err *e)
{
        struct key k = key_of(KEY_CURSOR, key);

        (void)value;
        return store_delete(arg, &k, e);
}

static int
put_book(
    struct wal *w, struct store_txn *t, const struct change *c, const struct plan *p, struct err *e)
{
        struct key k = key_of(KEY_BOOK, 0);
        uint8_t bytes[META_BOOK_BYTES] = {0};
        uint64_t next_id = atomic_load(&w->next_id);
        struct tally tally;
        struct meta_book b = {
            .next_id = (next_id | (ID_STEP - 1)) + 1,
            .next_block = c->next.block,
            .samples = c->next.samples,
            .age_ms = wal_age(w),
            .keyframe_low = live_low(&w->live, p, next_id),
            .max_size = atomic_load(&w->max_size),
            .last_commit_ms = clock_wall(w->o.clock),
            .clean = c->clean,
            .had_endpoint = book_had_endpoint(w->book),
        };

        book_tally(w->book, &tally);
        /* what stays queued is not told of: after a crash nothing is queued */
        b.offered = tally.offered - (tally.queued - (p != NULL ? p->queued : 0));
        memcpy(b.not_stored, tally.not_stored, sizeof(b.not_stored));
        for (int i = 0; i < 2; i++)
                b.trimmed[i] = atomic_load(&w->trimmed[i]) + c->trimmed_samples[i];
        return store_put(
            t, &k, (struct view){(const char *)bytes, meta_book_encode(&b, bytes)}, false, e);
}

static void
apply(struct wal *w, const struct change *c, const struct plan *p)
{
        if (p != NULL) {
                live_apply(&w->live, p);
                trim_marked(w);
                atomic_fetch_add(&w->block_bytes, p->blocks.len);
        }
        book_appended(w->book, c->next, p != NULL ? p->queued : 0);
        book_saved(w->book);
        if (c->trimmed)
                book_trimmed(w->book, &c->trim);
        for (int i = 0; i < 2; i++)
                atomic_fetch_add(&w->trimmed[i], c->trimmed_samples[i]);
        atomic_store(&w->used_bytes, c->used_bytes);
        atomic_store(&w->last_commit_ms, clock_wall(w->o.clock));
        atomic_fetch_add(&w->commits, 1);
        store_give_back(w->store, true);
}

int
commit_finish(
    struct wal *w, struct store_txn *t, struct change *c, const struct plan *p, struct err *e)
{
        int64_t max_age_ms = atomic_load(&w->max_age_ms);
        struct position first;
        struct position next;
        int rc;

        book_positions(w->book, &first, &next);
        if (c->trimmed)
                first = c->trim.first;
        rc = retire_collect(t, first.block, COMMIT_COLLECTS, e);
        if (rc == 0)
                rc = book_collect(
                    w->book, c->trimmed ? &c->trim : NULL, wal_age(w), put_cursor, t, e);
        if (rc == 0)
                rc = book_expire(w->book, wal_age(w), (uint64_t)max_age_ms, drop_cursor, t, e);
        if (rc == 0)
                rc = put_book(w, t, c, p, e);
        if (rc < 0) {
                store_abort(t);
                return rc;
        }
        c->used_bytes = store_used_bytes(t);
        rc = store_commit(t, e);
        if (rc == 0)
                apply(w, c, p);
        return rc;
}

/* ---- a plan ---- */

static int
put_one(struct store_txn *t, const struct wal_batch *b, const struct batch_put *put, struct err *e)
{
        struct view value = {b->bytes.ptr + put->offset, put->length};
        struct key k = key_of(KEY_TARGET, put->id);

        switch (put->kind) {
        case BATCH_LAYOUT:
                k = key_layout(put->id, put->first);
                return store_put(t, &k, value, false, e);
        case BATCH_KEYFRAME:
                k = key_of(KEY_KEYFRAME, put->id);
                return store_put(t, &k, value, false, e);
        case BATCH_TARGET:
                return store_put(t, &k, value, false, e);
        case BATCH_FORGET_TARGET:
                return store_delete(t, &k, e);
        case BATCH_RETIRE_KEYFRAME: /* these two are in the plan's list */
        case BATCH_RETIRE_CHUNK:
                break;
        }
        return 0;
}

static int
put_plan(struct wal *w, struct store_txn *t, const struct plan *p, struct err *e)
{
        int rc = 0;

        for (const struct wal_batch *b = p->head; b != NULL && rc == 0; b = b->next) {
                for (size_t i = 0; i < b->n_puts && rc == 0; i++)
                        rc = put_one(t, b, &b->puts[i], e);
        }
        if (rc == 0)
                rc = retire_put(t, p, e);
        if (rc == 0 && p->n_blocks > 0)
                rc = trim_mark(w, t, p, e);
        for (uint64_t i = 0; i < p->n_blocks && rc == 0; i++) {
                struct key k = key_of(KEY_BLOCK, p->start.block + i);

                rc = store_put(t, &k, plan_block(p, i), true, e);
        }
        return rc;
}

/* Blocks that every endpoint has settled go as a matter of course. */
static int
delete_settled(struct wal *w, struct store_txn *t, struct change *c, struct err *e)
{
        struct position first;
        struct position next;
        uint64_t below;
        uint64_t deleted;

        book_positions(w->book, &first, &next);
        if (w->keep_settled || !book_floor(w->book, &below) || below <= first.block)
                return 0;
        c->trim.why = LOST_AGE; /* nobody who holds blocks back loses any by this */
        return commit_delete_blocks(w, t, below, COMMIT_DELETES, c, &deleted, e);
}

static int
try_commit(struct wal *w, const struct plan *p, bool clean, struct err *e)
{
        struct change c = {.clean = clean};
        struct store_txn t = STORE_TXN_INIT;
        struct position first;
        int rc;

        book_positions(w->book, &first, &c.next);
        if (p != NULL)
                c.next = plan_end(p);
        rc = store_begin(w->store, true, &t, e);
        if (rc == 0 && p != NULL)
                rc = put_plan(w, &t, p, e);
        if (rc == 0)
                rc = delete_settled(w, &t, &c, e);
        if (rc == 0)
                return commit_finish(w, &t, &c, p, e);
        store_abort(&t);
        return rc;
}

/*
 * After LMDB gave up on a failed meta page: what is on disk may be the commit that failed. Then a
 * plan that was numbered before is not stored.
 */
static int
start_again(struct wal *w, const struct plan *p, struct err *e)
{
        struct key k = key_of(KEY_BOOK, 0);
        struct store_txn t = STORE_TXN_INIT;
        struct view value;
        struct meta_book b;
        int rc = store_reopen(w->store, e);

        if (rc == 0)
                rc = store_begin(w->store, false, &t, e);
        if (rc == 0)
                rc = store_get(&t, &k, &value, e);
        if (rc == 0)
                rc = meta_book_decode(value, &b, e);
        if (rc == 0)
                book_found_end(w->book, (struct position){b.next_block, b.samples});
        if (rc == 0 && p != NULL && p->start.block != b.next_block)
                rc = err_set(e, ERR_AGAIN, "the log was opened again at another block");
        store_abort(&t);
        return rc;
}

static uint64_t
plan_need(const struct plan *p)
{
        return p != NULL ? plan_bytes(p) : 0;
}

/*
 * Opens the log again first when only that helps, and when that shows only now. Where LMDB finds
 * its tree damaged it does so while deleting at the log's beginning: the end may still be good.
 */
static int
try_whole_commit(struct wal *w, const struct plan *p, bool clean, struct err *e)
{
        int rc = 0;

        if (store_broken(w->store))
                rc = start_again(w, p, e);
        if (rc == 0)
                rc = try_commit(w, p, clean, e);
        if (rc != ERR_CORRUPT)
                return rc;
        if (store_broken(w->store)) {
                rc = start_again(w, p, e);
        } else if (!w->keep_settled) {
                log_error("the log's file is damaged, what is settled is no longer deleted from it",
                    LOG_STR("err", e->msg), LOG_STR("dir", w->o.dir));
                w->keep_settled = true;
                rc = 0;
        }
        return rc == 0 ? try_commit(w, p, clean, e) : rc;
}

int
commit_plan(struct wal *w, const struct plan *p, bool clean, struct err *e)
{
        int rc = p != NULL ? live_reserve(&w->live, p, e) : 0;

        if (rc < 0)
                return rc;
        /* a trim that fails says so when the commit does */
        (void)trim_to_size(w, plan_need(p), NULL);
        for (int i = 1;; i++) {
                int room;

                rc = try_whole_commit(w, p, clean, e);
                if (rc != ERR_LIMIT || i == TRIES)
                        break;
                room = trim_for_room(w, plan_need(p), NULL);
                if (room < 0)
                        break;
                if (room == 0) /* nothing to delete: one more try will tell */
                        i = TRIES - 1;
        }
        return rc;
}
