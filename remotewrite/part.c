#include "remotewrite/part.h"

#include "base/compress.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/varint.h"
#include "remotewrite/recode.h"
#include "remotewrite/wire_reader.h"

#include <assert.h>
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
        enum write_message message;
        size_t piece_max;
        struct buf piece; /* encoded series, not compressed yet; of 2.0: all of the part */
        struct recoder *recoder; /* owned */
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
            p->packed.cap + p->body.cap + p->raw.cap + recoder_bytes(p->recoder));

        memory_account(MEMORY_SEND, now - p->accounted);
        p->accounted = now;
}

int
packer_new(struct packer **out, struct err *e)
{
        struct packer *p = calloc(1, sizeof(*p));
        int rc;

        if (p == NULL)
                return err_nomem(e, "a packer of requests");
        rc = recoder_new(&p->recoder, e);
        if (rc < 0) {
                free(p);
                return rc;
        }
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
        recoder_reset(p->recoder);
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
        recoder_free(p->recoder);
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
packer_begin(struct packer *p, const struct packer_bounds *bounds)
{
        p->max_bytes = bounds->bytes;
        p->message = bounds->message;
        /* small pieces for a small bound, so that it is met without compressing twice */
        p->piece_max = PIECE_MAX;
        if (bounds->bytes < PIECE_MAX / 4)
                p->piece_max =
                    bounds->bytes * 4 > PIECE_MIN ? (size_t)bounds->bytes * 4 : PIECE_MIN;
        clear_piece(p);
        clear_counts(p);
}

/* The part under way is done: its bytes, but for the first `skip`, are handed over. */
static int
hand_over(struct packer *p, size_t skip, struct err *e)
{
        struct part *part = malloc(sizeof(*part));

        if (part == NULL)
                return err_nomem(e, "a request");
        *part = p->counts;
        part->message = p->message;
        part->bytes = realloc(p->body.ptr, p->body.len); /* smaller: the rest goes back */
        if (part->bytes == NULL)
                part->bytes = p->body.ptr;
        part->body = (struct view){part->bytes + skip, p->body.len - skip};
        memory_account(MEMORY_SEND, (int64_t)(sizeof(*part) + p->body.len));
        p->body = (struct buf)BUF_INIT(RAW_MAX);
        *p->tail = part;
        p->tail = &part->next;
        clear_counts(p);
        return 0;
}

/* 1.0: the length of what was compressed goes in front. */
static int
close_part(struct packer *p, struct err *e)
{
        uint8_t length[VARINT_MAX];
        size_t n = varint_put(length, p->counts.raw_bytes);

        if (p->counts.series == 0)
                return 0;
        memcpy(p->body.ptr + PREAMBLE - n, length, n);
        return hand_over(p, PREAMBLE - n, e);
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

/* ---- 2.0 ---- */

static int
add_symbols_and_series(struct packer *p, const struct packer_series *s, struct err *e)
{
        int rc = p->counts.series == 0 ? recoder_begin(p->recoder, e) : 0;

        if (rc == 0)
                rc = recoder_add(p->recoder, s->field, &p->piece, e);
        if (rc < 0)
                return rc;
        p->counts.series++;
        p->counts.samples += s->samples;
        p->counts.raw_bytes += s->field.n;
        if (s->oldest_ms < p->counts.oldest_ms)
                p->counts.oldest_ms = s->oldest_ms;
        if (s->newest_ms > p->counts.newest_ms)
                p->counts.newest_ms = s->newest_ms;
        return 0;
}

/* The table of texts goes in front, both are compressed. */
static int
close_whole(struct packer *p, struct err *e)
{
        struct view symbols = recoder_symbols(p->recoder);
        int rc;

        if (p->counts.series == 0)
                return 0;
        buf_reset(&p->packed);
        rc = buf_append(&p->packed, symbols.p, symbols.n, e);
        if (rc == 0)
                rc = buf_append(&p->packed, p->piece.ptr, p->piece.len, e);
        if (rc == 0)
                rc = snappy_pack(buf_view(&p->packed), &p->body, e);
        clear_piece(p);
        return rc == 0 ? hand_over(p, 0, e) : rc;
}

/* ---- adding ---- */

int
packer_add(struct packer *p, const struct packer_series *s, struct err *e)
{
        int rc = 0;

        if (p->message == WRITE_2)
                return add_symbols_and_series(p, s, e);

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
        int rc;

        if (p->message == WRITE_2)
                return close_whole(p, e);
        rc = flush_piece(p, e);
        return rc == 0 ? close_part(p, e) : rc;
}

/* Ends without looking at bounds; *out is NULL on failure. */
static int
finish(struct packer *p, struct part **out, struct err *e)
{
        int rc = cut(p, e);

        *out = NULL;
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

/* Ready to read the part's series and to pack them. */
static int
begin_again(struct packer *p, const struct part *part, const struct packer_bounds *bounds,
    struct wire_reader *r, struct err *e)
{
        int rc;

        packer_begin(p, bounds);
        buf_reset(&p->raw);
        *r = (struct wire_reader){.message = part->message};
        rc = snappy_unpack(part->body, &p->raw, e);
        return rc < 0 ? rc : wire_reader_open(r, buf_view(&p->raw), part->message, e);
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
        int finished = finish(p, &list, rc < 0 ? NULL : e);

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

/* Packs a part's series again into so many parts of about the same size, in order; fewer when it
 * has not so many series. */
static int
cut_into(
    struct packer *p, const struct part *part, uint64_t parts, struct part **out, struct err *e)
{
        const struct packer_bounds same = {UINT64_MAX, part->message};
        struct wire_reader r;
        struct wire_series s;
        uint64_t done = 0;
        uint64_t left = part->series;
        uint64_t at = 1; /* the part under way */
        bool empty = true;
        int rc = begin_again(p, part, &same, &r, e);

        for (; rc == 0 && !wire_reader_end(&r); left--) {
                rc = wire_reader_next(&r, &s, e);
                if (rc < 0)
                        break;
                /* a part ends at its share, and when the others would have no series left */
                if (!empty && at < parts &&
                    (done + s.field.n > part->raw_bytes / parts * at || left <= parts - at)) {
                        rc = cut(p, e);
                        at++;
                }
                if (rc == 0)
                        rc = add_again(p, &s, e);
                empty = false;
                done += s.field.n;
        }
        wire_reader_close(&r);
        return finish_again(p, rc, part, out, e);
}

int
packer_halve(struct packer *p, const struct part *part, struct part **out, struct err *e)
{
        if (part->series < 2)
                return err_set(e, ERR_LIMIT, "a request of one series cannot be cut");
        return cut_into(p, part, 2, out, e);
}

/*
 * Cuts the bodies of a list (it may be empty) that are over the bound, 2.0 ones, which are made as
 * a whole. Each cut adds texts to both sides, so some are cut once more. On failure the list is
 * freed.
 */
static int
cut_to_bound(struct packer *p, uint64_t max_bytes, struct part **list, struct err *e)
{
        struct part **at = list;

        while (*at != NULL) {
                struct part *x = *at;
                struct part *cuts = NULL;
                uint64_t n = x->body.n / max_bytes + 1;
                int rc;

                if (x->body.n <= max_bytes || x->series < 2) {
                        at = &x->next;
                        continue;
                }
                rc = cut_into(p, x, n, &cuts, e);
                if (rc < 0) {
                        free_list(*list);
                        *list = NULL;
                        return rc;
                }
                assert(cuts != NULL); /* it has series */
                *at = cuts;
                while (cuts->next != NULL)
                        cuts = cuts->next;
                cuts->next = x->next;
                part_free(x);
        }
        return 0;
}

int
packer_finish(struct packer *p, struct part **out, struct err *e)
{
        enum write_message message = p->message;
        uint64_t max_bytes = p->max_bytes;
        struct part *list = NULL;
        int rc = finish(p, &list, e);

        if (rc == 0 && message == WRITE_2)
                rc = cut_to_bound(p, max_bytes, &list, e);
        if (rc == 0)
                *out = list;
        return rc;
}

int
packer_age(
    struct packer *p, const struct part *part, int64_t oldest_ms, struct part **out, struct err *e)
{
        const struct packer_bounds same = {UINT64_MAX, part->message};
        struct buf filtered = BUF_INIT(RAW_MAX);
        struct wire_reader r;
        struct wire_series s;
        int rc = begin_again(p, part, &same, &r, e);

        while (rc == 0 && !wire_reader_end(&r)) {
                uint64_t left = 0;

                buf_reset(&filtered);
                rc = wire_reader_next(&r, &s, e);
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
        wire_reader_close(&r);
        return finish_again(p, rc, part, out, e);
}

int
packer_change(struct packer *p, const struct part *part, const struct packer_bounds *bounds,
    struct part **out, struct err *e)
{
        struct part *list = NULL;
        struct wire_reader r;
        struct wire_series s;
        int rc = begin_again(p, part, bounds, &r, e);

        while (rc == 0 && !wire_reader_end(&r)) {
                rc = wire_reader_next(&r, &s, e);
                if (rc == 0)
                        rc = add_again(p, &s, e);
        }
        wire_reader_close(&r);
        rc = finish_again(p, rc, part, &list, e);
        if (rc == 0 && bounds->message == WRITE_2)
                rc = cut_to_bound(p, bounds->bytes, &list, e);
        if (rc == 0)
                *out = list;
        return rc;
}
