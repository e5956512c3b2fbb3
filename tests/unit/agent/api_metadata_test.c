#include "agent/api_metadata.h"

#include "scrape/metadata.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>

#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

static struct label node[] = {{TEXT("instance"), TEXT("n:1")}, {TEXT("job"), TEXT("node")}};
static struct label other[] = {{TEXT("instance"), TEXT("o:1")}, {TEXT("job"), TEXT("x\"y")}};
/* the last reference is the test's own, so that none is freed */
static struct target targets[] = {
    {.refs = 1, .labels = node, .n_labels = 2},
    {.refs = 1, .labels = other, .n_labels = 2},
    {.refs = 1, .labels = other, .n_labels = 1},
};

static struct metadata *
take(struct metadata_pool *p, const char *type, const char *help)
{
        struct metadata_draft *d = NULL;
        struct metadata *m = NULL;
        struct err e = ERR_INIT;

        testing_ok(metadata_draft_new(&d, &e), &e);
        metadata_draft_add(d, TEXT_META_TYPE, VIEW_LIT("up_total"), view_of(type));
        metadata_draft_add(d, TEXT_META_HELP, VIEW_LIT("up_total"), view_of(help));
        metadata_draft_add(d, TEXT_META_UNIT, VIEW_LIT("zeta"), VIEW_LIT("bytes"));
        testing_ok(metadata_take(p, d, &m, &e), &e);
        metadata_draft_free(d);
        return m;
}

static int
set_up(void **state)
{
        struct metadata_pool *p = NULL;
        struct err e = ERR_INIT;

        testing_ok(metadata_pool_new(&p, &e), &e);
        memset(&fake, 0, sizeof(fake));
        for (size_t i = 0; i < 3; i++)
                fake.active[i].target = &targets[i];
        fake.active[0].metadata = take(p, "counter", "a");
        fake.active[1].metadata = take(p, "gauge", "b");
        fake.active[2].metadata = take(p, "counter", "a");
        fake.n_active = 4;
        fake.active[3].target = &targets[0]; /* never scraped so far */
        *state = p;
        return 0;
}

static int
tear_down(void **state)
{
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(targets[i].refs, 1);
                metadata_return(fake.active[i].metadata);
        }
        metadata_pool_free(*state);
        return 0;
}

#define NODE "{\"target\":{\"instance\":\"n:1\",\"job\":\"node\"},"
#define OTHER "{\"target\":{\"instance\":\"o:1\",\"job\":\"x\\\"y\"},"
#define THIRD "{\"target\":{\"instance\":\"o:1\"},"
#define ONE(t, h) "\"type\":\"" t "\",\"help\":\"" h "\",\"unit\":\"\"}"
#define UP(t, h) "\"metric\":\"up_total\"," ONE(t, h)
#define ZETA "\"metric\":\"zeta\",\"type\":\"unknown\",\"help\":\"\",\"unit\":\"bytes\"}"

struct row {
        struct api_metadata_query q;
        int rc;
        const char *want; /* of the data; of an error its sentence */
};

typedef int (*answer)(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e);

static void
check(answer ask, const struct row *row)
{
        struct buf out = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        int rc = ask(fake_parts().scraper, &row->q, &out, &e);

        assert_int_equal(rc, row->rc);
        if (rc < 0) {
                assert_string_equal(e.msg, row->want);
        } else {
                static const char before[] = "{\"status\":\"success\",\"data\":";
                size_t n = strlen(before);

                testing_ok(buf_putc(&out, '\0', &e), &e);
                assert_memory_equal(out.ptr, before, n);
                out.ptr[out.len - 2] = '\0'; /* the last brace */
                assert_string_equal(out.ptr + n, row->want);
        }
        buf_release(&out);
}

/* What the targets had at the beginning, in one piece. */
static int
target_metadata(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e)
{
        struct api_target_metadata *a = NULL;
        int rc = api_target_metadata_begin(s, q, &a, e);

        if (rc == 0)
                rc = api_target_metadata_more(a, out, e);
        if (a != NULL)
                api_target_metadata_end(a);
        return rc;
}

