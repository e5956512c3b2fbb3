#include "agent/status_pages.h"

#include "agent/httpd.h"
#include "base/clock.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>

/* What the agent's callbacks say and saw. */
static struct {
        const char *not_ready; /* NULL: start-up is over */
        const char *reload_error; /* NULL: it goes well */
        unsigned reloads;
        unsigned quits;
} agent;

static int
ready(void *arg, struct err *e)
{
        assert_ptr_equal(arg, &agent);
        return agent.not_ready == NULL ? 0 : err_set(e, ERR_AGAIN, "%s", agent.not_ready);
}

static int
config(void *arg, struct buf *out, struct err *e)
{
        assert_ptr_equal(arg, &agent);
        return buf_puts(out, "a: <secret>\n", e);
}

static int
reload(void *arg, struct err *e)
{
        assert_ptr_equal(arg, &agent);
        agent.reloads++;
        return agent.reload_error == NULL ? 0 : err_set(e, ERR_CONFIG, "%s", agent.reload_error);
}

static void
quit(void *arg)
{
        assert_ptr_equal(arg, &agent);
        agent.quits++;
}

static void
numbers(void *arg, struct status_agent *out)
{
        assert_ptr_equal(arg, &agent);
        *out = (struct status_agent){.reload_ok = true};
}

static struct status_options options = {.ready = ready,
    .config = config,
    .reload = reload,
    .quit = quit,
    .agent = numbers,
    .arg = &agent};

static void
reset(void)
{
        memset(&agent, 0, sizeof(agent));
        memset(&fake, 0, sizeof(fake));
        fake.usable = true;
        options.clock = clock_system();
}

static void
ask(const char *path, const struct status_options *o, const struct status_parts *parts,
    struct httpd_reply *r)
{
        const struct status_page *page = status_page_find(path);
        struct status_stream stream = {0};
        const struct status_context c = {.options = o, .parts = *parts, .stream = &stream};
        const struct status_query q = {.state = NULL};
        struct err e = ERR_INIT;

        assert_non_null(page);
        *r = (struct httpd_reply){
            .status = 200, .content_type = "text/plain", .body = BUF_INIT(1 << 20)};
        testing_ok(page->answer(&c, &q, r, &e), &e);
        assert_null(stream.arg); /* none of these is long */
        testing_ok(buf_putc(&r->body, '\0', NULL), NULL);
}

static void
expect(const char *path, unsigned code, const char *body)
{
        struct status_parts parts = fake_parts();
        struct httpd_reply r;

        ask(path, &options, &parts, &r);
        assert_int_equal(r.status, code);
        assert_string_equal(r.body.ptr, body);
        buf_release(&r.body);
}

static void
test_ready(void **state)
{
        (void)state;
        reset();
        expect("/-/ready", 200, "gleaner is ready.\n");
        agent.not_ready = "start-up is not over";
        expect("/-/ready", 503, "gleaner is not ready: start-up is not over\n");
        agent.not_ready = NULL;
        fake.scraper.clock_held = true;
        expect(
            "/-/ready", 503, "gleaner is not ready: the clock is implausible, scrapes are held\n");
        fake.scraper.clock_held = false;
        fake.usable = false;
        expect("/-/ready", 503,
            "gleaner is not ready: the last commit failed: no space left on device\n");
}

/* A receiver's outage must not block roll-outs. */
static void
test_ready_with_failing_endpoints(void **state)
{
        (void)state;
        reset();
        fake.remotes[0] = (struct sender_stats){.name = "fine", .state = SENDER_SENDING};
        fake.remotes[1] = (struct sender_stats){.name = "away",
            .state = SENDER_BACKOFF,
            .failing_since_ms = 1700000000000,
            .last_error = "connection refused"};
        fake.remotes[2] = (struct sender_stats){.name = "denied",
            .state = SENDER_HELD,
            .failing_since_ms = 1700000001000,
            .last_error = "401 Unauthorized"};
        fake.n_remotes = 3;
        expect("/-/ready", 200,
            "gleaner is ready.\n"
            "endpoint away is failing since 2023-11-14T22:13:20Z: connection refused\n"
            "endpoint denied is held since 2023-11-14T22:13:21Z: 401 Unauthorized\n");
}

static void
test_ready_without_parts(void **state)
{
        static const struct status_parts none = {NULL, NULL, NULL};
        struct httpd_reply r;

        (void)state;
        reset();
        agent.not_ready = "the log is being opened";
        ask("/-/ready", &options, &none, &r);
        assert_int_equal(r.status, 503);
        buf_release(&r.body);
}

