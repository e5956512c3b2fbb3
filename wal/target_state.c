/*
 * The bits of a chunk are stored as lengths of runs, alive and not alive in turn, or as they are
 * where that is shorter: after a good scrape nearly all slots given out are alive.
 */
#include "wal/target_state.h"

#include "base/buf.h"
#include "base/err.h"
#include "wal/envelope.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        TARGET_VERSION = 1,
        BITS_AS_RUNS = 0,
        BITS_AS_THEY_ARE = 1,
        BITS_BYTES = (CHUNK_SLOTS + 7) / 8,
        CHUNK_MIN_BYTES = 3, /* id, slots, kind of bits */
        STAMP_MIN_BYTES = 2, /* slot, time */
};

static bool
bit(const uint8_t *bits, unsigned i)
{
        return (bits[i / 8] >> i % 8 & 1) != 0;
}

/* Runs of ones and zeros in turn, ones first; the bytes, 0 when they are more than `room`. */
static size_t
put_runs(const struct target_chunk *c, uint8_t *p, size_t room)
{
        bool alive = true;
        size_t n = 0;

        for (unsigned i = 0; i < c->slots; alive = !alive) {
                unsigned start = i;

                if (n + 2 > room)
                        return 0;
                while (i < c->slots && bit(c->alive, i) == alive)
                        i++;
                n += varint_put(p + n, i - start);
        }
        return n;
}

static int
put_chunk(const struct target_chunk *c, uint64_t before, struct buf *out, struct err *e)
{
        uint8_t bytes[2 * VARINT_MAX + 1 + BITS_BYTES];
        size_t plain = (c->slots + 7) / 8;
        size_t n = varint_put(bytes, zigzag((int64_t)(c->chunk - before)));
        size_t runs;

        assert(c->slots <= CHUNK_SLOTS);
        n += varint_put(bytes + n, c->slots);
        runs = put_runs(c, bytes + n + 1, plain);
        if (runs > 0) {
                bytes[n] = BITS_AS_RUNS;
                n += 1 + runs;
        } else {
                bytes[n++] = BITS_AS_THEY_ARE;
                memcpy(bytes + n, c->alive, plain);
                n += plain;
                if (c->slots % 8 != 0)
                        bytes[n - 1] &= (uint8_t)((1U << c->slots % 8) - 1);
        }
        return buf_append(out, bytes, n, e);
}

/* Nothing when there are none. */
static int
put_stamps(const struct target_state *s, struct buf *out, struct err *e)
{
        struct target_stamp before = {0, s->time_ms};
        uint8_t bytes[2 * VARINT_MAX];
        int rc = 0;

        if (s->n_stamps > 0)
                rc = buf_append(out, bytes, varint_put(bytes, s->n_stamps), e);
        for (size_t i = 0; i < s->n_stamps && rc == 0; i++) {
                const struct target_stamp *x = &s->stamps[i];
                size_t n = varint_put(bytes, zigzag((int64_t)x->slot - (int64_t)before.slot));

                n += varint_put(
                    bytes + n, zigzag((int64_t)((uint64_t)x->time_ms - (uint64_t)before.time_ms)));
                rc = buf_append(out, bytes, n, e);
                before = *x;
        }
        return rc;
}

static int
put_all(const struct target_state *s, struct buf *out, struct err *e)
{
        uint8_t head[1 + 4 * VARINT_MAX] = {TARGET_VERSION};
        size_t identity = strlen(s->identity);
        size_t n = 1;
        uint64_t before = 0;
        int rc;

        n += varint_put(head + n, s->target);
        n += varint_put(head + n, zigzag(s->time_ms));
        n += varint_put(head + n, zigzag(s->interval_ms));
        n += varint_put(head + n, identity);
        rc = buf_append(out, head, n, e);
        if (rc == 0)
                rc = buf_append(out, s->identity, identity, e);
        n = varint_put(head, s->n_chunks);
        if (rc == 0)
                rc = buf_append(out, head, n, e);
        for (size_t i = 0; i < s->n_chunks && rc == 0; i++) {
                rc = put_chunk(&s->chunks[i], before, out, e);
                before = s->chunks[i].chunk;
        }
        if (rc == 0)
                rc = put_stamps(s, out, e);
        return rc;
}

int
target_state_encode(const struct target_state *s, struct buf *out, struct err *e)
{
        size_t start;
        int rc = envelope_begin(out, &start, e);

        if (rc < 0)
                return rc;
        rc = put_all(s, out, e);
        if (rc < 0) {
                out->len = start;
                return rc;
        }
        envelope_end(out, start, ENVELOPE_TARGET);
        return 0;
}