static void
test_targets(void **state)
{
        static const struct row rows[] = {
            {{0}, 0,
                "[" NODE UP("counter", "a") "," NODE ZETA "," OTHER UP(
                    "gauge", "b") "," OTHER ZETA "," THIRD UP("counter", "a") "," THIRD ZETA "]"},
            {{.metric = "up_total"}, 0,
                "[" NODE ONE("counter", "a") "," OTHER ONE("gauge", "b") "," THIRD ONE(
                    "counter", "a") "]"},
            {{.match_target = "{job=\"node\"}"}, 0, "[" NODE UP("counter", "a") "," NODE ZETA "]"},
            {{.limit = "1"}, 0, "[" NODE UP("counter", "a") "," NODE ZETA "]"},
            {{.limit = "1", .metric = "up_total", .match_target = "{job!=\"node\"}"}, 0,
                "[" OTHER ONE("gauge", "b") "]"},
            {{.limit = "-1", .metric = "up_total", .match_target = "{job=\"\"}"}, 0,
                "[" THIRD ONE("counter", "a") "]"},
            {{.limit = "0"}, 0, "[]"},
            {{.metric = "up"}, 0, "[]"},
            {{.match_target = "{job=\"y\"}"}, 0, "[]"},
            {{.limit = "1x"}, ERR_CONFIG, "limit must be a number"},
            {{.limit = " 1"}, ERR_CONFIG, "limit must be a number"},
            {{.limit = "99999999999999999999"}, ERR_CONFIG, "limit must be a number"},
            {{.match_target = "{"}, ERR_CONFIG,
                "invalid parameter \"match_target\": 1:2: parse error: expected a string"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                check(target_metadata, &rows[i]);
}

/* Each target fills a piece; one of them has gone, which does not matter. */
static void
test_pieces(void **state)
{
        const struct api_metadata_query q = {.metric = "zeta"};
        static char longest[40 << 10];
        struct label *v = node;
        struct view was = v[0].value;
        struct buf out = BUF_INIT(1 << 20);
        struct api_target_metadata *a = NULL;

        (void)state;
        memset(longest, 'x', sizeof(longest));
        v[0].value = (struct view){longest, sizeof(longest)};
        testing_ok(api_target_metadata_begin(fake_parts().scraper, &q, &a, NULL), NULL);
        fake.n_active = 0;
        assert_int_equal(api_target_metadata_more(a, &out, NULL), 1);
        buf_reset(&out);
        assert_int_equal(api_target_metadata_more(a, &out, NULL), 0);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_string_equal(out.ptr,
            "," OTHER "\"type\":\"unknown\",\"help\":\"\",\"unit\":\"bytes\"}," THIRD
            "\"type\":\"unknown\",\"help\":\"\",\"unit\":\"bytes\"}]}");
        api_target_metadata_end(a);
        v[0].value = was;
        buf_release(&out);
}

#define TWO \
        "\"up_total\":[{\"type\":\"counter\",\"unit\":\"\",\"help\":\"a\"}," \
        "{\"type\":\"gauge\",\"unit\":\"\",\"help\":\"b\"}]"

static void
test_metrics(void **state)
{
        static const struct row rows[] = {
            {{0}, 0,
                "{" TWO ",\"zeta\":[{\"type\":\"unknown\",\"unit\":\"bytes\",\"help\":\"\"}]}"},
            {{.limit = "1"}, 0, "{" TWO "}"},
            {{.metric = "up_total", .limit_per_metric = "1"}, 0,
                "{\"up_total\":[{\"type\":\"counter\",\"unit\":\"\",\"help\":\"a\"}]}"},
            {{.limit = "0"}, 0, "{}"},
            {{.metric = "nothing"}, 0, "{}"},
            {{.limit_per_metric = "x"}, ERR_CONFIG, "limit_per_metric must be a number"},
            {{.limit = "x"}, ERR_CONFIG, "limit must be a number"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                check(api_metadata, &rows[i]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_targets, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
            cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
