/*
 * Reading: keyframes, layouts and targets for the scraper, blocks and windows for the senders.
 * Every read is a short transaction that ends before the call returns.
 */
#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/block.h"
#include "wal/book.h"
#include "wal/column.h"
#include "wal/keyframe.h"
#include "wal/layout.h"
#include "wal/parts.h"
#include "wal/pending.h"
#include "wal/store.h"
#include "wal/wal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum {
        KEYFRAME_MAX_BYTES = 64 << 10, /* 1,024 values of 8 bytes and a head are far less */
        TARGET_MAX_BYTES = 64 << 20,
        SKIP_BLOCKS = 16, /* a leaf page leads to some 150 */
        SCAN_BLOCKS = 1000, /* in one transaction: a long one would keep pages from being reused */
};

/* ---- unpackers: a context is large and its setting up costs more than a keyframe ---- */

static int
borrow_unpacker(struct wal *w, struct zstd_unpacker **out, struct err *e)
{
        struct spare_unpackers *spare = &w->unpackers;
        struct zstd_unpacker *z = NULL;

        (void)pthread_mutex_lock(&spare->mtx);
        if (spare->n > 0)
                z = spare->v[--spare->n];
        (void)pthread_mutex_unlock(&spare->mtx);
        if (z == NULL)
                return zstd_unpacker_new(out, e);
        *out = z;
        return 0;
}

static void
return_unpacker(struct wal *w, struct zstd_unpacker *z)
{
        struct spare_unpackers *spare = &w->unpackers;

        if (z == NULL)
                return;
        (void)pthread_mutex_lock(&spare->mtx);
        if (spare->n < UNPACKERS_SPARE) {
                spare->v[spare->n++] = z;
                z = NULL;
        }
        (void)pthread_mutex_unlock(&spare->mtx);
        zstd_unpacker_free(z);
}

/* ---- keyframes ---- */

static void
damaged_value(struct wal *w, const char *what, uint64_t id, const struct err *why)
{
        atomic_fetch_add(&w->damaged_values, 1);
        log_warn("a stored value is damaged, its samples are lost", LOG_STR("value", what),
            LOG_UINT("id", id), LOG_STR("err", why->msg));
}

/* Replaces out's contents by a copy of the stored value. */
static int
stored_value(struct wal *w, const struct key *k, struct buf *out, struct err *e)
{
        struct store_txn t = STORE_TXN_INIT;
        struct view value;
        int rc = store_begin(w->store, false, &t, e);

        if (rc == 0)
                rc = store_get(&t, k, &value, e);
        buf_reset(out);
        if (rc == 0)
                rc = buf_append(out, value.p, value.n, e);
        store_abort(&t);
        return rc == ERR_LIMIT ? ERR_CORRUPT : rc; /* longer than anything that was written */
}

int
wal_read_keyframe(
    struct wal *w, uint64_t keyframe, uint64_t *column, unsigned *out_slots, struct err *e)
{
        struct key k = key_of(KEY_KEYFRAME, keyframe);
        struct buf bytes = BUF_INIT(KEYFRAME_MAX_BYTES);
        struct zstd_unpacker *z = NULL;
        struct keyframe_head head = {0};
        struct err why = ERR_INIT;
        int rc = pending_keyframe(w->pending, keyframe, &bytes, &why);

        if (rc == ERR_NOTFOUND)
                rc = stored_value(w, &k, &bytes, &why);
        if (rc == 0)
                rc = borrow_unpacker(w, &z, &why);
        if (rc == 0)
                rc = keyframe_decode(buf_view(&bytes), z, &head, column, &why);
        if (rc == 0 && head.id != keyframe)
                rc = err_set(&why, ERR_CORRUPT, "its id is %" PRIu64, head.id);
        return_unpacker(w, z);
        buf_release(&bytes);
        if (rc == ERR_CORRUPT)
                damaged_value(w, "keyframe", keyframe, &why);
        if (rc < 0)
                return err_set(e, (enum err_code)rc, "cannot read keyframe %" PRIu64 ": %s",
                    keyframe, why.msg);
        *out_slots = head.slots;
        return 0;
}

