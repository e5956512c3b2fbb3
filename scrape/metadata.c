#include "scrape/metadata.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/varint.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct metadata {
        struct metadata_pool *pool; /* which outlives it */
        struct metadata *next; /* in the pool */
        uint64_t hash; /* of the set before it was packed */
        uint32_t references;
        uint32_t raw; /* bytes before it was packed */
        uint32_t n;
        char packed[];
};

struct metadata_pool {
        pthread_mutex_t mtx; /* guards all below, and the references */
        struct metadata *sets; /* few: one for each kind of exporter */
        size_t bytes;
};

/* A line; its name and text lie in the draft's bytes. */
struct line {
        size_t at;
        uint32_t name;
        uint32_t text;
        enum text_meta what;
};

struct metadata_draft {
        struct buf bytes;
        struct buf lines; /* of struct line */
        bool cut;
};

/* ---- collecting ---- */

int
metadata_draft_new(struct metadata_draft **out, struct err *e)
{
        struct metadata_draft *d = calloc(1, sizeof(*d));

        if (d == NULL)
                return err_nomem(e, "metadata");
        d->bytes.max = METADATA_DRAFT_MAX;
        d->lines.max = METADATA_DRAFT_MAX;
        *out = d;
        return 0;
}

void
metadata_draft_free(struct metadata_draft *d)
{
        if (d == NULL)
                return;
        buf_release(&d->bytes);
        buf_release(&d->lines);
        free(d);
}

/* Appends with \\, \n and, where quotes are escaped, \" resolved. */
static int
append_unescaped(struct buf *out, struct view v, bool quotes, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < v.n; i++) {
                char c = v.p[i];
                char follows = (char)(i + 1 < v.n ? v.p[i + 1] : '\0');

                if (c == '\\' &&
                    (follows == '\\' || follows == 'n' || (quotes && follows == '"'))) {
                        c = (char)(follows == 'n' ? '\n' : follows);
                        i++;
                }
                rc = buf_putc(out, c, e);
        }
        return rc;
}

static int
append_part(struct buf *out, struct view v, bool quotes, struct err *e)
{
        if (v.n > 0 && memchr(v.p, '\\', v.n) != NULL)
                return append_unescaped(out, v, quotes, e);
        return buf_append(out, v.p, v.n, e);
}

void
metadata_draft_add(void *draft, enum text_meta what, struct view name, struct view text)
{
        struct metadata_draft *d = draft;
        bool quoted = name.n >= 2 && name.p[0] == '"';
        bool quotes = what == TEXT_META_HELP_QUOTES;
        struct line line = {.at = d->bytes.len, .what = quotes ? TEXT_META_HELP : what};

        if (d->cut)
                return;
        if (quoted)
                name = (struct view){name.p + 1, name.n - 2};
        d->cut = append_part(&d->bytes, name, quoted, NULL) < 0;
        line.name = (uint32_t)(d->bytes.len - line.at);
        if (what == TEXT_META_TYPE && view_is(text, "untyped"))
                text = VIEW_LIT("unknown");
        d->cut = d->cut || append_part(&d->bytes, text, quotes, NULL) < 0;
        line.text = (uint32_t)(d->bytes.len - line.at) - line.name;
        d->cut = d->cut || buf_append(&d->lines, &line, sizeof(line), NULL) < 0;
}

static struct view
name_of(const struct metadata_draft *d, const struct line *l)
{
        return (struct view){d->bytes.ptr + l->at, l->name};
}

static struct view
text_of(const struct metadata_draft *d, const struct line *l)
{
        return (struct view){d->bytes.ptr + l->at + l->name, l->text};
}

static int
compare_lines(const void *a, const void *b, void *draft)
{
        const struct line *x = a;
        const struct line *y = b;
        int c = view_cmp(name_of(draft, x), name_of(draft, y));

        return c != 0 ? c : (x->at > y->at) - (x->at < y->at);
}

/* ---- the set's bytes: of each metric name, type, help and unit, with their lengths before ---- */

static int
put_view(struct buf *out, struct view v, struct err *e)
{
        uint8_t length[VARINT_MAX];
        int rc = buf_append(out, length, varint_put(length, v.n), e);

        return rc == 0 ? buf_append(out, v.p, v.n, e) : rc;
}

static int
put_entry(struct buf *out, const struct metadata_entry *m, struct err *e)
{
        const struct view parts[] = {m->metric, m->type, m->help, m->unit};
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
                rc = put_view(out, parts[i], e);
        return rc;
}

/* The draft's lines are sorted. */
static int
put_entries(struct buf *out, const struct metadata_draft *d, struct err *e)
{
        const struct line *lines = (const struct line *)(const void *)d->lines.ptr;
        size_t n_lines = d->lines.len / sizeof(*lines);
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n_lines;) {
                struct metadata_entry m = {
                    .metric = name_of(d, &lines[i]), .type = VIEW_LIT("unknown")};

                for (; i < n_lines && view_eq(name_of(d, &lines[i]), m.metric); i++) {
                        struct view *part[] = {&m.type, &m.help, &m.unit};

                        *part[lines[i].what] = text_of(d, &lines[i]);
                }
                rc = put_entry(out, &m, e);
        }
        return rc;
}

