/*
 * What is scraped is what is read back: vanished series, failed scrapes, limits, labels.
 */
#include "scrape/series.h"

#include "tests/unit/scrape/series_rig.h"

static void
what_is_scraped_is_stored(void **state)
{
        struct rig *r = *state;
        char line[200];

        scrape_stored(r, "a 1\nb{x=\"y\"} 2.5\n");
        assert_int_equal(count(r, "\n"), 7);
        (void)snprintf(
            line, sizeof(line), "a{instance=\"i\",job=\"node\"} 1 %lld\n", (long long)r->tick);
        assert_int_equal(count(r, line), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\",x=\"y\"} 2.5 "), 1);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 1 "), 1);
        assert_int_equal(count(r, "scrape_duration_seconds{instance=\"i\",job=\"node\"} 0.25 "), 1);
        assert_int_equal(count(r, "scrape_samples_scraped{instance=\"i\",job=\"node\"} 2 "), 1);
        assert_int_equal(count(r, "scrape_series_added{instance=\"i\",job=\"node\"} 2 "), 1);
        scrape_stored(r, "a 1\nb{x=\"y\"} 3.5\n");
        assert_int_equal(r->report.added, 0);
        assert_int_equal(count(r, "\n"), 14);
        assert_int_equal(count(r, "3.5 "), 1);
}

static void
a_series_that_comes_back_is_added_again(void **state)
{
        static const struct {
                const char *page; /* NULL: the target is away */
                uint64_t added;
        } rows[] = {
            {"a 1\nb 1\n", 2},
            {"a 1\n", 0},
            {"a 1\nb 1\n", 1},
            {"a 1\nb 1\n", 0},
            {NULL, 0},
            {"a 1\nb 1\n", 0}, /* a failed scrape is no page without them */
            {"", 0},
            {"a 1\nb 1\n", 0}, /* nor is an empty one */
            {"a 1\nc 1\n", 1},
            {"c 1\nb 1\nb 2\na 1\n", 1},
            {"d 1\na 1\n}\n", 1},
            {"a 1\nd 1\n}\n", 0}, /* what a broken page had is not counted again */
            {"d 1\na 1\n", 0},
            {"a 1\nb 1\nc 1\n", 2}, /* a good page forgets what it does not have */
            {"a 1\nb 1\nc 1\nd 1\n", 1},
        };
        struct rig *r = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                scrape_stored(r, rows[i].page);
                assert_int_equal(r->report.added, rows[i].added);
        }
}

/* Before the first good page there is no index of lines, but they are known all the same. */
static void
a_page_that_never_was_good_is_added_once(void **state)
{
        static const uint64_t added[] = {2, 0, 0};
        struct rig *r = *state;

        for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
                scrape_stored(r, "a 1\nb 1\na 2\n}\n");
                assert_int_equal(r->report.added, added[i]);
        }
        scrape_stored(r, "b 1\na 1\n");
        assert_int_equal(r->report.added, 0);
}

static void
a_line_with_a_timestamp_is_added_once(void **state)
{
        struct rig *r = *state;
        char page[100];

        (void)snprintf(page, sizeof(page), "a 1 %lld\n", (long long)r->tick);
        scrape_stored(r, page);
        assert_int_equal(r->report.added, 1);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(r->report.added, 0);
        (void)snprintf(page, sizeof(page), "a 1 %lld\n", (long long)r->tick);
        scrape_stored(r, page); /* it was there, if late */
        assert_int_equal(r->report.added, 0);
        scrape_stored(r, "b 1\n");
        (void)snprintf(page, sizeof(page), "a 1 %lld\nb 1\n", (long long)r->tick);
        scrape_stored(r, page);
        assert_int_equal(r->report.added, 1);
        assert_int_equal(count(r, "STALE"), 0);
}

/* Comments only: that is a page without the series. */
static void
a_page_without_samples_ends_series(void **state)
{
        struct rig *r = *state;

        series_set_body(r->series, 4);
        scrape_stored(r, "a 1\n");
        scrape_stored(r, "# b\n");
        scrape_stored(r, "a 1\n");
        assert_int_equal(r->report.added, 1);
}

