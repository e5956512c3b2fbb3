#include "scrape/runner.h"

#include "scrape/fetch.h"
#include "scrape/mailbox.h"
#include "scrape/metadata.h"
#include "tests/unit/scrape/rig.h"

struct world {
        struct rig *rig;
        struct runner_env env;
};

static int
set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        struct err e = ERR_INIT;

        assert_non_null(w);
        w->rig = rig_new();
        (void)pthread_mutex_init(&w->env.mtx, NULL);
        testing_ok(fetcher_new(&w->env.fetcher, &e), &e);
        testing_ok(series_pool_new(w->rig->wal, &w->env.pool, &e), &e);
        testing_ok(metadata_pool_new(&w->env.metadata, &e), &e);
        *state = w;
        return 0;
}

static int
tear_down(void **state)
{
        struct world *w = *state;

        assert_null(w->env.clients.head);
        assert_null(w->env.encoding);
        assert_null(w->env.encoding_last);
        assert_int_equal(w->env.n_next, 0);
        assert_int_equal(w->env.n_barriers, 0);
        fetcher_free(w->env.fetcher);
        series_pool_free(w->env.pool);
        metadata_pool_free(w->env.metadata);
        (void)pthread_mutex_destroy(&w->env.mtx);
        rig_free(w->rig);
        free(w);
        return 0;
}

static struct runner *
make(struct world *w, struct rig_job job)
{
        struct target_set *set = rig_set(w->rig, &job, 1);
        struct runner *r = NULL;
        struct err e = ERR_INIT;

        testing_ok(runner_new(&w->env, set->active[0], &r, &e), &e);
        target_set_free(set);
        return r;
}

/* The same target under another configuration. */
static void
describe_again(struct world *w, struct runner *r, struct rig_job job)
{
        struct target_set *set = rig_set(w->rig, &job, 1);

        runner_set_target(r, set->active[0]);
        target_set_free(set);
}

/* Drives the network and the encoder until the runner is idle. */
static void
finish(struct world *w, struct runner *r)
{
        while (r->phase != RUNNER_IDLE) {
                testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
                (void)runner_encode_some(&w->env, 1);
        }
}

static void
scrape(struct world *w, struct runner *r, int tick)
{
        runner_begin(r, RIG_EPOCH_MS + tick * INT64_C(1000));
        finish(w, r);
}

static void
page_is_stored(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});

        rig_text(w->rig, "/a", "x 1\ny 2\n");
        assert_int_equal(r->health, HEALTH_UNKNOWN);
        scrape(w, r, 1);
        assert_int_equal(r->health, HEALTH_UP);
        assert_null(r->last_error);
        assert_int_equal(r->last_scrape_ms, RIG_EPOCH_MS + 1000);
        assert_int_equal(r->last_samples, 2);
        assert_int_equal(r->last_size_bytes, 8);
        assert_int_equal(r->counts.alive, 7);
        assert_true(r->last_duration_seconds > 0.0);
        assert_int_equal(w->env.stats.scrapes, 1);
        assert_int_equal(w->env.stats.scrapes_failed, 0);
        assert_int_equal(w->env.stats.samples_scraped, 2);
        assert_int_equal(w->env.stats.bytes_page, 8);
        assert_int_equal(w->env.stats.connections_opened, 1);
        assert_int_equal(rig_count(w->rig, "x{instance=\"i\",job=\"a\"} 1 1704067201000"), 1);
        assert_int_equal(rig_count(w->rig, "up{instance=\"i\",job=\"a\"} 1 1704067201000"), 1);
        scrape(w, r, 2);
        assert_int_equal(w->env.stats.connections_opened, 1);
        runner_free(r);
}

#define OPENMETRICS "Content-Type: application/openmetrics-text; version=1.0.0\r\n"