static bool
take_view(const uint8_t **p, const uint8_t *end, struct view *out)
{
        uint64_t length;
        size_t n = varint_get(*p, end, &length);

        if (n == 0 || length > (uint64_t)(end - *p) - n)
                return false;
        *out = (struct view){(const char *)*p + n, (size_t)length};
        *p += n + length;
        return true;
}

int
metadata_visit(const struct metadata *m, metadata_visitor visit, void *arg, struct err *e)
{
        struct buf raw = BUF_INIT((size_t)m->raw + 1); /* a set may be empty */
        struct metadata_entry entry;
        const uint8_t *p;
        const uint8_t *end;
        int rc = snappy_unpack((struct view){m->packed, m->n}, &raw, e);

        p = (const uint8_t *)raw.ptr;
        end = p + raw.len;
        while (rc == 0 && p < end) {
                if (take_view(&p, end, &entry.metric) && take_view(&p, end, &entry.type) &&
                    take_view(&p, end, &entry.help) && take_view(&p, end, &entry.unit))
                        rc = visit(arg, &entry, e);
                else
                        rc = err_set(e, ERR_CORRUPT, "metadata in memory is damaged");
        }
        buf_release(&raw);
        return rc;
}

/* ---- sets ---- */

int
metadata_pool_new(struct metadata_pool **out, struct err *e)
{
        struct metadata_pool *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "metadata");
        (void)pthread_mutex_init(&p->mtx, NULL);
        *out = p;
        return 0;
}

void
metadata_pool_free(struct metadata_pool *p)
{
        if (p == NULL)
                return;
        assert(p->sets == NULL);
        (void)pthread_mutex_destroy(&p->mtx);
        free(p);
}

/* The pool's set with these bytes, referenced; NULL: there is none. Under mtx. */
static struct metadata *
find(const struct metadata_pool *p, uint64_t hash, size_t raw)
{
        struct metadata *m = p->sets;

        while (m != NULL && (m->hash != hash || m->raw != raw))
                m = m->next;
        if (m != NULL)
                m->references++;
        return m;
}

static void
account(struct metadata_pool *p, const struct metadata *m, bool added)
{
        size_t bytes = sizeof(*m) + m->n;

        p->bytes = added ? p->bytes + bytes : p->bytes - bytes;
        memory_account(MEMORY_TARGETS, added ? (int64_t)bytes : -(int64_t)bytes);
}

/* Under mtx. */
static int
add(struct metadata_pool *p, uint64_t hash, struct view raw, struct metadata **out, struct err *e)
{
        struct buf packed = BUF_INIT(snappy_bound(raw.n));
        struct metadata *m = NULL;
        int rc = snappy_pack(raw, &packed, e);

        if (rc == 0 && packed.len > METADATA_POOL_MAX - p->bytes)
                rc = err_set(e, ERR_LIMIT, "metadata of all targets takes more than %d bytes",
                    METADATA_POOL_MAX);
        if (rc == 0) {
                m = calloc(1, sizeof(*m) + packed.len);
                rc = m != NULL ? 0 : err_nomem(e, "metadata");
        }
        if (m != NULL) {
                *m = (struct metadata){.pool = p,
                    .next = p->sets,
                    .hash = hash,
                    .references = 1,
                    .raw = (uint32_t)raw.n,
                    .n = (uint32_t)packed.len};
                memcpy(m->packed, packed.ptr, packed.len);
                p->sets = *out = m;
                account(p, m, true);
        }
        buf_release(&packed);
        return rc;
}

int
metadata_take(
    struct metadata_pool *p, struct metadata_draft *d, struct metadata **out, struct err *e)
{
        /* every line may bring a name, four lengths and "unknown" of its own */
        struct buf raw = BUF_INIT((size_t)2 * METADATA_DRAFT_MAX);
        uint64_t hash;
        int rc;

        if (d->cut)
                return err_set(
                    e, ERR_LIMIT, "the page's # lines take more than %d bytes", METADATA_DRAFT_MAX);
        if (d->lines.len > 0)
                qsort_r(d->lines.ptr, d->lines.len / sizeof(struct line), sizeof(struct line),
                    compare_lines, d);
        rc = put_entries(&raw, d, e);
        if (rc == 0) {
                hash = hash_seeded(raw.ptr, raw.len);
                (void)pthread_mutex_lock(&p->mtx);
                *out = find(p, hash, raw.len);
                if (*out == NULL)
                        rc = add(p, hash, buf_view(&raw), out, e);
                (void)pthread_mutex_unlock(&p->mtx);
        }
        buf_release(&raw);
        return rc;
}

struct metadata *
metadata_ref(struct metadata *m)
{
        (void)pthread_mutex_lock(&m->pool->mtx);
        m->references++;
        (void)pthread_mutex_unlock(&m->pool->mtx);
        return m;
}

void
metadata_return(struct metadata *m)
{
        struct metadata_pool *p;
        struct metadata **at;

        if (m == NULL)
                return;
        p = m->pool;
        (void)pthread_mutex_lock(&p->mtx);
        if (--m->references == 0) {
                for (at = &p->sets; *at != m;)
                        at = &(*at)->next;
                *at = m->next;
                account(p, m, false);
                free(m);
        }
        (void)pthread_mutex_unlock(&p->mtx);
}
