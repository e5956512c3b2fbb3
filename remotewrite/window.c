#include "remotewrite/window.h"

#include "base/err.h"
#include "base/memory.h"
#include "wal/wal.h"

#include <stdlib.h>
#include <string.h>

enum { STOP_SCAN = 1, FIRST_ROOM = 64 };

/* An array that grows by doubling. */
struct array {
        void *p; /* owned */
        size_t n;
        size_t cap;
        size_t size; /* of one element */
};

struct window {
        struct wal *wal; /* borrowed */
        struct window_bounds bounds;
        struct window_info info;
        uint64_t last; /* last block taken */
        size_t bytes;
        int64_t newest_ms;
        struct array records; /* struct window_record */
        struct array groups; /* struct window_group */
        uint32_t *table; /* owned; chunk → group + 1, open addressing */
        size_t table_size; /* a power of two */
        struct block_record *directory; /* owned; BLOCK_MAX_RECORDS */
        int64_t accounted;
};

static void
account(struct window *w)
{
        int64_t now = (int64_t)(w->records.cap * w->records.size + w->groups.cap * w->groups.size +
            w->table_size * sizeof(*w->table));

        if (w->directory != NULL)
                now += (int64_t)(BLOCK_MAX_RECORDS * sizeof(*w->directory));
        memory_account(MEMORY_SEND, now - w->accounted);
        w->accounted = now;
}

int
window_new(struct wal *wal, struct window **out, struct err *e)
{
        struct window *w = calloc(1, sizeof(*w));

        if (w == NULL)
                return err_nomem(e, "a window");
        w->wal = wal;
        w->records.size = sizeof(struct window_record);
        w->groups.size = sizeof(struct window_group);
        *out = w;
        return 0;
}

void
window_reset(struct window *w)
{
        free(w->records.p);
        free(w->groups.p);
        free(w->table);
        free(w->directory);
        w->records = (struct array){.size = w->records.size};
        w->groups = (struct array){.size = w->groups.size};
        w->table = NULL;
        w->table_size = 0;
        w->directory = NULL;
        w->info = (struct window_info){0};
        account(w);
}

void
window_free(struct window *w)
{
        if (w == NULL)
                return;
        window_reset(w);
        free(w);
}

static int
grow(struct array *a, struct err *e)
{
        size_t cap = a->cap > 0 ? a->cap * 2 : FIRST_ROOM;
        void *p;

        if (a->n < a->cap)
                return 0;
        p = realloc(a->p, cap * a->size);
        if (p == NULL)
                return err_nomem(e, "the index of a window");
        a->p = p;
        a->cap = cap;
        return 0;
}

static struct window_group *
group_at(const struct window *w, size_t i)
{
        return (struct window_group *)w->groups.p + i;
}

static struct window_record *
record_at(const struct window *w, size_t i)
{
        return (struct window_record *)w->records.p + i;
}

/* Where the chunk's group stands in the table, or the empty place for it. Chunks are numbered in
 * sequence: the product spreads them. */
