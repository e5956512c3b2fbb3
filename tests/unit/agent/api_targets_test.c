#include "agent/api_targets.h"

#include "agent/global_url.h"
#include "scrape/label_model.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>

#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

static struct label labels[] = {{TEXT("instance"), TEXT("a:1")}, {TEXT("job"), TEXT("node")},
    {TEXT("odd\"name"), TEXT("x\\\n\xff")}};
static struct scrape_job jobs[] = {{.name = "zeta"}, {.name = "node"}, {.name = "\"quoted\""}};
static struct target targets[] = {
    {.refs = 1,
        .identity = (char[]){"0"},
        .job = &jobs[0],
        .url = "http://z/metrics",
        .interval = "60s",
        .timeout = "10s"},
    {.refs = 1,
        .identity = (char[]){"1"},
        .job = &jobs[1],
        .url = "http://a:1/metrics?x=\"y\"",
        .labels = labels,
        .n_labels = 3,
        .interval = "15s",
        .timeout = "1s500ms"},
    {.refs = 1, .job = &jobs[2]},
};

static const uint8_t as_model[] = {0, 0};

/* What was discovered of two of them. */
static int
set_up(void **state)
{
        struct label v[] = {{TEXT("__address__"), TEXT("a:1")}, {TEXT("job"), TEXT("node")}};
        const struct labels set = {.v = v, .n = 2};

        (void)state;
        for (size_t i = 1; i < 3; i++) {
                targets[i].model = label_models_take(NULL, &set);
                assert_non_null(targets[i].model);
                targets[i].discovered = as_model;
        }
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        label_model_unref(targets[1].model);
        label_model_unref(targets[2].model);
        return 0;
}

static struct scraper *
scraper(void)
{
        return fake_parts().scraper;
}

static void
fill_fakes(void)
{
        memset(&fake, 0, sizeof(fake));
        fake.active[0] = (struct target_status){.target = &targets[0], .last_error = ""};
        fake.active[1] = (struct target_status){.target = &targets[1],
            .health = HEALTH_DOWN,
            .last_error = "line 1: got \"x\"",
            .last_scrape_ms = 1700000000123,
            .last_duration_seconds = 0.0625,
            .last_samples = 500,
            .last_size_bytes = 60000,
            .series_alive = 499,
            .refused_memory = 1};
        fake.n_active = 2;
        fake.dropped[0] = (struct target_status){.target = &targets[2], .last_error = ""};
        fake.dropped[1] = (struct target_status){.target = &targets[1], .last_error = ""};
        fake.dropped[2] = (struct target_status){.target = &targets[2], .last_error = ""};
        fake.n_dropped = 3;
        fake.jobs[0].name = "\"quoted\"";
        fake.jobs[0].n = (struct job_targets){.discovered = 52, .dropped = 50}; /* not all kept */
        fake.jobs[1].name = "node";
        fake.jobs[1].n = (struct job_targets){.discovered = 3, .dropped = 1};
        fake.n_jobs = 2;
}

/* The answer's data; the whole must be valid JSON of a success. */
static json_t *
parse(const struct buf *text)
{
        json_error_t error;
        json_t *all = json_loadb(text->ptr, text->len, JSON_REJECT_DUPLICATES, &error);
        json_t *data;

        if (all == NULL)
                fail_msg("%s: %.*s", error.text, (int)text->len, text->ptr);
        assert_string_equal(json_string_value(json_object_get(all, "status")), "success");
        data = json_incref(json_object_get(all, "data"));
        json_decref(all);
        return data;
}

/* Piece by piece; the number of pieces, or the error. */
static int
put_targets(const struct api_targets_query *q, struct buf *out, struct err *e)
{
        struct buf piece = BUF_INIT(out->max);
        struct api_targets *a = NULL;
        int n = 0;
        int rc;

        testing_ok(api_targets_begin(q, &a, e), e);
        do {
                buf_reset(&piece);
                rc = api_targets_more(a, scraper(), &piece, e);
                if (rc >= 0)
                        testing_ok(buf_append(out, piece.ptr, piece.len, e), e);
                n++;
        } while (rc == 1);
        api_targets_end(a);
        buf_release(&piece);
        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
                assert_int_equal(targets[i].refs, 1);
        return rc < 0 ? rc : n;
}

static json_t *
get_targets(const char *state, const char *pool)
{
        const struct api_targets_query q = {.state = state, .scrape_pool = pool};
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        json_t *data;

        assert_int_equal(put_targets(&q, &out, &e), 1);
        data = parse(&out);
        buf_release(&out);
        return data;
}

static const char *
text_of(const json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));

        assert_non_null(s);
        return s;
}

