/*
 * The log's thread: takes batches in order, packs them, commits them in groups, answers them;
 * retention and chores besides.
 */
#ifndef WAL_WRITER_H
#define WAL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct wal;
struct wal_batch;
struct writer;

enum { WRITER_QUEUE_BYTES = 8 << 20 }; /* of batches that are not answered yet; and one more */

int writer_start(struct wal *w, struct writer **out, struct err *e);
/* Stores what is queued, marks the log clean, joins. NULL-safe. */
void writer_stop(struct writer *wr);

/* Any thread. As wal_submit says. */
int writer_submit(struct writer *wr, struct wal_batch **b, struct err *e);
/* Any thread: a commit at once. */
void writer_poke(struct writer *wr);
/* Any thread: the same, and waits for it (not on the log's own thread). */
void writer_flush(struct writer *wr);
void writer_queue(struct writer *wr, uint64_t *out_bytes, uint64_t *out_batches);

#endif