/* ---- layouts ---- */

struct part {
        unsigned first;
        struct buf bytes;
};

struct parts {
        struct part *v; /* owned */
        size_t n;
        size_t cap;
};

static void
parts_release(struct parts *p)
{
        for (size_t i = 0; i < p->n; i++)
                buf_release(&p->v[i].bytes);
        free(p->v);
}

/* A part that is queued and, in between, stored, is the same part. */
static int
add_part(void *arg, unsigned first, const void *bytes, size_t n, struct err *e)
{
        struct parts *p = arg;
        struct part *x;
        int rc;

        for (size_t i = 0; i < p->n; i++) {
                if (p->v[i].first == first)
                        return 0;
        }
        if (p->n == CHUNK_SLOTS)
                return err_set(e, ERR_CORRUPT, "a layout has more than %d parts", CHUNK_SLOTS);
        if (p->n == p->cap) {
                size_t cap = p->cap > 0 ? p->cap * 2 : 4;
                struct part *v = realloc(p->v, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "a layout");
                p->v = v;
                p->cap = cap;
        }
        x = &p->v[p->n];
        *x = (struct part){first, BUF_INIT(LAYOUT_MAX_BYTES + (LAYOUT_MAX_BYTES >> 3))};
        rc = buf_append(&x->bytes, bytes, n, e);
        if (rc == 0)
                p->n++;
        return rc;
}

struct stored_layout {
        struct parts *parts;
        uint64_t chunk;
};

static int
add_stored_part(void *arg, struct view key, struct view value, struct err *e)
{
        struct stored_layout *s = arg;
        const uint8_t *p = (const uint8_t *)key.p;

        if (key_number(key) != s->chunk || key.n != 11)
                return 1;
        return add_part(s->parts, (unsigned)(p[9] << 8 | p[10]), value.p, value.n, e);
}

static int
collect_parts(struct wal *w, uint64_t chunk, struct parts *parts, struct err *e)
{
        struct stored_layout s = {parts, chunk};
        struct key from = key_layout(chunk, 0);
        struct store_txn t = STORE_TXN_INIT;
        int rc = pending_layout(w->pending, chunk, add_part, parts, e);

        if (rc == 0)
                rc = store_begin(w->store, false, &t, e);
        if (rc == 0)
                rc = store_walk(&t, &from, add_stored_part, &s, e);
        store_abort(&t);
        return rc < 0 ? rc : 0;
}

static int
compare_parts(const void *a, const void *b)
{
        const struct part *x = a;
        const struct part *y = b;

        return (x->first > y->first) - (x->first < y->first);
}

static int
decode_part(struct zstd_unpacker *z, uint64_t chunk, const struct part *x, struct layout_part **out,
    struct err *e)
{
        int rc = layout_part_decode(buf_view(&x->bytes), z, out, e);

        if (rc == 0 &&
            (layout_part_head(*out)->chunk != chunk || layout_part_head(*out)->first != x->first)) {
                layout_part_free(*out);
                rc = err_set(e, ERR_CORRUPT, "it is a part of another layout");
        }
        return rc;
}

/* Damaged parts are left out; the slots of the others are still good. */
static int
deliver_parts(struct wal *w, uint64_t chunk, struct parts *parts, wal_layout_sink sink, void *arg,
    struct err *e)
{
        struct zstd_unpacker *z = NULL;
        size_t delivered = 0;
        int rc = borrow_unpacker(w, &z, e);

        if (parts->n > 1)
                qsort(parts->v, parts->n, sizeof(*parts->v), compare_parts);
        for (size_t i = 0; i < parts->n && rc == 0; i++) {
                struct layout_part *part = NULL;
                struct err why = ERR_INIT;

                rc = decode_part(z, chunk, &parts->v[i], &part, &why);
                buf_release(&parts->v[i].bytes);
                if (rc == ERR_CORRUPT) {
                        damaged_value(w, "layout", chunk, &why);
                        rc = 0;
                        continue;
                }
                if (rc < 0) {
                        rc = err_set(e, (enum err_code)rc, "%s", why.msg);
                        break;
                }
                delivered++;
                rc = sink(arg, part, e);
        }
        return_unpacker(w, z);
        if (rc == 0 && delivered == 0)
                rc = err_set(e, ERR_CORRUPT, "the layout of chunk %" PRIu64 " is damaged", chunk);
        return rc;
}