static void
test_active_target(void **state)
{
        json_t *data;
        json_t *t;

        (void)state;
        fill_fakes();
        data = get_targets(NULL, NULL);
        t = json_array_get(json_object_get(data, "activeTargets"), 1);
        assert_string_equal(text_of(json_object_get(t, "discoveredLabels"), "__address__"), "a:1");
        assert_string_equal(text_of(json_object_get(t, "labels"), "instance"), "a:1");
        /* bytes that are not UTF-8 become U+FFFD */
        assert_string_equal(
            text_of(json_object_get(t, "labels"), "odd\"name"), "x\\\n\xef\xbf\xbd");
        assert_int_equal(json_object_size(json_object_get(t, "labels")), 3);
        assert_string_equal(text_of(t, "scrapePool"), "node");
        assert_string_equal(text_of(t, "scrapeUrl"), "http://a:1/metrics?x=\"y\"");
        assert_string_equal(text_of(t, "globalUrl"), "http://a:1/metrics?x=\"y\"");
        assert_string_equal(text_of(t, "lastError"), "line 1: got \"x\"");
        assert_string_equal(text_of(t, "lastScrape"), "2023-11-14T22:13:20.123Z");
        assert_true(json_real_value(json_object_get(t, "lastScrapeDuration")) == 0.0625);
        assert_string_equal(text_of(t, "health"), "down");
        assert_string_equal(text_of(t, "scrapeInterval"), "15s");
        assert_string_equal(text_of(t, "scrapeTimeout"), "1s500ms");
        assert_int_equal(json_integer_value(json_object_get(t, "lastSamples")), 500);
        assert_int_equal(json_integer_value(json_object_get(t, "lastSizeBytes")), 60000);
        assert_int_equal(json_integer_value(json_object_get(t, "series")), 499);
        assert_int_equal(json_integer_value(json_object_get(t, "seriesRefused")), 1);
        json_decref(data);
}

static void
test_never_scraped(void **state)
{
        json_t *data;
        json_t *t;

        (void)state;
        fill_fakes();
        data = get_targets("any", "");
        t = json_array_get(json_object_get(data, "activeTargets"), 0);
        assert_string_equal(text_of(t, "lastScrape"), "0001-01-01T00:00:00Z");
        assert_string_equal(text_of(t, "health"), "unknown");
        assert_string_equal(text_of(t, "lastError"), "");
        assert_int_equal(json_object_size(json_object_get(t, "labels")), 0);
        assert_true(json_is_number(json_object_get(t, "lastScrapeDuration")));
        json_decref(data);
}

static void
test_dropped_targets(void **state)
{
        json_t *data;
        json_t *counts;
        json_t *t;

        (void)state;
        fill_fakes();
        data = get_targets(NULL, NULL);
        t = json_array_get(json_object_get(data, "droppedTargets"), 0);
        assert_string_equal(text_of(t, "scrapePool"), "\"quoted\"");
        assert_string_equal(text_of(json_object_get(t, "discoveredLabels"), "__address__"), "a:1");
        counts = json_object_get(data, "droppedTargetCounts");
        assert_int_equal(json_object_size(counts), 2);
        assert_int_equal(json_integer_value(json_object_get(counts, "\"quoted\"")), 50);
        assert_int_equal(json_integer_value(json_object_get(counts, "node")), 1);
        json_decref(data);
}

static void
test_filters(void **state)
{
        static const struct {
                const char *state;
                const char *pool;
                size_t active;
                size_t dropped;
                bool counts;
        } rows[] = {
            {NULL, NULL, 2, 3, true},
            {"", "", 2, 3, true},
            {"any", NULL, 2, 3, true},
            {"ANY", NULL, 2, 3, true},
            {"active", NULL, 2, 0, false},
            {"dropped", NULL, 0, 3, true},
            {"Dropped", NULL, 0, 3, true},
            {"else", NULL, 0, 0, false},
            {NULL, "node", 1, 1, true},
            {NULL, "zeta", 1, 0, true},
            {"active", "\"quoted\"", 0, 0, false},
            {NULL, "nod", 0, 0, true},
        };

        (void)state;
        fill_fakes();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                json_t *data = get_targets(rows[i].state, rows[i].pool);

                assert_int_equal(
                    json_array_size(json_object_get(data, "activeTargets")), rows[i].active);
                assert_int_equal(
                    json_array_size(json_object_get(data, "droppedTargets")), rows[i].dropped);
                assert_int_equal(
                    json_is_object(json_object_get(data, "droppedTargetCounts")), rows[i].counts);
                json_decref(data);
        }
}

static void
test_nothing_discovered(void **state)
{
        json_t *data;

        (void)state;
        memset(&fake, 0, sizeof(fake));
        data = get_targets(NULL, NULL);
        assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), 0);
        assert_int_equal(json_object_size(json_object_get(data, "droppedTargetCounts")), 0);
        assert_true(json_is_object(json_object_get(data, "droppedTargetCounts")));
        json_decref(data);
}

