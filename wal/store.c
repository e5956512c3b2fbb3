#include "wal/store_lmdb.h"

#include "base/err.h"
#include "base/resident.h"
#include "wal/store_check.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        READER_SLOTS = 16, /* in the lock file */
        READERS_AT_ONCE = 12, /* of ours; the rest is for tools */
        GIVE_BACK_BYTES = 1 << 20, /* read since the last time: less is not worth a system call */
        LOCK_FILE_BYTES = 4096, /* READER_SLOTS lines of 64 bytes and a head */
        SMALL_FILE_BYTES = 16 << 20, /* not worth readahead */
        FREE_TABLE = 0, /* LMDB's own table of free pages */
        META_PAGES = 2,
};

/*
 * A full disk shows as EIO, because LMDB takes a short write for one (mdb.c, mdb_page_flush); a
 * file that may not grow (RLIMIT_FSIZE, quota) is the same to us: make room in the file.
 */
int
store_fail(struct store *s, int rc, struct err *e, const char *what)
{
        switch (rc) {
        case MDB_NOTFOUND:
                return err_set(e, ERR_NOTFOUND, "cannot %s: there is none", what);
        case MDB_MAP_FULL:
                return err_set(e, ERR_LIMIT, "cannot %s: the log is full", what);
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
                return err_set(
                    e, ERR_LIMIT, "cannot %s: the disk is full (%s)", what, mdb_strerror(rc));
        case EIO:
                if (store_disk_is_full(s))
                        return err_set(e, ERR_LIMIT, "cannot %s: the disk is full", what);
                return err_sys(e, rc, "cannot %s", what);
        case MDB_PANIC:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
                if (rc == MDB_PANIC)
                        atomic_store(&s->broken, true);
                return err_set(e, ERR_CORRUPT, "cannot %s: %s", what, mdb_strerror(rc));
        case MDB_READERS_FULL:
                return err_set(e, ERR_AGAIN, "cannot %s: too many readers", what);
        case ENOMEM:
                return err_nomem(e, what);
        default:
                return err_set(e, ERR_SYS, "cannot %s: %s", what, mdb_strerror(rc));
        }
}

/* ---- the map's range: LMDB does not tell it, so it is looked up by an address within ---- */

static void
find_map(struct store *s, const char *inside)
{
        FILE *f = fopen("/proc/self/maps", "re");
        char line[4608];

        s->map = NULL;
        if (f == NULL)
                return;
        while (fgets(line, sizeof(line), f) != NULL) {
                char *end = NULL;
                uintptr_t from = (uintptr_t)strtoull(line, &end, 16);
                uintptr_t to = *end == '-' ? (uintptr_t)strtoull(end + 1, NULL, 16) : 0;

                if ((uintptr_t)inside >= from && (uintptr_t)inside < to) {
                        s->map = (char *)from; // NOLINT(performance-no-int-to-ptr): an address
                        s->map_length = to - from;
                        break;
                }
        }
        (void)fclose(f);
}

/* Any key of a committed tree lies in the map. Before other threads may read. */
static void
find_map_by_key(struct store *s)
{
        MDB_txn *txn = NULL;
        MDB_cursor *c = NULL;
        MDB_val k;
        MDB_val v;

        if (s->map_sought || mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
                return;
        if (mdb_cursor_open(txn, s->dbi, &c) == 0) {
                if (mdb_cursor_get(c, &k, &v, MDB_FIRST) == 0) {
                        find_map(s, k.mv_data);
                        s->map_sought = true;
                }
                mdb_cursor_close(c);
        }
        mdb_txn_abort(txn);
}

static void
note_extent(struct store *s)
{
        MDB_envinfo info;

        if (mdb_env_info(s->env, &info) == 0)
                atomic_store(&s->data_bytes, ((uint64_t)info.me_last_pgno + 1) * s->page_size);
}

/* ---- opening ---- */

/* A file larger than what was asked for needs room above it, or not even trimming works. */
static int
widen(struct store *s, struct err *e)
{
        MDB_envinfo info;
        MDB_stat st;
        uint64_t used;
        uint64_t want;
        int rc = mdb_env_info(s->env, &info);

        if (rc == 0)
                rc = mdb_env_stat(s->env, &st);
        if (rc != 0)
                return store_fail(s, rc, e, "look at the log");
        s->page_size = st.ms_psize;
        used = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
        want = used + used / 6 + ((uint64_t)2 << 20);
        if (s->o.read_only || used + used / 12 < s->o.map_bytes)
                return 0;
        s->o.map_bytes = want;
        rc = mdb_env_set_mapsize(s->env, want);
        return rc == 0 ? 0 : store_fail(s, rc, e, "widen the log's map");
}

static int
open_table(struct store *s, struct err *e)
{
        MDB_txn *txn = NULL;
        int rc = mdb_txn_begin(s->env, NULL, s->o.read_only ? MDB_RDONLY : 0, &txn);

        if (rc == 0)
                rc = mdb_dbi_open(txn, NULL, 0, &s->dbi);
        if (rc == 0) {
                rc = mdb_txn_commit(txn);
        } else if (txn != NULL) {
                mdb_txn_abort(txn);
        }
        return rc == 0 ? 0 : store_fail(s, rc, e, "open the log's table");
}

/* LMDB's code. */
static int
open_lmdb(struct store *s, unsigned flags)
{
        int rc = mdb_env_create(&s->env);

        if (rc == 0)
                rc = mdb_env_set_maxreaders(s->env, READER_SLOTS);
        if (rc == 0 && !s->o.read_only)
                rc = mdb_env_set_mapsize(s->env, s->o.map_bytes);
        if (rc == 0)
                rc = mdb_env_open(s->env, s->dir, flags, 0600);
        return rc;
}

/*
 * LMDB maps lock.mdb and writes through the map: on a full disk that is a SIGBUS, unless its block
 * is there already. 0, or why it cannot be had; a file system that cannot reserve is left to LMDB.
 */
static int
reserve_lock_file(const struct store *s)
{
        char path[sizeof(s->dir) + sizeof("/lock.mdb")];
        int rc = 0;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/lock.mdb", s->dir);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno;
        if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOCK_FILE_BYTES) != 0)
                rc = errno;
        (void)close(fd);
        return rc == ENOSPC || rc == EDQUOT ? rc : 0;
}

