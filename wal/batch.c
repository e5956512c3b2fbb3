#include "wal/batch.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

int
wal_batch_new(uint64_t target, uint64_t serial, struct wal_batch **out, struct err *e)
{
        struct wal_batch *b = calloc(1, sizeof(*b));

        if (b == NULL)
                return err_nomem(e, "a batch");
        b->target = target;
        b->serial = serial;
        b->bytes.max = BATCH_MAX_BYTES;
        *out = b;
        return 0;
}

void
wal_batch_free(struct wal_batch *b)
{
        if (b == NULL)
                return;
        buf_release(&b->bytes);
        free(b->records);
        free(b->puts);
        free(b);
}

/* Room for one more item; the new address, NULL when out of memory. */
static void *
grow(void *items, size_t *cap, size_t n, size_t item)
{
        size_t more = *cap > 0 ? *cap * 2 : 4;
        void *p;

        if (n < *cap)
                return items;
        p = realloc(items, more * item);
        if (p != NULL)
                *cap = more;
        return p;
}

int
wal_batch_record(struct wal_batch *b, const struct block_record *r, size_t from, struct err *e)
{
        struct block_record *records =
            grow(b->records, &b->cap_records, b->n_records, sizeof(*records));
        struct block_record *added;

        assert(from <= b->bytes.len);
        if (records == NULL)
                return err_nomem(e, "a batch");
        b->records = records;
        added = &records[b->n_records++];
        *added = *r;
        added->offset = (uint32_t)from;
        added->length = (uint32_t)(b->bytes.len - from);
        b->samples += r->samples;
        return 0;
}

int
wal_batch_put(struct wal_batch *b, const struct batch_put *p, size_t from, struct err *e)
{
        struct batch_put *puts = grow(b->puts, &b->cap_puts, b->n_puts, sizeof(*puts));
        struct batch_put *added;

        assert(from <= b->bytes.len);
        if (puts == NULL)
                return err_nomem(e, "a batch");
        b->puts = puts;
        added = &puts[b->n_puts++];
        *added = *p;
        added->offset = from;
        added->length = b->bytes.len - from;
        return 0;
}

size_t
wal_batch_memory(const struct wal_batch *b)
{
        return sizeof(*b) + b->bytes.cap + b->cap_records * sizeof(*b->records) +
            b->cap_puts * sizeof(*b->puts);
}
