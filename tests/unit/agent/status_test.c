#include "agent/status.h"

#include "base/clock.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20 };

/* The agent: reload waits until it is let go, so that a test can look at what happens meanwhile. */
static struct {
        atomic_bool hold_reload;
        atomic_bool reloading;
        atomic_uint quits;
} agent;

static int
ready(void *arg, struct err *e)
{
        (void)arg;
        (void)e;
        return 0;
}

static int
reload(void *arg, struct err *e)
{
        (void)arg;
        (void)e;
        atomic_store(&agent.reloading, true);
        while (atomic_load(&agent.hold_reload))
                (void)usleep(1000);
        atomic_store(&agent.reloading, false);
        return 0;
}

static int
explain(void *arg, const char *job, const char *labels, struct buf *out, struct err *e)
{
        (void)arg;
        if (strcmp(job, "a") != 0 || strcmp(labels, "{}") != 0)
                return err_set(e, ERR_NOTFOUND, "scrape pool \"%s\" not found", job);
        return buf_puts(out, "{\"steps\":[]}", e);
}

static void
quit(void *arg)
{
        (void)arg;
        atomic_fetch_add(&agent.quits, 1);
}

static struct status *
start(bool lifecycle)
{
        const struct status_options o = {.listen_address = "127.0.0.1:0",
            .lifecycle = lifecycle,
            .clock = clock_system(),
            .parts = fake_parts(),
            .ready = ready,
            .reload = reload,
            .explain = explain,
            .quit = quit};
        struct err e = ERR_INIT;
        struct status *s;

        memset(&fake, 0, sizeof(fake));
        fake.usable = true;
        testing_ok(status_start(&o, &s, &e), &e);
        return s;
}

/* ---- a client ---- */

struct answer {
        CURLcode result;
        long code;
        struct buf body;
        char allow[64];
        char content_type[64];
        char location[64];
};

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
        struct answer *a = arg;

        return buf_append(&a->body, p, size * n, NULL) == 0 ? n : 0;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
        struct answer *a = arg;

        (void)size;
        if (n > 7 && strncasecmp(p, "allow: ", 7) == 0)
                (void)snprintf(a->allow, sizeof(a->allow), "%.*s", (int)n - 9, p + 7);
        if (n > 10 && strncasecmp(p, "location: ", 10) == 0)
                (void)snprintf(a->location, sizeof(a->location), "%.*s", (int)n - 12, p + 10);
        if (n > 14 && strncasecmp(p, "content-type: ", 14) == 0)
                (void)snprintf(
                    a->content_type, sizeof(a->content_type), "%.*s", (int)n - 16, p + 14);
        return n;
}

