#include "wal/pack.h"

#include "base/compress.h"
#include "base/memory.h"
#include "wal/batch.h"
#include "wal/block.h"

#include <assert.h>
#include <stdlib.h>

enum {
        ZSTD_LEVEL = 3,
        KEEP_BLOCK_BYTES = 1 << 20, /* of the buffer between plans */
        RETIRED_MAX = 1 << 20,
};

int
plan_init(struct plan *p, size_t block_size, struct err *e)
{
        int rc;

        *p = (struct plan){
            .blocks = BUF_INIT(PLAN_MAX_BLOCK_BYTES),
            .block_size = block_size,
            .barrier_due = true,
        };
        rc = block_builder_new(block_size, &p->builder, e);
        if (rc == 0)
                rc = zstd_packer_new(ZSTD_LEVEL, &p->z, e);
        if (rc < 0)
                plan_release(p);
        return rc;
}

void
plan_release(struct plan *p)
{
        assert(p->head == NULL);
        buf_release(&p->blocks);
        free(p->retired);
        block_builder_free(p->builder);
        zstd_packer_free(p->z);
        p->retired = NULL;
        p->builder = NULL;
        p->z = NULL;
}

static int
give_up(struct plan *p, int rc)
{
        if (p->failed == 0)
                p->failed = rc;
        return rc;
}

static int
finish_block(struct plan *p)
{
        struct block_head head = {
            .seq = p->start.block + p->n_blocks,
            .samples_before = p->start.samples + p->samples,
            .samples = block_builder_samples(p->builder),
            .barrier = p->barrier_due,
        };
        int rc = buf_reserve(&p->blocks, p->block_size, &p->why);

        if (rc < 0)
                return give_up(p, rc);
        block_builder_finish(p->builder, &head, (uint8_t *)p->blocks.ptr + p->blocks.len);
        p->blocks.len += p->block_size;
        p->n_blocks++;
        p->samples += head.samples;
        p->barrier_taken |= p->barrier_due;
        p->barrier_due = false;
        return 0;
}

static bool
under_way(const struct plan *p)
{
        return p->builder != NULL && !block_builder_empty(p->builder);
}

static int
add_record(struct plan *p, const struct wal_batch *b, const struct block_record *r)
{
        struct view bytes = {b->bytes.ptr + r->offset, r->length};
        int rc = block_builder_add(p->builder, r, bytes, p->z, &p->why);

        if (rc == ERR_LIMIT && under_way(p)) {
                rc = finish_block(p);
                if (rc == 0)
                        rc = block_builder_add(p->builder, r, bytes, p->z, &p->why);
        }
        return rc < 0 ? give_up(p, rc) : 0;
}

/* Records behind this batch do not use it any more: the block under way is the last that may. */
static int
retire(struct plan *p, const struct batch_put *put)
{
        uint64_t next = p->start.block + p->n_blocks;

        if (p->n_retired == p->cap_retired) {
                size_t cap = p->cap_retired > 0 ? p->cap_retired * 2 : 64;
                struct plan_retired *v = NULL;

                if (cap <= RETIRED_MAX)
                        v = realloc(p->retired, cap * sizeof(*v));
                if (v == NULL)
                        return give_up(p, err_nomem(&p->why, "retired keyframes"));
                p->retired = v;
                p->cap_retired = cap;
        }
        p->retired[p->n_retired++] = (struct plan_retired){
            .last_block = under_way(p) ? next : next - 1,
            .id = put->id,
            .chunk = put->kind == BATCH_RETIRE_CHUNK,
        };
        return 0;
}

static void
link_batch(struct plan *p, struct wal_batch *b)
{
        b->next = NULL;
        if (p->tail != NULL) {
                p->tail->next = b;
        } else {
                p->head = b;
        }
        p->tail = b;
        p->n_batches++;
}

/* The records are in the blocks now; a keyframe or layout part is still read from the batch. */
static void
shed_records(struct wal_batch *b)
{
        free(b->records);
        b->records = NULL;
        b->n_records = 0;
        b->cap_records = 0;
        if (b->n_puts == 0)
                buf_release(&b->bytes);
}

static bool
need_builder(struct plan *p)
{
        int rc = 0;

        if (p->builder == NULL)
                rc = block_builder_new(p->block_size, &p->builder, &p->why);
        return rc == 0 || give_up(p, rc) == 0;
}

void
plan_add(struct plan *p, struct wal_batch *b)
{
        int rc = p->failed;

        link_batch(p, b);
        p->queued += b->samples;
        if (rc == 0 && !need_builder(p))
                rc = p->failed;
        if (rc == 0 && b->barrier) {
                if (under_way(p))
                        rc = finish_block(p);
                p->barrier_due = true;
        }
        for (size_t i = 0; i < b->n_records && rc == 0; i++)
                rc = add_record(p, b, &b->records[i]);
        for (size_t i = 0; i < b->n_puts && rc == 0; i++) {
                const struct batch_put *put = &b->puts[i];

                p->put_bytes += put->length;
                if (put->kind == BATCH_RETIRE_KEYFRAME || put->kind == BATCH_RETIRE_CHUNK)
                        rc = retire(p, put);
        }
        if (rc == 0)
                shed_records(b);
}

void
plan_close(struct plan *p)
{
        if (p->failed == 0 && under_way(p))
                (void)finish_block(p);
}

uint64_t
plan_bytes(const struct plan *p)
{
        return p->blocks.len + p->put_bytes + (under_way(p) ? p->block_size : 0);
}

bool
plan_empty(const struct plan *p)
{
        return p->head == NULL;
}

struct wal_batch *
plan_done(struct plan *p, bool stored)
{
        struct wal_batch *head = p->head;

        if (!stored && p->barrier_taken)
                p->barrier_due = true;
        if (under_way(p)) { /* what is in it was not stored */
                assert(!stored);
                block_builder_free(p->builder);
                p->builder = NULL;
        }
        p->head = NULL;
        p->tail = NULL;
        p->n_batches = 0;
        p->n_blocks = 0;
        p->queued = 0;
        p->samples = 0;
        p->put_bytes = 0;
        p->n_retired = 0;
        p->barrier_taken = false;
        p->failed = 0;
        buf_reset(&p->blocks);
        if (p->blocks.cap > KEEP_BLOCK_BYTES)
                buf_release(&p->blocks);
        return head;
}

struct view
plan_block(const struct plan *p, uint64_t i)
{
        return (struct view){p->blocks.ptr + i * p->block_size, p->block_size};
}

struct position
plan_end(const struct plan *p)
{
        return (struct position){p->start.block + p->n_blocks, p->start.samples + p->samples};
}