int
wal_read_layout(struct wal *w, uint64_t chunk, wal_layout_sink sink, void *arg, struct err *e)
{
        struct parts parts = {NULL, 0, 0};
        int rc = collect_parts(w, chunk, &parts, e);

        if (rc == 0 && parts.n == 0)
                rc = err_set(e, ERR_NOTFOUND, "chunk %" PRIu64 " has no layout", chunk);
        if (rc == 0)
                rc = deliver_parts(w, chunk, &parts, sink, arg, e);
        parts_release(&parts);
        return rc;
}

/* ---- targets ---- */

/* The first stored target from *number on; its value is copied. */
static int
next_target(struct wal *w, uint64_t *number, struct buf *out, struct err *e)
{
        struct key from = key_of(KEY_TARGET, *number);
        struct store_txn t = STORE_TXN_INIT;
        struct view value;
        struct key found;
        int rc = store_begin(w->store, false, &t, e);

        if (rc == 0)
                rc = store_first(&t, &from, &found, &value, e);
        buf_reset(out);
        if (rc == 0)
                rc = buf_append(out, value.p, value.n, e);
        if (rc == 0)
                *number = be64_get(found.bytes + 1);
        store_abort(&t);
        return rc;
}

int
wal_read_targets(struct wal *w, wal_target_sink sink, void *arg, struct err *e)
{
        struct buf bytes = BUF_INIT(TARGET_MAX_BYTES);
        uint64_t number = 0;
        int rc;

        while ((rc = next_target(w, &number, &bytes, e)) == 0) {
                struct err why = ERR_INIT;
                struct target_state s;

                rc = target_state_decode(buf_view(&bytes), &s, &why);
                if (rc == ERR_CORRUPT) {
                        damaged_value(w, "target", number, &why);
                        rc = 0;
                } else if (rc < 0) {
                        rc = err_set(e, (enum err_code)rc, "%s", why.msg);
                } else {
                        rc = sink(arg, &s, e);
                        target_state_release(&s);
                }
                if (rc != 0)
                        break;
                number++;
        }
        buf_release(&bytes);
        return rc == ERR_NOTFOUND ? 0 : rc;
}

int
wal_read_target(struct wal *w, uint64_t target, struct target_state *out, struct err *e)
{
        struct key k = key_of(KEY_TARGET, target);
        struct buf bytes = BUF_INIT(TARGET_MAX_BYTES);
        int rc = stored_value(w, &k, &bytes, e);

        if (rc == 0)
                rc = target_state_decode(buf_view(&bytes), out, e);
        if (rc == ERR_CORRUPT)
                damaged_value(w, "target", target, e != NULL ? e : &(struct err)ERR_INIT);
        buf_release(&bytes);
        return rc;
}

/* ---- blocks ---- */

void
wal_damaged_block(struct wal *w, uint64_t seq, const struct err *why)
{
        struct damage *d = &w->damage;
        bool known = false;

        (void)pthread_mutex_lock(&d->mtx);
        for (size_t i = 0; i < DAMAGED_REMEMBERED && i < d->n; i++)
                known |= d->blocks[i] == seq;
        if (!known)
                d->blocks[d->n++ % DAMAGED_REMEMBERED] = seq;
        (void)pthread_mutex_unlock(&d->mtx);
        if (known)
                return;
        atomic_fetch_add(&w->damaged_blocks, 1);
        log_warn("a block of the log is damaged, its samples are lost", LOG_UINT("block", seq),
            LOG_STR("err", why->msg));
}

