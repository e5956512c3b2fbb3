#include "scrape/discovery/feed.h"

#include "base/log.h"
#include "tests/unit/scrape/discovery/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A source of two slots that says what the test told it; "" for a slot: not known. */
struct fake {
        struct source source;
        char addresses[2][32];
        unsigned *freed;
};

static const struct fake *
of(const struct source *s)
{
        return (const struct fake *)s;
}

static void
turn(struct source *s, int64_t now_ms)
{
        (void)s;
        (void)now_ms;
}

static int64_t
due(const struct source *s)
{
        (void)s;
        return INT64_MAX;
}

static size_t
slots(const struct source *s)
{
        (void)s;
        return 2;
}

static bool
known(const struct source *s, size_t slot)
{
        return of(s)->addresses[slot][0] != '\0';
}

static int
visit(const struct source *s, size_t slot, const struct group_sink *sink, struct err *e)
{
        const char *target = of(s)->addresses[slot];
        const struct target_group g = {&target, 1, NULL, 0};

        return sink->take(sink->arg, &g, 1, e);
}

static void
release(struct source *s)
{
        struct fake *f = (struct fake *)s;

        (*f->freed)++;
        scrape_config_unref(s->config);
        free(f);
}

static const struct source_class fake_class = {.mechanism = "fake",
    .turn = turn,
    .due = due,
    .slots = slots,
    .known = known,
    .visit = visit,
    .free = release};

static char *dir;
static struct scrape_config *config;
static unsigned freed;

static int
set_up(void **state)
{
        (void)state;
        dir = testing_directory();
        config = world_config("j");
        freed = 0;
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        scrape_config_unref(config);
        testing_remove(dir);
        return 0;
}

static struct feed *
make(uint64_t identity, uint64_t hash, struct fake **out)
{
        struct fake *x = calloc(1, sizeof(*x));
        struct source *s = &x->source;
        struct feed *f = NULL;

        x->source = (struct source){.class = &fake_class,
            .config = scrape_config_ref(config),
            .job = config->jobs,
            .identity = identity,
            .hash = hash};
        x->freed = &freed;
        testing_ok(feed_new(&s, dir, &f, NULL), NULL);
        assert_null(s);
        *out = x;
        return f;
}

static void
say(struct fake *x, const char *first, const char *second, int64_t now_ms)
{
        (void)snprintf(x->addresses[0], sizeof(x->addresses[0]), "%s", first);
        (void)snprintf(x->addresses[1], sizeof(x->addresses[1]), "%s", second);
        x->source.generation++;
        x->source.confirmed_ms = now_ms;
}

static void
check(const struct feed *f, const char *want)
{
        struct buf b = BUF_INIT(4096);
        const struct group_sink sink = {world_take, &b};

        testing_ok(feed_visit(f, &sink, NULL), NULL);
        testing_ok(buf_putc(&b, '\0', NULL), NULL);
        assert_string_equal(b.ptr, want);
        buf_release(&b);
}

static struct feed_view
show(const struct feed *f)
{
        struct feed_view v;

        feed_show(f, &v);
        return v;
}

static void
the_last_run_stands_in_slot_by_slot(void **state)
{
        struct fake *x;
        struct feed *f = make(1, 1, &x);

        (void)state;
        feed_read_kept(f, 0);
        assert_false(feed_known(f));
        assert_false(feed_turn(f, 0));
        say(x, "a", "b", 0);
        assert_true(feed_turn(f, 0));
        assert_false(feed_turn(f, 0));
        assert_int_equal(feed_due(f), 1000);
        check(f, "a;b;");
        assert_false(show(f).kept_in_use);
        feed_free(f); /* writes */
        assert_int_equal(freed, 1);

        f = make(1, 2, &x);
        feed_read_kept(f, 7000);
        assert_true(feed_known(f));
        assert_true(show(f).kept_in_use);
        assert_true(show(f).confirmed_ms <= 7000);
        check(f, "a;b;");
        say(x, "", "c", 8000);
        assert_true(feed_turn(f, 8000));
        check(f, "a;c;");
        assert_true(show(f).kept_in_use);
        say(x, "d", "c", 9000);
        assert_true(feed_turn(f, 9000)); /* writes what was new at 8000 */
        check(f, "d;c;");
        assert_false(show(f).kept_in_use);
        assert_int_equal(show(f).confirmed_ms, 9000);
        feed_free(f);
        f = make(1, 2, &x);
        feed_read_kept(f, 0);
        check(f, "d;c;");
        feed_free(f);
        f = make(2, 2, &x); /* another section knows nothing of it */
        feed_read_kept(f, 0);
        check(f, "");
        feed_free(f);
}

static int64_t
written_at(const struct feed *f)
{
        char path[512];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, feed_file_name(f));
        return stat(path, &st) == 0 ? (int64_t)st.st_ino : 0;
}

static void
writes_are_rare(void **state)
{
        struct fake *x;
        struct feed *f = make(1, 1, &x);
        int64_t first;

        (void)state;
        say(x, "a", "b", 0);
        (void)feed_turn(f, 0);
        (void)feed_turn(f, 999);
        assert_int_equal(written_at(f), 0);
        (void)feed_turn(f, 1000);
        first = written_at(f);
        assert_true(first != 0);
        assert_true(feed_due(f) == INT64_MAX);
        say(x, "c", "b", 2000);
        (void)feed_turn(f, 2000);
        assert_true(feed_due(f) >= 6000 && feed_due(f) < 7000);
        (void)feed_turn(f, 5999);
        assert_int_equal(written_at(f), first);
        (void)feed_turn(f, 7000);
        assert_true(feed_due(f) == INT64_MAX);
        feed_free(f);
}

static void
damaged_files_and_folders_that_are_gone(void **state)
{
        struct fake *x;
        struct feed *f = make(1, 1, &x);
        char path[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/%s", dir, feed_file_name(f));
        testing_write(path, "gleaner targets 1\n[]\n[]\n0123456789abcdef\n", 41);
        feed_read_kept(f, 0);
        assert_false(feed_known(f));
        check(f, "");
        say(x, "a", "b", 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0); /* cannot be replaced */
        (void)feed_turn(f, 0);
        (void)feed_turn(f, 1000);
        check(f, "a;b;");
        assert_true(feed_due(f) > 6000 && feed_due(f) < INT64_MAX); /* tried again */
        assert_int_equal(rmdir(path), 0);
        (void)feed_turn(f, feed_due(f));
        assert_true(written_at(f) != 0);
        feed_free(f);
}

static void
another_way_to_ask_the_same_inherits(void **state)
{
        struct fake *x;
        struct fake *y;
        struct feed *old = make(1, 1, &x);
        struct feed *f = make(1, 2, &y);

        (void)state;
        say(x, "a", "", 500);
        (void)feed_turn(old, 500);
        assert_false(feed_matches(old, &y->source, true));
        assert_true(feed_matches(old, &y->source, false));
        y->source.identity = 2;
        assert_false(feed_matches(old, &y->source, false));
        feed_inherit(f, old);
        check(f, "a;");
        assert_false(feed_known(f));
        assert_int_equal(show(f).confirmed_ms, 500);
        feed_free(old);
        feed_free(f);
        feed_free(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(the_last_run_stands_in_slot_by_slot, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_are_rare, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                damaged_files_and_folders_that_are_gone, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                another_way_to_ask_the_same_inherits, set_up, tear_down),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
