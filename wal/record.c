/*
 * A record is three runs of bytes: tags in slot order, what the tags ask for, extras. Runs of
 * unchanged slots are one tag, so that an idle chunk costs a few bytes before compression, and
 * tags stand together, so that compression sees how alike they are.
 */
#include "wal/record.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/varint.h"
#include "wal/bytes.h"
#include "wal/column.h"
#include "wal/value.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
        HEAD_BYTES = 3, /* flags, length of the tags */
        FLAG_EXTRAS = 1,
        /* Tags from 64 on are runs: of absent slots, then of slots as in the keyframe. */
        RUN_ABSENT = 64,
        RUN_ABSENT_MAX = 64,
        RUN_SAME = 128,
        RUN_SAME_MAX = 128,
        EXTRA_MAX = 2 + VARINT_MAX + 1 + VALUE_MAX, /* slot, time, tag, value */
        COUNT_MAX = 2, /* the count of extras: at most 3,840 / 3 */
        /* what one more slot can add: the runs before it, its tag, its value */
        SLOT_MAX = CHUNK_SLOTS / RUN_ABSENT_MAX + 1 + VALUE_MAX,
};

/* How far an encoder has come: copied, so that a slot with extras can be taken back. */
struct fill {
        size_t tags; /* bytes */
        size_t values;
        size_t extras;
        unsigned same; /* slots of a run that is not written yet */
        unsigned absent; /* the same; at most one of the two is not 0 */
        unsigned samples;
        unsigned extra_count;
        /* extras are stored against the one before */
        unsigned extra_slot;
        int64_t extra_time;
};

struct encoder {
        struct fill n;
        uint8_t tags[RECORD_MAX_BYTES];
        uint8_t values[RECORD_MAX_BYTES];
        uint8_t extras[RECORD_MAX_BYTES];
};

static bool
has_room(const struct encoder *x, size_t more)
{
        return HEAD_BYTES + x->n.tags + x->n.values + COUNT_MAX + x->n.extras + more <=
            RECORD_MAX_BYTES;
}

static void
end_runs(struct encoder *x)
{
        for (unsigned n; x->n.same > 0; x->n.same -= n) {
                n = x->n.same < RUN_SAME_MAX ? x->n.same : RUN_SAME_MAX;
                x->tags[x->n.tags++] = (uint8_t)(RUN_SAME + n - 1);
        }
        for (unsigned n; x->n.absent > 0; x->n.absent -= n) {
                n = x->n.absent < RUN_ABSENT_MAX ? x->n.absent : RUN_ABSENT_MAX;
                x->tags[x->n.tags++] = (uint8_t)(RUN_ABSENT + n - 1);
        }
}

static uint64_t
keyframe_value(const struct record_input *in, unsigned slot)
{
        return slot < in->keyframe_slots ? in->keyframe[slot] : COLUMN_ABSENT;
}

static void
put_slot(struct encoder *x, uint64_t bits, uint64_t base)
{
        size_t n;

        x->n.samples += bits != COLUMN_ABSENT;
        if (bits == base) {
                if (x->n.absent > 0)
                        end_runs(x);
                x->n.same++;
                return;
        }
        if (bits == COLUMN_ABSENT) {
                if (x->n.same > 0)
                        end_runs(x);
                x->n.absent++;
                return;
        }
        end_runs(x);
        x->tags[x->n.tags] = (uint8_t)value_put(bits, base, x->values + x->n.values, &n);
        x->n.tags++;
        x->n.values += n;
}

/*
 * Stores the extras of one slot, as many as there is room for. Returns how many. The first is
 * against the keyframe, the next ones against the one before.
 */
