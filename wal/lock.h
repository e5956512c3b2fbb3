/*
 * The log's directory and the lock on it. LMDB's own lock does not keep a second process out, and
 * a second process that merely reads may stop trimming; so whoever opens the log holds this lock.
 */
#ifndef WAL_LOCK_H
#define WAL_LOCK_H

#include <stdbool.h>

struct err;

struct wal_lock {
        int fd; /* of LOCK; -1: none */
};

#define WAL_LOCK_INIT \
        { \
                -1 \
        }

/*
 * Makes dir (0700) and dir/wal when missing, checks that the directory is ours, writable by nobody
 * else and on a local disk, and takes the lock; `shared` is for tools, which make nothing.
 * ERR_AGAIN: another process holds it (the sentence names it); ERR_CONFIG, ERR_NOTFOUND, ERR_SYS.
 */
int wal_lock_take(const char *dir, bool shared, struct wal_lock *out, struct err *e);
void wal_lock_release(struct wal_lock *l);

#endif
