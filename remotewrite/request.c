#include "remotewrite/request.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/varint.h"
#include "remotewrite/order.h"
#include "remotewrite/settle.h"

#include <assert.h>
#include <stdlib.h>

enum {
        FIRST_ENTRIES = 256,
        /* one series may be added when little room is left: its labels and samples */
        POOL_MAX = REQUEST_RAW_BYTES + (8 << 20),
        /* full when a large series might not fit any more, so that the pool does not double */
        POOL_MARGIN = 8 << 10,
};

struct entry {
        uint32_t offset; /* into the pool */
        uint32_t length;
        uint32_t samples;
};

struct builder {
        struct builder_bounds bounds;
        struct buf pool; /* encoded series in order of arrival */
        struct entry *entries; /* owned */
        size_t n;
        size_t cap;
        size_t first; /* entry that is to be sent */
        struct order *order; /* owned */
        struct packer *packer; /* owned */
        int64_t oldest_ms; /* of all samples */
        int64_t newest_ms;
        uint64_t samples;
        bool closed; /* a series was turned away */
        uint64_t group_samples; /* of the group under way, sent or counted */
        uint64_t groups; /* ended */
        struct wal_ledger counts;
        int64_t accounted;
};

void
request_free(struct request *r)
{
        if (r == NULL)
                return;
        while (r->parts != NULL) {
                struct part *next = r->parts->next;

                part_free(r->parts);
                r->parts = next;
        }
        memory_account(MEMORY_SEND, -(int64_t)sizeof(*r));
        free(r);
}

static void
account(struct builder *b)
{
        int64_t now = (int64_t)(sizeof(*b) + b->pool.cap + b->cap * sizeof(*b->entries));

        memory_account(MEMORY_SEND, now - b->accounted);
        b->accounted = now;
}

int
builder_new(struct builder **out, struct err *e)
{
        struct builder *b = calloc(1, sizeof(*b));
        int rc;

        if (b == NULL)
                return err_nomem(e, "a builder of requests");
        b->pool.max = POOL_MAX;
        rc = order_new(&b->order, e);
        if (rc == 0)
                rc = packer_new(&b->packer, e);
        if (rc < 0) {
                builder_free(b);
                return rc;
        }
        account(b);
        *out = b;
        return 0;
}

void
builder_reset(struct builder *b)
{
        buf_release(&b->pool);
        free(b->entries);
        b->entries = NULL;
        b->n = b->cap = b->first = 0;
        if (b->order != NULL)
                order_reset(b->order);
        if (b->packer != NULL)
                packer_reset(b->packer);
        account(b);
}

void
builder_free(struct builder *b)
{
        if (b == NULL)
                return;
        builder_reset(b);
        order_free(b->order);
        packer_free(b->packer);
        memory_account(MEMORY_SEND, -b->accounted);
        free(b);
}

static void
clear(struct builder *b)
{
        buf_reset(&b->pool);
        b->n = b->first = 0;
        order_clear(b->order);
        b->oldest_ms = INT64_MAX;
        b->newest_ms = INT64_MIN;
        b->samples = b->groups = b->group_samples = 0;
        b->counts = (struct wal_ledger){0};
}

void
builder_begin(struct builder *b, const struct builder_bounds *bounds)
{
        clear(b);
        b->bounds = *bounds;
        b->closed = false;
}

bool
builder_empty(const struct builder *b)
{
        return b->n == b->first;
}

bool
builder_full(const struct builder *b)
{
        return b->n > 0 &&
            (b->closed || b->pool.len + POOL_MARGIN >= REQUEST_RAW_BYTES ||
                b->samples >= b->bounds.samples);
}

size_t
builder_takes(struct builder *b, size_t n)
{
        if (b->n == 0)
                return n < b->bounds.samples ? n : (size_t)b->bounds.samples;
        b->closed = b->samples + n > b->bounds.samples;
        return b->closed ? 0 : n;
}