static void
a_vanished_series_gets_one_marker(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, "a 1\n");
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "STALE"), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, "a 1\nb 3\n");
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} 3 "), 1);
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "STALE"), 2);
}

static void
a_failed_scrape_marks_all_that_was_alive(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, NULL);
        assert_int_equal(count(r, "STALE"), 2);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 0 "), 1);
        scrape_stored(r, NULL);
        assert_int_equal(count(r, "STALE"), 2);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 0 "), 2);
}

/* Prometheus scrape/scrape.go: series read before the failure get no marker in that scrape. */
static void
a_parse_error_drops_the_whole_page(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\nb 2\n");
        scrape_stored(r, "a 5\nc 6\n}broken\n");
        assert_int_equal(count(r, "} 5 "), 0);
        assert_int_equal(count(r, "} 6 "), 0);
        assert_int_equal(count(r, "STALE"), 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, "b 2\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} STALE"), 1);
        assert_int_equal(count(r, "c{instance=\"i\",job=\"node\"}"), 0);
}

/* Of a page that did not come in whole no line counts. */
static void
a_cut_page_ends_all_series(void **state)
{
        struct rig *r = *state;
        struct text_sample line = {.series = VIEW_LIT("a")};
        bool done = false;

        scrape_stored(r, "a 1\nb 2\n");
        testing_ok(series_begin(r->series, r->tick + 1000, NULL), NULL);
        testing_ok(series_sample(r->series, &line, NULL), NULL);
        series_unread(r->series);
        testing_ok(series_end(r->series, false, 0.25, &r->report, NULL), NULL);
        while (!done)
                testing_ok(series_encode(r->series, 1, &done, NULL), NULL);
        settle(r);
        assert_int_equal(r->report.scraped, 0);
        assert_int_equal(r->report.post_relabel, 0);
        assert_int_equal(count(r, "STALE"), 2);
        assert_int_equal(count(r, "scrape_samples_scraped{instance=\"i\",job=\"node\"} 0 "), 1);
}

/* As receivers do where Prometheus sends both. */
static void
the_page_is_before_the_report(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "up 5\na 1\n");
        assert_int_equal(r->report.duplicates, 1);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 5 "), 1);
        assert_int_equal(count(r, "up{"), 1);
        scrape_stored(r, "up 5\n}\n");
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 0 "), 1);
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} 1 "), 1);
        assert_int_equal(count(r, "up{instance=\"i\",job=\"node\"} STALE"), 0);
}

static void
a_repeated_line_is_a_duplicate(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a 1\na 2\na{} 3\n");
        assert_int_equal(r->report.duplicates, 2);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 1 "), 1);
        assert_int_equal(count(r, "\n"), 6);
        scrape_stored(r, "a 1\na 2\na{} 3\n");
        assert_int_equal(r->report.duplicates, 2);
        /* the other spelling goes on when the first one is gone */
        scrape_stored(r, "a{} 4\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 4 "), 1);
        assert_int_equal(count(r, "STALE"), 0);
}

/* However many lines end as one series, none of them is new again later. */
static void
many_lines_of_one_series_stay_known(void **state)
{
        char page[2000] = "";
        struct rig *r = *state;
        size_t n = 0;

        for (int i = 0; i < 30; i++)
                n += (size_t)snprintf(page + n, sizeof(page) - n, "a{%*s} %d\n", i, "", i);
        scrape_stored(r, page);
        assert_int_equal(r->report.added, 30);
        for (int i = 0; i < 40; i++) {
                scrape_stored(r, page);
                assert_int_equal(r->report.added, 0);
                assert_int_equal(r->report.duplicates, 29);
        }
}

/* Prometheus scrape/scrape.go: what its parser did not give is not counted, what its checks refuse
 * is. */