/* The format is that of the answer, from scrape to scrape; an empty page has none. */
static void
openmetrics(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});

        rig_page(w->rig, "/a",
            (struct testing_reply){.status = 200,
                .headers = OPENMETRICS,
                .body = "# TYPE x histogram\nx_bucket{le=\"1\"} 1 # {a=\"b\"} 1\ny 2\n# EOF\n"});
        for (int tick = 1; tick <= 3; tick++) {
                scrape(w, r, tick);
                assert_int_equal(r->health, HEALTH_UP);
                assert_int_equal(r->last_samples, 2);
                assert_int_equal(w->env.stats.exemplars_dropped, tick);
        }
        assert_int_equal(rig_count(w->rig, "x_bucket{instance=\"i\",job=\"a\",le=\"1.0\"} 1 "), 3);
        rig_text(w->rig, "/a", "x_bucket{ le = \"1\" } 5\ny 2\n");
        scrape(w, r, 4);
        assert_int_equal(r->health, HEALTH_UP);
        rig_page(w->rig, "/a",
            (struct testing_reply){.status = 200, .headers = OPENMETRICS, .body = ""});
        scrape(w, r, 5);
        assert_int_equal(r->health, HEALTH_UP);
        assert_int_equal(r->last_samples, 0);
        runner_free(r);
}

static void
failures(void **state)
{
        static const struct {
                const char *name;
                struct testing_reply reply;
                const char *want;
        } cases[] = {
            {"status", {.status = 500}, "HTTP status 500"},
            {"type", {.status = 200, .body = "x 1\n"}, "sent no Content-Type"},
            {"parse",
                {.status = 200, .headers = "Content-Type: text/plain\r\n", .body = "x 1\nx{ 2\n"},
                "line 2"},
            {"cut",
                {.status = 200,
                    .headers = "Content-Type: text/plain\r\n",
                    .body = "x 1\ny 2\nz 3\nz 4\nz 5\nz 6\nz 7\nz 8\nz 9\n",
                    .how = BREAK_MIDDLE},
                ""},
            {"no end of OpenMetrics", {.status = 200, .headers = OPENMETRICS, .body = "x 1\n"},
                "line 2, column 1: the page does not end with \"# EOF\""},
            {"encoding",
                {.status = 200,
                    .headers = "Content-Type: text/plain\r\nContent-Encoding: br\r\n",
                    .body = "\x0b\x02\x80x"},
                "the page is encoded as \"br\", only gzip is undone: line 1"},
            {"hang", {.how = BREAK_HANG}, "timeout of 900 ms"},
        };
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});
        int tick = 0;

        rig_text(w->rig, "/a", "x 1\n");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                print_message("  %s\n", cases[i].name);
                rig_text(w->rig, "/a", "x 1\n");
                scrape(w, r, ++tick);
                assert_int_equal(r->health, HEALTH_UP);
                rig_page(w->rig, "/a", cases[i].reply);
                scrape(w, r, ++tick);
                assert_int_equal(r->health, HEALTH_DOWN);
                if (strstr(r->last_error, cases[i].want) == NULL)
                        fail_msg("last error: %s", r->last_error);
                assert_int_equal(w->env.stats.scrapes_failed, i + 1);
        }
        assert_int_equal(rig_count(w->rig, "up{instance=\"i\",job=\"a\"} 0 "), 7);
        runner_free(r);
}

static void
over_target_limit(void **state)
{
        struct world *w = *state;
        struct rig_job job = {.name = "a", .target_limit = 1, .targets = 2};
        struct target_set *set = rig_set(w->rig, &job, 1);
        struct runner *r = NULL;

        testing_ok(runner_new(&w->env, set->active[0], &r, NULL), NULL);
        target_set_free(set);
        rig_text(w->rig, "/a", "x 1\n");
        scrape(w, r, 1);
        assert_int_equal(r->health, HEALTH_DOWN);
        assert_non_null(strstr(r->last_error, "target_limit of 1"));
        assert_int_equal(testing_server_requests(w->rig->server), 0);
        assert_int_equal(rig_count(w->rig, "up{"), 1);
        runner_free(r);
}

