/*
 * Keyframes and layout parts that are queued but not on disk yet: readers must see them already.
 * Points into the batches, so a batch is taken out before it is freed. Any thread.
 */
#ifndef WAL_PENDING_H
#define WAL_PENDING_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct pending;
struct wal_batch;

int pending_new(struct pending **out, struct err *e);
void pending_free(struct pending *p);
/* All or nothing. b and its bytes stay where they are until pending_remove. */
int pending_add(struct pending *p, const struct wal_batch *b, struct err *e);
void pending_remove(struct pending *p, const struct wal_batch *b);

/* Replaces out's contents by the newest queued keyframe with this id. ERR_NOTFOUND. */
int pending_keyframe(struct pending *p, uint64_t id, struct buf *out, struct err *e);

/* Called with the lock held: copy what is needed, do not call back. */
typedef int (*pending_sink)(void *arg, unsigned first, const void *bytes, size_t n, struct err *e);
/* Every queued part of the chunk, in no order. */
int pending_layout(struct pending *p, uint64_t chunk, pending_sink sink, void *arg, struct err *e);

#endif
