#include "scrape/discovery/providers.h"

#include "base/log.h"
#include "scrape/discovery/assembly.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *dir;
static char path[512];

static int
set_up(void **state)
{
        (void)state;
        dir = testing_directory();
        (void)snprintf(path, sizeof(path), "%s/targets.json", dir);
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        testing_remove(dir);
        return 0;
}

/* Two jobs: "s" with one static target, "f" with the file at `path`. */
static struct scrape_config *
make_config(const char *static_address)
{
        struct scrape_config *c = NULL;
        struct scrape_job *j;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        j = c->jobs = arena_calloc(&c->arena, 2, sizeof(*c->jobs));
        assert_non_null(j);
        c->n_jobs = 2;
        for (size_t i = 0; i < 2; i++) {
                j[i].name = i == 0 ? "s" : "f";
                j[i].interval_ms = 15000;
                j[i].timeout_ms = 10000;
                j[i].metrics_path = "/metrics";
                j[i].scheme = "http";
        }
        j[0].static_groups = arena_calloc(&c->arena, 1, sizeof(*j[0].static_groups));
        j[0].static_groups[0].targets = arena_calloc(&c->arena, 1, sizeof(char *));
        j[0].static_groups[0].targets[0] = arena_strdup(&c->arena, static_address);
        j[0].static_groups[0].n_targets = 1;
        j[0].n_static_groups = 1;
        j[1].file_sds = arena_calloc(&c->arena, 1, sizeof(*j[1].file_sds));
        j[1].file_sds[0].files = arena_calloc(&c->arena, 1, sizeof(char *));
        j[1].file_sds[0].files[0] = arena_strdup(&c->arena, path);
        j[1].file_sds[0].n_files = 1;
        j[1].file_sds[0].refresh_interval_ms = 5000;
        j[1].n_file_sds = 1;
        return c;
}

static void
put(const char *text)
{
        testing_write(path, text, strlen(text));
}

/* Reads and assembles; the URLs must be these, separated by blanks. */
static void
check_targets(struct providers *p, int64_t now_ms, const char *want)
{
        struct providers_read r = {0};
        struct assembly_report report = {0};
        struct target_set *s = NULL;
        struct buf got = BUF_INIT(4096);
        struct err e = ERR_INIT;

        testing_ok(providers_read(p, false, now_ms, &r, &e), &e);
        testing_ok(providers_assemble(p, "host", &s, &report, &e), &e);
        assert_true(s->first_sync_done);
        for (size_t i = 0; i < s->n_active; i++)
                testing_ok(
                    buf_printf(&got, NULL, "%s%s", i > 0 ? " " : "", s->active[i]->url), NULL);
        testing_ok(buf_putc(&got, '\0', NULL), NULL);
        assert_string_equal(got.ptr, want);
        buf_release(&got);
        target_set_free(s);
}

static void
static_and_file_targets(void **state)
{
        struct scrape_config *c = make_config("a");
        struct providers p = {0};

        (void)state;
        put("[{\"targets\": [\"x\", \"y\"]}]");
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        assert_int_equal(providers_due(&p), 0);
        check_targets(&p, 1000, "http://a/metrics http://x/metrics http://y/metrics");
        assert_int_equal(providers_due(&p), 6000);
        put("[]");
        check_targets(&p, 5999, "http://a/metrics http://x/metrics http://y/metrics");
        check_targets(&p, 6000, "http://a/metrics");
        assert_int_equal(providers_due(&p), 11000);
        providers_release(&p);
}

/* A reload while a file is broken does not lose its targets. */
static void
reload_keeps_what_files_said(void **state)
{
        struct scrape_config *c = make_config("a");
        struct providers p = {0};

        (void)state;
        put("[{\"targets\": [\"x\"]}]");
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        check_targets(&p, 1000, "http://a/metrics http://x/metrics");
        put("[{");
        c = make_config("b");
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        check_targets(&p, 1000, "http://b/metrics http://x/metrics");
        c = make_config("c");
        c->jobs[1].file_sds[0].files[0] = "/nonexistent/other.json";
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        check_targets(&p, 1000, "http://c/metrics");
        providers_release(&p);
}

static void
nothing_configured(void **state)
{
        struct scrape_config *c = NULL;
        struct providers p = {0};

        (void)state;
        testing_ok(scrape_config_new(&c, NULL), NULL);
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        assert_true(providers_due(&p) == INT64_MAX);
        check_targets(&p, 1000, "");
        providers_release(&p);
}

/* A refresh_interval of nothing must not make the thread spin. */
static void
interval_has_a_floor(void **state)
{
        struct scrape_config *c = make_config("a");
        struct providers p = {0};

        (void)state;
        c->jobs[1].file_sds[0].refresh_interval_ms = 0;
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        scrape_config_unref(c);
        check_targets(&p, 1000, "http://a/metrics");
        assert_int_equal(providers_due(&p), 2000);
        providers_release(&p);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(static_and_file_targets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(reload_keeps_what_files_said, set_up, tear_down),
            cmocka_unit_test(nothing_configured),
            cmocka_unit_test_setup_teardown(interval_has_a_floor, set_up, tear_down),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
