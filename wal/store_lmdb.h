/*
 * What store.c (environment, transactions, map), store_values.c (keys and values) and store_room.c
 * (the file's space) share: the only files that know LMDB.
 */
#ifndef WAL_STORE_LMDB_H
#define WAL_STORE_LMDB_H

#include "wal/store.h"

#include <lmdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct store {
        struct store_options o;
        char dir[4096];
        MDB_env *env;
        MDB_dbi dbi;
        int fd; /* LMDB's */
        size_t page_size;
        char *map; /* NULL: not found, then nothing is given back */
        size_t map_length;
        bool map_sought;
        pthread_rwlock_t use; /* shared: a transaction runs; exclusive: re-opening */
        sem_t readers;
        _Atomic uint64_t data_bytes; /* pages that the tree may refer to end here */
        uint64_t reserved_to; /* the file's space is allocated up to here; writer's thread */
        _Atomic uint64_t room; /* the tree cannot take more bytes than this; UINT64_MAX: it can */
        _Atomic uint64_t touched; /* bytes read since the last giving back */
        atomic_bool broken;
};

/* The error that LMDB's code stands for, with a sentence that begins "cannot <what>". */
int store_fail(struct store *s, int rc, struct err *e, const char *what);

/* ---- store_room.c ---- */

/* Keeps space and single pages ahead of the file's end; when there is none the disk counts as
 * full. Writer's thread, after a commit. */
void store_reserve(struct store *s);
/* True when the file cannot grow: no space, a quota, a limit of the process. */
bool store_disk_is_full(const struct store *s);
/* Makes the meta pages single pages of the page cache. Before the file is mapped. */
void store_single_metas(int fd);

#endif
