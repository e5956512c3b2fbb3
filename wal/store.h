/*
 * The store: an ordered map of keys to values on disk with transactions. The only user of LMDB.
 *
 * Rules it keeps (docs/ARCHITECTURE.md says why): one database, MDB_NOTLS, no WRITEMAP, no NOSYNC,
 * the map is never resized while transactions run, every value's length is held against the file
 * before it is touched, an overflow page's own header is checked before LMDB may free it.
 *
 * Threads: one writer at a time (the log's thread); any number of readers, of which 12 run at a
 * time. A transaction belongs to the thread that began it. Views are valid until its end, in a
 * writing one until the next put or delete.
 *
 * Errors: ERR_LIMIT when there is no room (map or disk full), ERR_CORRUPT when LMDB finds its file
 * damaged or gave up, ERR_SYS for the rest.
 */
#ifndef WAL_STORE_H
#define WAL_STORE_H

#include "base/view.h"
#include "wal/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

struct store_options {
        const char *dir; /* exists */
        uint64_t map_bytes;
        bool read_only; /* nobody else writes meanwhile: the caller holds the log's lock */
        int (*commit_fault)(void *arg); /* before each commit; nonzero: it fails with that errno */
        void *commit_fault_arg;
};

struct store_txn { /* the caller's, on the stack; all fields the store's */
        struct store *store; /* NULL: none under way */
        void *txn;
        bool write;
};

#define STORE_TXN_INIT \
        { \
                NULL, NULL, false \
        }

int store_open(const struct store_options *o, struct store **out, struct err *e);
/* No transaction may be under way. NULL-safe. */
void store_close(struct store *s);

/* Exact length of a value that fills one overflow page. */
size_t store_block_size(const struct store *s);
size_t store_page_size(const struct store *s);
uint64_t store_map_bytes(const struct store *s);
uint64_t store_file_bytes(const struct store *s);

int store_begin(struct store *s, bool write, struct store_txn *out, struct err *e);
/* Ends it, whatever comes of it. */
int store_commit(struct store_txn *t, struct err *e);
/* Ends it. Nothing to do when it has ended. */
void store_abort(struct store_txn *t);

/* ERR_NOTFOUND. */
int store_get(struct store_txn *t, const struct key *k, struct view *out, struct err *e);
/* append: k is larger than every key there is. */
int store_put(
    struct store_txn *t, const struct key *k, struct view value, bool append, struct err *e);
/* Deleting what is not there is no error. */
int store_delete(struct store_txn *t, const struct key *k, struct err *e);

/* The first key >= from of the same kind. ERR_NOTFOUND. out_value may be NULL. */
int store_first(struct store_txn *t, const struct key *from, struct key *out_key,
    struct view *out_value, struct err *e);
/* The last key of this kind. ERR_NOTFOUND. */
int store_last(struct store_txn *t, enum key_kind kind, struct key *out_key, struct err *e);

/* 0: there is no key at all; 1: there is one. */
int store_holds_any(struct store_txn *t, struct err *e);

/* Nonzero ends the walk: positive without an error. */
typedef int (*store_sink)(void *arg, struct view key, struct view value, struct err *e);
/* Keys >= from of the same kind, in order; a value that leads out of the file is given as empty.
 * Returns what ended it, 0 at the end of the kind. */
int store_walk(
    struct store_txn *t, const struct key *from, store_sink sink, void *arg, struct err *e);

struct store_range {
        struct key from;
        struct key to; /* not included; of the same kind */
        uint64_t max; /* keys to delete at most */
        uint64_t deleted; /* out */
        uint64_t refused; /* out: left standing because their overflow page's header is damaged */
};
int store_delete_range(struct store_txn *t, struct store_range *r, struct err *e);

/* Bytes in use: pages of the tree, its values and the free list (not: free pages). */
uint64_t store_used_bytes(struct store_txn *t);

/*
 * Bytes that the log can use as things stand: UINT64_MAX, or less when the disk is full. The space
 * ahead of the file's end is allocated before it is needed, so that this is known while there is
 * still room to delete in: deleting writes pages, too.
 */
uint64_t store_room(const struct store *s);

/* Frees the slots of readers that died. */
void store_check_readers(struct store *s);
/* Bytes of the map that are resident. */
uint64_t store_resident(struct store *s);
/* Takes the map's pages out of the resident set, unless little was read since the last time. */
void store_give_back(struct store *s, bool always);
/* Closes and opens again after LMDB gave up (a failed meta page write). Writer's thread. */
int store_reopen(struct store *s, struct err *e);
/* True when only store_reopen helps. */
bool store_broken(const struct store *s);

#endif