/*
 * Looks after the file's pages before LMDB maps them; a file that is not there yet is made first.
 * A small one is read page by page later (MDB_NORDAHEAD): see store_room.c.
 */
static int
prepare_file(struct store *s, unsigned *flags)
{
        char path[sizeof(s->dir) + sizeof("/data.mdb")];
        struct stat st;
        int fd;
        int rc = 0;

        (void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
        if (access(path, F_OK) != 0) {
                rc = open_lmdb(s, *flags);
                if (s->env != NULL)
                        mdb_env_close(s->env);
                s->env = NULL;
                if (rc != 0)
                        (void)unlink(path); /* the disk was full: half a head would stay */
        }
        fd = rc == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
                return rc; /* LMDB will say why */
        if (fstat(fd, &st) == 0 && st.st_size <= SMALL_FILE_BYTES)
                *flags |= MDB_NORDAHEAD;
        store_single_metas(fd);
        (void)close(fd);
        return 0;
}

/* LMDB maps only what is whole; a file that is not there yet is. */
static int
check_file(const struct store *s, struct err *e)
{
        char path[sizeof(s->dir) + sizeof("/data.mdb")];
        int rc;

        (void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
        rc = store_check(path, !s->o.read_only, e);
        if (rc == ERR_CORRUPT)
                (void)err_prefix(e, "the log's file \"%s\" is damaged", path);
        else if (rc == ERR_CONFIG)
                (void)err_prefix(e, "the log's file \"%s\" cannot be used", path);
        return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
open_env(struct store *s, struct err *e)
{
        unsigned flags = MDB_NOTLS;
        int dead = 0;
        int rc = check_file(s, e);

        if (rc < 0)
                return rc;
        if (s->o.read_only) {
                flags |= MDB_RDONLY | MDB_NOLOCK;
        } else {
                rc = reserve_lock_file(s);
                if (rc == 0)
                        rc = prepare_file(s, &flags);
        }
        if (rc == 0)
                rc = open_lmdb(s, flags);
        if (rc == 0)
                rc = mdb_env_get_fd(s->env, &s->fd);
        if (rc != 0) {
                char what[4200];

                (void)snprintf(what, sizeof(what), "open the log in \"%s\"", s->dir);
                return store_fail(s, rc, e, what);
        }
        rc = widen(s, e);
        if (rc == 0)
                rc = open_table(s, e);
        if (rc == 0 && !s->o.read_only)
                (void)mdb_reader_check(s->env, &dead);
        if (rc == 0)
                note_extent(s);
        return rc;
}

int
store_open(const struct store_options *o, struct store **out, struct err *e)
{
        struct store *s = calloc(1, sizeof(*s));
        int rc;

        if (s == NULL)
                return err_nomem(e, "the log's store");
        s->o = *o;
        s->o.dir = s->dir;
        s->fd = -1;
        s->room = UINT64_MAX;
        (void)pthread_rwlock_init(&s->use, NULL);
        (void)sem_init(&s->readers, 0, READERS_AT_ONCE);
        if (strlen(o->dir) >= sizeof(s->dir)) {
                rc = err_set(e, ERR_CONFIG, "the log's path is too long");
        } else {
                memcpy(s->dir, o->dir, strlen(o->dir) + 1);
                rc = open_env(s, e);
        }
        if (rc < 0) {
                store_close(s);
                return rc;
        }
        find_map_by_key(s);
        *out = s;
        return 0;
}

void
store_close(struct store *s)
{
        if (s == NULL)
                return;
        if (s->env != NULL)
                mdb_env_close(s->env);
        (void)pthread_rwlock_destroy(&s->use);
        (void)sem_destroy(&s->readers);
        free(s);
}

int
store_reopen(struct store *s, struct err *e)
{
        int rc;

        (void)pthread_rwlock_wrlock(&s->use);
        mdb_env_close(s->env);
        s->env = NULL;
        s->fd = -1;
        s->map = NULL;
        s->map_sought = false;
        s->reserved_to = 0;
        rc = open_env(s, e);
        if (rc == 0) {
                find_map_by_key(s);
        } else if (s->env != NULL) {
                mdb_env_close(s->env);
                s->env = NULL;
        }
        atomic_store(&s->broken, rc < 0);
        (void)pthread_rwlock_unlock(&s->use);
        return rc;
}

bool
store_broken(const struct store *s)
{
        return atomic_load(&s->broken);
}

size_t
store_page_size(const struct store *s)
{
        return s->page_size;
}

size_t
store_block_size(const struct store *s)
{
        return s->page_size - 16;
}

uint64_t
store_map_bytes(const struct store *s)
{
        return s->o.map_bytes;
}

uint64_t
store_file_bytes(const struct store *s)
{
        struct stat st;

        return s->fd >= 0 && fstat(s->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* ---- transactions ---- */

static void
end_use(struct store_txn *t)
{
        struct store *s = t->store;

        t->store = NULL;
        t->txn = NULL;
        if (!t->write)
                (void)sem_post(&s->readers);
        (void)pthread_rwlock_unlock(&s->use);
}

int
store_begin(struct store *s, bool write, struct store_txn *out, struct err *e)
{
        struct store_txn t = {s, NULL, write};
        MDB_txn *txn = NULL;
        int rc;

        (void)pthread_rwlock_rdlock(&s->use);
        while (!write && sem_wait(&s->readers) != 0)
                assert(errno == EINTR);
        rc = s->env != NULL ? mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, &txn) : MDB_PANIC;
        if (rc != 0) {
                end_use(&t);
                return store_fail(s, rc, e, write ? "begin a transaction" : "read the log");
        }
        t.txn = txn;
        *out = t;
        return 0;
}

int
store_commit(struct store_txn *t, struct err *e)
{
        struct store *s = t->store;
        int rc = 0;

        if (t->write && s->o.commit_fault != NULL)
                rc = s->o.commit_fault(s->o.commit_fault_arg);
        if (rc != 0) {
                mdb_txn_abort(t->txn);
        } else {
                rc = mdb_txn_commit(t->txn);
        }
        if (rc == 0 && t->write) {
                note_extent(s);
                store_reserve(s);
                find_map_by_key(s); /* after the first commit that a log ever has */
        }
        end_use(t);
        return rc == 0 ? 0 : store_fail(s, rc, e, "commit");
}

void
store_abort(struct store_txn *t)
{
        if (t->store == NULL)
                return;
        mdb_txn_abort(t->txn);
        end_use(t);
}

uint64_t
store_used_bytes(struct store_txn *t)
{
        const MDB_dbi tables[] = {FREE_TABLE, t->store->dbi};
        uint64_t pages = META_PAGES;
        MDB_stat st;

        for (int i = 0; i < 2; i++) {
                if (mdb_stat(t->txn, tables[i], &st) == 0)
                        pages += st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
        }
        return pages * t->store->page_size;
}

void
store_check_readers(struct store *s)
{
        int dead = 0;

        (void)pthread_rwlock_rdlock(&s->use);
        if (s->env != NULL)
                (void)mdb_reader_check(s->env, &dead);
        (void)pthread_rwlock_unlock(&s->use);
}

uint64_t
store_resident(struct store *s)
{
        uint64_t bytes = 0;

        (void)pthread_rwlock_rdlock(&s->use);
        if (s->map != NULL)
                bytes = resident_of(s->map, atomic_load(&s->data_bytes)).total;
        (void)pthread_rwlock_unlock(&s->use);
        return bytes;
}

void
store_give_back(struct store *s, bool always)
{
        if (!always && atomic_load_explicit(&s->touched, memory_order_relaxed) < GIVE_BACK_BYTES)
                return;
        atomic_store_explicit(&s->touched, 0, memory_order_relaxed);
        (void)pthread_rwlock_rdlock(&s->use);
        if (s->map != NULL)
                (void)madvise(s->map, s->map_length, MADV_DONTNEED);
        (void)pthread_rwlock_unlock(&s->use);
}
