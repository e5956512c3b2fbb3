#include "bench/micro/micro.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/file.h"

enum { PAGE_MAX = 256 << 20 };

static int
append(void *arg, const char *p, size_t n, struct err *e)
{
        return buf_append(arg, p, n, e);
}

struct collector {
        struct micro_page *page;
        size_t cap;
};

static int
collect(void *arg, const struct text_sample *x, struct err *e)
{
        struct collector *c = arg;
        struct micro_page *page = c->page;
        const char *value = x->series.p + x->series.n + 1; /* a blank is between them */
        const char *end = strpbrk(value, " \n");

        if (page->n == c->cap || end == NULL)
                return err_set(e, ERR_PARSE, "the page has no recorded form");
        page->series[page->n++] =
            (struct micro_series){x->series, {value, (size_t)(end - value)}, x->bits, x->type};
        return 0;
}

static int
find_series(struct micro_input *in, struct micro_page *page, struct err *e)
{
        struct collector c = {page, 0};
        const struct textparse_options o = {.sink = collect, .arg = &c};
        struct textparse *t = NULL;
        int rc;

        if (page->text.p == NULL)
                return err_nomem(e, "a page");
        for (size_t i = 0; i < page->text.n; i++)
                c.cap += page->text.p[i] == '\n';
        page->series = arena_calloc(&in->arena, c.cap, sizeof(*page->series));
        if (page->series == NULL)
                return err_nomem(e, "the series");
        rc = textparse_new(&o, &t, e);
        if (rc == 0)
                rc = textparse_feed(t, page->text.p, page->text.n, e);
        if (rc == 0)
                rc = textparse_finish(t, e);
        textparse_free(t);
        return rc;
}

int
micro_read_page(struct micro_input *in, const char *path, struct err *e)
{
        struct micro_page *page = &in->pages[in->n_pages];
        struct buf packed = BUF_INIT(PAGE_MAX);
        struct buf text = BUF_INIT(PAGE_MAX);
        struct gunzip *g = NULL;
        int rc = 0;

        if (in->n_pages + 1 >= MICRO_PAGES_MAX)
                return err_set(e, ERR_LIMIT, "more than %d pages", MICRO_PAGES_MAX);
        rc = file_read(path, &packed, e);
        if (rc == 0)
                rc = gunzip_new(&g, e);
        if (rc == 0)
                rc = gunzip_feed(g, packed.ptr, packed.len, append, &text, e);
        if (rc == 0) {
                page->gzip = arena_view(&in->arena, buf_view(&packed));
                page->text.n = text.len;
                page->text.p = arena_strndup(&in->arena, text.ptr, text.len);
                if (page->gzip.p == NULL)
                        rc = err_nomem(e, "a page");
        }
        gunzip_free(g);
        buf_release(&packed);
        buf_release(&text);
        if (rc == 0)
                rc = find_series(in, page, e);
        in->n_pages++;
        return rc < 0 ? err_prefix(e, "cannot read \"%s\"", path) : 0;
}
