#include "bench/corpus.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PATH_BYTES = 1024 };

struct fixture {
        char *dir;
        struct arena arena;
        struct corpus corpus;
        struct err error;
};

static int
set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->dir = testing_directory();
        f->arena.max = 64 << 20;
        *state = f;
        return 0;
}

static int
tear_down(void **state)
{
        struct fixture *f = *state;

        arena_release(&f->arena);
        testing_remove(f->dir);
        free(f);
        return 0;
}

/* Reads these pages, compressed, as one corpus. */
static int
read_pages(struct fixture *f, const char *const *pages, size_t n)
{
        char paths[2][PATH_BYTES];
        const char *list[2] = {paths[0], paths[1]};

        assert_true(n <= 2);
        for (size_t i = 0; i < n; i++) {
                gzFile g;

                (void)snprintf(paths[i], sizeof(paths[i]), "%s/page-%zu.gz", f->dir, i);
                g = gzopen(paths[i], "wb");
                assert_non_null(g);
                assert_true(pages[i][0] == '\0' || gzputs(g, pages[i]) > 0);
                assert_int_equal(gzclose(g), Z_OK);
        }
        return corpus_read(list, n, &f->arena, &f->corpus, &f->error);
}

static void
families_have_their_comments_and_series(void **state)
{
        static const char *const page = "# HELP a of a\n# TYPE a gauge\na 1\n"
                                        "a{cpu=\"0\"} 2\n# TYPE b counter\nb 3\n";
        struct fixture *f = *state;
        const struct corpus *c = &f->corpus;

        testing_ok(read_pages(f, &page, 1), &f->error);
        assert_int_equal(c->n_families, 2);
        assert_int_equal(c->n_series, 3);
        assert_int_equal(c->n_copyable, 1);
        assert_true(view_is(c->families[0].comments, "# HELP a of a\n# TYPE a gauge\n"));
        assert_int_equal(c->families[0].n, 2);
        assert_true(view_is(c->families[1].comments, "# TYPE b counter\n"));
        assert_int_equal(c->families[1].first, 2);
        assert_int_equal(c->families[1].n, 1);
        assert_true(view_is(c->series[0].head, "a") && c->series[0].tail.n == 0);
}

static void
series_are_split_where_copies_differ(void **state)
{
        static const struct {
                const char *line;
                const char *head;
                const char *tail; /* empty: it cannot be copied */
                bool numbered;
                size_t ids;
        } cases[] = {
            {"up 1\n", "up", "", false, 0},
            {"x{mode=\"idle\"} 1\n", "x{mode=\"idle\"}", "", false, 0},
            {"x{device=\"eth0\"} 1\n", "x{device=\"eth0", "\"}", false, 0},
            {"x{cpu=\"1\",mode=\"idle\"} 1\n", "x{cpu=\"", "1\",mode=\"idle\"}", true, 0},
            {"kube_x{namespace=\"n\",pod=\"p\",node=\"m\"} 1\n", "kube_x{namespace=\"n\",pod=\"p",
                "\",node=\"m\"}", false, 0},
            {"kube_x{node=\"m\",pod=\"p\"} 1\n", "kube_x{node=\"m\",pod=\"p", "\"}", false, 0},
            {"kube_x{pod=\"p\",uid=\"01234567-0123-0123-0123-0123456789ab\"} 1\n", "kube_x{pod=\"p",
                "\",uid=\"01234567-0123-0123-0123-0123456789ab\"}", false, 1},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct corpus_series *s;

                testing_ok(read_pages(f, &cases[i].line, 1), &f->error);
                assert_int_equal(f->corpus.n_series, 1);
                s = &f->corpus.series[0];
                if (!view_is(s->head, cases[i].head) || !view_is(s->tail, cases[i].tail))
                        fail_msg("%s: split at %zu", cases[i].line, s->head.n);
                assert_int_equal(s->numbered, cases[i].numbered);
                assert_int_equal(s->n_ids, cases[i].ids);
        }
}

static void
series_move_as_their_pages_did(void **state)
{
        static const char *const pages[] = {"same 5\nrises 10\n", "same 5\nrises 30\n"};
        static const char *const once = "kube_pod_container_status_restarts_total{pod=\"p\"} 2\n";
        struct fixture *f = *state;

        testing_ok(read_pages(f, pages, 2), &f->error);
        assert_int_equal(f->corpus.series[0].motion.kind, MOTION_CONSTANT);
        assert_int_equal(f->corpus.series[1].motion.kind, MOTION_COUNTER);
        testing_ok(read_pages(f, &once, 1), &f->error);
        assert_int_equal(f->corpus.series[0].motion.kind, MOTION_COUNTER); /* assumed */
}

static void
what_is_no_page_is_refused(void **state)
{
        static const char *const none = "";
        static const char *const comments = "# HELP a of a\n";
        struct fixture *f = *state;
        char path[PATH_BYTES];
        const char *list[] = {path};

        assert_int_equal(read_pages(f, &none, 1), ERR_PARSE);
        assert_int_equal(read_pages(f, &comments, 1), ERR_PARSE);
        assert_int_equal(corpus_read(NULL, 0, &f->arena, &f->corpus, &f->error), ERR_LIMIT);
        (void)snprintf(path, sizeof(path), "%s/plain", f->dir);
        assert_true(corpus_read(list, 1, &f->arena, &f->corpus, &f->error) < 0);
        testing_write(path, "a 1\n", 4);
        assert_true(corpus_read(list, 1, &f->arena, &f->corpus, &f->error) < 0);
        assert_non_null(strstr(f->error.msg, path));
}

#define WITH_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_FIXTURE(families_have_their_comments_and_series),
            WITH_FIXTURE(series_are_split_where_copies_differ),
            WITH_FIXTURE(series_move_as_their_pages_did),
            WITH_FIXTURE(what_is_no_page_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