static size_t
put_extras(struct encoder *x, const struct record_extra *v, size_t n, uint64_t base)
{
        size_t i;

        for (i = 0; i < n && has_room(x, SLOT_MAX + EXTRA_MAX); i++) {
                uint8_t *p = x->extras + x->n.extras;
                uint64_t step = (uint64_t)v[i].time_ms - (uint64_t)x->n.extra_time;
                size_t bytes;
                uint8_t *tag;

                p += varint_put(p, v[i].slot - x->n.extra_slot);
                p += varint_put(p, zigzag((int64_t)step));
                tag = p++;
                *tag = (uint8_t)value_put(v[i].bits, base, p, &bytes);
                x->n.extras = (size_t)(p + bytes - x->extras);
                x->n.extra_slot = v[i].slot;
                x->n.extra_time = v[i].time_ms;
                x->n.extra_count++;
                x->n.samples++;
                base = v[i].bits;
        }
        return i;
}

static int
write_out(struct encoder *x, struct buf *out, struct err *e)
{
        uint8_t *p;
        int rc = buf_reserve(out, RECORD_MAX_BYTES, e);

        if (rc < 0)
                return rc;
        end_runs(x);
        p = (uint8_t *)out->ptr + out->len;
        *p = x->n.extra_count > 0 ? FLAG_EXTRAS : 0;
        bytes_put_u16(p + 1, (uint16_t)x->n.tags);
        p += HEAD_BYTES;
        memcpy(p, x->tags, x->n.tags);
        p += x->n.tags;
        memcpy(p, x->values, x->n.values);
        p += x->n.values;
        if (x->n.extra_count > 0) {
                p += varint_put(p, x->n.extra_count);
                memcpy(p, x->extras, x->n.extras);
                p += x->n.extras;
        }
        out->len = (size_t)(p - (uint8_t *)out->ptr);
        return 0;
}

static size_t
extras_of_slot(const struct record_input *in, size_t from, unsigned slot)
{
        size_t n = 0;

        while (from + n < in->n_extras && in->extras[from + n].slot == slot)
                n++;
        return n;
}

int
record_encode(const struct record_input *in, struct buf *out, unsigned *out_used,
    unsigned *out_samples, size_t *out_extras, struct err *e)
{
        struct encoder x; /* its arrays are not cleared: 12 KiB, of which little is used */
        unsigned slot = in->first;
        unsigned end = in->first + in->slots;
        size_t extras = 0;
        int rc;

        assert(in->slots >= 1 && end <= CHUNK_SLOTS);
        x.n = (struct fill){.extra_slot = in->first, .extra_time = in->time_ms};
        for (; slot < end && has_room(&x, SLOT_MAX); slot++) {
                uint64_t base = keyframe_value(in, slot);
                struct fill before;
                size_t want;
                size_t got;

                if (extras == in->n_extras || in->extras[extras].slot != slot) {
                        put_slot(&x, in->column[slot], base);
                        continue;
                }
                before = x.n;
                want = extras_of_slot(in, extras, slot);
                put_slot(&x, in->column[slot], base);
                got = put_extras(&x, in->extras + extras, want, base);
                if (got < want && slot > in->first) {
                        x.n = before; /* the next record takes the slot as a whole */
                        break;
                }
                extras += got;
                if (got < want)
                        break;
        }
        rc = write_out(&x, out, e);
        if (rc < 0)
                return rc;
        *out_used = slot - in->first;
        *out_samples = x.n.samples;
        *out_extras = extras;
        return 0;
}

static int
corrupt(struct err *e, const char *what)
{
        return err_set(e, ERR_CORRUPT, "record is damaged: %s", what);
}

/* The run of `n` slots from `slot` on as they are in the keyframe. */
static void
copy_same(const struct record_decode_input *in, uint64_t *column, unsigned slot, unsigned n)
{
        unsigned known = slot < in->keyframe_slots ? in->keyframe_slots - slot : 0;

        known = known < n ? known : n;
        if (known > 0)
                memcpy(column + slot, in->keyframe + slot, known * sizeof(*column));
        for (unsigned i = known; i < n; i++)
                column[slot + i] = COLUMN_ABSENT;
}

