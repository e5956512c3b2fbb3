#include "scrape/discovery/saved.h"

#include "base/view.h"
#include "scrape/discovery/groups.h"
#include "tests/unit/scrape/discovery/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *two_targets[] = {"a:1", "b\n2"};
static const char *many_targets[30000];
/* VIEW_LIT is no constant */
static struct label labels[] = {{{"k", 1}, {"v\"\\\x01", 4}},
    {{"__meta_url", 10}, {"http://u:secret@h", 17}}, {{"z", 1}, {"", 0}}};
static const struct target_group groups[] = {
    {two_targets, 2, labels, 3}, {two_targets, 1, labels + 1, 1}, {many_targets, 30000, NULL, 0}};
static const struct label own = {{"__meta_url", 10}, {"http://u:secret@h", 17}};

/* Slot 0: two groups, in two calls; 1: not known; 2: none; 3: one that takes many pieces. */
static bool
known(void *arg, size_t slot)
{
        (void)arg;
        return slot != 1;
}

static int
visit(void *arg, size_t slot, const struct group_sink *sink, struct err *e)
{
        int rc = 0;

        (void)arg;
        for (size_t i = 0; slot == 0 && i < 2 && rc == 0; i++)
                rc = sink->take(sink->arg, &groups[i], 1, e);
        return slot == 3 ? sink->take(sink->arg, &groups[2], 1, e) : rc;
}

#define CONTENT(count) \
        { \
                .n = (count), .known = known, .visit = visit, .own = own \
        }

static char *dir;
static char path[512];

static int
set_up(void **state)
{
        (void)state;
        dir = testing_directory();
        (void)snprintf(path, sizeof(path), "%s/kept", dir);
        for (size_t i = 0; i < 30000; i++)
                many_targets[i] = "host.example:9100";
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        testing_remove(dir);
        return 0;
}

static void
check(const struct saved *s)
{
        struct buf got = BUF_INIT(4096);

        assert_int_equal(s->n, 4);
        testing_ok(world_take(&got, s->v[0]->v, s->v[0]->n, NULL), NULL);
        testing_ok(buf_putc(&got, '\0', NULL), NULL);
        assert_string_equal(got.ptr,
            "a:1,b\n2{k=v\"\\\x01,z=,__meta_url=http://u:secret@h};"
            "a:1{__meta_url=http://u:secret@h};");
        assert_null(s->v[1]);
        assert_int_equal(s->v[2]->n, 0);
        assert_int_equal(s->v[3]->n_targets, 30000);
        buf_release(&got);
}

static void
what_is_written_is_read(void **state)
{
        const struct saved_content content = CONTENT(4);
        struct saved s = {0};
        struct buf text = BUF_INIT(1 << 20);
        struct stat st;
        size_t bytes = 0;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(saved_write(path, &content, &bytes, &e), &e);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_size, bytes);
        testing_ok(saved_read(path, own, &s, &e), &e);
        check(&s);
        assert_true(s.confirmed_wall_ms / 1000 == st.st_mtim.tv_sec);
        saved_release(&s);
        /* no secret in the file, and it is one for people */
        assert_int_equal(bytes, st.st_size);
        assert_true(st.st_size < 1 << 20);
        FILE *f = fopen(path, "r");
        testing_ok(buf_reserve(&text, (size_t)st.st_size + 1, NULL), NULL);
        assert_int_equal(fread(text.ptr, 1, (size_t)st.st_size, f), st.st_size);
        text.ptr[st.st_size] = '\0';
        (void)fclose(f);
        assert_null(strstr(text.ptr, "secret"));
        assert_non_null(strstr(text.ptr, "\n[{\"targets\":[\"a:1\",\"b\\n2\"],\"labels\":{\"k\":"));
        assert_non_null(strstr(text.ptr, "\nnull\n[]\n[{"));
        buf_release(&text);
}

static void
a_copy_is_the_same(void **state)
{
        const struct saved_content content = CONTENT(4);
        struct saved s = {0};

        (void)state;
        testing_ok(saved_copy(&content, &s, NULL), NULL);
        check(&s);
        saved_release(&s);
}