static void
over_sample_limit(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a", .sample_limit = 2});

        rig_text(w->rig, "/a", "x 1\ny 2\nz 3\n");
        scrape(w, r, 1);
        assert_int_equal(r->health, HEALTH_DOWN);
        assert_non_null(strstr(r->last_error, "sample_limit"));
        assert_int_equal(r->last_samples, 3);
        assert_int_equal(w->env.stats.pages_over_sample_limit, 1);
        runner_free(r);
}

/* The client cannot be made: that is this job's error, told per scrape. */
static void
unusable_client(void **state)
{
        struct world *w = *state;
        struct rig_job job = {.name = "a"};
        struct target_set *set = rig_set(w->rig, &job, 1);
        struct http_options *o = (struct http_options *)(uintptr_t)&set->active[0]->job->http;
        struct runner *r = NULL;

        o->min_version = TLS_1_3;
        o->max_version = TLS_1_2;
        testing_ok(runner_new(&w->env, set->active[0], &r, NULL), NULL);
        target_set_free(set);
        scrape(w, r, 1);
        assert_int_equal(r->health, HEALTH_DOWN);
        assert_non_null(strstr(r->last_error, "max_version"));
        runner_free(r);
}

static void
new_description_waits_for_the_scrape(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});
        const struct target *before = r->target;

        rig_text(w->rig, "/a", "x 1\n");
        runner_begin(r, RIG_EPOCH_MS + 1000);
        describe_again(w, r, (struct rig_job){.name = "a", .interval_ms = 2000, .sample_limit = 9});
        assert_ptr_equal(r->target, before);
        assert_int_equal(w->env.n_next, 1);
        assert_int_equal(r->entry.interval_ms, 2000); /* the schedule follows at once */
        describe_again(w, r, (struct rig_job){.name = "a", .interval_ms = 3000, .sample_limit = 9});
        assert_int_equal(w->env.n_next, 1);
        finish(w, r);
        assert_int_equal(w->env.n_next, 0);
        assert_int_equal(r->target->job->sample_limit, 9);
        assert_int_equal(r->target->interval_ms, 3000);
        assert_ptr_equal(r->client->job, r->target->job);
        assert_false(r->barrier_wanted);
        assert_int_equal(r->health, HEALTH_UP);
        runner_free(r);
}

static void
other_series_want_a_barrier(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});

        rig_text(w->rig, "/a", "x 1\n");
        scrape(w, r, 1);
        describe_again(w, r, (struct rig_job){.name = "a", .series_hash = 7});
        assert_true(r->barrier_wanted && r->reset_wanted);
        assert_int_equal(w->env.n_barriers, 1);
        runner_want_barrier(r); /* once more changes nothing */
        assert_int_equal(w->env.n_barriers, 1);
        runner_pass_barrier(r);
        assert_int_equal(w->env.n_barriers, 0);
        assert_false(r->barrier_wanted || r->reset_wanted);
        scrape(w, r, 2);
        assert_int_equal(r->health, HEALTH_UP);
        assert_int_equal(rig_count(w->rig, "x{"), 2);
        runner_free(r);
}

static void
freed_at_any_time(void **state)
{
        struct world *w = *state;

        rig_text(w->rig, "/a", "x 1\n");
        rig_page(w->rig, "/hang", (struct testing_reply){.how = BREAK_HANG});
        for (int i = 0; i < 3; i++) {
                struct runner *a = make(w, (struct rig_job){.name = "a"});
                struct runner *b = make(w, (struct rig_job){.name = "b", .path = "/a"});
                struct runner *hangs = make(w, (struct rig_job){.name = "hang"});

                runner_begin(a, RIG_EPOCH_MS + i * 1000);
                runner_begin(b, RIG_EPOCH_MS + i * 1000);
                runner_begin(hangs, RIG_EPOCH_MS + i * 1000);
                while (i > 0 && (a->phase != RUNNER_ENCODING || b->phase != RUNNER_ENCODING))
                        testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
                describe_again(w, b, (struct rig_job){.name = "b", .path = "/a"});
                runner_free(i == 1 ? a : b); /* from either end of the line */
                runner_free(i == 1 ? b : a);
                runner_free(hangs);
        }
        assert_false(runner_encode_some(&w->env, 1));
}

