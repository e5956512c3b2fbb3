/*
 * The streaming splitter. What is fed is parsed where it lies, as far as its last line feed. What
 * follows, or the start of a record that is cut there, is copied to `partial` and parsed when more
 * has come.
 */
#include "scrape/textparse.h"

#include "base/buf.h"
#include "base/err.h"
#include "scrape/openmetrics.h"
#include "scrape/textpage.h"
#include "scrape/textrecord.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
        DEFAULT_MAX_LINE = 1 << 20,
        KEEP_PARTIAL = 64 << 10, /* a larger buffer is given back at the end of a page */
};

struct textparse {
        struct textpage page;
        struct buf partial; /* at most max_line bytes between calls */
        size_t retry_at; /* partial is not looked at again before it has that many bytes */
        bool failed;
};

int
textparse_new(const struct textparse_options *o, struct textparse **out, struct err *e)
{
        struct textparse *t = calloc(1, sizeof(*t));

        if (t == NULL)
                return err_nomem(e, "a page parser");
        t->page.sink = o->sink;
        t->page.guess = o->guess;
        t->page.arg = o->arg;
        t->page.meta = o->meta;
        t->page.meta_arg = o->meta_arg;
        t->page.max_line = o->max_line > 0 ? o->max_line : DEFAULT_MAX_LINE;
        t->partial.max = t->page.max_line + 2; /* one byte to see that it is too long, one LF */
        textparse_reset(t);
        *out = t;
        return 0;
}

void
textparse_free(struct textparse *t)
{
        if (t == NULL)
                return;
        buf_release(&t->partial);
        free(t);
}

void
textparse_reset(struct textparse *t)
{
        buf_reset(&t->partial);
        if (t->partial.cap > KEEP_PARTIAL)
                buf_release(&t->partial);
        t->retry_at = 0;
        t->failed = false;
        textpage_reset(&t->page);
}

void
textparse_set_format(struct textparse *t, enum text_format format)
{
        t->page.sample.format = format;
}

void
textparse_position(const struct textparse *t, uint64_t *line, uint64_t *column)
{
        *line = t->page.error_line;
        *column = t->page.error_column;
}

uint64_t
textparse_exemplars(const struct textparse *t)
{
        return t->page.exemplars;
}

size_t
textparse_memory(const struct textparse *t)
{
        return sizeof(*t) + t->partial.cap;
}

static int
run(struct textparse *t, const char *p, const char *end, const char **stop, struct err *e)
{
        if (t->page.sample.format == TEXT_OPENMETRICS)
                return openmetrics_run(&t->page, p, end, stop, e);
        return textrecord_run(&t->page, p, end, stop, e);
}

/* How many bytes of the piece to take into the partial record: up to a line feed, or all. */
static size_t
wanted(const struct textparse *t, const char *p, size_t n)
{
        size_t wait = t->retry_at > t->partial.len ? t->retry_at - t->partial.len : 0;
        const char *feed = wait < n ? memchr(p + wait, '\n', n - wait) : NULL;

        return feed != NULL ? (size_t)(feed + 1 - p) : n;
}

/*
 * Moves bytes from the piece to the partial record and parses it when that may complete it. A
 * record whose quoted text holds line feeds is tried again only when it has grown by half, so that
 * hostile text costs linear time.
 */
static int
complete_partial(struct textparse *t, const char **p, const char *end, struct err *e)
{
        size_t room = t->page.max_line + 1 - t->partial.len;
        size_t take = wanted(t, *p, (size_t)(end - *p));
        bool full;
        const char *start;
        const char *last;
        const char *stop;
        int rc;

        take = take < room ? take : room;
        rc = buf_append(&t->partial, *p, take, e);
        if (rc != 0)
                return rc;
        *p += take;
        full = t->partial.len > t->page.max_line;
        if (!full && (t->partial.ptr[t->partial.len - 1] != '\n' || t->partial.len < t->retry_at))
                return 0;
        start = stop = t->partial.ptr;
        last = memrchr(start, '\n', t->partial.len);
        if (last != NULL) {
                rc = run(t, start, last + 1, &stop, e);
                if (rc != 0)
                        return rc;
        }
        if (stop == start && full && !t->page.ended)
                return textpage_too_long(&t->page, e);
        t->retry_at = stop == start ? t->partial.len + t->partial.len / 2 : 0;
        buf_consume(&t->partial, (size_t)(stop - start));
        return 0;
}

static int
feed(struct textparse *t, const char *p, size_t n, struct err *e)
{
        const char *end = p + n;
        const char *last;

        while (t->partial.len > 0 && p < end && !t->page.ended) {
                int rc = complete_partial(t, &p, end, e);

                if (rc != 0)
                        return rc;
        }
        if (p == end || t->page.ended)
                return 0;
        last = memrchr(p, '\n', (size_t)(end - p));
        if (last != NULL) {
                int rc = run(t, p, last + 1, &p, e);

                if (rc != 0 || t->page.ended)
                        return rc;
        }
        if ((size_t)(end - p) > t->page.max_line)
                return textpage_too_long(&t->page, e);
        return buf_append(&t->partial, p, (size_t)(end - p), e);
}

int
textparse_feed(struct textparse *t, const char *p, size_t n, struct err *e)
{
        int rc;

        if (t->failed)
                return err_set(e, ERR_PARSE, "the page has failed before");
        if (n == 0 || t->page.ended)
                return 0;
        rc = feed(t, p, n, e);
        t->failed = rc != 0;
        return rc;
}

/* The line that the page ends in. */
static int
finish_line(struct textparse *t, struct err *e)
{
        const char *stop;
        const char *end;
        /* a record that was held back may have its line feed */
        bool whole =
            t->page.sample.format == TEXT_OPENMETRICS && t->partial.ptr[t->partial.len - 1] == '\n';
        int rc = whole ? 0 : buf_putc(&t->partial, '\n', e);

        if (rc != 0)
                return rc;
        t->page.unterminated = !whole;
        t->page.guess_in = UINT_MAX; /* where the line ends was not said by the page */
        end = t->partial.ptr + t->partial.len;
        rc = run(t, t->partial.ptr, end, &stop, e);
        if (rc == 0 && stop < end && !t->page.ended)
                rc = textpage_unfinished(&t->page, stop, end, e);
        return rc;
}

int
textparse_finish(struct textparse *t, struct err *e)
{
        int rc = 0;

        if (t->failed)
                return err_set(e, ERR_PARSE, "the page has failed before");
        if (t->partial.len > 0 && !t->page.ended)
                rc = finish_line(t, e);
        if (rc == 0 && t->page.sample.format == TEXT_OPENMETRICS)
                rc = openmetrics_end(&t->page, e);
        t->failed = rc != 0;
        return rc;
}