static int
grow(struct builder *b, struct err *e)
{
        size_t cap = b->cap > 0 ? b->cap * 2 : FIRST_ENTRIES;
        struct entry *entries;

        if (b->n < b->cap)
                return 0;
        entries = realloc(b->entries, cap * sizeof(*entries));
        if (entries == NULL)
                return err_nomem(e, "a request");
        b->entries = entries;
        b->cap = cap;
        return 0;
}

int
builder_add(struct builder *b, const struct identity_result *identity,
    const struct encode_sample *samples, size_t n, struct err *e)
{
        size_t offset = b->pool.len;
        uint64_t length = 0;
        struct order_series s = {
            .bytes = (uint32_t)identity->labels.n,
            .name_at = (uint32_t)identity->name_at,
            .name_bytes = (uint32_t)identity->name_bytes,
            .instance_at = (uint32_t)identity->instance_at,
            .instance_bytes = (uint32_t)identity->instance_bytes,
            .object = identity->object,
            .kin = identity->kin,
        };
        int rc = grow(b, e);

        assert(n > 0);
        if (rc == 0)
                rc = encode_series(identity->labels, samples, n, &b->pool, e);
        if (rc < 0)
                return rc;
        /* the labels stand behind the field's tag and length */
        s.at = (uint32_t)(offset + 1 +
            varint_get((const uint8_t *)b->pool.ptr + offset + 1,
                (const uint8_t *)b->pool.ptr + b->pool.len, &length));
        rc = order_add(b->order, &s, e);
        if (rc < 0) {
                b->pool.len = offset;
                return rc;
        }
        b->entries[b->n++] =
            (struct entry){(uint32_t)offset, (uint32_t)(b->pool.len - offset), (uint32_t)n};
        if (samples[0].time_ms < b->oldest_ms)
                b->oldest_ms = samples[0].time_ms;
        if (samples[n - 1].time_ms > b->newest_ms)
                b->newest_ms = samples[n - 1].time_ms;
        b->samples += n;
        b->group_samples += n;
        return 0;
}

void
builder_count(struct builder *b, const struct wal_ledger *counts)
{
        settle_add(&b->counts, counts);
        b->group_samples += settle_sum(counts);
}

void
builder_group_end(struct builder *b)
{
        b->groups++;
        b->group_samples = 0;
}

void
builder_forget(struct builder *b)
{
        b->first = b->n;
        b->oldest_ms = INT64_MAX;
        b->newest_ms = INT64_MIN;
        b->groups = b->group_samples = 0;
        b->counts = (struct wal_ledger){0};
}

static int
pack(struct builder *b, struct err *e)
{
        const uint32_t *sorted = order_sort(b->order, b->pool.ptr);

        for (size_t i = 0; i < b->n; i++) {
                const struct entry *x = &b->entries[sorted[i]];
                const struct packer_series s = {
                    .field = {b->pool.ptr + x->offset, x->length},
                    .samples = x->samples,
                    .oldest_ms = b->oldest_ms,
                    .newest_ms = b->newest_ms,
                };
                int rc = sorted[i] >= b->first ? packer_add(b->packer, &s, e) : 0;

                if (rc < 0)
                        return rc;
        }
        return 0;
}

int
builder_finish(struct builder *b, struct request **out, struct err *e)
{
        struct request *r = calloc(1, sizeof(*r));
        const struct packer_bounds bounds = {b->bounds.bytes, b->bounds.message};
        struct part *parts = NULL;
        int finished;
        int rc;

        if (r == NULL)
                return err_nomem(e, "a request");
        packer_begin(b->packer, &bounds);
        rc = pack(b, e);
        finished = packer_finish(b->packer, &parts, rc < 0 ? NULL : e);
        memory_account(MEMORY_SEND, (int64_t)sizeof(*r));
        r->parts = parts;
        if (rc < 0 || finished < 0) {
                request_free(r);
                return rc < 0 ? rc : finished;
        }
        r->groups = b->groups;
        r->tail = b->group_samples;
        r->counts = b->counts;
        for (struct part *p = parts; p != NULL; p = p->next)
                p->request = r;
        clear(b);
        account(b);
        *out = r;
        return 0;
}

struct packer *
builder_packer(struct builder *b)
{
        return b->packer;
}
