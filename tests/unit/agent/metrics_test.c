#include "agent/metrics.h"

#include "agent/metrics_table.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/labels.h"
#include "base/memory.h"
#include "base/resident.h"
#include "scrape/textparse.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>

enum { NOW_MS = 1700000000 };

static struct scrape_job jobs[] = {{.name = "node"}, {.name = "a\"b\\c\nd"}};
static struct target targets[] = {{.job = &jobs[0]}, {.job = &jobs[1]}};

static void
fill_fakes(void)
{
        memset(&fake, 0, sizeof(fake));
        fake.usable = true;
        fake.log = (struct wal_stats){.samples_offered = 1013,
            .samples_appended = 1000,
            .samples_queued = 7,
            .samples_stored = 400,
            .not_stored = {1, 2, 3},
            .bytes_used = 4000,
            .bytes_max = 10000,
            .bytes_block_payload = 1000,
            .trimmed_samples = {5, 6},
            .newest_ms = 1699999999500,
            .commits = 7};
        fake.scraper = (struct scraper_stats){.targets = 3,
            .scrapes_skipped_late = 11,
            .scrapes_skipped_busy = 12,
            .scrapes_held_clock = 13,
            .samples_out_of_order = 14,
            .clock_held = true,
            .loop_beat_ms = 500};
        fake.active[0] = fake.active[1] = (struct target_status){.target = &targets[0]};
        fake.active[2] = (struct target_status){.target = &targets[1]};
        fake.n_active = 3;
        fake.scraper.net = (struct source_counters){
            .http_failures = 21, .dns_lookups = 22, .dns_lookup_failures = 23};
        fake.feeds[0] = (struct feed_view){"node", "http", 5, 2, true, true, -2000};
        fake.feeds[1] = (struct feed_view){"node", "http", 5, 1, false, true, 0};
        fake.feeds[2] = (struct feed_view){"node", "dns", 7, 7, false, false, 0};
        fake.n_feeds = 3;
        fake.dropped[0] = (struct target_status){.target = &targets[0]};
        fake.n_dropped = 1;
        fake.jobs[0].name = "node";
        fake.jobs[0].n.discovered = 3;
        fake.n_jobs = 1;
        fake.remotes[0] = (struct sender_stats){.name = "central",
            .url = "https://x/\"quoted\\path",
            .state = SENDER_BACKOFF,
            .loop_beat_ms = 900,
            .samples_sent = 20,
            .highest_sent_ms = 1699999998250,
            .receiver_skew_ms = -1500,
            .cert_expiry_ms = 1800000000000,
            .last_request_seconds = 0.125,
            .drained_in_ms = -1,
            .cursor = {.appended = 300,
                .pending = 100,
                .ledger = {.acknowledged = 20, .filtered = 4, .lost = {1, 2, 3, 4, 5, 6}}}};
        fake.remotes[1] = (struct sender_stats){.name = "other",
            .url = "http://y/",
            .receiver_skew_ms = INT64_MIN,
            .drained_in_ms = 90};
        fake.n_remotes = 2;
}

static void
write_page(const struct status_parts *parts, const struct status_agent *agent, struct buf *out)
{
        struct clock_manual clock;
        struct metrics_input in = {.parts = *parts, .clock = &clock.clock, .agent = agent};
        struct err e = ERR_INIT;

        clock_manual_init(&clock, (int64_t)NOW_MS * 1000);
        in.start_ms = (int64_t)(NOW_MS - 100) * 1000;
        testing_ok(metrics_write(&in, out, &e), &e);
        testing_ok(buf_putc(out, '\0', NULL), NULL);
        out->len--;
}

static const struct status_agent agent_numbers = {true, 1699999000000, 2};

static void
expect_line(const struct buf *page, const char *line)
{
        const char *at = strstr(page->ptr, line);

        if (at == NULL || (at != page->ptr && at[-1] != '\n') || at[strlen(line)] != '\n')
                fail_msg("no line %s", line);
}

static void
expect_no(const struct buf *page, const char *text)
{
        if (strstr(page->ptr, text) != NULL)
                fail_msg("%s is on the page", text);
}