static void
a_line_that_cannot_be_read_is_not_counted(void **state)
{
        static const struct {
                const char *page;
                unsigned scraped;
        } cases[] = {
            {"a 1\n{x=\"1\"} 1\n", 1},
            {"a 1\nb{x=1} 1\n", 1},
            {"a 1\nb{x=\"1\",,y=\"2\"} 1\n", 1},
            {"a 1\nb{x=\"\xff\"} 1\n", 1},
            {"a 1\nb{x=\"1\",x=\"2\"} 1\n", 2},
        };
        struct rig *r = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                scrape_stored(r, cases[i].page);
                assert_false(r->report.up);
                assert_int_equal(r->report.scraped, cases[i].scraped);
        }
}

static void
sample_limit_fails_the_scrape(void **state)
{
        struct rig *r = *state;

        r->job.sample_limit = 2;
        scrape_stored(r, "a 1\nb 2\n");
        assert_true(r->report.up);
        scrape_stored(r, "a 1\nb 2\nc 3\n");
        assert_false(r->report.up);
        assert_non_null(strstr(r->error.msg, "sample_limit is 2"));
        assert_int_equal(r->report.scraped, 3);
        assert_int_equal(r->report.post_relabel, 3);
        assert_int_equal(count(r, "c{"), 0);
        scrape_stored(r, "a 1\nb 2\na 3\n");
        assert_true(r->report.up);
        /* other lines of the same series count, where the same line twice does not */
        scrape_stored(r, "a 1\nb 2\na{} 3\n");
        assert_false(r->report.up);
        scrape_stored(r, "a 1\nb 2\na{} 3\n");
        assert_false(r->report.up);
}

static void
explicit_timestamps_ride_along(void **state)
{
        struct rig *r = *state;
        char page[200];
        char want[200];

        (void)snprintf(page, sizeof(page), "a 1 %lld\na 2 %lld\nb 3\n", (long long)r->tick - 2000,
            (long long)r->tick - 1000);
        scrape_stored(r, page);
        (void)snprintf(want, sizeof(want), "a{instance=\"i\",job=\"node\"} 2 %lld\n",
            (long long)r->tick - 16000);
        assert_int_equal(count(r, want), 1);
        assert_int_equal(count(r, "a{"), 2);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_order, 2);
        (void)snprintf(page, sizeof(page), "c 1 %lld\nb 3\n", (long long)r->tick + 3600000);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_bounds, 1);
        assert_int_equal(r->report.added, 0); /* what is not taken is not added */
        scrape_stored(r, "b 3\n");
        assert_int_equal(count(r, "STALE"), 0);
        (void)snprintf(page, sizeof(page), "a 1 %lld\n", (long long)r->tick + 3600000);
        scrape_stored(r, page);
        assert_int_equal(r->report.out_of_bounds, 1);
}

