#include "agent/api.h"

#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>

#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

static struct scrape_job jobs[] = {{.name = "zeta"}, {.name = "node"}, {.name = "\"quoted\""}};
static struct target targets[] = {{.job = &jobs[0]}, {.job = &jobs[1]}, {.job = &jobs[2]}};

static void
fill_fakes(void)
{
        memset(&fake, 0, sizeof(fake));
        fake.active[0].target = &targets[0];
        fake.active[1].target = &targets[1];
        fake.n_active = 2;
        fake.dropped[0].target = &targets[2];
        fake.dropped[1].target = &targets[1];
        fake.n_dropped = 2;
        fake.jobs[0].name = "\"quoted\"";
        fake.jobs[0].n = (struct job_targets){.discovered = 52, .dropped = 50}; /* not all kept */
        fake.jobs[1].name = "node";
        fake.jobs[1].n = (struct job_targets){.discovered = 3, .dropped = 1};
        fake.n_jobs = 2;
}

static int
visit_jobs(void *arg, api_job_visitor each, void *each_arg, struct err *e)
{
        int rc = each(each_arg, "zeta", e);

        (void)arg;
        return rc == 0 ? each(each_arg, "empty", e) : rc;
}

typedef int (*answer)(
    struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e);

static void
expect(answer ask, const struct api_jobs *known, const char *want)
{
        struct buf out = BUF_INIT(1 << 16);
        size_t n = strlen(want);

        testing_ok(ask(fake_parts().scraper, known, &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_string_equal(out.ptr, want);
        buf_release(&out);
        for (size_t max = 0; max < n; max++) { /* an error, not a cut answer */
                out = (struct buf)BUF_INIT(max);
                assert_int_equal(ask(fake_parts().scraper, known, &out, NULL), ERR_LIMIT);
                buf_release(&out);
        }
}

#define POOLS(names) "{\"status\":\"success\",\"data\":{\"scrapePools\":[" names "]}}"

/* Also jobs without targets; a target that leaves is none any more. */
static void
test_scrape_pools(void **state)
{
        const struct api_jobs known = {visit_jobs, NULL};

        (void)state;
        memset(&fake, 0, sizeof(fake));
        expect(api_scrape_pools, NULL, POOLS(""));
        fill_fakes();
        expect(api_scrape_pools, NULL, POOLS("\"\\\"quoted\\\"\",\"node\",\"zeta\""));
        fake.active[1].leaving = true;
        fake.n_dropped = 1;
        expect(api_scrape_pools, &known, POOLS("\"\\\"quoted\\\"\",\"empty\",\"zeta\""));
}

static void
test_dropped_counts(void **state)
{
        const struct api_jobs known = {visit_jobs, NULL};

        (void)state;
        memset(&fake, 0, sizeof(fake));
        expect(api_put_dropped_counts, NULL, "{}");
        fill_fakes();
        expect(api_put_dropped_counts, NULL, "{\"\\\"quoted\\\"\":50,\"node\":1}");
        expect(api_put_dropped_counts, &known,
            "{\"\\\"quoted\\\"\":50,\"empty\":0,\"node\":1,\"zeta\":0}");
}

static void
test_labels(void **state)
{
        static const struct label labels[] = {
            {TEXT("job"), TEXT("node")}, {TEXT("odd\"name"), TEXT("x\\\n\xff")}};
        struct buf out = BUF_INIT(1000);

        (void)state;
        testing_ok(api_put_labels(&out, NULL, 0, NULL), NULL);
        testing_ok(api_put_labels(&out, labels, 2, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_string_equal(
            out.ptr, "{}{\"job\":\"node\",\"odd\\\"name\":\"x\\\\\\n\xef\xbf\xbd\"}");
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_scrape_pools),
            cmocka_unit_test(test_dropped_counts),
            cmocka_unit_test(test_labels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
