#include "bench/corpus.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
        PAGE_MAX = 256 << 20,
        PAGES_MAX = 64,
        UUID_LENGTH = 36,
        CONTAINER_ID_LENGTH = 64,
};

/* A page cut into lines. */
struct lines {
        struct view *keys; /* sample lines: the series, comments: the line */
        struct view *values; /* of comments: empty */
        size_t n;
};

static int
append(void *arg, const char *p, size_t n, struct err *e)
{
        return buf_append(arg, p, n, e);
}

static int
read_page(const char *path, struct arena *a, struct view *out, struct err *e)
{
        struct buf packed = BUF_INIT(PAGE_MAX);
        struct buf text = BUF_INIT(PAGE_MAX);
        struct gunzip *g = NULL;
        int rc = file_read(path, &packed, e);

        if (rc == 0)
                rc = gunzip_new(&g, e);
        if (rc == 0)
                rc = gunzip_feed(g, packed.ptr, packed.len, append, &text, e);
        if (rc == 0)
                rc = gunzip_finish(g, e);
        if (rc == 0) {
                *out = arena_view(a, buf_view(&text));
                if (out->p == NULL)
                        rc = err_nomem(e, "a page");
        }
        gunzip_free(g);
        buf_release(&packed);
        buf_release(&text);
        return rc < 0 ? err_prefix(e, "cannot read \"%s\"", path) : 0;
}

static int
cut_lines(struct view text, struct arena *a, struct lines *out, struct err *e)
{
        size_t n = 0;

        for (size_t i = 0; i < text.n; i++)
                n += text.p[i] == '\n';
        out->keys = arena_calloc(a, n, sizeof(*out->keys));
        out->values = arena_calloc(a, n, sizeof(*out->values));
        if (out->keys == NULL || out->values == NULL)
                return err_nomem(e, "a page's lines");
        out->n = n;
        for (size_t i = 0; i < n; i++) {
                const char *end = memchr(text.p, '\n', text.n);
                struct view line = {text.p, (size_t)(end - text.p)};
                const char *blank = memrchr(line.p, ' ', line.n);

                out->keys[i] = line;
                if (line.n > 0 && line.p[0] != '#' && blank != NULL) {
                        out->keys[i].n = (size_t)(blank - line.p);
                        out->values[i] = (struct view){blank + 1, (size_t)(end - blank) - 1};
                }
                text.n -= line.n + 1;
                text.p = end + 1;
        }
        return 0;
}

/* ---- one series ---- */

static bool
listed(struct view v, const char *const *names, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (view_is(v, names[i]))
                        return true;
        }
        return false;
}

/* Does this label name an object that there may be more of? On a page of kube-state-metrics all do
 * but those that say where or which part; a machine has more of few things. */
static bool
names_object(struct view key, struct view label)
{
        static const char *const PARTS[] = {"namespace", "container", "condition", "resource",
            "reason", "phase", "version", "le", "quantile"};
        static const char *const THINGS[] = {"device", "cpu", "queue", "ip", "address"};

        if (key.n > 5 && memcmp(key.p, "kube_", 5) == 0)
                return !listed(label, PARTS, sizeof(PARTS) / sizeof(PARTS[0]));
        return listed(label, THINGS, sizeof(THINGS) / sizeof(THINGS[0]));
}

/* The next label of `{a="x",b="y"}` from *p on; recorded pages have no escaped quotes in it. */
static bool
next_label(const char **p, const char *end, struct view *name, struct view *value)
{
        const char *equals = memchr(*p, '=', (size_t)(end - *p));
        const char *close;

        if (equals == NULL || equals + 2 >= end)
                return false;
        close = memchr(equals + 2, '"', (size_t)(end - equals) - 2);
        if (close == NULL)
                return false;
        *name = (struct view){*p, (size_t)(equals - *p)};
        *value = (struct view){equals + 2, (size_t)(close - equals) - 2};
        *p = close + 2 < end ? close + 2 : end;
        return true;
}

static bool
is_id(struct view name, struct view value)
{
        return (view_is(name, "uid") && value.n == UUID_LENGTH) ||
            (view_is(name, "container_id") && value.n > CONTAINER_ID_LENGTH);
}

/* Where copies of a series differ: in its pod, else in the first label that names an object. */
static bool
find_object(struct view key, struct view *out)
{
        const char *p = memchr(key.p, '{', key.n);
        const char *end = key.p + key.n;
        struct view name;
        struct view value;
        bool found = false;

        if (p == NULL)
                return false;
        p++;
        while (next_label(&p, end, &name, &value)) {
                if (view_is(name, "pod") || (!found && value.n > 0 && names_object(key, name))) {
                        *out = value;
                        found = true;
                }
        }
        return found;
}