/* What had a later timestamp of its own is out of order at the tick, be it a sample or a marker. */
static void
nothing_goes_back_behind_a_timestamp(void **state)
{
        struct rig *r = *state;
        char page[200];

        (void)snprintf(page, sizeof(page), "a 1 %lld\nup 1 %lld\nb 1 %lld\nb 2\n",
            (long long)r->tick + 35000, (long long)r->tick + 35000, (long long)r->tick + 14999);
        scrape_stored(r, page);
        scrape_stored(r, "a 7\nb 3\n");
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(count(r, "a{"), 1);
        assert_int_equal(count(r, "up{"), 2); /* the first report was before its time came */
        scrape_stored(r, "b 3\na 8\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} 8 "), 1);
        assert_int_equal(count(r, "up{"), 3);
        assert_int_equal(count(r, "STALE"), 0);
        (void)snprintf(page, sizeof(page), "b 4 %lld\na 9\n", (long long)r->tick);
        scrape_stored(r, page); /* of the tick before */
        assert_int_equal(r->report.out_of_order, 1);
        assert_int_equal(count(r, "b{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, "a 9\n");
        assert_int_equal(count(r, "STALE"), 1);
}

static void
a_series_that_begins_to_bring_timestamps_ends(void **state)
{
        struct rig *r = *state;
        char page[200];

        scrape_stored(r, "a 1\nb 1\n");
        (void)snprintf(page, sizeof(page), "a 2 %lld\nb 1\n", (long long)r->tick + 1000);
        scrape_stored(r, page);
        assert_int_equal(count(r, "a{"), 3);
        assert_int_equal(count(r, "a{instance=\"i\",job=\"node\"} STALE"), 1);
        scrape_stored(r, page);
        assert_int_equal(count(r, "STALE"), 1);
        /* both in one page: it is one of the tick */
        (void)snprintf(page, sizeof(page), "b 1\nb 2 %lld\n", (long long)r->tick + 1000);
        scrape_stored(r, page);
        assert_int_equal(count(r, "STALE"), 1);
}

static void
of_equal_timestamps_the_first_is_kept(void **state)
{
        struct rig *r = *state;
        long long t = (long long)r->tick;
        char page[300];
        char want[200];

        (void)snprintf(page, sizeof(page),
            "a 1 %lld\nb 5 %lld\na 2 %lld\na 3 %lld\nb 6 %lld\na 4 %lld\n", t - 1000, t - 1000,
            t - 2000, t - 1000, t - 500, t - 2000);
        scrape_stored(r, page);
        assert_int_equal(r->report.duplicates, 2);
        assert_int_equal(count(r, "a{"), 2);
        assert_int_equal(count(r, "b{"), 2);
        (void)snprintf(want, sizeof(want), "a{instance=\"i\",job=\"node\"} 1 %lld\n", t - 1000);
        assert_int_equal(count(r, want), 1);
        (void)snprintf(want, sizeof(want), "a{instance=\"i\",job=\"node\"} 2 %lld\n", t - 2000);
        assert_int_equal(count(r, want), 1);
}

static void
target_labels_win_over_scraped_ones(void **state)
{
        struct rig *r = *state;

        scrape_stored(r, "a{job=\"x\",exported_job=\"z\"} 1\n");
        assert_int_equal(count(r,
                             "a{exported_exported_job=\"x\",exported_job=\"z\","
                             "instance=\"i\",job=\"node\"} 1 "),
            1);
        r->job.honor_labels = true;
        testing_ok(series_reset(r->series, NULL), NULL);
        scrape_stored(r, "a{job=\"x\"} 1\nb{job=\"\"} 2\n");
        assert_int_equal(count(r, "a{instance=\"i\",job=\"x\"} 1 "), 1);
        assert_int_equal(count(r, "b{instance=\"i\"} 2 "), 1);
        /* the series of the old relabeling are gone, and said to be */
        assert_int_equal(count(r, "STALE"), 1);
}

static void
relabeled_away_series_are_remembered(void **state)
{
        struct rig *r = *state;
        const struct view sources[] = {VIEW_LIT("__name__")};
        struct relabel_options o;
        struct relabel_rule *rule = NULL;
        struct series_counts counts;
        struct err e = ERR_INIT;

        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = sources;
        o.n_source_labels = 1;
        o.regex = VIEW_LIT("b.*");
        testing_ok(relabel_compile(&o, &rule, &e), &e);
        testing_ok(relabel_rules_take(&r->job.metric_relabel, &rule, &e), &e);
        for (int i = 0; i < 3; i++)
                scrape_stored(r, "a 1\nb1 2\nb2 3\nc 4\n");
        series_count(r->series, &counts);
        assert_int_equal(counts.dropped, 2);
        assert_int_equal(counts.alive, 2 + 5);
        assert_int_equal(r->report.scraped, 4);
        assert_int_equal(r->report.post_relabel, 2);
        assert_int_equal(count(r, "c{"), 3);
        assert_int_equal(count(r, "b1{"), 0);
        /* forgotten when they do not come any more */
        for (int i = 0; i < 80; i++)
                scrape(r, "a 1\nc 4\n");
        settle(r);
        series_count(r->series, &counts);
        assert_int_equal(counts.dropped, 0);
}

static void
label_checks_fail_the_scrape(void **state)
{
        struct rig *r = *state;

        r->job.label_limit = 3;
        scrape_stored(r, "a 1\n");
        assert_true(r->report.up);
        scrape_stored(r, "a{x=\"1\"} 1\n");
        assert_false(r->report.up);
        assert_non_null(strstr(r->error.msg, "label_limit"));
        r->job.label_limit = 0;
        scrape_stored(r, "a{x=\"1\",x=\"2\"} 1\n");
        assert_false(r->report.up);
        scrape_stored(r, "{x=\"1\"} 1\n");
        assert_false(r->report.up);
}

static void
a_page_of_many_chunks_comes_back_whole(void **state)
{
        struct rig *r = *state;
        struct series_counts counts;
        char *page = big_page(5000, 1, 7);
        char *next = big_page(5000, 1, 8);

        scrape_stored(r, page);
        series_count(r->series, &counts);
        assert_int_equal(counts.alive, 5005);
        assert_int_equal(counts.chunks, 5);
        assert_int_equal(count(r, "\n"), 5005);
        assert_int_equal(count(r, "} 5006 "), 1);
        for (int i = 0; i < 40; i++)
                scrape_stored(r, next);
        assert_int_equal(count(r, "\n"), 41 * 5005);
        assert_int_equal(count(r, "} 5007 "), 40);
        free(page);
        free(next);
}

static void
extra_series_are_reported_where_the_job_wants_them(void **state)
{
        static const char *const wanted[] = {
            "scrape_timeout_seconds{instance=\"i\",job=\"node\"} 2.5 ",
            "scrape_sample_limit{instance=\"i\",job=\"node\"} 3 ",
            "scrape_body_size_bytes{instance=\"i\",job=\"node\"} 4 ",
            "scrape_body_size_bytes{instance=\"i\",job=\"node\"} -1 "};
        struct rig *r = *state;

        r->job.extra_scrape_metrics = true;
        r->job.sample_limit = 3;
        r->target.timeout_ms = 2500;
        series_set_body(r->series, 4);
        scrape_stored(r, "a 1\n");
        assert_int_equal(count(r, "\n"), 9);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(count(r, wanted[i]), 1);
        series_set_body(r->series, -1);
        scrape_stored(r, NULL);
        assert_int_equal(count(r, wanted[3]), 1);
        assert_int_equal(count(r, wanted[0]), 2);
        /* the page's own series keep their slots */
        series_set_body(r->series, 8);
        scrape_stored(r, "a 1\nb 2\n");
        assert_int_equal(r->report.added, 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            WITH_RIG(what_is_scraped_is_stored),
            WITH_RIG(a_series_that_comes_back_is_added_again),
            WITH_RIG(a_page_that_never_was_good_is_added_once),
            WITH_RIG(a_line_with_a_timestamp_is_added_once),
            WITH_RIG(a_page_without_samples_ends_series),
            WITH_RIG(a_vanished_series_gets_one_marker),
            WITH_RIG(a_failed_scrape_marks_all_that_was_alive),
            WITH_RIG(a_parse_error_drops_the_whole_page),
            WITH_RIG(a_cut_page_ends_all_series),
            WITH_RIG(the_page_is_before_the_report),
            WITH_RIG(a_repeated_line_is_a_duplicate),
            WITH_RIG(many_lines_of_one_series_stay_known),
            WITH_RIG(a_line_that_cannot_be_read_is_not_counted),
            WITH_RIG(sample_limit_fails_the_scrape),
            WITH_RIG(explicit_timestamps_ride_along),
            WITH_RIG(nothing_goes_back_behind_a_timestamp),
            WITH_RIG(a_series_that_begins_to_bring_timestamps_ends),
            WITH_RIG(of_equal_timestamps_the_first_is_kept),
            WITH_RIG(target_labels_win_over_scraped_ones),
            WITH_RIG(relabeled_away_series_are_remembered),
            WITH_RIG(label_checks_fail_the_scrape),
            WITH_RIG(a_page_of_many_chunks_comes_back_whole),
            WITH_RIG(extra_series_are_reported_where_the_job_wants_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
