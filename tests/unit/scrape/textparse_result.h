/*
 * What the tests of the page parser share: a page's samples in the form that the digests of the
 * exposition files have, parsed whole, byte by byte and in random pieces.
 */
#ifndef UNIT_SCRAPE_TEXTPARSE_RESULT_H
#define UNIT_SCRAPE_TEXTPARSE_RESULT_H

#include "base/arena.h"
#include "base/labels.h"
#include "scrape/textparse.h"
#include "tests/testing/testing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_MAX = 64 << 20, ROUNDS = 20 };

/* What a page gave: for each sample its labels, value and timestamp as the digests have them. */
struct result {
        struct buf samples;
        size_t count;
        bool checks_failed; /* a name that is no name, none at all, or one twice */
        struct arena arena;
        struct textparse *parser;
        enum text_format format;
        struct buf texts; /* of all series, each behind its length */
        const struct result *before; /* the same page: its texts are guessed; NULL: nothing is */
        size_t guess_at; /* in before->texts: the one that should come next */
        size_t guessed;
};

static inline int
put_labels(struct buf *out, const struct label *l, size_t n, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++) {
                if (i > 0)
                        rc = buf_putc(out, 0x1f, e);
                if (rc == 0)
                        rc = buf_append(out, l[i].name.p, l[i].name.n, e);
                if (rc == 0)
                        rc = buf_putc(out, 0x1e, e);
                if (rc == 0)
                        rc = buf_append(out, l[i].value.p, l[i].value.n, e);
        }
        return rc;
}

static inline int
put_numbers(struct buf *out, uint64_t bits, bool has_timestamp, int64_t ms, struct err *e)
{
        int rc = buf_printf(out, e, "\x1d%016" PRIx64 "\x1d", bits);

        if (rc == 0 && has_timestamp)
                rc = buf_printf(out, e, "%" PRId64, ms);
        if (rc == 0 && !has_timestamp)
                rc = buf_putc(out, '-', e);
        if (rc == 0)
                rc = buf_putc(out, '\n', e);
        return rc;
}

static inline bool
checks_fail(const struct labels *l)
{
        bool failed = labels_duplicate(l).n > 0 || !labels_has(l, VIEW_LIT("__name__"));

        for (size_t i = 0; i < l->n; i++) {
                if (view_is(l->v[i].name, "__name__"))
                        failed = failed || !name_metric_valid(l->v[i].value, NAME_UTF8);
                failed = failed || !name_label_valid(l->v[i].name, NAME_UTF8);
        }
        return failed;
}

/* The digests want equal names in order of their values. */
static inline int
by_name_and_value(const void *a, const void *b)
{
        const struct label *x = a;
        const struct label *y = b;
        int c = view_cmp(x->name, y->name);

        return c != 0 ? c : view_cmp(x->value, y->value);
}

static inline int
collect(void *arg, const struct text_sample *s, struct err *e)
{
        struct result *r = arg;
        struct labels l;
        int rc;

        arena_reset(&r->arena);
        labels_init(&l, &r->arena);
        rc = textparse_labels(s, &l, NULL, e);
        if (rc == 0)
                qsort(l.v, l.n, sizeof(*l.v), by_name_and_value);
        if (rc == 0)
                rc = put_labels(&r->samples, l.v, l.n, e);
        if (rc == 0)
                rc = put_numbers(&r->samples, s->bits, s->has_timestamp, s->timestamp_ms, e);
        if (rc == 0 && checks_fail(&l))
                r->checks_failed = true;
        if (rc == 0)
                rc = buf_append(&r->texts, &s->series.n, sizeof(s->series.n), e);
        if (rc == 0)
                rc = buf_append(&r->texts, s->series.p, s->series.n, e);
        r->guess_at += sizeof(s->series.n) + s->series.n;
        r->guessed += s->guessed;
        r->count++;
        return rc;
}

