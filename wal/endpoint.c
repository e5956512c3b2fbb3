/*
 * The senders' side of wal.h: endpoints, windows, and what people want to see.
 */
#include "base/buf.h"
#include "base/err.h"
#include "wal/block.h"
#include "wal/book.h"
#include "wal/parts.h"
#include "wal/store.h"
#include "wal/wal.h"
#include "wal/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_SAVE_MS = 5000 }; /* wal_window_begin waits this long for its commit */

int
wal_endpoint_open(
    struct wal *w, const char *name, enum wal_start start, struct wal_endpoint **out, struct err *e)
{
        return book_endpoint_open(w->book, name, start, out, e);
}

void
wal_endpoint_close(struct wal *w, struct wal_endpoint *ep)
{
        book_endpoint_close(w->book, ep);
}

void
wal_endpoint_get(struct wal *w, struct wal_endpoint *ep, struct wal_cursor *out)
{
        book_endpoint_get(w->book, ep, out);
}

size_t
wal_endpoints(struct wal *w, struct wal_endpoint_info *out, size_t cap)
{
        return book_endpoints(w->book, out, cap);
}

/* ---- windows ---- */

/* The running sample count before block `end`. */
static struct position
locate(struct wal *w, uint64_t end)
{
        struct position first;
        struct position next;
        struct position found;
        struct store_txn t = STORE_TXN_INIT;
        int rc;

        book_positions(w->book, &first, &next);
        if (end >= next.block)
                return next;
        rc = store_begin(w->store, false, &t, NULL);
        if (rc == 0)
                rc = wal_find_first(w, &t, end, &found, NULL);
        store_abort(&t);
        /* none at or after it: the rest is damaged or trimmed, the count of the log's end is right
         */
        return (struct position){end, rc == 0 ? found.samples : next.samples};
}

void
wal_window_begin(struct wal *w, struct wal_endpoint *ep, uint64_t end)
{
        uint64_t version = book_window_begin(w->book, ep, locate(w, end));

        writer_poke(w->writer);
        (void)book_wait(w->book, ep, version, WINDOW_SAVE_MS);
}

void
wal_window_settle(
    struct wal *w, struct wal_endpoint *ep, uint64_t groups, const struct wal_ledger *counts)
{
        book_window_settle(w->book, ep, groups, counts);
}

void
wal_window_end(struct wal *w, struct wal_endpoint *ep)
{
        book_window_end(w->book, ep);
}

/* ---- for people ---- */

/* Of a block's records; 0 when it has none that can be read. */
static int64_t
record_time(struct view bytes, const struct block_head *head, bool newest)
{
        struct block_record *v = calloc(BLOCK_MAX_RECORDS, sizeof(*v));
        int64_t found = 0;

        if (v == NULL)
                return 0;
        if (block_read_directory(bytes, v, BLOCK_MAX_RECORDS, NULL) == 0) {
                for (size_t i = 0; i < head->records && i < BLOCK_MAX_RECORDS; i++) {
                        if (i == 0 || (v[i].time_ms > found) == newest)
                                found = v[i].time_ms;
                }
        }
        free(v);
        return found;
}

struct look {
        int64_t time_ms;
        bool newest;
};

static int
look_at(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        struct look *l = arg;

        (void)e;
        l->time_ms = record_time(bytes, head, l->newest);
        return l->newest ? 0 : 1; /* the first one, or the last of the few asked for */
}

/* Bytes that this process caused to be written to the disk. */
static uint64_t
written_bytes(int fd)
{
        static const char name[] = "\nwrite_bytes: ";
        char text[512];
        ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
        const char *at;

        if (n <= 0)
                return 0;
        text[n] = '\0';
        at = strstr(text, name);
        return at != NULL ? strtoull(at + sizeof(name) - 1, NULL, 10) : 0;
}

static void
fill_counters(struct wal *w, struct wal_stats *s)
{
        for (int i = 0; i < 2; i++)
                s->trimmed_samples[i] = atomic_load(&w->trimmed[i]);
        s->bytes_used = atomic_load(&w->used_bytes);
        s->bytes_max = atomic_load(&w->max_size);
        s->bytes_file = store_file_bytes(w->store);
        s->bytes_resident = store_resident(w->store);
        s->bytes_block_payload = atomic_load(&w->block_bytes);
        s->bytes_written = written_bytes(w->io_fd);
        s->commits = atomic_load(&w->commits);
        s->commit_failures = atomic_load(&w->commit_failures);
        s->commits_late = atomic_load(&w->commits_late);
        s->damaged_blocks = atomic_load(&w->damaged_blocks);
        s->damaged_values = atomic_load(&w->damaged_values);
        s->logs_set_aside = w->set_aside;
        s->last_commit_ms = atomic_load(&w->last_commit_ms);
}

void
wal_stats(struct wal *w, struct wal_stats *out)
{
        struct look oldest = {0, false};
        struct look newest = {0, true};
        struct position first;
        struct position next;
        struct tally tally;

        *out = (struct wal_stats){.first_block = 0};
        book_tally(w->book, &tally);
        book_positions(w->book, &first, &next);
        out->first_block = first.block;
        out->next_block = next.block;
        out->samples_offered = tally.offered;
        out->samples_appended = tally.appended;
        out->samples_queued = tally.queued;
        memcpy(out->not_stored, tally.not_stored, sizeof(out->not_stored));
        out->samples_stored = next.samples - first.samples;
        fill_counters(w, out);
        if (w->writer != NULL)
                writer_queue(w->writer, &out->queue_bytes, &out->queue_batches);
        if (next.block > first.block) {
                (void)wal_scan(w, first.block, look_at, &oldest, NULL);
                (void)wal_scan(w, next.block - 1, look_at, &newest, NULL);
        }
        out->oldest_ms = oldest.time_ms;
        out->newest_ms = newest.time_ms;
        (void)pthread_mutex_lock(&w->health.mtx);
        memcpy(out->last_error, w->health.last_error, sizeof(out->last_error));
        (void)pthread_mutex_unlock(&w->health.mtx);
}

bool
wal_usable(struct wal *w, struct err *e)
{
        bool usable;

        (void)pthread_mutex_lock(&w->health.mtx);
        usable = w->health.usable;
        if (!usable)
                (void)err_set(e, ERR_AGAIN, "%s", w->health.last_error);
        (void)pthread_mutex_unlock(&w->health.mtx);
        return usable;
}
