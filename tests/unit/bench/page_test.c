#include "bench/page.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1024, PAGE_BYTES_MAX = 64 << 20 };

struct fixture {
        struct arena arena;
        struct corpus node; /* two pages */
        struct corpus kube;
};

static void
read_pages(struct fixture *f, const char *const *names, size_t n, struct corpus *out)
{
        char paths[2][PATH_MAX_BYTES];
        const char *list[2] = {paths[0], paths[1]};
        struct err e = ERR_INIT;

        for (size_t i = 0; i < n; i++)
                (void)snprintf(paths[i], sizeof(paths[i]), "%s/pages/%s",
                    getenv("GLEANER_TEST_DATA"), names[i]);
        testing_ok(corpus_read(list, n, &f->arena, out, &e), &e);
}

static int
set_up(void **state)
{
        static struct fixture f = {.arena = {NULL, 0, 64 << 20}};
        static const char *const NODE[] = {"node-exporter-01.txt.gz", "node-exporter-02.txt.gz"};
        static const char *const KUBE[] = {"kube-state-metrics-200pods.txt.gz"};

        read_pages(&f, NODE, 2, &f.node);
        read_pages(&f, KUBE, 1, &f.kube);
        *state = &f;
        return 0;
}

static int
tear_down(void **state)
{
        struct fixture *f = *state;

        arena_release(&f->arena);
        return 0;
}

static void
print_page(struct page *p, size_t piece, struct buf *out)
{
        size_t n = 1;

        buf_reset(out);
        while (n > 0) {
                testing_ok(buf_reserve(out, piece, NULL), NULL);
                n = page_fill(p, out->ptr + out->len, piece);
                assert_true(n <= piece);
                out->len += n;
        }
        testing_ok(buf_putc(out, '\0', NULL), NULL);
}

static int
by_text(const void *a, const void *b)
{
        return view_cmp(*(const struct view *)a, *(const struct view *)b);
}

/* The series of a page, sorted; the caller frees them. */
static struct view *
series_of(const struct buf *text, size_t *n)
{
        struct view *all = calloc(text->len / 8 + 1, sizeof(*all));
        const char *p = text->ptr;

        *n = 0;
        while (*p != '\0') {
                const char *end = strchr(p, '\n');

                if (*p != '#') {
                        const char *blank = memrchr(p, ' ', (size_t)(end - p));

                        all[(*n)++] = (struct view){p, (size_t)(blank - p)};
                }
                p = end + 1;
        }
        qsort(all, *n, sizeof(*all), by_text);
        return all;
}

static void
pages_have_the_size_asked_for_and_no_series_twice(void **state)
{
        const struct fixture *f = *state;
        const struct {
                const struct corpus *corpus;
                size_t series;
                bool shuffled;
        } cases[] = {
            {&f->node, 1, false},
            {&f->node, 300, false},
            {&f->node, 523, true},
            {&f->node, 1000, false},
            {&f->node, 20000, true},
            {&f->kube, 1000, true},
            {&f->kube, 30000, false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf text = BUF_INIT(PAGE_BYTES_MAX);
                struct page_plan plan = {.shuffled = cases[i].shuffled};
                struct view *series;
                struct page p;
                size_t n;

                testing_ok(page_plan_init(&plan, cases[i].corpus, cases[i].series, NULL), NULL);
                page_begin(&p, &plan, 3, MOTION_TICK_FIRST);
                print_page(&p, 2 * PAGE_LINE_MAX, &text);
                series = series_of(&text, &n);
                assert_int_equal(n, cases[i].series);
                assert_int_equal(p.emitted, cases[i].series);
                for (size_t k = 1; k < n; k++)
                        assert_false(view_eq(series[k - 1], series[k]));
                free(series);
                buf_release(&text);
        }
}

/* The recorded page comes out as it went in, but for what moves. */
static void
a_page_as_large_as_the_recorded_one_is_that_page(void **state)
{
        const struct fixture *f = *state;
        struct buf text = BUF_INIT(PAGE_BYTES_MAX);
        struct buf recorded = BUF_INIT(PAGE_BYTES_MAX);
        struct page_plan plan = {.shuffled = false};
        struct view *got;
        struct view *want;
        struct page p;
        size_t n_got;
        size_t n_want;

        testing_read("pages/kube-state-metrics-200pods.txt.gz", &recorded);
        testing_ok(buf_putc(&recorded, '\0', NULL), NULL);
        testing_ok(page_plan_init(&plan, &f->kube, f->kube.n_series, NULL), NULL);
        page_begin(&p, &plan, 0, MOTION_TICK_FIRST);
        print_page(&p, 1 << 20, &text);
        got = series_of(&text, &n_got);
        want = series_of(&recorded, &n_want);
        assert_int_equal(n_got, n_want);
        for (size_t i = 0; i < n_got; i++)
                assert_true(view_eq(got[i], want[i]));
        free(got);
        free(want);
        buf_release(&text);
        buf_release(&recorded);
}

static size_t
common(const struct view *a, size_t n_a, const struct view *b, size_t n_b)
{
        size_t same = 0;
        size_t i = 0;
        size_t k = 0;

        while (i < n_a && k < n_b) {
                int order = view_cmp(a[i], b[k]);

                same += order == 0;
                i += order <= 0;
                k += order >= 0;
        }
        return same;
}

static void
churn_replaces_the_share_asked_for(void **state)
{
        const struct fixture *f = *state;
        struct buf before = BUF_INIT(PAGE_BYTES_MAX);
        struct buf after = BUF_INIT(PAGE_BYTES_MAX);
        struct page_plan plan = {.churn_per_minute = 0.05};
        struct view *a;
        struct view *b;
        struct page p;
        size_t n_a;
        size_t n_b;

        testing_ok(page_plan_init(&plan, &f->kube, f->kube.n_series, NULL), NULL);
        page_begin(&p, &plan, 1, MOTION_TICK_FIRST);
        print_page(&p, 1 << 20, &before);
        page_begin(&p, &plan, 1, MOTION_TICK_FIRST + 8);
        p.minutes = 2;
        print_page(&p, 1 << 20, &after);
        a = series_of(&before, &n_a);
        b = series_of(&after, &n_b);
        assert_int_equal(n_a, n_b);
        assert_in_range(common(a, n_a, b, n_b), n_a * 87 / 100, n_a * 93 / 100);
        free(a);
        free(b);
        buf_release(&before);
        buf_release(&after);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(pages_have_the_size_asked_for_and_no_series_twice),
            cmocka_unit_test(a_page_as_large_as_the_recorded_one_is_that_page),
            cmocka_unit_test(churn_replaces_the_share_asked_for),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