static inline bool
guess(void *arg, struct view text)
{
        const struct result *r = arg;
        size_t n;

        if (r->before == NULL || r->guess_at >= r->before->texts.len)
                return false;
        memcpy(&n, r->before->texts.ptr + r->guess_at, sizeof(n));
        return view_eq(text, (struct view){r->before->texts.ptr + r->guess_at + sizeof(n), n});
}

static inline void
result_init(struct result *r, size_t max_line)
{
        const struct textparse_options o = {
            .sink = collect, .arg = r, .max_line = max_line, .guess = guess};

        *r = (struct result){.samples = BUF_INIT(PAGE_MAX),
            .arena = ARENA_INIT(PAGE_MAX),
            .texts = BUF_INIT(PAGE_MAX)};
        testing_ok(textparse_new(&o, &r->parser, NULL), NULL);
}

static inline void
result_release(struct result *r)
{
        textparse_free(r->parser);
        buf_release(&r->samples);
        buf_release(&r->texts);
        arena_release(&r->arena);
}

/* Parses a page in pieces of 1 to `piece` bytes (0: whole). Each piece is a block of its own, so
 * that a sanitizer sees a byte read beyond it. */
static inline int
parse(
    struct result *r, struct view page, size_t piece, struct testing_random *random, struct err *e)
{
        int rc = 0;

        buf_reset(&r->samples);
        buf_reset(&r->texts);
        r->guess_at = r->guessed = 0;
        r->count = 0;
        r->checks_failed = false;
        textparse_reset(r->parser);
        for (size_t i = 0; rc == 0 && i < page.n;) {
                size_t n = piece > 1 ? 1 + (size_t)testing_random_below(random, piece) : piece;
                char *copy;

                if (n == 0 || n > page.n - i)
                        n = piece == 0 ? page.n : page.n - i;
                copy = malloc(n);
                assert_non_null(copy);
                memcpy(copy, page.p + i, n);
                rc = textparse_feed(r->parser, copy, n, e);
                free(copy);
                i += n;
        }
        return rc == 0 ? textparse_finish(r->parser, e) : rc;
}

static inline bool
same(const struct result *a, const struct result *b)
{
        return view_eq(buf_view(&a->samples), buf_view(&b->samples)) && a->count == b->count;
}

/* Of what parse_every_way and parse read. */
static inline void
result_set_format(struct result *r, enum text_format format)
{
        r->format = format;
        textparse_set_format(r->parser, format);
}

/* Whole, byte by byte and in random pieces, with each series known from before or none: equal
 * samples, equal outcome, equal position. */
static inline int
parse_every_way(struct result *whole, struct view page, struct testing_random *random)
{
        struct err e = ERR_INIT;
        int rc = parse(whole, page, 0, random, &e);
        struct result pieces;
        uint64_t line;
        uint64_t column;

        result_init(&pieces, 0);
        result_set_format(&pieces, whole->format);
        textparse_position(whole->parser, &line, &column);
        for (size_t i = 0; i < ROUNDS; i++) {
                struct err other = ERR_INIT;
                size_t piece = i == 0 ? 1 : 2 + testing_random_below(random, i < 10 ? 16 : 4096);
                uint64_t other_line;
                uint64_t other_column;

                pieces.before = i % 2 == 0 ? whole : NULL;
                assert_int_equal(parse(&pieces, page, piece, random, &other), rc);
                assert_string_equal(other.msg, e.msg);
                assert_true(same(whole, &pieces));
                textparse_position(pieces.parser, &other_line, &other_column);
                assert_int_equal(other_line, line);
                assert_int_equal(other_column, column);
        }
        assert_int_equal(line > 0, rc != 0);
        result_release(&pieces);
        return rc;
}

static inline struct testing_random
seeded(void)
{
        struct testing_random r = {(uint64_t)time(NULL)};

        print_message("seed %" PRIu64 "\n", r.state);
        return r;
}

#endif