static size_t
table_place(const struct window *w, uint64_t chunk)
{
        size_t mask = w->table_size - 1;
        size_t i = (size_t)((chunk * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;

        while (w->table[i] != 0 && group_at(w, w->table[i] - 1)->chunk != chunk)
                i = (i + 1) & mask;
        return i;
}

static int
grow_table(struct window *w, struct err *e)
{
        size_t size = w->table_size > 0 ? w->table_size * 2 : FIRST_ROOM;
        uint32_t *table;

        if (w->groups.n * 2 < w->table_size)
                return 0;
        table = calloc(size, sizeof(*table));
        if (table == NULL)
                return err_nomem(e, "the index of a window");
        free(w->table);
        w->table = table;
        w->table_size = size;
        for (size_t i = 0; i < w->groups.n; i++)
                w->table[table_place(w, group_at(w, i)->chunk)] = (uint32_t)i + 1;
        return 0;
}

static uint32_t
records_of_chunk(const struct window *w, uint64_t chunk)
{
        uint32_t group = w->table_size > 0 ? w->table[table_place(w, chunk)] : 0;

        return group > 0 ? group_at(w, group - 1)->records : 0;
}

/* Is this a record whose time is not ours to send yet? */
static bool
must_wait(const struct window *w, int64_t time_ms)
{
        return time_ms > w->bounds.hold_after_ms && time_ms <= w->bounds.give_up_after_ms;
}

/*
 * Would the block pass a bound? The first block of a window is taken whatever it holds, or the
 * sender would never get past it; except when its time has not come.
 */
static bool
passes_bound(struct window *w, const struct block_head *head, size_t bytes)
{
        int64_t oldest = w->info.oldest_ms;
        int64_t newest = w->newest_ms;
        bool first = w->records.n == 0;

        if (w->bounds.end != 0)
                return head->seq >= w->bounds.end;
        for (unsigned i = 0; i < head->records; i++) {
                const struct block_record *r = &w->directory[i];

                if (must_wait(w, r->time_ms)) {
                        w->info.held = true;
                        return true;
                }
                if (r->time_ms > w->bounds.give_up_after_ms)
                        continue; /* will not be sent: its time is of no account */
                oldest = r->time_ms < oldest ? r->time_ms : oldest;
                newest = r->time_ms > newest ? r->time_ms : newest;
                if (!first && records_of_chunk(w, r->chunk) >= WINDOW_MAX_GROUP)
                        return true;
        }
        if (first)
                return false;
        return head->barrier || newest - oldest > WINDOW_SPAN_MS ||
            w->records.n + head->records > WINDOW_MAX_RECORDS ||
            w->bytes + bytes > WINDOW_MAX_BYTES;
}

static int
add_record(
    struct window *w, const struct block_record *r, uint32_t block, uint16_t index, struct err *e)
{
        uint32_t number = (uint32_t)w->records.n;
        struct window_group *g;
        size_t place;
        int rc = grow(&w->records, e);

        if (rc == 0)
                rc = grow(&w->groups, e);
        if (rc == 0)
                rc = grow_table(w, e);
        if (rc < 0)
                return rc;
        *record_at(w, w->records.n++) = (struct window_record){
            .keyframe = r->keyframe,
            .time_ms = r->time_ms,
            .block = block,
            .next = UINT32_MAX,
            .index = index,
            .first = r->first,
            .slots = r->slots,
            .samples = r->samples,
        };
        place = table_place(w, r->chunk);
        if (w->table[place] == 0) {
                *group_at(w, w->groups.n++) =
                    (struct window_group){.chunk = r->chunk, .head = number, .tail = number};
                w->table[place] = (uint32_t)w->groups.n;
        }
        g = group_at(w, w->table[place] - 1);
        if (g->records > 0)
                record_at(w, g->tail)->next = number;
        g->tail = number;
        g->records++;
        return 0;
}

static void
note_times(struct window *w, const struct block_record *r)
{
        if (r->time_ms > w->bounds.give_up_after_ms)
                return;
        w->info.oldest_ms = r->time_ms < w->info.oldest_ms ? r->time_ms : w->info.oldest_ms;
        w->newest_ms = r->time_ms > w->newest_ms ? r->time_ms : w->newest_ms;
}

/* wal_scan's sink: takes the block or ends the window before it. */
static int
take_block(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        struct window *w = arg;
        int rc = block_read_directory(bytes, w->directory, BLOCK_MAX_RECORDS, e);

        if (rc < 0)
                return rc;
        if (passes_bound(w, head, bytes.n)) {
                w->info.at_end = false;
                return STOP_SCAN;
        }
        if (w->records.n == 0)
                w->info.first = head->seq;
        if (head->seq - w->info.first >= UINT32_MAX)
                return err_set(e, ERR_LIMIT, "a window reaches over too many blocks");
        for (unsigned i = 0; i < head->records; i++) {
                rc = add_record(
                    w, &w->directory[i], (uint32_t)(head->seq - w->info.first), (uint16_t)i, e);
                if (rc < 0)
                        return rc;
                note_times(w, &w->directory[i]);
        }
        w->info.samples += head->samples;
        w->bytes += bytes.n;
        w->last = head->seq;
        return 0;
}

int
window_fill(struct window *w, const struct window_bounds *b, struct err *e)
{
        int rc;

        window_reset(w);
        w->bounds = *b;
        w->bytes = 0;
        w->last = 0;
        w->newest_ms = INT64_MIN;
        w->info = (struct window_info){.oldest_ms = INT64_MAX, .at_end = true};
        w->directory = malloc(BLOCK_MAX_RECORDS * sizeof(*w->directory));
        if (w->directory == NULL)
                return err_nomem(e, "a block's directory");
        rc = wal_scan(w->wal, b->from, take_block, w, e);
        if (rc < 0) {
                window_reset(w);
                return rc;
        }
        free(w->directory);
        w->directory = NULL;
        w->info.records = (uint32_t)w->records.n;
        w->info.groups = (uint32_t)w->groups.n;
        w->info.end = w->last >= b->from ? w->last + 1 : b->from;
        if (b->end != 0)
                w->info.end = b->end;
        account(w);
        return 0;
}

const struct window_info *
window_info(const struct window *w)
{
        return &w->info;
}

const struct window_group *
window_group(const struct window *w, uint32_t group)
{
        return group_at(w, group);
}

const struct window_record *
window_record(const struct window *w, uint32_t record)
{
        return record_at(w, record);
}
