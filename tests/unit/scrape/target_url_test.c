#include "scrape/target_url.h"

#include "base/arena.h"
#include "base/labels.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

struct url_case {
        const char *name;
        const char *labels[12]; /* name, value, … */
        struct job_param params[3];
        const char *want;
};

static const char *const_values[] = {"one", "two"};
static const char *one_value[] = {"a b"};
static const char *no_values[1];

static const struct url_case cases[] = {
    {"plain, no port is added",
        {"__scheme__", "http", "__address__", "host", "__metrics_path__", "/metrics"}, {{0}},
        "http://host/metrics"},
    {"port and IPv6",
        {"__scheme__", "https", "__address__", "[::1]:9100", "__metrics_path__", "/m"}, {{0}},
        "https://[::1]:9100/m"},
    {"a question mark in the path is part of it",
        {"__scheme__", "http", "__address__", "h", "__metrics_path__", "/a?b=c d%"}, {{0}},
        "http://h/a%3Fb=c%20d%25"},
    {"a path without a slash", {"__scheme__", "http", "__address__", "h", "__metrics_path__", "m"},
        {{0}}, "http://h/m"},
    {"no path", {"__scheme__", "http", "__address__", "h"}, {{0}}, "http://h"},
    {"no scheme", {"__address__", "h", "__metrics_path__", "/m"}, {{0}}, "//h/m"},
    {"bytes that no host has",
        {"__scheme__", "http", "__address__", "a@b c\n", "__metrics_path__", "/"}, {{0}},
        "http://a%40b%20c%0A/"},
    {"params of the job, sorted",
        {"__scheme__", "http", "__address__", "h", "__metrics_path__", "/"},
        {{"z", one_value, 1}, {"module", const_values, 2}, {"empty", no_values, 0}},
        "http://h/?module=one&module=two&z=a+b"},
    {"a label replaces the first value",
        {"__scheme__", "http", "__address__", "h", "__metrics_path__", "/", "__param_module",
            "new"},
        {{"module", const_values, 2}}, "http://h/?module=new&module=two"},
    {"a label of its own, escaped",
        {"__scheme__", "http", "__address__", "h", "__metrics_path__", "/", "__param_target",
            "http://x/?a=b&c", "__param_a", "\xc3\xa4"},
        {{0}}, "http://h/?a=%C3%A4&target=http%3A%2F%2Fx%2F%3Fa%3Db%26c"},
};

static void
builds(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct url_case *c = &cases[i];
                struct scrape_job job = {.params = (struct job_param *)c->params};
                struct arena arena = ARENA_INIT(1 << 20);
                struct buf url = BUF_INIT(4096);
                struct labels l;
                struct err e = ERR_INIT;

                print_message("  %s\n", c->name);
                while (job.n_params < 3 && c->params[job.n_params].name != NULL)
                        job.n_params++;
                labels_init(&l, &arena);
                for (size_t k = 0; c->labels[k] != NULL; k += 2)
                        testing_ok(
                            labels_set(&l, view_of(c->labels[k]), view_of(c->labels[k + 1]), &e),
                            &e);
                testing_ok(target_url_build(&l, &job, &url, &e), &e);
                testing_ok(buf_putc(&url, '\0', &e), &e);
                assert_string_equal(url.ptr, c->want);
                buf_release(&url);
                arena_release(&arena);
        }
}

static void
bounded(void **state)
{
        struct scrape_job job = {0};
        struct arena arena = ARENA_INIT(1 << 20);
        struct buf url = BUF_INIT(64);
        struct labels l;

        (void)state;
        labels_init(&l, &arena);
        testing_ok(labels_set(&l, VIEW_LIT("__scheme__"), VIEW_LIT("http"), NULL), NULL);
        testing_ok(
            labels_set(&l, VIEW_LIT("__address__"),
                view_of("a-name-of-more-than-sixty-four-bytes-does-not-fit-into-this-small-buffer"),
                NULL),
            NULL);
        assert_int_equal(target_url_build(&l, &job, &url, NULL), ERR_LIMIT);
        buf_release(&url);
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(builds),
            cmocka_unit_test(bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