static void
test_numbers(void **state)
{
        static const char *const lines[] = {
            "# HELP process_cpu_seconds_total Processor time of all threads.",
            "# TYPE process_cpu_seconds_total counter",
            "# TYPE process_open_fds gauge",
            "prometheus_build_info{version=\"" GLEANER_VERSION "\"} 1",
            "process_start_time_seconds 1699999900",
            "prometheus_config_last_reload_successful 1",
            "prometheus_config_last_reload_success_timestamp_seconds 1699999000",
            "gleaner_config_reload_failures_total 2",
            "gleaner_memory_bytes{part=\"series\"} 12345",
            "gleaner_samples_offered_total 1013",
            "gleaner_samples_queued 7",
            "gleaner_wal_samples_appended_total 1000",
            "gleaner_samples_not_stored_total{reason=\"disk\"} 1",
            "gleaner_samples_not_stored_total{reason=\"queue\"} 2",
            "gleaner_samples_not_stored_total{reason=\"memory\"} 3",
            "prometheus_remote_storage_highest_timestamp_in_seconds 1.6999999995e+09",
            "gleaner_wal_trimmed_samples_total{reason=\"age\"} 5",
            "gleaner_wal_trimmed_samples_total{reason=\"size\"} 6",
            "gleaner_wal_usable 1",
            /* 400 samples take 4,000 bytes, 100 are pending: 9,000 bytes are left at 10 a second */
            "gleaner_wal_full_in_seconds 900",
            "prometheus_target_scrape_pool_targets{scrape_job=\"node\"} 2",
            "prometheus_target_scrape_pool_targets{scrape_job=\"a\\\"b\\\\c\\nd\"} 1",
            "prometheus_sd_discovered_targets{name=\"scrape\",config=\"node\"} 3",
            "prometheus_target_scrapes_sample_out_of_order_total 14",
            "gleaner_scrapes_skipped_total{reason=\"late\"} 11",
            "gleaner_scrapes_skipped_total{reason=\"busy\"} 12",
            "gleaner_scrapes_skipped_total{reason=\"clock\"} 13",
            "gleaner_scrape_loop_age_seconds 0.5",
            "prometheus_sd_http_failures_total 21",
            "prometheus_sd_dns_lookups_total 22",
            "prometheus_sd_dns_lookup_failures_total 23",
            "prometheus_sd_refresh_failures_total{mechanism=\"http\",config=\"node\"} 3",
            "gleaner_discovery_refreshes_total{mechanism=\"http\",config=\"node\"} 10",
            "gleaner_discovery_age_seconds{mechanism=\"http\",config=\"node\"} 3",
            "gleaner_discovery_kept_in_use{mechanism=\"http\",config=\"node\"} 1",
            "gleaner_discovery_kept_in_use{mechanism=\"dns\",config=\"node\"} 0",
            "gleaner_clock_held 1",
            "gleaner_samples_appended_total{remote_name=\"central\",url=\"https://x/"
            "\\\"quoted\\\\path\"} 300",
            "gleaner_samples_appended_total{remote_name=\"other\",url=\"http://y/\"} 0",
            "gleaner_samples_lost_total{remote_name=\"central\",url=\"https://x/"
            "\\\"quoted\\\\path\",reason=\"clock\"} 6",
            "prometheus_remote_storage_samples_failed_total{remote_name=\"central\","
            "url=\"https://x/\\\"quoted\\\\path\"} 7",
            "prometheus_remote_storage_queue_highest_sent_timestamp_seconds{remote_name="
            "\"central\","
            "url=\"https://x/\\\"quoted\\\\path\"} 1.69999999825e+09",
            "gleaner_remote_state{remote_name=\"other\",url=\"http://y/\",state=\"idle\"} 1",
            "gleaner_remote_state{remote_name=\"other\",url=\"http://y/\",state=\"held\"} 0",
            "gleaner_remote_drained_in_seconds{remote_name=\"other\",url=\"http://y/\"} 0.09",
            "gleaner_remote_last_request_seconds{remote_name=\"central\","
            "url=\"https://x/\\\"quoted\\\\path\"} 0.125",
        };
        struct buf page = BUF_INIT(1 << 20);
        struct status_parts parts = fake_parts();

        (void)state;
        fill_fakes();
        memory_account(MEMORY_SERIES, 12345);
        write_page(&parts, &agent_numbers, &page);
        memory_account(MEMORY_SERIES, -12345);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                expect_line(&page, lines[i]);
        /* unknown: nothing is better than a wrong number */
        expect_no(&page, "gleaner_discovery_age_seconds{mechanism=\"dns\"");
        expect_no(&page, "gleaner_remote_clock_skew_seconds{remote_name=\"other\"");
        expect_no(&page, "gleaner_remote_drained_in_seconds{remote_name=\"central\"");
        expect_no(
            &page, "gleaner_remote_certificate_expiry_timestamp_seconds{remote_name=\"other\"");
        buf_release(&page);
}

/* Which rows of each table the page had, and what was wrong with it. */
struct check {
        struct arena arena;
        bool seen[16][64];
        struct buf series; /* each series text, for doubles */
};