/* method NULL: GET; upload: bytes of a body, 0: none. */
static void
ask(const struct status *s, const char *method, const char *path, size_t upload, struct answer *a)
{
        CURL *easy = curl_easy_init();
        char *body = calloc(1, upload + 1);
        char url[4096];

        assert_non_null(easy);
        assert_non_null(body);
        memset(body, 'x', upload);
        memset(a, 0, sizeof(*a));
        a->body.max = ANSWER_MAX;
        (void)snprintf(url, sizeof(url), "http://%s%s", status_address(s), path);
        (void)curl_easy_setopt(easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
        if (method != NULL && strcmp(method, "HEAD") == 0)
                (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        else if (method != NULL)
                (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        if (upload > 0 || (method != NULL && strcmp(method, "POST") == 0)) {
                (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
                (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)upload);
        }
        a->result = curl_easy_perform(easy);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a->code);
        curl_easy_cleanup(easy);
        free(body);
}

static void
test_methods_and_paths(void **state)
{
        static const struct {
                const char *method;
                const char *path;
                long code;
                const char *allow;
                const char *body; /* a part of it; NULL: none */
        } rows[] = {
            {NULL, "/", 200, "", "<h1>gleaner"},
            {NULL, "/-/healthy", 200, "", "gleaner is healthy.\n"},
            {NULL, "/-/healthy?x=y", 200, "", "gleaner is healthy.\n"},
            {"HEAD", "/-/healthy", 200, "", NULL},
            {NULL, "/-/ready", 200, "", "gleaner is ready.\n"},
            {NULL, "/metrics", 200, "", "# TYPE gleaner_build_info gauge\n"},
            {NULL, "/api/v1/targets?state=active&scrapePool=x", 200, "",
                "\"droppedTargetCounts\":null"},
            {NULL, "/api/v1/status/config", 503, "", "\"status\":\"error\""},
            {NULL, "/nothing", 404, "", "404 page not found\n"},
            {"OPTIONS", "/nothing", 404, "", "404 page not found\n"},
            {"OPTIONS", "/api/v1/nothing", 204, "", NULL},
            {"OPTIONS", "/api/v1/targets", 204, "", NULL},
            {"OPTIONS", "/api/v1/query", 204, "", NULL},
            {"OPTIONS", "/metrics", 200, "GET, HEAD, OPTIONS", NULL},
            {"OPTIONS", "/-/reload", 200, "POST, PUT, OPTIONS", NULL},
            {NULL, "/api/v1/notifications", 200, "", "\"data\":[]"},
            {NULL, "/metrics/", 301, "", "Moved Permanently\n"},
            {NULL, "/-/HEALTHY", 301, "", "Moved Permanently\n"},
            {"POST", "/-/reload/", 307, "", "Found\n"},
            {"POST", "/-/healthy/", 404, "", "404 page not found\n"},
            {NULL, "//-//healthy?a=b", 301, "", "Moved Permanently\n"},
            {NULL, "/api/v1", 301, "", "Moved Permanently\n"},
            {NULL, "/api/v1/", 404, "", "404 page not found\n"},
            {NULL, "/-/healthy%00", 404, "", "404 page not found\n"},
            {NULL, "/-/healthy%zz", 400, "", "400 Bad Request"},
            {NULL, "/version", 200, "", "{\"version\":\""},
            {NULL, "/api/v1/query", 422, "", "unavailable with Prometheus Agent"},
            {"POST", "/api/v1/query", 422, "", "unavailable with Prometheus Agent"},
            {"DELETE", "/api/v1/query", 405, "GET, HEAD, OPTIONS", "Method Not Allowed\n"},
            {NULL, "/api/v1/targets/relabel_steps?labels=x", 400, "", "no scrapePool"},
            {NULL, "/api/v1/targets/relabel_steps?scrapePool=x", 400, "", "no labels"},
            {NULL, "/api/v1/targets/relabel_steps?scrapePool=x&labels=%7B%7D", 400, "",
                "not found"},
            {NULL, "/api/v1/targets/relabel_steps?scrapePool=a&labels=%7B%7D", 200, "",
                "{\"status\":\"success\",\"data\":{\"steps\":[]}}"},
            {NULL, "/api/v1/targets/metadata?limit=x", 400, "", "limit must be a number"},
            {NULL, "/api/v1/targets/metadata?limit=3&metric=x", 200, "", "\"data\":[]"},
            {NULL, "/api/v1/targets/metadata?match_target=%7B", 400, "", "match_target"},
            {NULL, "/api/v1/metadata?limit_per_metric=x", 400, "", "limit_per_metric must be"},
            {"POST", "/nothing", 404, "", "404 page not found\n"},
            {"POST", "/metrics", 405, "GET, HEAD, OPTIONS", "Method Not Allowed\n"},
            {"DELETE", "/api/v1/targets", 405, "GET, HEAD, OPTIONS", "Method Not Allowed\n"},
            {NULL, "/-/reload", 405, "POST, PUT, OPTIONS", "Only POST or PUT requests allowed.\n"},
            {NULL, "/-/quit", 405, "POST, PUT, OPTIONS", "Only POST or PUT requests allowed.\n"},
            {"POST", "/-/reload", 403, "", "Lifecycle API is not enabled.\n"},
            {"PUT", "/-/quit", 403, "", "Lifecycle API is not enabled.\n"},
        };
        struct status *s = start(false);

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct answer a;

                print_message("%s\n", rows[i].path);
                ask(s, rows[i].method, rows[i].path, 0, &a);
                assert_int_equal(a.result, CURLE_OK);
                assert_int_equal(a.code, rows[i].code);
                assert_string_equal(a.allow, rows[i].allow);
                testing_ok(buf_putc(&a.body, '\0', NULL), NULL);
                if (rows[i].body != NULL)
                        assert_non_null(strstr(a.body.ptr, rows[i].body));
                else
                        assert_int_equal(a.body.len, 1);
                buf_release(&a.body);
        }
        assert_int_equal(atomic_load(&agent.quits), 0);
        status_stop(s);
}

static void
test_route_prefix(void **state)
{
        static const struct {
                const char *path;
                long code;
                const char *body;
        } rows[] = {
            {"/p/-/healthy", 200, "gleaner is healthy."},
            {"/p/", 200, "<title>a &lt;b> &amp; c</title>"},
            {"/", 302, "Found"},
            {"/p", 301, "Moved"},
            {"/p//", 301, "Moved"},
            {"/-/healthy", 404, "404"},
            {"/pp/-/healthy", 404, "404"},
            {"/p/-/nothing", 404, "404"},
        };
        const struct status_options o = {.listen_address = "127.0.0.1:0",
            .clock = clock_system(),
            .route_prefix = "/p",
            .page_title = "a <b> & c",
            .ready = ready};
        struct err e = ERR_INIT;
        struct status *s;

        (void)state;
        testing_ok(status_start(&o, &s, &e), &e);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct answer a;

                print_message("%s\n", rows[i].path);
                ask(s, NULL, rows[i].path, 0, &a);
                assert_int_equal(a.code, rows[i].code);
                testing_ok(buf_putc(&a.body, '\0', NULL), NULL);
                assert_non_null(strstr(a.body.ptr, rows[i].body));
                assert_string_equal(a.location,
                    rows[i].code == 302       ? "/p"
                        : rows[i].code == 301 ? "/p/"
                                              : "");
                buf_release(&a.body);
        }
        status_stop(s);
}