/* Any byte that is another one, and any that is missing, is noticed. */
static void
damage_is_noticed(void **state)
{
        const struct saved_content small = CONTENT(2);
        struct buf text = BUF_INIT(4096);
        struct saved s = {0};
        size_t bytes = 0;
        FILE *f;

        (void)state;
        testing_ok(saved_write(path, &small, &bytes, NULL), NULL);
        f = fopen(path, "r");
        testing_ok(buf_reserve(&text, bytes, NULL), NULL);
        assert_int_equal(fread(text.ptr, 1, bytes, f), bytes);
        (void)fclose(f);
        for (size_t i = 0; i < bytes; i++) {
                text.ptr[i] = (char)(text.ptr[i] ^ 1);
                assert_int_equal(
                    saved_parse((struct view){text.ptr, bytes}, own, &s, NULL), ERR_CORRUPT);
                text.ptr[i] = (char)(text.ptr[i] ^ 1);
                assert_int_equal(
                    saved_parse((struct view){text.ptr, i}, own, &s, NULL), ERR_CORRUPT);
        }
        testing_ok(saved_parse((struct view){text.ptr, bytes}, own, &s, NULL), NULL);
        saved_release(&s);
        buf_release(&text);
}

static void
failures(void **state)
{
        const struct saved_content small = CONTENT(1);
        char missing[600];
        struct saved s = {0};
        size_t bytes = 0;

        (void)state;
        assert_int_equal(saved_read(path, own, &s, NULL), ERR_NOTFOUND);
        (void)snprintf(missing, sizeof(missing), "%s/no/kept", dir);
        assert_int_equal(saved_write(missing, &small, &bytes, NULL), ERR_SYS);
        saved_confirm(missing);
}

static int
visit_huge(void *arg, size_t slot, const struct group_sink *sink, struct err *e)
{
        const struct target_group g = {arg, 40, NULL, 0};

        (void)slot;
        return sink->take(sink->arg, &g, 1, e);
}

/* More than the file may hold: the one before stays. */
static void
a_file_has_a_bound(void **state)
{
        static char name[1 << 20];
        static const char *targets[40];
        const struct saved_content small = CONTENT(1);
        const struct saved_content huge = {
            .n = 1, .known = known, .visit = visit_huge, .arg = targets};
        struct saved s = {0};
        size_t bytes = 0;

        (void)state;
        memset(name, 'a', sizeof(name) - 1);
        for (size_t i = 0; i < 40; i++)
                targets[i] = name;
        testing_ok(saved_write(path, &small, &bytes, NULL), NULL);
        assert_int_equal(saved_write(path, &huge, &bytes, NULL), ERR_LIMIT);
        testing_ok(saved_read(path, own, &s, NULL), NULL);
        assert_int_equal(s.v[0]->n, 2);
        saved_release(&s);
}

static void
confirming_moves_the_time(void **state)
{
        const struct saved_content small = CONTENT(1);
        const struct timespec old[2] = {{1000, 0}, {1000, 0}};
        struct saved s = {0};
        size_t bytes = 0;

        (void)state;
        testing_ok(saved_write(path, &small, &bytes, NULL), NULL);
        assert_int_equal(utimensat(-100, path, old, 0), 0);
        testing_ok(saved_read(path, own, &s, NULL), NULL);
        assert_int_equal(s.confirmed_wall_ms, 1000000);
        saved_release(&s);
        saved_confirm(path);
        testing_ok(saved_read(path, own, &s, NULL), NULL);
        assert_true(s.confirmed_wall_ms > 1000000);
        saved_release(&s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_copy_is_the_same, set_up, tear_down),
            cmocka_unit_test_setup_teardown(damage_is_noticed, set_up, tear_down),
            cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
            cmocka_unit_test_setup_teardown(a_file_has_a_bound, set_up, tear_down),
            cmocka_unit_test_setup_teardown(confirming_moves_the_time, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