static int
visit_jobs(void *arg, api_job_visitor each, void *each_arg, struct err *e)
{
        int rc = each(each_arg, "zeta", e);

        (void)arg;
        return rc == 0 ? each(each_arg, "empty", e) : rc;
}

/* A job without targets is a pool, too; a target that leaves is no target any more. */
static void
test_jobs_of_the_configuration(void **state)
{
        const struct api_jobs known = {visit_jobs, NULL};
        const struct global_url_self self = {"http", "edge:9095", "9095"};
        const struct api_targets_query q = {.jobs = &known, .self = &self};
        struct buf out = BUF_INIT(1 << 20);
        json_t *data;
        json_t *counts;

        (void)state;
        fill_fakes();
        fake.active[1].leaving = true;
        fake.n_dropped = 1;
        targets[0].url = "http://localhost:1/metrics";
        assert_int_equal(put_targets(&q, &out, NULL), 1);
        data = parse(&out);
        assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), 1);
        assert_string_equal(
            text_of(json_array_get(json_object_get(data, "activeTargets"), 0), "globalUrl"),
            "http://edge:1/metrics");
        counts = json_object_get(data, "droppedTargetCounts");
        assert_int_equal(json_object_size(counts), 4);
        assert_int_equal(json_integer_value(json_object_get(counts, "empty")), 0);
        assert_int_equal(json_integer_value(json_object_get(counts, "zeta")), 0);
        assert_int_equal(json_integer_value(json_object_get(counts, "\"quoted\"")), 50);
        json_decref(data);
        buf_release(&out);
        targets[0].url = "http://z/metrics";
}

/* Every bound on the way gives an error, none a cut answer. */
static void
test_bound(void **state)
{
        const struct api_targets_query q = {.state = NULL};
        struct buf whole = BUF_INIT(1 << 20);

        (void)state;
        fill_fakes();
        assert_int_equal(put_targets(&q, &whole, NULL), 1);
        for (size_t max = 0; max < whole.len; max += 13) {
                struct buf out = BUF_INIT(0);

                out.max = max;
                assert_int_equal(put_targets(&q, &out, NULL), ERR_LIMIT);
                buf_release(&out);
        }
        buf_release(&whole);
}

enum { LONG = 40 << 10 };

/* The first two targets fill a piece each; the second one goes before it is its turn. */
static void
test_pieces(void **state)
{
        const struct api_targets_query q = {.state = NULL};
        static char names[3][2] = {"0", "1", "2"};
        static char longest[LONG];
        struct label wide[] = {{TEXT("a"), {longest, LONG}}};
        struct buf out = BUF_INIT(1 << 20);
        struct buf piece = BUF_INIT(1 << 20);
        struct target more[] = {targets[0], targets[0], targets[0]};
        struct api_targets *a = NULL;
        json_t *data;

        (void)state;
        fill_fakes();
        memset(longest, 'x', sizeof(longest));
        for (size_t i = 0; i < 3; i++) {
                more[i].identity = names[i];
                more[i].labels = wide;
                more[i].n_labels = 1;
                fake.active[i] = (struct target_status){.target = &more[i], .last_error = ""};
                fake.dropped[i].target = &more[i];
        }
        fake.n_active = 3;
        assert_int_equal(put_targets(&q, &out, NULL), 4);
        data = parse(&out);
        assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), 3);
        assert_int_equal(json_array_size(json_object_get(data, "droppedTargets")), 3);
        json_decref(data);
        buf_reset(&out);
        testing_ok(api_targets_begin(&q, &a, NULL), NULL);
        assert_int_equal(api_targets_more(a, scraper(), &out, NULL), 1);
        assert_int_equal(more[0].refs, 2);
        fake.active[0] = fake.active[2]; /* the first two have gone */
        fake.n_active = 1;
        assert_int_equal(api_targets_more(a, scraper(), &piece, NULL), 1);
        assert_int_equal(more[0].refs, 1);
        assert_true(piece.len < LONG + 4000);
        testing_ok(buf_append(&out, piece.ptr, piece.len, NULL), NULL);
        buf_reset(&piece);
        assert_int_equal(api_targets_more(a, scraper(), &piece, NULL), 0);
        testing_ok(buf_append(&out, piece.ptr, piece.len, NULL), NULL);
        data = parse(&out);
        assert_int_equal(json_array_size(json_object_get(data, "activeTargets")), 2);
        json_decref(data);
        api_targets_end(a);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(more[i].refs, 1);
        buf_release(&out);
        buf_release(&piece);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_active_target),
            cmocka_unit_test(test_never_scraped),
            cmocka_unit_test(test_dropped_targets),
            cmocka_unit_test(test_filters),
            cmocka_unit_test(test_nothing_discovered),
            cmocka_unit_test(test_jobs_of_the_configuration),
            cmocka_unit_test(test_bound),
            cmocka_unit_test(test_pieces),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
