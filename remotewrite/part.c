#include "remotewrite/part.h"

#include "base/compress.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/varint.h"
#include "remotewrite/wire.h"

#include <stdlib.h>
#include <string.h>

enum {
        PIECE_MAX = 64 << 10, /* snappy's own blocks: no match reaches over their ends */
        PIECE_MIN = 4 << 10,
        PREAMBLE = 5, /* bytes kept free for the length of the raw bytes, at most a 32-bit number */
        RAW_MAX = 32 << 20,
};

/* A series within the piece. */
struct mark {
        uint32_t offset;
        uint32_t samples;
};

struct packer {
        uint64_t max_bytes;
        size_t piece_max;
        struct buf piece; /* encoded series, not compressed yet */
        struct mark *marks; /* owned; one for each series of the piece */
        size_t n_marks;
        size_t cap_marks;
        int64_t oldest_ms; /* of the piece */
        int64_t newest_ms;
        struct buf packed; /* the piece, compressed */
        struct buf body; /* of the part under way: PREAMBLE bytes, then compressed pieces */
        struct part counts; /* of the part under way */
        struct part *head; /* owned: parts that are done */
        struct part **tail;
        struct buf raw; /* a part decompressed, to be packed again */
        int64_t accounted;
};

void
part_free(struct part *p)
{
        if (p == NULL)
                return;
        memory_account(
            MEMORY_SEND, -(int64_t)(sizeof(*p) + (size_t)(p->body.p - p->bytes) + p->body.n));
        free(p->bytes);
        free(p);
}

static void
free_list(struct part *p)
{
        while (p != NULL) {
                struct part *next = p->next;

                part_free(p);
                p = next;
        }
}

static void
account(struct packer *p)
{
        int64_t now = (int64_t)(sizeof(*p) + p->piece.cap + p->cap_marks * sizeof(*p->marks) +
            p->packed.cap + p->body.cap + p->raw.cap);

        memory_account(MEMORY_SEND, now - p->accounted);
        p->accounted = now;
}

int
packer_new(struct packer **out, struct err *e)
{
        struct packer *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "a packer of requests");
        p->piece.max = p->packed.max = p->body.max = p->raw.max = RAW_MAX;
        p->tail = &p->head;
        account(p);
        *out = p;
        return 0;
}

void
packer_reset(struct packer *p)
{
        buf_release(&p->piece);
        buf_release(&p->packed);
        buf_release(&p->body);
        buf_release(&p->raw);
        free(p->marks);
        p->marks = NULL;
        p->n_marks = p->cap_marks = 0;
        account(p);
}

void
packer_free(struct packer *p)
{
        if (p == NULL)
                return;
        free_list(p->head);
        packer_reset(p);
        memory_account(MEMORY_SEND, -p->accounted);
        free(p);
}

static void
clear_piece(struct packer *p)
{
        buf_reset(&p->piece);
        p->n_marks = 0;
        p->oldest_ms = INT64_MAX;
        p->newest_ms = INT64_MIN;
}

static void
clear_counts(struct packer *p)
{
        buf_reset(&p->body);
        p->counts = (struct part){.oldest_ms = INT64_MAX, .newest_ms = INT64_MIN};
}

void
packer_begin(struct packer *p, uint64_t max_bytes)
{
        p->max_bytes = max_bytes;
        /* small pieces for a small bound, so that it is met without compressing twice */
        p->piece_max = PIECE_MAX;
        if (max_bytes < PIECE_MAX / 4)
                p->piece_max = max_bytes * 4 > PIECE_MIN ? (size_t)max_bytes * 4 : PIECE_MIN;
        clear_piece(p);
        clear_counts(p);
}