static void
test_healthy(void **state)
{
        (void)state;
        reset();
        agent.not_ready = "whatever";
        expect("/-/healthy", 200, "gleaner is healthy.\n");
}

static void
test_lifecycle(void **state)
{
        (void)state;
        reset();
        assert_true(status_page_find("/-/reload")->changes);
        assert_true(status_page_find("/-/quit")->changes);
        expect("/-/reload", 200, "");
        assert_int_equal(agent.reloads, 1);
        agent.reload_error = "agent.yml:3:1: unknown key";
        expect("/-/reload", 500, "failed to reload config: agent.yml:3:1: unknown key\n");
        expect("/-/quit", 200, "Requesting termination... Goodbye!\n");
        assert_int_equal(agent.quits, 1);
}

static void
test_callbacks_that_are_not_there(void **state)
{
        const struct status_options bare = {.ready = ready, .arg = &agent, .clock = clock_system()};
        static const struct {
                const char *path;
                unsigned code;
        } rows[] = {
            {"/-/reload", 404},
            {"/-/quit", 404},
            {"/api/v1/status/config", 503},
            {"/api/v1/targets", 503},
            {"/api/v1/scrape_pools", 503},
            {"/api/v1/status/flags", 503},
            {"/metrics", 200},
        };
        static const struct status_parts none = {NULL, NULL, NULL};

        (void)state;
        reset();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct httpd_reply r;

                ask(rows[i].path, &bare, &none, &r);
                assert_int_equal(r.status, rows[i].code);
                if (strcmp(r.content_type, "application/json") == 0) {
                        json_t *answer = json_loads(r.body.ptr, 0, NULL);

                        assert_string_equal(
                            json_string_value(json_object_get(answer, "status")), "error");
                        json_decref(answer);
                }
                buf_release(&r.body);
        }
}

static void
test_every_page(void **state)
{
        static const struct {
                const char *path;
                const char *content_type;
                const char *part; /* of the body */
        } rows[] = {
            {"/", "text/html; charset=utf-8", "<a href=\"metrics\">"},
            {"/metrics", "text/plain; version=0.0.4; charset=utf-8",
                "prometheus_config_last_reload_successful 1\n"},
            {"/api/v1/targets", "application/json", "\"activeTargets\":[]"},
            {"/api/v1/scrape_pools", "application/json", "\"scrapePools\":[]"},
            {"/api/v1/status/config", "application/json", "\"yaml\":\"a: <secret>\\n\""},
            {"/api/v1/targets/metadata", "application/json", "\"data\":[]"},
            {"/api/v1/metadata", "application/json", "\"data\":{}"},
            {"/api/v1/status/walreplay", "application/json", "\"current\":0"},
            {"/api/v1/status/runtimeinfo", "application/json", "\"reloadConfigSuccess\":true"},
            {"/api/v1/status/buildinfo", "application/json", "\"version\":\"" GLEANER_VERSION "\""},
        };
        struct status_parts parts = fake_parts();

        (void)state;
        reset();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct httpd_reply r;

                print_message("%s\n", rows[i].path);
                ask(rows[i].path, &options, &parts, &r);
                assert_int_equal(r.status, 200);
                assert_string_equal(r.content_type, rows[i].content_type);
                assert_non_null(strstr(r.body.ptr, rows[i].part));
                assert_false(status_page_find(rows[i].path)->changes);
                buf_release(&r.body);
        }
        assert_null(status_page_find("/metrics/"));
        assert_null(status_page_find(""));
}

static void
test_near(void **state)
{
        static const struct {
                const char *path;
                const char *want;
        } rows[] = {{"/metrics/", "/metrics"}, {"/METRICS", "/metrics"}, {"/-/Ready/", "/-/ready"},
            {"/metrics//", NULL}, {"/metricsx", NULL}, {"/", NULL}, {"", NULL}, {"/metric", NULL},
            {"/api/v1/query/", NULL}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct status_page *page = status_page_near(rows[i].path);

                assert_int_equal(page != NULL, rows[i].want != NULL);
                if (page != NULL)
                        assert_string_equal(page->path, rows[i].want);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ready),
            cmocka_unit_test(test_ready_with_failing_endpoints),
            cmocka_unit_test(test_ready_without_parts),
            cmocka_unit_test(test_healthy),
            cmocka_unit_test(test_lifecycle),
            cmocka_unit_test(test_callbacks_that_are_not_there),
            cmocka_unit_test(test_every_page),
            cmocka_unit_test(test_near),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