static int
read_head(struct wal *w, uint64_t seq, struct view bytes, struct block_head *head, struct err *e)
{
        int rc = ERR_CORRUPT;

        if (bytes.n == store_block_size(w->store)) {
                rc = block_read_head(bytes, true, head, e);
        } else {
                (void)err_set(e, rc, "it has %zu bytes", bytes.n);
        }
        if (rc == 0 && head->seq != seq)
                rc = err_set(e, ERR_CORRUPT, "its number is %" PRIu64, head->seq);
        return rc;
}

int
wal_find_first(
    struct wal *w, struct store_txn *t, uint64_t from, struct position *out, struct err *e)
{
        struct key at = key_of(KEY_BLOCK, from);
        struct key found;
        struct view value;
        int rc;

        while ((rc = store_first(t, &at, &found, &value, e)) == 0) {
                uint64_t seq = be64_get(found.bytes + 1);
                struct block_head head;
                struct err why = ERR_INIT;

                if (read_head(w, seq, value, &head, &why) == 0) {
                        *out = (struct position){seq, head.samples_before};
                        return 0;
                }
                wal_damaged_block(w, seq, &why);
                at = key_of(KEY_BLOCK, seq + 1);
        }
        return rc;
}

struct scan {
        struct wal *w;
        wal_block_sink sink;
        void *arg;
        uint64_t next; /* block to go on from */
        unsigned left; /* blocks of this transaction */
        bool ended; /* by the sink */
        bool skipping; /* blocks behind a damaged page of the tree; said once */
};

static int
scan_block(void *arg, struct view key, struct view value, struct err *e)
{
        struct scan *s = arg;
        uint64_t seq = key_number(key);
        struct block_head head;
        struct err why = ERR_INIT;
        int rc;

        if (s->left-- == 0)
                return 1;
        s->next = seq + 1;
        s->skipping = false;
        if (read_head(s->w, seq, value, &head, &why) < 0) {
                wal_damaged_block(s->w, seq, &why);
                return 0;
        }
        rc = s->sink(s->arg, &head, value, e);
        s->ended = rc != 0;
        return rc;
}

/*
 * LMDB cannot read a page of its tree: the blocks that it leads to are out of reach, those behind
 * it are not. False when there are none.
 */
static bool
skip_damaged_page(struct wal *w, struct scan *s, const struct err *why)
{
        struct position first;
        struct position next;

        book_positions(w->book, &first, &next);
        if (!s->skipping)
                wal_damaged_block(w, s->next, why);
        s->skipping = true;
        s->next += SKIP_BLOCKS;
        return s->next < next.block;
}

int
wal_scan(struct wal *w, uint64_t from, wal_block_sink sink, void *arg, struct err *e)
{
        struct scan s = {w, sink, arg, from, 0, false, false};
        struct err why = ERR_INIT;
        bool more = true;
        int rc = 0;

        while (more) {
                struct key k = key_of(KEY_BLOCK, s.next);
                struct store_txn t = STORE_TXN_INIT;

                s.left = SCAN_BLOCKS;
                rc = store_begin(w->store, false, &t, &why);
                if (rc == 0)
                        rc = store_walk(&t, &k, scan_block, &s, &why);
                store_abort(&t);
                store_give_back(w->store, false);
                more = rc > 0 && !s.ended;
                if (rc == ERR_CORRUPT && !s.ended && !store_broken(w->store)) {
                        more = skip_damaged_page(w, &s, &why);
                        rc = 0;
                }
        }
        return rc < 0 ? err_set(e, (enum err_code)rc, "%s", why.msg) : 0;
}

int
wal_read_block(struct wal *w, uint64_t seq, struct buf *out, struct err *e)
{
        struct key k = key_of(KEY_BLOCK, seq);
        struct block_head head;
        struct err why = ERR_INIT;
        int rc = stored_value(w, &k, out, &why);

        if (rc == 0)
                rc = read_head(w, seq, buf_view(out), &head, &why);
        if (rc == ERR_CORRUPT)
                wal_damaged_block(w, seq, &why);
        return rc == 0
            ? 0
            : err_set(e, (enum err_code)rc, "cannot read block %" PRIu64 ": %s", seq, why.msg);
}

void
wal_give_back(struct wal *w)
{
        store_give_back(w->store, false);
}