/* The part under way is done: its length goes in front, its bytes are handed over. */
static int
close_part(struct packer *p, struct err *e)
{
        uint8_t length[VARINT_MAX];
        size_t n = varint_put(length, p->counts.raw_bytes);
        struct part *part;

        if (p->counts.series == 0)
                return 0;
        part = malloc(sizeof(*part));
        if (part == NULL)
                return err_nomem(e, "a request");
        memcpy(p->body.ptr + PREAMBLE - n, length, n);
        *part = p->counts;
        part->body = (struct view){NULL, p->body.len - (PREAMBLE - n)};
        part->bytes = realloc(p->body.ptr, p->body.len); /* smaller: the rest goes back */
        if (part->bytes == NULL)
                part->bytes = p->body.ptr;
        part->body.p = part->bytes + PREAMBLE - n;
        memory_account(MEMORY_SEND, (int64_t)(sizeof(*part) + p->body.len));
        p->body = (struct buf)BUF_INIT(RAW_MAX);
        *p->tail = part;
        p->tail = &part->next;
        clear_counts(p);
        return 0;
}

/* Appends what is in p->packed to the part under way. */
static int
append_packed(struct packer *p, struct view packed, struct err *e)
{
        static const char preamble[PREAMBLE] = {0};
        int rc = 0;

        if (p->body.len == 0)
                rc = buf_append(&p->body, preamble, PREAMBLE, e);
        if (rc == 0)
                rc = buf_append(&p->body, packed.p, packed.n, e);
        return rc;
}

/* Compresses the series [from, to) of the piece, without the length in front. */
static int
compress(struct packer *p, size_t from, size_t to, struct view *out, struct err *e)
{
        size_t start = p->marks[from].offset;
        size_t end = to < p->n_marks ? p->marks[to].offset : p->piece.len;
        uint64_t length = 0;
        size_t n;
        int rc;

        buf_reset(&p->packed);
        rc = snappy_pack((struct view){p->piece.ptr + start, end - start}, &p->packed, e);
        if (rc < 0)
                return rc;
        n = varint_get((const uint8_t *)p->packed.ptr,
            (const uint8_t *)p->packed.ptr + p->packed.len, &length);
        *out = (struct view){p->packed.ptr + n, p->packed.len - n};
        return 0;
}

/*
 * Puts the series [from, to) of the piece into the part under way, or into a new one when they
 * would pass its bound. A piece too large by itself is cut in two until it fits, or is one series.
 */
static int
put_range(struct packer *p, size_t from, size_t to, struct err *e)
{
        size_t end = to < p->n_marks ? p->marks[to].offset : p->piece.len;
        struct view packed = {NULL, 0};
        size_t mid = from + (to - from) / 2;
        int rc = compress(p, from, to, &packed, e);

        if (rc < 0)
                return rc;
        if (packed.n + PREAMBLE > p->max_bytes && to - from > 1) {
                rc = put_range(p, from, mid, e);
                return rc < 0 ? rc : put_range(p, mid, to, e);
        }
        if (p->body.len > 0 && p->body.len + packed.n > p->max_bytes)
                rc = close_part(p, e);
        if (rc == 0)
                rc = append_packed(p, packed, e);
        if (rc < 0)
                return rc;
        for (size_t i = from; i < to; i++)
                p->counts.samples += p->marks[i].samples;
        p->counts.series += to - from;
        p->counts.raw_bytes += end - p->marks[from].offset;
        if (p->oldest_ms < p->counts.oldest_ms)
                p->counts.oldest_ms = p->oldest_ms;
        if (p->newest_ms > p->counts.newest_ms)
                p->counts.newest_ms = p->newest_ms;
        return 0;
}

static int
flush_piece(struct packer *p, struct err *e)
{
        int rc = p->n_marks > 0 ? put_range(p, 0, p->n_marks, e) : 0;

        clear_piece(p);
        return rc;
}

int
packer_add(struct packer *p, const struct packer_series *s, struct err *e)
{
        int rc = 0;

        if (p->n_marks > 0 && p->piece.len + s->field.n > p->piece_max)
                rc = flush_piece(p, e);
        if (rc == 0 && p->n_marks == p->cap_marks) {
                size_t cap = p->cap_marks > 0 ? p->cap_marks * 2 : 256;
                struct mark *marks = realloc(p->marks, cap * sizeof(*marks));

                if (marks == NULL)
                        return err_nomem(e, "a packer of requests");
                p->marks = marks;
                p->cap_marks = cap;
        }
        if (rc < 0)
                return rc;
        p->marks[p->n_marks] = (struct mark){(uint32_t)p->piece.len, s->samples};
        rc = buf_append(&p->piece, s->field.p, s->field.n, e);
        if (rc < 0)
                return rc;
        p->n_marks++;
        p->oldest_ms = s->oldest_ms < p->oldest_ms ? s->oldest_ms : p->oldest_ms;
        p->newest_ms = s->newest_ms > p->newest_ms ? s->newest_ms : p->newest_ms;
        return 0;
}

