#include "wal/cursor.h"

#include "base/err.h"
#include "wal/bytes.h"
#include "wal/envelope.h"

#include <string.h>

enum {
        CURSOR_FIELDS = 20,
        CURSOR_VERSION = 1,
        FLAG_WINDOW = 1,
        FLAG_TRIMMED = 2,
        FLAG_CONFIGURED = 4,
};

void
cursor_init(struct cursor *c, struct position at)
{
        *c = (struct cursor){.start = at.samples, .settled = at, .end = at, .next = at};
}

uint64_t
ledger_sum(const struct wal_ledger *l)
{
        uint64_t sum = l->acknowledged + l->unconfirmed + l->filtered;

        for (int i = 0; i < LOST_REASONS; i++)
                sum += l->lost[i];
        return sum;
}

static uint64_t
window_left(const struct cursor *c)
{
        return c->end.samples - c->settled.samples - c->window_settled;
}

void
cursor_window_begin(struct cursor *c, struct position end)
{
        if (c->window)
                cursor_window_end(c);
        if (end.block <= c->settled.block || end.samples < c->settled.samples)
                return;
        c->window = true;
        c->resumed = false;
        c->end = end;
        c->next = end;
        c->groups = 0;
        c->window_settled = 0;
        c->window_trimmed = false;
}

/* Adds what fits into *left of n to *to. */
static void
take(uint64_t *to, uint64_t n, uint64_t *left)
{
        uint64_t m = n < *left ? n : *left;

        *to += m;
        *left -= m;
}

uint64_t
cursor_window_settle(struct cursor *c, uint64_t groups, const struct wal_ledger *counts)
{
        uint64_t wanted = ledger_sum(counts);
        uint64_t left;
        uint64_t before;

        if (!c->window)
                return wanted;
        left = before = window_left(c);
        take(&c->ledger.acknowledged, counts->acknowledged, &left);
        take(&c->ledger.unconfirmed, counts->unconfirmed, &left);
        take(&c->ledger.filtered, counts->filtered, &left);
        for (int i = 0; i < LOST_REASONS; i++)
                take(&c->ledger.lost[i], counts->lost[i], &left);
        c->groups += groups;
        c->window_settled += before - left;
        return wanted - (before - left);
}

void
cursor_window_end(struct cursor *c)
{
        if (!c->window)
                return;
        c->ledger.lost[c->window_trimmed ? c->trim_reason : LOST_DAMAGED] += window_left(c);
        c->settled = c->next;
        c->end = c->next;
        c->window = false;
        c->resumed = false;
        c->window_trimmed = false;
        c->window_settled = 0;
        c->groups = 0;
}

uint64_t
cursor_trim(struct cursor *c, struct position first, enum wal_lost why)
{
        uint64_t lost = 0;

        if (first.block <= c->settled.block)
                return 0;
        if (c->window) {
                c->window_trimmed = true;
                c->trim_reason = why;
        }
        if (first.block > c->next.block) {
                lost = first.samples > c->next.samples ? first.samples - c->next.samples : 0;
                c->ledger.lost[why] += lost;
                c->next = (struct position){first.block, c->next.samples + lost};
                if (!c->window)
                        c->settled = c->end = c->next;
        }
        return lost;
}

uint64_t
cursor_pending(const struct cursor *c, uint64_t total)
{
        return total - c->next.samples + (c->window ? window_left(c) : 0);
}

/* Cursor record: CURSOR_FIELDS numbers of 8 bytes in the order below, then the name to the end. */
size_t
cursor_encode(const struct cursor *c, const char *name, uint8_t *dst)
{
        size_t name_length = strnlen(name, CURSOR_NAME_MAX);
        size_t n = ENVELOPE_BYTES + 8 * CURSOR_FIELDS + name_length;
        uint64_t flags = (c->window ? FLAG_WINDOW : 0U) | (c->window_trimmed ? FLAG_TRIMMED : 0U) |
            (c->configured ? FLAG_CONFIGURED : 0U) | (uint64_t)c->trim_reason << 8 |
            (uint64_t)CURSOR_VERSION << 56;
        const uint64_t fields[CURSOR_FIELDS] = {flags, c->start, c->settled.block,
            c->settled.samples, c->end.block, c->end.samples, c->next.block, c->next.samples,
            c->groups, c->window_settled, c->age_ms, c->ledger.acknowledged, c->ledger.unconfirmed,
            c->ledger.filtered, c->ledger.lost[LOST_AGE], c->ledger.lost[LOST_SIZE],
            c->ledger.lost[LOST_REFUSED], c->ledger.lost[LOST_CONFLICT],
            c->ledger.lost[LOST_DAMAGED], c->ledger.lost[LOST_CLOCK]};

        for (size_t i = 0; i < CURSOR_FIELDS; i++)
                bytes_put_u64(dst + ENVELOPE_BYTES + 8 * i, fields[i]);
        memcpy(dst + n - name_length, name, name_length);
        envelope_seal(dst, n, ENVELOPE_CURSOR);
        return n;
}

/* A value whose checksum fits was written by us; this guards against a version that counts other
 * things. */
static bool
plausible(const struct cursor *c)
{
        return c->settled.block <= c->end.block && c->end.block <= c->next.block &&
            c->settled.samples <= c->end.samples && c->end.samples <= c->next.samples &&
            c->start <= c->settled.samples && c->trim_reason < LOST_REASONS &&
            (!c->window || c->window_settled <= c->end.samples - c->settled.samples);
}

int
cursor_decode(struct view bytes, struct cursor *out, char *out_name, struct err *e)
{
        uint64_t v[CURSOR_FIELDS];
        struct bytes_reader r;
        struct cursor c;
        size_t name_length;
        int rc = envelope_open(bytes, ENVELOPE_CURSOR, true, &r, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < CURSOR_FIELDS; i++)
                v[i] = bytes_u64(&r);
        name_length = bytes_left(&r);
        if (r.bad || name_length > CURSOR_NAME_MAX)
                return err_set(e, ERR_CORRUPT, "a cursor has %zu bytes", bytes.n);
        c = (struct cursor){
            .start = v[1],
            .settled = {v[2], v[3]},
            .window = (v[0] & FLAG_WINDOW) != 0,
            .resumed = (v[0] & FLAG_WINDOW) != 0,
            .end = {v[4], v[5]},
            .next = {v[6], v[7]},
            .groups = v[8],
            .window_settled = v[9],
            .window_trimmed = (v[0] & FLAG_TRIMMED) != 0,
            .trim_reason = (enum wal_lost)(v[0] >> 8 & 0xff),
            .ledger = {.acknowledged = v[11],
                .unconfirmed = v[12],
                .filtered = v[13],
                .lost = {v[14], v[15], v[16], v[17], v[18], v[19]}},
            .configured = (v[0] & FLAG_CONFIGURED) != 0,
            .age_ms = v[10],
        };
        if (v[0] >> 56 != CURSOR_VERSION || !plausible(&c))
                return err_set(e, ERR_CORRUPT, "a cursor is not one of this version");
        *out = c;
        memcpy(out_name, r.p, name_length);
        out_name[name_length] = '\0';
        return 0;
}
