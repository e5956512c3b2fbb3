/*
 * Retention: the oldest blocks go when the log is past its size or its age, in transactions of
 * their own that grow while all goes well. Log's thread.
 */
#ifndef WAL_TRIM_H
#define WAL_TRIM_H

#include <stdint.h>

struct err;
struct plan;
struct store_txn;
struct wal;

/* Makes room for `need` more bytes below wal.max_size. */
int trim_to_size(struct wal *w, uint64_t need, struct err *e);
/*
 * After a commit that found the map or the disk full: frees at least `need` bytes, one block at
 * first, and makes usable what others freed before. 1: blocks were deleted; 0: there were none.
 */
int trim_for_room(struct wal *w, uint64_t need, struct err *e);
/* Drops what is older than wal.max_age; also ends episodes. */
int trim_by_age(struct wal *w, struct err *e);
/* Writes down which block came next at this age, from time to time, in the plan's transaction. */
int trim_mark(struct wal *w, struct store_txn *t, const struct plan *p, struct err *e);
/* The plan with that mark is on disk. */
void trim_marked(struct wal *w);

#endif
