#include "remotewrite/block_cache.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/memory.h"
#include "wal/wal.h"

#include <assert.h>
#include <stdlib.h>

enum {
        RAW_MAX = 64 << 10, /* a page of any system */
        PAYLOAD_MAX = BLOCK_MAX_PAYLOAD + 4096, /* what reading one asks for */
};

struct entry {
        uint64_t seq; /* 0: empty */
        uint64_t used; /* the cache's clock at the last use */
        struct block_record *directory; /* owned */
        struct buf payload;
        unsigned records;
};

struct block_cache {
        struct wal *wal; /* borrowed */
        struct zstd_unpacker *unpacker; /* owned */
        struct block_record *directory; /* owned; BLOCK_MAX_RECORDS, for reading one */
        struct buf raw;
        uint64_t clock;
        size_t bytes; /* of all entries */
        int64_t accounted;
        struct entry entries[BLOCK_CACHE_BLOCKS];
};

int
block_cache_new(struct wal *wal, struct block_cache **out, struct err *e)
{
        struct block_cache *c = calloc(1, sizeof(*c));
        int rc;

        if (c == NULL)
                return err_nomem(e, "a cache of blocks");
        c->wal = wal;
        c->raw = (struct buf)BUF_INIT(RAW_MAX);
        rc = zstd_unpacker_new(&c->unpacker, e);
        if (rc < 0) {
                block_cache_free(c);
                return rc;
        }
        *out = c;
        return 0;
}

static void
account(struct block_cache *c)
{
        int64_t now = (int64_t)(sizeof(*c) + c->bytes + c->raw.cap);

        if (c->unpacker != NULL)
                now += (int64_t)zstd_unpacker_memory(c->unpacker);
        memory_account(MEMORY_SEND, now - c->accounted);
        c->accounted = now;
}

static size_t
entry_bytes(const struct entry *x)
{
        return x->records * sizeof(*x->directory) + x->payload.cap;
}

static void
drop(struct block_cache *c, struct entry *x)
{
        c->bytes -= entry_bytes(x);
        free(x->directory);
        buf_release(&x->payload);
        *x = (struct entry){0};
}

void
block_cache_reset(struct block_cache *c)
{
        for (int i = 0; i < BLOCK_CACHE_BLOCKS; i++)
                drop(c, &c->entries[i]);
        free(c->directory);
        c->directory = NULL;
        buf_release(&c->raw);
        account(c);
}

void
block_cache_free(struct block_cache *c)
{
        if (c == NULL)
                return;
        block_cache_reset(c);
        memory_account(MEMORY_SEND, -c->accounted);
        zstd_unpacker_free(c->unpacker);
        free(c);
}

static struct entry *
find(struct block_cache *c, uint64_t seq)
{
        for (int i = 0; i < BLOCK_CACHE_BLOCKS; i++) {
                if (c->entries[i].seq == seq)
                        return &c->entries[i];
        }
        return NULL;
}

/* The least recently used entry that holds a block; NULL when none does. */
static struct entry *
oldest(struct block_cache *c)
{
        struct entry *x = NULL;

        for (int i = 0; i < BLOCK_CACHE_BLOCKS; i++) {
                struct entry *y = &c->entries[i];

                if (y->seq != 0 && (x == NULL || y->used < x->used))
                        x = y;
        }
        return x;
}

/* Decodes c->raw into an empty entry. On failure the entry is still empty. */
static int
decode(struct block_cache *c, uint64_t seq, struct entry *x, struct err *e)
{
        struct view bytes = buf_view(&c->raw);
        struct block_head head;
        int rc = block_read_head(bytes, false, &head, e); /* wal_read_block has verified it */

        x->payload = (struct buf)BUF_INIT(PAYLOAD_MAX);
        if (rc == 0)
                rc = block_read_directory(bytes, c->directory, BLOCK_MAX_RECORDS, e);
        if (rc == 0)
                rc = block_read_payload(bytes, c->unpacker, &x->payload, e);
        if (rc == 0)
                x->directory = malloc(head.records * sizeof(*x->directory));
        if (rc < 0 || x->directory == NULL) {
                buf_release(&x->payload);
                *x = (struct entry){0};
                return rc < 0 ? rc : err_nomem(e, "a block's directory");
        }
        assert(c->directory != NULL);
        memcpy(x->directory, c->directory, head.records * sizeof(*x->directory));
        x->records = head.records;
        x->seq = seq;
        c->bytes += entry_bytes(x);
        return 0;
}

static int
load(struct block_cache *c, uint64_t seq, struct entry **out, struct err *e)
{
        struct entry *x;
        int rc;

        if (c->directory == NULL)
                c->directory = malloc(BLOCK_MAX_RECORDS * sizeof(*c->directory));
        if (c->directory == NULL)
                return err_nomem(e, "a block's directory");
        buf_reset(&c->raw);
        rc = wal_read_block(c->wal, seq, &c->raw, e);
        if (rc < 0)
                return rc;
        while (c->bytes > BLOCK_CACHE_BYTES || find(c, 0) == NULL)
                drop(c, oldest(c));
        x = find(c, 0);
        rc = decode(c, seq, x, e);
        account(c);
        if (rc == 0)
                *out = x;
        return rc;
}

int
block_cache_record(struct block_cache *c, uint64_t seq, unsigned index, struct block_record *out,
    struct view *out_bytes, struct err *e)
{
        struct entry *x = find(c, seq);
        const struct block_record *r;

        if (x == NULL) {
                int rc = load(c, seq, &x, e);

                if (rc < 0)
                        return rc;
        }
        assert(x != NULL);
        x->used = ++c->clock;
        if (index >= x->records)
                return err_set(e, ERR_CORRUPT, "block %llu has only %u records",
                    (unsigned long long)seq, x->records);
        r = &x->directory[index];
        if (r->offset > x->payload.len || r->length > x->payload.len - r->offset)
                return err_set(e, ERR_CORRUPT, "a record of block %llu reaches over its end",
                    (unsigned long long)seq);
        *out = *r;
        *out_bytes = (struct view){x->payload.ptr + r->offset, r->length};
        return 0;
}
