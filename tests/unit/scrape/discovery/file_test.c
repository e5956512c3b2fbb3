#include "scrape/discovery/file.h"

#include "base/log.h"
#include "scrape/discovery/groups.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;

static char *
path_of(const char *name)
{
        char *path = NULL;

        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        return path;
}

static void
put(const char *name, const char *text)
{
        char *path = path_of(name);

        testing_write(path, text, strlen(text));
        free(path);
}

static void
drop(const char *name)
{
        char *path = path_of(name);

        assert_int_equal(unlink(path), 0);
        free(path);
}

static int
set_up(void **state)
{
        (void)state;
        dir = testing_directory();
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        testing_remove(dir);
        return 0;
}

/* Refreshes; what it said must be this. */
static void
refresh(struct file_source *f, bool changed, unsigned failures)
{
        struct file_refresh r = {0};
        struct err e = ERR_INIT;

        testing_ok(file_source_refresh(f, &r, &e), &e);
        assert_int_equal(r.changed, changed);
        assert_int_equal(r.failures, failures);
}

/* The first target of the i-th file, "" when it has no groups. */
static const char *
target_of(const struct file_source *f, size_t i)
{
        const struct group_list *g = file_source_groups(f, i);

        return g != NULL && g->n_targets > 0 ? g->v[0].targets[0] : "";
}

static void
follows_its_files(void **state)
{
        const char *patterns[] = {path_of("one.json"), path_of("more-*.json")};
        struct file_sd sd = {.files = patterns, .n_files = 2, .refresh_interval_ms = 1000};
        struct file_source *f = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(file_source_new(&sd, &f, &e), &e);
        refresh(f, false, 0);
        assert_int_equal(file_source_count(f), 0);
        put("one.json", "[{\"targets\": [\"a\"]}]");
        put("more-1.json", "[{\"targets\": [\"b\"]}]");
        put("other.json", "[{\"targets\": [\"c\"]}]");
        refresh(f, true, 0);
        assert_int_equal(file_source_count(f), 2);
        assert_string_equal(target_of(f, 0), "a");
        assert_string_equal(target_of(f, 1), "b");
        refresh(f, false, 0); /* nothing new */
        put("more-1.json", "[{\"targets\": [\"b2\"]}]");
        refresh(f, true, 0);
        assert_string_equal(target_of(f, 1), "b2");
        drop("one.json");
        refresh(f, true, 0);
        assert_int_equal(file_source_count(f), 1);
        assert_string_equal(target_of(f, 0), "b2");
        file_source_free(f);
        free((char *)patterns[0]);
        free((char *)patterns[1]);
}

static void
broken_file_keeps_its_targets(void **state)
{
        const char *patterns[] = {path_of("x.json")};
        struct file_sd sd = {.files = patterns, .n_files = 1, .refresh_interval_ms = 1000};
        struct file_source *f = NULL;
        struct err e = ERR_INIT;

        (void)state;
        put("x.json", "[{\"targets\": [\"a\"]}]");
        testing_ok(file_source_new(&sd, &f, &e), &e);
        refresh(f, true, 0);
        put("x.json", "[{\"targets\": [\"b\"");
        refresh(f, false, 1);
        assert_string_equal(target_of(f, 0), "a");
        refresh(f, false, 1); /* still broken, still counted */
        assert_string_equal(target_of(f, 0), "a");
        put("x.json", "[{\"targets\": [\"b\"]}]");
        refresh(f, true, 0);
        assert_string_equal(target_of(f, 0), "b");
        file_source_free(f);
        free((char *)patterns[0]);
}

static void
never_good(void **state)
{
        const char *patterns[] = {path_of("bad-*.json"), path_of("pipe.json")};
        struct file_sd sd = {.files = patterns, .n_files = 2, .refresh_interval_ms = 1000};
        struct file_source *f = NULL;
        struct err e = ERR_INIT;
        char *path = path_of("bad-link.json");

        (void)state;
        put("bad-1.json", "{");
        assert_int_equal(symlink("/nonexistent", path), 0);
        assert_int_equal(mkfifo(patterns[1], 0600), 0);
        testing_ok(file_source_new(&sd, &f, &e), &e);
        refresh(f, false, 3);
        assert_int_equal(file_source_count(f), 3);
        for (size_t i = 0; i < 3; i++)
                assert_null(file_source_groups(f, i));
        file_source_free(f);
        free(path);
        free((char *)patterns[0]);
        free((char *)patterns[1]);
}

static void
same_patterns_match(void **state)
{
        const char *ab[] = {"/a/*.json", "/b.yml"};
        const char *ac[] = {"/a/*.json", "/c.yml"};
        struct file_sd one = {.files = ab, .n_files = 2};
        struct file_sd same = {.files = ab, .n_files = 2, .refresh_interval_ms = 7};
        struct file_sd fewer = {.files = ab, .n_files = 1};
        struct file_sd other = {.files = ac, .n_files = 2};
        struct file_source *f = NULL;

        (void)state;
        testing_ok(file_source_new(&one, &f, NULL), NULL);
        assert_true(file_source_matches(f, &same));
        assert_false(file_source_matches(f, &fewer));
        assert_false(file_source_matches(f, &other));
        file_source_rebind(f, &other);
        assert_true(file_source_matches(f, &other));
        file_source_free(f);
}

static void
watches_the_folder(void **state)
{
        const char *patterns[] = {path_of("w-*.json"), "/nonexistent/x.json"};
        struct file_sd sd = {.files = patterns, .n_files = 2, .refresh_interval_ms = 1000};
        struct file_source *f = NULL;
        struct pollfd p = {.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .events = POLLIN};

        (void)state;
        assert_true(p.fd >= 0);
        testing_ok(file_source_new(&sd, &f, NULL), NULL);
        file_source_watch(f, p.fd);
        assert_int_equal(poll(&p, 1, 0), 0);
        put("w-1.json", "[]");
        assert_int_equal(poll(&p, 1, 5000), 1);
        file_source_free(f);
        assert_int_equal(close(p.fd), 0);
        free((char *)patterns[0]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(follows_its_files, set_up, tear_down),
            cmocka_unit_test_setup_teardown(broken_file_keeps_its_targets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(never_good, set_up, tear_down),
            cmocka_unit_test(same_patterns_match),
            cmocka_unit_test_setup_teardown(watches_the_folder, set_up, tear_down),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