static bool
get_runs(struct bytes_reader *r, struct target_chunk *c)
{
        bool alive = true;

        for (unsigned i = 0; i < c->slots; alive = !alive) {
                uint64_t run = bytes_varint(r);

                if (r->bad || run > c->slots - i || (run == 0 && i > 0))
                        return false;
                for (; alive && run > 0; run--, i++)
                        c->alive[i / 8] |= (uint8_t)(1U << i % 8);
                i += (unsigned)run;
        }
        return true;
}

static bool
get_chunk(struct bytes_reader *r, uint64_t before, struct target_chunk *c)
{
        uint64_t slots;
        uint8_t kind;
        const uint8_t *bits;

        c->chunk = before + (uint64_t)unzigzag(bytes_varint(r));
        slots = bytes_varint(r);
        kind = bytes_u8(r);
        if (r->bad || slots > CHUNK_SLOTS)
                return false;
        c->slots = (unsigned)slots;
        if (kind == BITS_AS_RUNS)
                return get_runs(r, c);
        bits = bytes_take(r, (c->slots + 7) / 8);
        if (kind != BITS_AS_THEY_ARE || bits == NULL)
                return false;
        memcpy(c->alive, bits, (c->slots + 7) / 8);
        return c->slots % 8 == 0 || c->alive[c->slots / 8] >> c->slots % 8 == 0;
}

static int
corrupt(struct err *e, const char *what)
{
        (void)err_set(e, ERR_CORRUPT, "target state is damaged: %s", what);
        return ERR_CORRUPT;
}

static int
get_chunks(struct bytes_reader *r, struct target_state *s, struct err *e)
{
        uint64_t count = bytes_varint(r);
        uint64_t before = 0;

        if (r->bad || count > bytes_left(r) / CHUNK_MIN_BYTES)
                return corrupt(e, "the count of its chunks");
        if (count > 0) {
                s->chunks = calloc(count, sizeof(*s->chunks));
                if (s->chunks == NULL)
                        return err_nomem(e, "a target's chunks");
        }
        for (; s->n_chunks < count; s->n_chunks++) {
                struct target_chunk *c = &s->chunks[s->n_chunks];

                if (!get_chunk(r, before, c))
                        return corrupt(e, "a chunk");
                before = c->chunk;
        }
        return 0;
}

static int
get_stamps(struct bytes_reader *r, struct target_state *s, struct err *e)
{
        struct target_stamp before = {0, s->time_ms};
        uint64_t count = bytes_left(r) > 0 ? bytes_varint(r) : 0;

        if (r->bad || count > bytes_left(r) / STAMP_MIN_BYTES)
                return corrupt(e, "the count of its timestamps");
        if (count > 0) {
                s->stamps = calloc(count, sizeof(*s->stamps));
                if (s->stamps == NULL)
                        return err_nomem(e, "a target's timestamps");
        }
        for (; s->n_stamps < count; s->n_stamps++) {
                uint64_t slot = before.slot + (uint64_t)unzigzag(bytes_varint(r));
                uint64_t time = (uint64_t)before.time_ms + (uint64_t)unzigzag(bytes_varint(r));

                if (r->bad || slot / CHUNK_SLOTS >= s->n_chunks ||
                    slot % CHUNK_SLOTS >= s->chunks[slot / CHUNK_SLOTS].slots)
                        return corrupt(e, "a timestamp");
                before = (struct target_stamp){(uint32_t)slot, (int64_t)time};
                s->stamps[s->n_stamps] = before;
        }
        return bytes_left(r) == 0 ? 0 : corrupt(e, "bytes behind its end");
}

int
target_state_decode(struct view bytes, struct target_state *out, struct err *e)
{
        struct target_state s = {0};
        struct bytes_reader r;
        const uint8_t *identity;
        size_t n;
        uint8_t version;
        int rc = envelope_open(bytes, ENVELOPE_TARGET, true, &r, e);

        if (rc < 0)
                return rc;
        version = bytes_u8(&r);
        s.target = bytes_varint(&r);
        s.time_ms = unzigzag(bytes_varint(&r));
        s.interval_ms = unzigzag(bytes_varint(&r));
        n = bytes_varint(&r);
        identity = bytes_take(&r, n);
        if (identity == NULL || version != TARGET_VERSION || memchr(identity, 0, n) != NULL)
                return corrupt(e, "its head");
        s.identity = strndup((const char *)identity, n);
        if (s.identity == NULL)
                return err_nomem(e, "a target's identity");
        rc = get_chunks(&r, &s, e);
        if (rc == 0)
                rc = get_stamps(&r, &s, e);
        if (rc < 0) {
                target_state_release(&s);
                return rc;
        }
        *out = s;
        return 0;
}

void
target_state_release(struct target_state *s)
{
        if (s == NULL)
                return;
        free(s->identity);
        free(s->chunks);
        free(s->stamps);
        memset(s, 0, sizeof(*s));
}