/* What is there so far becomes parts; what follows goes into others. */
static int
cut(struct packer *p, struct err *e)
{
        int rc = flush_piece(p, e);

        return rc == 0 ? close_part(p, e) : rc;
}

int
packer_finish(struct packer *p, struct part **out, struct err *e)
{
        int rc = cut(p, e);

        if (rc < 0) {
                free_list(p->head);
                clear_piece(p);
                clear_counts(p);
        } else {
                *out = p->head;
        }
        p->head = NULL;
        p->tail = &p->head;
        account(p);
        return rc;
}

/* ---- packing again ---- */

static int
unpack(struct packer *p, const struct part *part, struct view *out, struct err *e)
{
        int rc;

        buf_reset(&p->raw);
        rc = snappy_unpack(part->body, &p->raw, e);
        *out = buf_view(&p->raw);
        return rc;
}

static void
inherit(struct part *list, const struct part *from)
{
        for (struct part *x = list; x != NULL; x = x->next) {
                x->request = from->request;
                x->ambiguous = from->ambiguous;
        }
}

static int
add_again(struct packer *p, const struct wire_series *s, struct err *e)
{
        const struct packer_series again = {
            s->field, (uint32_t)s->n_samples, s->oldest_ms, s->newest_ms};

        return packer_add(p, &again, e);
}

/* Ends a packing again: the raw bytes are not needed any more. */
static int
finish_again(struct packer *p, int rc, const struct part *from, struct part **out, struct err *e)
{
        struct part *list = NULL;
        int finished = packer_finish(p, &list, rc < 0 ? NULL : e);

        buf_release(&p->raw);
        account(p);
        if (rc == 0)
                rc = finished;
        if (rc < 0) {
                free_list(list);
                return rc;
        }
        inherit(list, from);
        *out = list;
        return 0;
}

int
packer_halve(struct packer *p, const struct part *part, struct part **out, struct err *e)
{
        struct view rest;
        struct wire_series s;
        uint64_t half = part->raw_bytes / 2;
        uint64_t done = 0;
        uint64_t n = 0;
        bool second = false;
        int rc;

        if (part->series < 2)
                return err_set(e, ERR_LIMIT, "a request of one series cannot be cut");
        rc = unpack(p, part, &rest, e);
        packer_begin(p, UINT64_MAX);
        while (rc == 0 && rest.n > 0) {
                rc = wire_next(&rest, &s, e);
                if (rc < 0)
                        break;
                /* the second half begins behind the middle, and at the last series at the latest */
                if (!second && n > 0 && (done + s.field.n > half || n == part->series - 1)) {
                        rc = cut(p, e);
                        second = true;
                }
                if (rc == 0)
                        rc = add_again(p, &s, e);
                done += s.field.n;
                n++;
        }
        return finish_again(p, rc, part, out, e);
}

int
packer_age(
    struct packer *p, const struct part *part, int64_t oldest_ms, struct part **out, struct err *e)
{
        struct buf filtered = BUF_INIT(RAW_MAX);
        struct view rest;
        struct wire_series s;
        int rc = unpack(p, part, &rest, e);

        packer_begin(p, UINT64_MAX);
        while (rc == 0 && rest.n > 0) {
                uint64_t left = 0;

                buf_reset(&filtered);
                rc = wire_next(&rest, &s, e);
                if (rc == 0)
                        rc = wire_filter(&s, oldest_ms, &filtered, &left, e);
                if (rc < 0 || left == 0)
                        continue;
                s.field = buf_view(&filtered);
                s.n_samples = left;
                s.oldest_ms = s.oldest_ms > oldest_ms ? s.oldest_ms : oldest_ms;
                rc = add_again(p, &s, e);
        }
        buf_release(&filtered);
        return finish_again(p, rc, part, out, e);
}
