#include "scrape/discovery/discovery.h"

#include "base/log.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "tests/testing/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *dir;
static char path[512];

/* Where the sink puts the newest set. */
static struct {
        pthread_mutex_t mtx;
        pthread_cond_t cond;
        struct target_set *set; /* NULL: taken */
        unsigned delivered;
} box = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0};

static void
sink(void *arg, struct target_set *set)
{
        (void)arg;
        (void)pthread_mutex_lock(&box.mtx);
        target_set_free(box.set);
        box.set = set;
        box.delivered++;
        (void)pthread_cond_signal(&box.cond);
        (void)pthread_mutex_unlock(&box.mtx);
}

/* Waits for a set with these URLs (separated by blanks); others before it are passed over. */
static void
expect(const char *want)
{
        struct timespec end;
        bool found = false;
        char got[4096] = "(none)";

        assert_int_equal(clock_gettime(CLOCK_REALTIME, &end), 0);
        end.tv_sec += 30;
        while (!found) {
                struct target_set *s;
                size_t used = 0;
                int rc = 0;

                (void)pthread_mutex_lock(&box.mtx);
                while (box.set == NULL && rc == 0)
                        rc = pthread_cond_timedwait(&box.cond, &box.mtx, &end);
                s = box.set;
                box.set = NULL;
                (void)pthread_mutex_unlock(&box.mtx);
                if (s == NULL)
                        fail_msg("want \"%s\", have \"%s\"", want, got);
                got[0] = '\0';
                for (size_t i = 0; i < s->n_active; i++)
                        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s",
                            i > 0 ? " " : "", s->active[i]->url);
                found = strcmp(got, want) == 0;
                target_set_free(s);
        }
}

static int
set_up(void **state)
{
        (void)state;
        dir = testing_directory();
        (void)snprintf(path, sizeof(path), "%s/targets.json", dir);
        box.delivered = 0;
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        testing_remove(dir);
        target_set_free(box.set);
        box.set = NULL;
        return 0;
}

static void
put(const char *text)
{
        testing_write(path, text, strlen(text));
}

/* One job with a static target and, with an interval, the file at `path`. */
static struct scrape_config *
make_config(const char *address, int64_t refresh_interval_ms)
{
        struct scrape_config *c = NULL;
        struct scrape_job *j;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        j = c->jobs = arena_calloc(&c->arena, 1, sizeof(*c->jobs));
        assert_non_null(j);
        c->n_jobs = 1;
        j->name = "j";
        j->interval_ms = 15000;
        j->timeout_ms = 10000;
        j->metrics_path = "/";
        j->scheme = "http";
        j->static_groups = arena_calloc(&c->arena, 1, sizeof(*j->static_groups));
        j->static_groups[0].targets = arena_calloc(&c->arena, 1, sizeof(char *));
        j->static_groups[0].targets[0] = arena_strdup(&c->arena, address);
        j->static_groups[0].n_targets = 1;
        j->n_static_groups = 1;
        if (refresh_interval_ms > 0) {
                j->file_sds = arena_calloc(&c->arena, 1, sizeof(*j->file_sds));
                j->file_sds[0].files = arena_calloc(&c->arena, 1, sizeof(char *));
                j->file_sds[0].files[0] = arena_strdup(&c->arena, path);
                j->file_sds[0].n_files = 1;
                j->file_sds[0].refresh_interval_ms = refresh_interval_ms;
                j->n_file_sds = 1;
        }
        return c;
}

static struct discovery *
start(struct scrape_config *c)
{
        const struct discovery_options o = {.host_name = "host", .sink = sink};
        struct discovery *d = NULL;
        struct err e = ERR_INIT;

        testing_ok(discovery_start(&o, c, &d, &e), &e);
        scrape_config_unref(c);
        return d;
}

static void
follows_a_file(void **state)
{
        struct discovery *d = start(make_config("a", 3600 * 1000));

        (void)state;
        expect("http://a/");
        put("[{\"targets\": [\"b\"]}]");
        expect("http://a/ http://b/");
        put("[{\"targets\": [\"b\"");
        put("[{\"targets\": [\"c\"]}]");
        expect("http://a/ http://c/");
        assert_int_equal(unlink(path), 0);
        expect("http://a/");
        discovery_stop(d);
}

/* The folder is made after the start, so nothing watches it. */
static void
reads_again_without_events(void **state)
{
        struct discovery *d;
        char folder[512];

        (void)state;
        (void)snprintf(folder, sizeof(folder), "%s/later", dir);
        (void)snprintf(path, sizeof(path), "%s/later/targets.json", dir);
        d = start(make_config("a", 1000));
        expect("http://a/");
        assert_int_equal(mkdir(folder, 0700), 0);
        put("[{\"targets\": [\"b\"]}]");
        expect("http://a/ http://b/");
        discovery_stop(d);
}

static void
takes_a_new_configuration(void **state)
{
        struct discovery *d = start(make_config("a", 0));
        struct scrape_config *c = make_config("b", 0);
        struct err e = ERR_INIT;

        (void)state;
        expect("http://a/");
        testing_ok(discovery_reload(d, c, &e), &e);
        scrape_config_unref(c);
        expect("http://b/");
        c = make_config("c", 3600 * 1000);
        put("[{\"targets\": [\"d\"]}]");
        testing_ok(discovery_reload(d, c, &e), &e);
        scrape_config_unref(c);
        expect("http://c/ http://d/");
        put("[{\"targets\": [\"e\"]}]");
        expect("http://c/ http://e/");
        discovery_stop(d);
}

static void
counts(void **state)
{
        struct scrape_config *c = make_config("http://refused", 3600 * 1000);
        struct discovery_stats s = {0};
        struct discovery *d;

        (void)state;
        put("{");
        d = start(c);
        expect("");
        discovery_stats(d, &s);
        assert_int_equal(s.refreshes, 1);
        assert_int_equal(s.failures, 1);
        assert_int_equal(s.targets_refused, 1);
        assert_non_null(strstr(s.first_refusal, "is not a valid hostname"));
        discovery_stop(d);
}

/* A set that is handed over while the thread is stopped is not lost, and no call comes after. */
static void
stops_at_once(void **state)
{
        unsigned before;

        (void)state;
        for (int i = 0; i < 50; i++)
                discovery_stop(start(make_config("a", 1000)));
        (void)pthread_mutex_lock(&box.mtx);
        before = box.delivered;
        (void)pthread_mutex_unlock(&box.mtx);
        assert_int_equal(before, 50);
        discovery_stop(NULL);
}

static void
once(void **state)
{
        struct scrape_config *c = make_config("a", 1000);
        struct target_set *set = NULL;
        struct discovery_stats s = {0};
        struct err e = ERR_INIT;

        (void)state;
        put("[{\"targets\": [\"b\", \"http://bad\"]}]");
        testing_ok(discovery_once(c, "host", &set, &s, &e), &e);
        assert_int_equal(set->n_active, 2);
        assert_int_equal(s.targets_refused, 1);
        assert_int_equal(s.refreshes, 1);
        target_set_free(set);
        scrape_config_unref(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(follows_a_file, set_up, tear_down),
            cmocka_unit_test_setup_teardown(reads_again_without_events, set_up, tear_down),
            cmocka_unit_test_setup_teardown(takes_a_new_configuration, set_up, tear_down),
            cmocka_unit_test_setup_teardown(counts, set_up, tear_down),
            cmocka_unit_test_setup_teardown(stops_at_once, set_up, tear_down),
            cmocka_unit_test_setup_teardown(once, set_up, tear_down),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
