#include "wal/wal.h"

#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/aside.h"
#include "wal/book.h"
#include "wal/commit.h"
#include "wal/meta.h"
#include "wal/parts.h"
#include "wal/pending.h"
#include "wal/recover.h"
#include "wal/retire.h"
#include "wal/store.h"
#include "wal/writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        MAP_SPARE_BYTES = 2 << 20, /* above a sixth more than max_size */
        PATH_BYTES = 4096,
        MAX_MAP_32_BIT = 512 << 20,
};

const char *const wal_not_stored_names[NOT_STORED_REASONS] = {"disk", "queue", "memory"};
const char *const wal_lost_names[LOST_REASONS] = {
    "age", "size", "refused", "conflict", "damaged", "clock"};

uint64_t
wal_age(const struct wal *w)
{
        int64_t run = clock_mono(w->o.clock) - w->mono_open_ms;

        return w->age_open_ms + (run > 0 ? (uint64_t)run : 0);
}

/* ---- opening ---- */

static uint64_t
map_bytes(uint64_t max_size)
{
        uint64_t bytes = max_size + max_size / 6 + MAP_SPARE_BYTES;

        if (sizeof(size_t) == 4 && bytes > MAX_MAP_32_BIT)
                return MAX_MAP_32_BIT;
        return bytes;
}

static int
open_store(struct wal *w, struct err *e)
{
        char dir[PATH_BYTES];
        struct store_options o = {
            .dir = dir,
            .map_bytes = map_bytes(w->o.max_size),
            .read_only = w->o.read_only_tool,
            .commit_fault = w->o.commit_fault,
            .commit_fault_arg = w->o.commit_fault_arg,
        };
        int n = snprintf(dir, sizeof(dir), "%s/wal", w->o.dir);

        if (n < 0 || (size_t)n >= sizeof(dir))
                return err_set(e, ERR_CONFIG, "the data directory's path is too long");
        if (o.read_only && access(dir, R_OK) != 0)
                return err_set(e, ERR_NOTFOUND, "there is no log in \"%s\"", w->o.dir);
        return store_open(&o, &w->store, e);
}

/* What is on disk, or what a new log begins with. */
struct found {
        bool fresh;
        struct meta_book book;
        struct position first;
        struct position next;
};

static int
read_book(struct store_txn *t, struct meta_book *out, struct err *e)
{
        struct key book = key_of(KEY_BOOK, 0);
        struct view value;
        int rc = store_get(t, &book, &value, e);

        return rc == 0 ? meta_book_decode(value, out, e) : rc;
}

/* Another's file stays as it is; ours without a format record is damaged. */
static int
check_stranger(struct wal *w, struct store_txn *t, struct err *e)
{
        struct meta_book book;

        if (read_book(t, &book, NULL) == 0)
                return err_set(
                    e, ERR_CORRUPT, "the format record of the log in \"%s\" is damaged", w->o.dir);
        return err_set(
            e, ERR_CONFIG, "\"%s/wal\" holds something that is not a gleaner log", w->o.dir);
}

static int
check_format(struct wal *w, struct store_txn *t, struct found *f, struct err *e)
{
        struct key format = key_format();
        struct err why = ERR_INIT;
        struct view value;
        int rc = store_get(t, &format, &value, NULL);

        if (rc == ERR_NOTFOUND) {
                rc = store_holds_any(t, e);
                f->fresh = rc == 0;
                return rc <= 0 ? rc : check_stranger(w, t, e);
        }
        if (rc == 0 && !meta_format_is_ours(value))
                return check_stranger(w, t, e);
        if (rc == 0)
                rc = meta_format_check(
                    value, w->o.tenant, (size_t)sysconf(_SC_PAGESIZE), w->o.dir, e);
        if (rc < 0)
                return rc;
        rc = read_book(t, &f->book, &why);
        if (rc < 0) {
                atomic_fetch_add(&w->damaged_values, 1);
                log_warn("the log's book record is damaged, made anew from its blocks",
                    LOG_STR("err", why.msg));
                rc = recover_book(t, &f->book, e);
        }
        return rc;
}

