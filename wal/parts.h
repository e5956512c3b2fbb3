/*
 * The parts of an open log: private to wal/. Who may touch what stands at each field.
 */
#ifndef WAL_PARTS_H
#define WAL_PARTS_H

#include "wal/cursor.h"
#include "wal/lock.h"
#include "wal/retire.h"
#include "wal/wal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct book;
struct pending;
struct store;
struct store_txn;
struct writer;
struct zstd_unpacker;

enum { DAMAGED_REMEMBERED = 64, UNPACKERS_SPARE = 4 };

/* What has already been counted as damaged, so that every scan does not count it again. */
struct damage {
        pthread_mutex_t mtx;
        uint64_t blocks[DAMAGED_REMEMBERED]; /* under mtx */
        size_t n;
};

struct spare_unpackers {
        pthread_mutex_t mtx;
        struct zstd_unpacker *v[UNPACKERS_SPARE]; /* under mtx; owned */
        size_t n;
};

struct health { /* for people */
        pthread_mutex_t mtx;
        char last_error[256]; /* under mtx */
        bool usable;
};

/* One episode of trimming is one log line at its begin and one at its end. */
struct trim_episode {
        bool open;
        uint64_t samples;
        int64_t last_ms; /* monotonic */
};

struct wal {
        /* set before start */
        struct wal_options o; /* dir and tenant owned */
        struct wal_lock lock;
        struct store *store;
        struct book *book; /* has its own lock */
        struct pending *pending; /* has its own lock */
        struct writer *writer; /* has its own lock; NULL for tools */
        int io_fd; /* /proc/self/io, opened before the process may become undumpable */
        int64_t mono_open_ms;
        uint64_t age_open_ms; /* running time of the log when it was opened */
        uint64_t set_aside; /* damaged logs that lie beside this one */

        /* any thread */
        _Atomic uint64_t max_size;
        _Atomic int64_t max_age_ms;
        _Atomic int64_t sync_interval_ms;
        _Atomic uint64_t next_id;
        _Atomic uint64_t trimmed[2];
        _Atomic uint64_t used_bytes;
        _Atomic uint64_t block_bytes;
        _Atomic uint64_t commits;
        _Atomic uint64_t commit_failures;
        _Atomic uint64_t commits_late;
        _Atomic uint64_t damaged_blocks;
        _Atomic uint64_t damaged_values;
        _Atomic int64_t last_commit_ms;
        struct damage damage;
        struct health health;
        struct spare_unpackers unpackers;

        /* the log's thread only (before its start: the opening one) */
        struct live live;
        uint64_t trim_step;
        bool keep_settled; /* LMDB cannot delete at the log's beginning: its file is damaged */
        uint64_t last_mark_ms; /* age of the newest age mark; 0: none of this process */
        uint64_t new_mark_ms; /* of the transaction under way; 0: it has none */
        struct trim_episode episodes[2]; /* by age, by size */
};

/* Running time of the log: since it began, without the time during which no process ran. */
uint64_t wal_age(const struct wal *w);
/* Counts and logs a damaged block, the first time it is met. */
void wal_damaged_block(struct wal *w, uint64_t seq, const struct err *why);
/* The first block from `from` on whose head can be read; damaged ones are passed over, counted.
 * ERR_NOTFOUND. */
int wal_find_first(
    struct wal *w, struct store_txn *t, uint64_t from, struct position *out, struct err *e);

#endif