static void
test_content_types(void **state)
{
        static const struct {
                const char *path;
                const char *want;
        } rows[] = {
            {"/metrics", "text/plain; version=0.0.4; charset=utf-8"},
            {"/api/v1/targets", "application/json"},
            {"/", "text/html; charset=utf-8"},
            {"/nothing", "text/plain; charset=utf-8"},
        };
        struct status *s = start(false);

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct answer a;

                ask(s, NULL, rows[i].path, 0, &a);
                assert_string_equal(a.content_type, rows[i].want);
                buf_release(&a.body);
        }
        status_stop(s);
}

static void
test_lifecycle(void **state)
{
        struct status *s = start(true);
        struct answer a;

        (void)state;
        ask(s, "POST", "/-/reload", 0, &a);
        assert_int_equal(a.code, 200);
        buf_release(&a.body);
        ask(s, "PUT", "/-/reload", 100, &a); /* a body is read away */
        assert_int_equal(a.code, 200);
        buf_release(&a.body);
        ask(s, "POST", "/-/quit", 0, &a);
        assert_int_equal(a.code, 200);
        assert_int_equal(atomic_load(&agent.quits), 1);
        buf_release(&a.body);
        atomic_store(&agent.quits, 0);
        status_stop(s);
}

static void
test_bounds(void **state)
{
        struct status *s = start(true);
        char path[3000];
        struct answer a;

        (void)state;
        ask(s, "POST", "/-/reload", 1 << 20, &a);
        assert_int_equal(a.code, 413);
        buf_release(&a.body);
        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        ask(s, NULL, path, 0, &a);
        assert_int_equal(a.code, 404);
        buf_release(&a.body);
        ask(s, NULL, "/-/healthy", 0, &a); /* still there */
        assert_int_equal(a.code, 200);
        buf_release(&a.body);
        status_stop(s);
}

