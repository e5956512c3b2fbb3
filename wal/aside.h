/*
 * Damaged logs that were set aside: <data-dir>/<tenant>/wal.damaged-<time>, whole and never deleted
 * by us, so that what can be saved of them can be. The log's lock is held.
 */
#ifndef WAL_ASIDE_H
#define WAL_ASIDE_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { WAL_ASIDE_MAX = 8 }; /* each may be as large as wal.max_size */

/*
 * Renames dir/wal and makes an empty one; why goes to the log. ERR_LIMIT: there are WAL_ASIDE_MAX
 * already; ERR_SYS.
 */
int wal_set_aside(const char *dir, int64_t wall_ms, const struct err *why, struct err *e);

/* How many there are; 0 too when that cannot be found out. */
size_t wal_count_aside(const char *dir);

#endif