/* No series is on the page twice. */
static int
check_twice(struct check *c, struct view series, struct err *e)
{
        size_t from = c->series.len;
        int rc = buf_printf(&c->series, e, "\n%.*s\n", (int)series.n, series.p);

        if (rc == 0)
                assert_ptr_equal(memmem(c->series.ptr, c->series.len, c->series.ptr + from,
                                     c->series.len - from),
                    c->series.ptr + from);
        return rc;
}

static void
mark_seen(const struct metric_table *t, struct view name, enum metric_type type, bool *seen)
{
        for (size_t i = 0; i < t->n_rows; i++) {
                if (!view_is(name, t->rows[i].name))
                        continue;
                assert_int_equal(
                    type == METRIC_COUNTER, strcmp(metric_type_name(&t->rows[i]), "counter") == 0);
                assert_true(type == METRIC_COUNTER || type == METRIC_GAUGE);
                seen[i] = true;
        }
}

static void
expect_seen(const struct metric_table *t, const bool *seen, bool want)
{
        assert_true(t->n_rows <= sizeof(((struct check *)NULL)->seen[0]));
        for (size_t i = 0; i < t->n_rows; i++) {
                if (seen[i] != want)
                        fail_msg("%s is %son the page", t->rows[i].name, want ? "not " : "");
        }
}

static int
check_sample(void *arg, const struct text_sample *x, struct err *e)
{
        struct check *c = arg;
        struct labels l;
        struct view name;
        int rc;

        arena_reset(&c->arena);
        labels_init(&l, &c->arena);
        rc = textparse_labels(x, &l, NULL, e);
        if (rc < 0)
                return rc;
        assert_false(x->has_timestamp);
        assert_int_equal(labels_duplicate(&l).n, 0);
        name = labels_get(&l, VIEW_LIT("__name__"));
        for (size_t k = 0; metrics_tables[k] != NULL; k++)
                mark_seen(metrics_tables[k], name, x->type, c->seen[k]);
        return check_twice(c, x->series, e);
}

static void
parse_page(const struct buf *page, struct check *c)
{
        const struct textparse_options o = {.sink = check_sample, .arg = c};
        struct textparse *t;
        struct err e = ERR_INIT;

        testing_ok(textparse_new(&o, &t, &e), &e);
        testing_ok(textparse_feed(t, page->ptr, page->len, &e), &e);
        testing_ok(textparse_finish(t, &e), &e);
        textparse_free(t);
}

/* The page is what we would scrape ourselves, and every row of the table is on it. */
static void
test_page_is_valid(void **state)
{
        struct check c = {.arena = ARENA_INIT(1 << 20), .series = BUF_INIT(1 << 20)};
        struct buf page = BUF_INIT(1 << 20);
        struct status_parts parts = fake_parts();

        (void)state;
        fill_fakes();
        write_page(&parts, &agent_numbers, &page);
        parse_page(&page, &c);
        for (size_t k = 0; metrics_tables[k] != NULL; k++) {
                /* there is no web configuration: e2e/web_config looks at its numbers */
                if (metrics_tables[k] != &metrics_of_web)
                        expect_seen(metrics_tables[k], c.seen[k], true);
        }
        buf_release(&page);
        buf_release(&c.series);
        arena_release(&c.arena);
}

static void
test_parts_that_are_not_there(void **state)
{
        static const struct status_parts none = {NULL, NULL, NULL};
        struct check c = {.arena = ARENA_INIT(1 << 20), .series = BUF_INIT(1 << 20)};
        struct buf page = BUF_INIT(1 << 20);

        (void)state;
        write_page(&none, NULL, &page);
        parse_page(&page, &c);
        expect_line(&page, "process_start_time_seconds 1699999900");
        for (size_t k = 0; metrics_tables[k] != NULL; k++)
                expect_seen(
                    metrics_tables[k], c.seen[k], metrics_tables[k]->source <= METRIC_OF_MEMORY);
        buf_release(&page);
        buf_release(&c.series);
        arena_release(&c.arena);
}

static void
test_page_over_its_bound(void **state)
{
        struct buf page = BUF_INIT(1000);
        struct clock_manual clock;
        struct metrics_input in = {.parts = fake_parts(), .clock = &clock.clock};
        struct err e = ERR_INIT;

        (void)state;
        fill_fakes();
        clock_manual_init(&clock, 1000);
        assert_int_equal(metrics_write(&in, &page, &e), ERR_LIMIT);
        buf_release(&page);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_numbers),
            cmocka_unit_test(test_page_is_valid),
            cmocka_unit_test(test_parts_that_are_not_there),
            cmocka_unit_test(test_page_over_its_bound),
        };

        resident_setup();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