static bool
all_digits(struct view v)
{
        for (size_t i = 0; i < v.n; i++) {
                if (v.p[i] < '0' || v.p[i] > '9')
                        return false;
        }
        return v.n > 0;
}

static void
split_series(struct view key, struct corpus_series *s)
{
        struct view object;
        struct view name;
        struct view value;
        const char *p;
        const char *end = key.p + key.n;

        s->head = key;
        if (!find_object(key, &object))
                return;
        s->object = hash_stable(object.p, object.n, 1);
        s->numbered = all_digits(object);
        p = s->numbered ? object.p : object.p + object.n;
        s->head.n = (size_t)(p - key.p);
        s->tail = (struct view){p, (size_t)(end - p)};
        p = memchr(key.p, '{', key.n);
        p++;
        while (s->n_ids < CORPUS_IDS_MAX && next_label(&p, end, &name, &value)) {
                size_t n = value.n < CONTAINER_ID_LENGTH ? value.n : CONTAINER_ID_LENGTH;

                if (is_id(name, value) && value.p >= s->tail.p)
                        s->ids[s->n_ids++] = (struct view){value.p + value.n - n, n};
        }
}

/* What of kube-state-metrics moves, though one page does not show it: little. */
static void
assume(struct view key, struct view value, struct corpus_series *s)
{
        static const struct {
                const char *part; /* of the name */
                double change; /* a tick */
                int64_t step;
        } MOVING[] = {
            {"kube_lease_renew_time", 1, 15},
            {"_restarts_total", 0.002, 1},
            {"_resource_version", 0.005, 40},
        };

        for (size_t i = 0; i < sizeof(MOVING) / sizeof(MOVING[0]); i++) {
                if (memmem(key.p, key.n, MOVING[i].part, strlen(MOVING[i].part)) != NULL)
                        motion_assume(value, MOVING[i].change, MOVING[i].step, &s->motion);
        }
}

static void
learn(const struct lines *pages, size_t n_pages, size_t line, struct corpus_series *s)
{
        struct view values[PAGES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < n_pages; i++) {
                if (line < pages[i].n && view_eq(pages[i].keys[line], pages[0].keys[line]))
                        values[n++] = pages[i].values[line];
        }
        motion_learn(values, n, &s->motion);
        if (n_pages == 1)
                assume(pages[0].keys[line], values[0], s);
}

/* ---- the whole ---- */

static bool
is_comment(const struct lines *l, size_t i)
{
        return l->values[i].n == 0;
}

static int
collect(
    const struct lines *pages, size_t n_pages, struct arena *a, struct corpus *out, struct err *e)
{
        const struct lines *l = &pages[0];
        struct corpus_family *f = NULL;

        out->families = arena_calloc(a, l->n + 1, sizeof(*out->families));
        out->series = arena_calloc(a, l->n + 1, sizeof(*out->series));
        if (out->families == NULL || out->series == NULL)
                return err_nomem(e, "the families");
        for (size_t i = 0; i < l->n; i++) {
                struct corpus_series *s = &out->series[out->n_series];

                /* A family begins at its comments; the lines of a page follow one another. */
                if (f == NULL || (is_comment(l, i) && (i == 0 || !is_comment(l, i - 1)))) {
                        f = &out->families[out->n_families++];
                        f->first = out->n_series;
                        f->comments.p = l->keys[i].p;
                }
                if (is_comment(l, i)) {
                        f->comments.n = (size_t)(l->keys[i].p - f->comments.p) + l->keys[i].n + 1;
                        continue;
                }
                split_series(l->keys[i], s);
                learn(pages, n_pages, i, s);
                s->rank = out->n_copyable;
                out->n_copyable += s->tail.n > 0;
                out->n_series++;
                f->n++;
        }
        return 0;
}

int
corpus_read(const char *const *paths, size_t n, struct arena *a, struct corpus *out, struct err *e)
{
        struct lines pages[PAGES_MAX] = {{NULL, NULL, 0}};
        struct corpus c = {.n_series = 0};
        int rc = 0;

        if (n == 0 || n > PAGES_MAX)
                return err_set(e, ERR_LIMIT, "want 1 to %d pages, got %zu", PAGES_MAX, n);
        for (size_t i = 0; i < n && rc == 0; i++) {
                struct view text = {NULL, 0};

                rc = read_page(paths[i], a, &text, e);
                if (rc == 0)
                        rc = cut_lines(text, a, &pages[i], e);
        }
        if (rc == 0)
                rc = collect(pages, n, a, &c, e);
        if (rc == 0 && c.n_series == 0)
                rc = err_set(e, ERR_PARSE, "\"%s\" has no series", paths[0]);
        if (rc == 0)
                *out = c;
        return rc;
}