/* Where the log begins and ends: the book record says it, the blocks outrank it. */
static int
find_ends(struct wal *w, struct store_txn *t, struct found *f, struct err *e)
{
        struct key last;
        int rc;

        f->next = (struct position){f->book.next_block, f->book.samples};
        rc = store_last(t, KEY_BLOCK, &last, NULL);
        if (rc == 0 && be64_get(last.bytes + 1) >= f->next.block) {
                log_warn("the log has blocks past its end, they are kept",
                    LOG_UINT("last_block", be64_get(last.bytes + 1)),
                    LOG_UINT("next_block", f->next.block));
                f->next.block = be64_get(last.bytes + 1) + 1;
        }
        f->first = f->next;
        if (rc == 0)
                rc = wal_find_first(w, t, 0, &f->first, e);
        return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
load_cursor(void *arg, struct view key, struct view value, struct err *e)
{
        struct wal *w = arg;
        struct err why = ERR_INIT;

        (void)key;
        (void)e;
        if (book_load(w->book, value, &why) < 0) {
                atomic_fetch_add(&w->damaged_values, 1);
                log_warn("a stored cursor is not used", LOG_STR("err", why.msg));
        }
        return 0;
}

static void
take_over(struct wal *w, const struct found *f)
{
        const struct meta_book *b = &f->book;

        atomic_store(&w->next_id, b->next_id);
        for (int i = 0; i < 2; i++)
                atomic_store(&w->trimmed[i], b->trimmed[i]);
        atomic_store(&w->last_commit_ms, b->last_commit_ms);
        w->age_open_ms = b->age_ms;
        if (w->o.read_only_tool)
                atomic_store(&w->max_size, b->max_size);
        if (!f->fresh && !b->clean && !w->o.read_only_tool)
                log_info("the log was not closed the last time; nothing committed is lost",
                    LOG_UINT("next_block", b->next_block));
}

static int
read_found(struct wal *w, struct found *f, struct err *e)
{
        struct key cursors = key_of(KEY_CURSOR, 0);
        struct book_options o;
        struct store_txn t = STORE_TXN_INIT;
        int rc = store_begin(w->store, false, &t, e);

        if (rc == 0)
                rc = check_format(w, &t, f, e);
        if (rc == 0 && f->fresh)
                f->book = (struct meta_book){.next_id = 1, .next_block = 1, .keyframe_low = 1};
        if (rc == 0)
                rc = find_ends(w, &t, f, e);
        o = (struct book_options){
            f->first, f->next, {.offered = f->book.offered}, f->book.had_endpoint};
        memcpy(o.tally.not_stored, f->book.not_stored, sizeof(o.tally.not_stored));
        if (rc == 0)
                rc = book_new(&o, &w->book, e);
        if (rc == 0)
                rc = store_walk(&t, &cursors, load_cursor, w, e);
        if (rc == 0) {
                take_over(w, f);
                atomic_store(&w->used_bytes, store_used_bytes(&t));
        }
        store_abort(&t);
        return rc;
}

struct chunk_list {
        uint64_t *ids; /* owned */
        size_t n;
        size_t cap;
};

static int
list_chunks(void *arg, const struct target_state *s, struct err *e)
{
        struct chunk_list *l = arg;

        if (l->n + s->n_chunks > l->cap) {
                size_t cap = (l->n + s->n_chunks) * 2;
                uint64_t *ids = realloc(l->ids, cap * sizeof(*ids));

                if (ids == NULL)
                        return err_nomem(e, "the list of chunks");
                l->ids = ids;
                l->cap = cap;
        }
        for (size_t i = 0; i < s->n_chunks; i++)
                l->ids[l->n++] = s->chunks[i].chunk;
        return 0;
}

static int
compare_ids(const void *a, const void *b)
{
        const uint64_t *x = a;
        const uint64_t *y = b;

        return (*x > *y) - (*x < *y);
}

/* The first transaction of a run: the format record of a new log, the end of the last run. */
static int
begin_run(struct wal *w, const struct found *f, struct err *e)
{
        struct chunk_list chunks = {NULL, 0, 0};
        struct change c = {.next = f->next};
        struct store_txn t = STORE_TXN_INIT;
        uint8_t format[META_FORMAT_BYTES];
        struct key k = key_format();
        int rc = wal_read_targets(w, list_chunks, &chunks, e);

        if (rc == 0)
                rc = store_begin(w->store, true, &t, e);
        if (rc == 0 && f->fresh) {
                size_t n = meta_format_encode(w->o.tenant, (size_t)sysconf(_SC_PAGESIZE), format);

                rc = store_put(&t, &k, (struct view){(const char *)format, n}, false, e);
        }
        if (rc == 0 && !f->fresh) {
                struct retire_last_run r = {
                    f->book.keyframe_low, f->next.block - 1, chunks.ids, chunks.n};

                if (chunks.n > 0)
                        qsort(chunks.ids, chunks.n, sizeof(*chunks.ids), compare_ids);
                rc = retire_last_run(&t, &r, e);
        }
        free(chunks.ids);
        if (rc == 0)
                return commit_finish(w, &t, &c, NULL, e);
        store_abort(&t);
        return rc;
}

static int
open_log(struct wal *w, struct found *f, struct err *e)
{
        int rc = open_store(w, e);

        return rc == 0 ? read_found(w, f, e) : rc;
}

/* A log that cannot be read is set aside, and a new one begins. */
static int
begin_anew(struct wal *w, struct found *f, struct err *e)
{
        struct err why = *e;
        int rc;

        book_free(w->book);
        store_close(w->store);
        w->book = NULL;
        w->store = NULL;
        rc = wal_set_aside(w->o.dir, clock_wall(w->o.clock), &why, e);
        *f = (struct found){.fresh = false};
        return rc == 0 ? open_log(w, f, e) : rc;
}

static int
open_parts(struct wal *w, struct err *e)
{
        struct found f = {.fresh = false};
        struct err why = ERR_INIT;
        int rc = wal_lock_take(w->o.dir, w->o.read_only_tool, &w->lock, &why);

        if (rc == 0)
                rc = open_log(w, &f, &why);
        if (rc == ERR_CORRUPT && !w->o.read_only_tool)
                rc = begin_anew(w, &f, &why);
        if (rc < 0)
                return err_set(e, rc, "%s", why.msg);
        w->set_aside = wal_count_aside(w->o.dir);
        if (rc == 0)
                rc = pending_new(&w->pending, e);
        if (rc < 0 || w->o.read_only_tool)
                return rc;
        w->io_fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
        rc = begin_run(w, &f, e);
        if (rc == 0)
                rc = writer_start(w, &w->writer, e);
        return rc;
}

static int
copy_options(struct wal *w, const struct wal_options *o, struct err *e)
{
        w->o = *o;
        w->o.dir = strdup(o->dir);
        w->o.tenant = strdup(o->tenant);
        if (w->o.dir == NULL || w->o.tenant == NULL)
                return err_nomem(e, "the log");
        if (strlen(o->tenant) > META_TENANT_MAX)
                return err_set(
                    e, ERR_CONFIG, "the tenant's name has more than %d bytes", META_TENANT_MAX);
        atomic_store(&w->max_size, o->max_size);
        atomic_store(&w->max_age_ms, o->max_age_ms);
        atomic_store(&w->sync_interval_ms, o->sync_interval_ms);
        w->mono_open_ms = clock_mono(o->clock);
        return 0;
}

int
wal_open(const struct wal_options *o, struct wal **out, struct err *e)
{
        struct wal *w = calloc(1, sizeof(*w));
        int rc;

        if (w == NULL)
                return err_nomem(e, "the log");
        w->lock = (struct wal_lock)WAL_LOCK_INIT;
        w->io_fd = -1;
        w->trim_step = 1;
        w->health.usable = true;
        (void)pthread_mutex_init(&w->health.mtx, NULL);
        (void)pthread_mutex_init(&w->damage.mtx, NULL);
        (void)pthread_mutex_init(&w->unpackers.mtx, NULL);
        rc = copy_options(w, o, e);
        if (rc == 0)
                rc = open_parts(w, e);
        if (rc < 0) {
                wal_close(w);
                return rc;
        }
        *out = w;
        return 0;
}

void
wal_close(struct wal *w)
{
        if (w == NULL)
                return;
        writer_stop(w->writer);
        pending_free(w->pending);
        book_free(w->book);
        store_close(w->store);
        live_release(&w->live);
        while (w->unpackers.n > 0)
                zstd_unpacker_free(w->unpackers.v[--w->unpackers.n]);
        if (w->io_fd >= 0)
                (void)close(w->io_fd);
        wal_lock_release(&w->lock);
        (void)pthread_mutex_destroy(&w->health.mtx);
        (void)pthread_mutex_destroy(&w->damage.mtx);
        (void)pthread_mutex_destroy(&w->unpackers.mtx);
        free((char *)(uintptr_t)w->o.dir);
        free((char *)(uintptr_t)w->o.tenant);
        free(w);
}

void
wal_set_limits(struct wal *w, uint64_t max_size, int64_t max_age_ms, int64_t sync_interval_ms)
{
        atomic_store(&w->max_size, max_size);
        atomic_store(&w->max_age_ms, max_age_ms);
        atomic_store(&w->sync_interval_ms, sync_interval_ms);
}

/* ---- the scraper's side ---- */

uint64_t
wal_new_id(struct wal *w)
{
        return atomic_fetch_add(&w->next_id, 1);
}

int
wal_submit(struct wal *w, struct wal_batch **b, struct err *e)
{
        return writer_submit(w->writer, b, e);
}

void
wal_flush(struct wal *w)
{
        writer_flush(w->writer);
}

void
wal_count_not_stored(struct wal *w, enum wal_not_stored why, uint64_t samples)
{
        book_not_stored(w->book, why, samples);
}
