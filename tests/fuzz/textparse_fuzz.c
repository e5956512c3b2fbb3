/*
 * Any bytes as a page, in both formats: no byte is read behind its end (there the memory ends too),
 * and pieces give what the whole gives: the same samples, the same labels, the same error at the
 * same place. So do pieces whose series are known from the whole.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/labels.h"
#include "scrape/metadata.h"
#include "scrape/textparse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_INPUT = 64 << 10, MAX_LINE = 4096 };

struct outcome {
        uint64_t hash;
        uint64_t samples;
        int rc;
        uint64_t line;
        uint64_t column;
        struct arena arena;
        uint64_t texts[MAX_INPUT]; /* hashes of the series' texts */
        struct metadata_draft *draft;
        const struct outcome *before; /* whose texts are guessed; NULL: none */
        enum text_format format;
};

static int
collect(void *arg, const struct text_sample *s, struct err *e)
{
        struct outcome *o = arg;
        struct labels l;
        int rc;

        arena_reset(&o->arena);
        labels_init(&l, &o->arena);
        rc = textparse_labels(s, &l, NULL, e);
        if (rc < 0)
                return rc;
        o->hash = hash_stable(&s->bits, sizeof(s->bits), o->hash ^ labels_hash(&l));
        if (s->has_timestamp)
                o->hash = hash_stable(&s->timestamp_ms, sizeof(s->timestamp_ms), o->hash);
        o->texts[o->samples++] = hash_stable(s->series.p, s->series.n, 0);
        return 0;
}

static bool
guess(void *arg, struct view text)
{
        const struct outcome *o = arg;

        return o->before != NULL && o->samples < o->before->samples &&
            o->before->texts[o->samples] == hash_stable(text.p, text.n, 0);
}

static void
note(void *arg, enum text_meta what, struct view name, struct view text)
{
        struct outcome *o = arg;

        metadata_draft_add(o->draft, what, name, text);
        o->hash = hash_stable(name.p, name.n, o->hash + (uint64_t)what);
        o->hash = hash_stable(text.p, text.n, o->hash);
}

/* The end of a readable area: the byte behind it is in a page that cannot be read. */
static char *
guarded_end(void)
{
        static char *end;
        size_t size = MAX_INPUT;
        char *area;

        if (end != NULL)
                return end;
        area = mmap(NULL, size + (size_t)getpagesize(), PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED || mprotect(area + size, (size_t)getpagesize(), PROT_NONE) != 0)
                abort();
        end = area + size;
        return end;
}

static int
look_at(void *arg, const struct metadata_entry *m, struct err *e)
{
        size_t *n = arg;

        (void)e;
        *n += m->metric.n + m->type.n + m->help.n + m->unit.n;
        return 0;
}

/* What a page tells of its metrics can be packed and read back. */
static void
pack(struct metadata_draft *d)
{
        struct metadata_pool *p;
        struct metadata *m = NULL;
        struct err e = ERR_INIT;
        size_t n = 0;

        if (metadata_pool_new(&p, &e) < 0 || metadata_take(p, d, &m, &e) < 0 ||
            metadata_visit(m, look_at, &n, &e) < 0)
                abort();
        metadata_return(m);
        metadata_pool_free(p);
        metadata_draft_free(d);
}

/* Pieces of 1 to `piece` bytes (MAX_INPUT: whole), as the data decides; each ends where memory
 * ends. */
static void
parse(struct outcome *o, const uint8_t *data, size_t n, size_t piece)
{
        const struct textparse_options options = {collect, o, MAX_LINE, guess, note, o};
        struct textparse *t;
        struct err e = ERR_INIT;
        uint64_t state = n;

        o->hash = o->samples = o->line = o->column = 0;
        o->rc = 0;
        o->arena = (struct arena)ARENA_INIT((size_t)16 << 20);
        if (textparse_new(&options, &t, &e) < 0 || metadata_draft_new(&o->draft, &e) < 0)
                abort();
        textparse_set_format(t, o->format);
        for (size_t i = 0; i < n && o->rc == 0;) {
                size_t take = piece;

                state = hash_stable(data + i, 1, state);
                if (piece > 1 && piece < MAX_INPUT)
                        take = 1 + (size_t)(state % piece);
                take = take < n - i ? take : n - i;
                memcpy(guarded_end() - take, data + i, take);
                o->rc = textparse_feed(t, guarded_end() - take, take, &e);
                i += take;
        }
        if (o->rc == 0)
                o->rc = textparse_finish(t, &e);
        textparse_position(t, &o->line, &o->column);
        textparse_free(t);
        arena_release(&o->arena);
        pack(o->draft);
}

static void
check(const uint8_t *data, size_t n, enum text_format format)
{
        static const size_t pieces[] = {1, 7, 300};
        static struct outcome whole;
        static struct outcome o;

        whole.format = o.format = format;
        parse(&whole, data, n, MAX_INPUT);
        for (size_t i = 0; i < 2 * sizeof(pieces) / sizeof(pieces[0]); i++) {
                o.before = i % 2 == 1 ? &whole : NULL;
                parse(&o, data, n, pieces[i / 2]);
                if (o.rc == ERR_LIMIT || whole.rc == ERR_LIMIT)
                        continue; /* which of two errors in a long line is seen first may differ */
                if (o.rc != whole.rc || o.hash != whole.hash || o.samples != whole.samples ||
                    o.line != whole.line || o.column != whole.column)
                        abort();
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        if (n > MAX_INPUT)
                return 0;
        check(data, n, TEXT_PROMETHEUS);
        check(data, n, TEXT_OPENMETRICS);
        return 0;
}