/* Fills the column; *values is moved behind what the tags asked for. */
static int
read_slots(const struct record_decode_input *in, const uint8_t *tags, const uint8_t *tags_end,
    const uint8_t **values, uint64_t *column, struct err *e)
{
        const uint8_t *end = (const uint8_t *)in->bytes.p + in->bytes.n;
        unsigned slot = in->first;
        unsigned last = in->first + in->slots;

        for (; tags < tags_end; tags++) {
                unsigned run = 0;

                if (*tags >= RUN_SAME)
                        run = *tags - (unsigned)RUN_SAME + 1;
                else if (*tags >= RUN_ABSENT)
                        run = *tags - (unsigned)RUN_ABSENT + 1;
                if (slot + (run > 0 ? run : 1) > last)
                        return corrupt(e, "more slots than it has");
                if (*tags >= RUN_SAME) {
                        copy_same(in, column, slot, run);
                } else if (run > 0) {
                        for (unsigned i = 0; i < run; i++)
                                column[slot + i] = COLUMN_ABSENT;
                } else {
                        uint64_t base =
                            slot < in->keyframe_slots ? in->keyframe[slot] : COLUMN_ABSENT;
                        int n = value_get(*tags, *values, end, base, column + slot);

                        if (n < 0)
                                return corrupt(e, "a value");
                        *values += n;
                        run = 1;
                }
                slot += run;
        }
        if (slot != last)
                return corrupt(e, "fewer slots than it has");
        return 0;
}

static int
read_extra(struct bytes_reader *r, const struct record_decode_input *in, struct record_extra *x,
    uint64_t *base)
{
        uint64_t slot = bytes_varint(r);
        int64_t step = unzigzag(bytes_varint(r));
        uint8_t tag = bytes_u8(r);
        int n;

        if (r->bad || slot >= (uint64_t)in->first + in->slots - x->slot)
                return -1;
        x->time_ms = (int64_t)((uint64_t)x->time_ms + (uint64_t)step);
        if (slot > 0 || *base == COLUMN_ABSENT) {
                x->slot = (uint16_t)(x->slot + slot);
                *base = x->slot < in->keyframe_slots ? in->keyframe[x->slot] : COLUMN_ABSENT;
        }
        n = value_get(tag, r->p, r->end, *base, &x->bits);
        if (n < 0)
                return -1;
        r->p += n;
        *base = x->bits;
        return 0;
}

static int
read_extras(const struct record_decode_input *in, struct bytes_reader *r, struct err *e)
{
        struct record_extra x = {.time_ms = in->time_ms, .slot = (uint16_t)in->first};
        uint64_t base = COLUMN_ABSENT;
        uint64_t count = bytes_varint(r);

        if (r->bad || count == 0)
                return corrupt(e, "the count of extras");
        for (; count > 0; count--) {
                int rc;

                if (read_extra(r, in, &x, &base) < 0)
                        return corrupt(e, "an extra");
                rc = in->extra != NULL ? in->extra(in->arg, &x, e) : 0;
                if (rc < 0)
                        return rc;
        }
        return 0;
}

int
record_decode(const struct record_decode_input *in, uint64_t *column, struct err *e)
{
        const uint8_t *p = (const uint8_t *)in->bytes.p;
        const uint8_t *end = p + in->bytes.n;
        const uint8_t *values;
        struct bytes_reader rest;
        size_t n_tags;
        int rc;

        assert(in->first + in->slots <= CHUNK_SLOTS);
        if (in->bytes.n < HEAD_BYTES || p[0] > FLAG_EXTRAS)
                return corrupt(e, "its head");
        n_tags = bytes_get_u16(p + 1);
        if (n_tags > in->bytes.n - HEAD_BYTES)
                return corrupt(e, "tags are cut short");
        values = p + HEAD_BYTES + n_tags;
        rc = read_slots(in, p + HEAD_BYTES, p + HEAD_BYTES + n_tags, &values, column, e);
        if (rc < 0)
                return rc;
        rest = (struct bytes_reader){values, end, false};
        rc = (p[0] & FLAG_EXTRAS) != 0 ? read_extras(in, &rest, e) : 0;
        if (rc < 0)
                return rc;
        if (rest.p != end)
                return corrupt(e, "bytes behind its end");
        return 0;
}