/* Sends raw bytes and returns the status code of the answer, 0 when the connection was closed. */
static int
send_raw(const struct status *s, const char *head, size_t filler)
{
        struct sockaddr_in to = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char answer[64] = {0};
        char piece[1000];
        ssize_t n;

        to.sin_port = htons((uint16_t)strtoul(strrchr(status_address(s), ':') + 1, NULL, 10));
        assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        n = send(fd, head, strlen(head), MSG_NOSIGNAL);
        memset(piece, 'x', sizeof(piece));
        while (n > 0 && filler > 0) {
                n = send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
                filler -= filler < sizeof(piece) ? filler : sizeof(piece);
        }
        n = recv(fd, answer, sizeof(answer) - 1, 0);
        (void)close(fd);
        return n > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static void
test_hostile_requests(void **state)
{
        struct status *s = start(true);
        int code;
        struct answer a;

        (void)state;
        code = send_raw(s, "GET / HTTP/1.1\r\nHost: x\r\nX: ", 1 << 20);
        assert_true(code == 0 || code == 431 || code == 413);
        /* a body without a length that never ends */
        code = send_raw(s,
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
            20 << 20);
        assert_int_equal(code, 0);
        assert_int_equal(send_raw(s, "\x16\x03\x01 nonsense\r\n\r\n", 0) / 100, 4);
        ask(s, NULL, "/-/healthy", 0, &a);
        assert_int_equal(a.code, 200);
        buf_release(&a.body);
        status_stop(s);
}

static void
test_parts_come_and_go(void **state)
{
        static const struct status_parts none = {NULL, NULL, NULL};
        struct status_parts all = fake_parts();
        struct status *s = start(false);
        struct answer a;

        (void)state;
        status_set_parts(s, &none);
        ask(s, NULL, "/api/v1/targets", 0, &a);
        assert_int_equal(a.code, 503);
        buf_release(&a.body);
        status_set_parts(s, &all);
        ask(s, NULL, "/api/v1/targets", 0, &a);
        assert_int_equal(a.code, 200);
        buf_release(&a.body);
        status_stop(s);
}

/* Targets without end, of which each fills a piece. */
enum { LONG = 40 << 10, ENOUGH = 200 };

static struct scrape_job long_job = {.name = "long"};
static struct target long_target = {
    .refs = 1, .identity = (char[]){"0"}, .job = &long_job, .interval = "", .timeout = ""};

/* The client reads slowly; the parts are taken away meanwhile, without waiting for it. */
static void
test_parts_go_during_an_answer(void **state)
{
        static const struct status_parts none = {NULL, NULL, NULL};
        static char url[LONG];
        struct status *s = start(false);
        struct sockaddr_in to = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int size = 4096;
        char bytes[LONG];
        ssize_t n;
        size_t got = 0;

        (void)state;
        memset(url, 'x', sizeof(url) - 1);
        long_target.url = url;
        fake.active[0] = (struct target_status){.target = &long_target, .last_error = ""};
        fake.n_active = 1;
        fake.repeats = true;
        to.sin_port = htons((uint16_t)strtoul(strrchr(status_address(s), ':') + 1, NULL, 10));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        assert_true(send(fd, "GET /api/v1/targets HTTP/1.1\r\nHost: x\r\n\r\n", 41, 0) == 41);
        while (got < (size_t)ENOUGH * LONG) {
                n = recv(fd, bytes, sizeof(bytes), 0);
                assert_true(n > 0);
                got += (size_t)n;
        }
        status_set_parts(s, &none);
        while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
                got = (size_t)n;
        assert_memory_not_equal(bytes + got - 5, "0\r\n\r\n", 5); /* it is not whole */
        (void)close(fd);
        status_stop(s);
        fake.repeats = false;
        assert_int_equal(long_target.refs, 1);
}

struct reload_call {
        struct status *s;
        long code;
};

static void *
call_reload(void *arg)
{
        struct reload_call *call = arg;
        struct answer a;

        ask(call->s, "POST", "/-/reload", 0, &a);
        call->code = a.code;
        buf_release(&a.body);
        return NULL;
}

/* The agent sets the parts while it reloads on behalf of a request. */
static void
test_parts_are_set_during_a_reload(void **state)
{
        struct status_parts parts = fake_parts();
        struct status *s = start(true);
        struct reload_call call = {s, 0};
        pthread_t thread;

        (void)state;
        atomic_store(&agent.hold_reload, true);
        assert_int_equal(pthread_create(&thread, NULL, call_reload, &call), 0);
        while (!atomic_load(&agent.reloading))
                (void)usleep(1000);
        status_set_parts(s, &parts);
        atomic_store(&agent.hold_reload, false);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(call.code, 200);
        status_stop(s);
}

static void
test_address_in_use(void **state)
{
        struct status *s = start(false);
        struct status_options o = {
            .listen_address = status_address(s), .clock = clock_system(), .ready = ready};
        struct status *other = NULL;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(status_start(&o, &other, &e), ERR_SYS);
        assert_null(other);
        assert_non_null(strstr(e.msg, status_address(s)));
        o.listen_address = "nonsense";
        assert_int_equal(status_start(&o, &other, &e), ERR_CONFIG);
        status_stop(s);
        status_stop(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_methods_and_paths),
            cmocka_unit_test(test_route_prefix),
            cmocka_unit_test(test_content_types),
            cmocka_unit_test(test_lifecycle),
            cmocka_unit_test(test_bounds),
            cmocka_unit_test(test_hostile_requests),
            cmocka_unit_test(test_parts_come_and_go),
            cmocka_unit_test(test_parts_go_during_an_answer),
            cmocka_unit_test(test_parts_are_set_during_a_reload),
            cmocka_unit_test(test_address_in_use),
        };
        int failed;

        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        curl_global_cleanup();
        return failed;
}