/* A big page and a small one: the small one does not wait until the big one is through. */
static void
encoders_take_turns(void **state)
{
        struct world *w = *state;
        struct runner *big = make(w, (struct rig_job){.name = "big"});
        struct runner *small = make(w, (struct rig_job){.name = "small"});
        struct buf page = BUF_INIT(1 << 16);

        for (int i = 0; i < 3000; i++)
                testing_ok(buf_printf(&page, NULL, "x{i=\"%d\"} 1\n", i), NULL);
        testing_ok(buf_putc(&page, '\0', NULL), NULL);
        rig_text(w->rig, "/big", page.ptr);
        rig_text(w->rig, "/small", "x 1\n");
        runner_begin(big, RIG_EPOCH_MS);
        while (big->phase != RUNNER_ENCODING)
                testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
        runner_begin(small, RIG_EPOCH_MS);
        while (small->phase != RUNNER_ENCODING)
                testing_ok(fetcher_turn(w->env.fetcher, 10, NULL), NULL);
        assert_true(runner_encode_some(&w->env, 1));
        assert_true(runner_encode_some(&w->env, 1));
        assert_int_equal(small->phase, RUNNER_IDLE);
        assert_int_equal(big->phase, RUNNER_ENCODING);
        runner_encode_all(big);
        assert_int_equal(big->phase, RUNNER_IDLE);
        assert_int_equal(rig_count(w->rig, "x{"), 3001);
        buf_release(&page);
        runner_free(big);
        runner_free(small);
}

static void
lateness(void **state)
{
        (void)state;
        assert_int_equal(runner_allowed_late_ms(60000), 2000);
        assert_int_equal(runner_allowed_late_ms(20000), 2000);
        assert_int_equal(runner_allowed_late_ms(15000), 1500);
        assert_int_equal(runner_allowed_late_ms(1000), 100);
        assert_int_equal(runner_allowed_late_ms(200), 100);
}

static void
samples_ahead_of_their_time_are_shown_and_counted_at_the_end(void **state)
{
        struct world *w = *state;
        struct runner *r = make(w, (struct rig_job){.name = "a"});
        char page[64];

        (void)snprintf(page, sizeof(page), "x 1 %lld\ny 2\n", (long long)RIG_EPOCH_MS + 300000);
        rig_text(w->rig, "/a", page);
        scrape(w, r, 1);
        assert_int_equal(r->counts.held, 1);
        assert_int_equal(rig_count(w->rig, "x{"), 0);
        assert_int_equal(rig_count(w->rig, "y{"), 1);
        assert_int_equal(w->env.stats.samples_out_of_bounds, 0);
        runner_free(r);
        assert_int_equal(w->env.stats.samples_out_of_bounds, 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(page_is_stored, set_up, tear_down),
            cmocka_unit_test_setup_teardown(openmetrics, set_up, tear_down),
            cmocka_unit_test_setup_teardown(failures, set_up, tear_down),
            cmocka_unit_test_setup_teardown(over_target_limit, set_up, tear_down),
            cmocka_unit_test_setup_teardown(over_sample_limit, set_up, tear_down),
            cmocka_unit_test_setup_teardown(unusable_client, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                new_description_waits_for_the_scrape, set_up, tear_down),
            cmocka_unit_test_setup_teardown(other_series_want_a_barrier, set_up, tear_down),
            cmocka_unit_test_setup_teardown(freed_at_any_time, set_up, tear_down),
            cmocka_unit_test_setup_teardown(encoders_take_turns, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                samples_ahead_of_their_time_are_shown_and_counted_at_the_end, set_up, tear_down),
            cmocka_unit_test(lateness),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
