#include "tests/testing/pages.h"

#include "tests/testing/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The end of a run of bytes none of which is in `stop`. */
static const char *
until(const char *p, const char *end, const char *stop)
{
        while (p < end && strchr(stop, *p) == NULL)
                p++;
        return p;
}

/* p stands behind the opening quote; returns where it stands behind the closing one. */
static const char *
read_value(struct testing_page *page, const char *p, const char *end, struct view *out)
{
        char *copy = arena_alloc(&page->arena, (size_t)(end - p) + 1);
        size_t n = 0;

        assert_non_null(copy);
        for (; p < end && *p != '"'; p++) {
                if (*p == '\\' && p + 1 < end)
                        p++;
                copy[n++] = p[-1] == '\\' && *p == 'n' ? '\n' : *p;
        }
        *out = (struct view){copy, n};
        return p + 1;
}

static void
read_line(struct testing_page *page, const char *p, const char *end, struct testing_series *s)
{
        const char *at = until(p, end, "{ ");
        double value;

        testing_ok(
            labels_add(&s->labels, VIEW_LIT("__name__"), (struct view){p, (size_t)(at - p)}, NULL),
            NULL);
        while (at < end && (*at == '{' || *at == ',') && at[1] != '}') {
                const char *name = at + 1;
                struct view value_view;

                at = until(name, end, "=");
                read_value(page, at + 2, end, &value_view);
                testing_ok(labels_add(&s->labels, (struct view){name, (size_t)(at - name)},
                               value_view, NULL),
                    NULL);
                at = read_value(page, at + 2, end, &value_view);
        }
        at = until(at, end, " ");
        value = strtod(at, NULL);
        if (isnan(value))
                s->bits = UINT64_C(0x7ff8000000000001);
        else
                memcpy(&s->bits, &value, sizeof(s->bits));
}

static void
load(struct testing_page *page, const char *file, const char *job, const char *instance)
{
        struct buf text = BUF_INIT((size_t)64 << 20);
        size_t lines = 0;
        char *copy;

        page->arena = (struct arena)ARENA_INIT((size_t)1 << 30);
        page->n = 0;
        testing_read(file, &text);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        copy = arena_strndup(&page->arena, text.ptr, text.len);
        assert_non_null(copy);
        for (const char *p = copy; *p != '\0'; p++)
                lines += *p == '\n';
        page->series = arena_calloc(&page->arena, lines + 1, sizeof(*page->series));
        assert_non_null(page->series);
        for (const char *p = copy, *end; *p != '\0'; p = *end != '\0' ? end + 1 : end) {
                struct testing_series *s = &page->series[page->n];

                end = p + strcspn(p, "\n");
                if (*p == '#' || end == p)
                        continue;
                labels_init(&s->labels, &page->arena);
                read_line(page, p, end, s);
                testing_ok(labels_add(&s->labels, VIEW_LIT("job"), view_of(job), NULL), NULL);
                testing_ok(
                    labels_add(&s->labels, VIEW_LIT("instance"), view_of(instance), NULL), NULL);
                labels_sort(&s->labels);
                page->n++;
        }
        buf_release(&text);
}

void
testing_page_node(struct testing_page *p, unsigned page, const char *instance)
{
        char file[64];

        (void)snprintf(file, sizeof(file), "pages/node-exporter-%02u.txt.gz", page);
        load(p, file, "node-exporter", instance);
}

void
testing_page_kube(struct testing_page *p)
{
        load(p, "pages/kube-state-metrics-200pods.txt.gz", "kube-state-metrics", "ksm:8080");
}

void
testing_page_release(struct testing_page *p)
{
        arena_release(&p->arena);
}

size_t
testing_page_column(const struct testing_page *p, size_t first, uint64_t *column, size_t cap)
{
        size_t n = 0;

        for (; n < cap && first + n < p->n; n++)
                column[n] = p->series[first + n].bits;
        return n;
}
