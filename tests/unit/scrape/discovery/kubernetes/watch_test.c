#include "scrape/discovery/kubernetes/watch.h"

#include "base/log.h"
#include "scrape/discovery/net.h"
#include "tests/testing/testing.h"

static struct kubernetes_counters counters;
static struct kube_watch *w;

static int
set_up(void **state)
{
        const struct kube_subject subject = {KUBE_PODS, "ns", "a=b", ""};

        (void)state;
        counters = (struct kubernetes_counters){0};
        testing_ok(kube_watch_new(&subject, NULL, &counters, &w, NULL), NULL);
        assert_true(kube_watch_is(w, &subject));
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        kube_watch_free(w);
        return 0;
}

/* One request: its URL begins with `url`, it is answered with this; returns when the next is due.
 */
static int64_t
ask(const char *url, long status, const char *body, int64_t now_ms, int64_t took_ms)
{
        struct buf got = BUF_INIT(4096);
        struct err e = ERR_INIT;
        struct kube_end end = {.status = status};
        unsigned seconds;

        testing_ok(kube_watch_begin(w, now_ms, &got, &seconds, &e), &e);
        testing_ok(buf_putc(&got, '\0', &e), &e);
        if (strncmp(got.ptr, url, strlen(url)) != 0)
                fail_msg("%s does not begin with %s", got.ptr, url);
        assert_int_equal(w->due_ms, INT64_MAX);
        end.rc = kube_watch_take(w, status, view_of(body), &e);
        end.why = e.msg;
        kube_watch_end(w, &end, now_ms + took_ms);
        buf_release(&got);
        return w->due_ms - now_ms - took_ms;
}

#define PODS "/api/v1/namespaces/ns/pods"
#define LIST PODS "?limit=500&resourceVersion=0&labelSelector=a%3Db"
#define POD(n) "{\"metadata\":{\"name\":\"" n "\",\"namespace\":\"ns\",\"resourceVersion\":\"9\"}}"
#define EVENT(t, n) "{\"type\":\"" t "\",\"object\":" POD(n) "}\n"
#define GONE "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"message\":\"too old\"}}"

static bool
has(const char *name)
{
        return kube_is(kube_store_get(&w->store, VIEW_LIT("ns"), view_of(name)));
}

static void
pages_then_events(void **state)
{
        (void)state;
        assert_int_equal(ask(LIST, 200,
                             "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"t+\"},"
                             "\"items\":[" POD("a") "]}",
                             0, 0),
            0);
        assert_false(w->synced);
        assert_int_equal(
            ask(PODS "?limit=500&continue=t%2B&labelSelector=", 200,
                "{\"items\":[" POD("b") "],\"metadata\":{\"resourceVersion\":\"5\"}}", 0, 0),
            0);
        assert_true(w->synced && has("a") && has("b"));
        assert_int_equal(
            ask(PODS "?watch=true&allowWatchBookmarks=true&timeoutSeconds=", 200,
                EVENT("DELETED", "a") EVENT("ADDED", "c") EVENT("MODIFIED", "c"), 0, 5000),
            0);
        assert_true(!has("a") && has("c"));
        assert_true(view_is(buf_view(&w->version), "9"));
        assert_int_equal(counters.events[KUBERNETES_POD][KUBERNETES_ADD], 3);
        assert_int_equal(counters.events[KUBERNETES_POD][KUBERNETES_DELETE], 1);
        assert_int_equal(counters.events[KUBERNETES_POD][KUBERNETES_UPDATE], 1);
        assert_int_equal(counters.failures, 0);
}

#define WHOLE(v, pod) "{\"metadata\":{\"resourceVersion\":\"" v "\"},\"items\":[" POD(pod) "]}"

static void
gone_lists_again(void **state)
{
        (void)state;
        (void)ask(LIST, 200, WHOLE("5", "a"), 0, 0);
        assert_int_equal(ask(PODS "?watch", 200, GONE, 0, 2000), 0);
        /* not from the cache again; what is not there any more goes */
        (void)ask(PODS "?limit=500&labelSelector", 200, WHOLE("6", "b"), 0, 0);
        assert_true(!has("a") && has("b"));
        assert_int_equal(ask(PODS "?watch", 410, "{}", 0, 2000) > 0, true);
        (void)ask(PODS "?limit=500&labelSelector", 200,
            "{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"t\"},\"items\":[]}", 0, 0);
        (void)ask(PODS "?limit=500&continue=t", 410, "{}", 0, 0);
        (void)ask(PODS "?pretty=false&labelSelector", 200, WHOLE("8", "c"), 0, 0);
        assert_true(!has("b") && has("c"));
}

static void
failures_back_off_and_keep_objects(void **state)
{
        int64_t last = 0;

        (void)state;
        (void)ask(LIST, 200, WHOLE("5", "a"), 0, 0);
        for (int i = 0; i < 10; i++) {
                int64_t wait = ask(PODS "?watch", 503, "{\"message\":\"down\"}", 0, 0);

                assert_true(wait >= KUBE_BACKOFF_MIN_MS / 2 && wait <= KUBE_BACKOFF_MAX_MS);
                assert_true(wait >= last / 2);
                last = wait;
        }
        assert_true(last >= KUBE_BACKOFF_MAX_MS / 2);
        assert_true(has("a") && w->synced && w->failing);
        assert_int_equal(counters.failures, 10);
        /* a token that has expired is read anew at once, and once */
        assert_int_equal(ask(PODS "?watch", 401, "", 0, 0), 0);
        assert_true(ask(PODS "?watch", 401, "", 0, 0) > 0);
        kube_watch_accepted(w, 0);
        assert_false(w->failing);
}

static void
broken_answers_are_failures(void **state)
{
        static const char *const bodies[] = {"{\"items\":[", "no json", "{\"items\":[]}",
            "{\"items\":[{\"a\":}],\"metadata\":{\"resourceVersion\":\"1\"}}", ""};

        (void)state;
        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
                assert_true(ask(LIST, 200, bodies[i], 0, 0) > 0);
                assert_false(w->synced);
        }
        assert_int_equal(counters.failures, sizeof(bodies) / sizeof(bodies[0]));
}

/* A connection that is cut within a line: what was whole counts, and it goes on from there. */
static void
cut_lines_are_no_failure(void **state)
{
        (void)state;
        (void)ask(LIST, 200, WHOLE("5", "a"), 0, 0);
        assert_int_equal(
            ask(PODS "?watch", 200, EVENT("ADDED", "b") "{\"type\":\"ADD", 0, 2000), 0);
        assert_true(has("b"));
        assert_int_equal(counters.failures, 0);
        assert_true(ask(PODS "?watch", 200, "", 0, 10) > 0); /* too short: not at once */
}

static void
large_objects_are_refused_and_counted(void **state)
{
        struct buf body = BUF_INIT(KUBE_MAX_PIECE);

        (void)state;
        testing_ok(
            buf_puts(&body,
                "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" POD(
                    "a") ",{\"metadata\":{\"name\":\"b\",\"namespace\":\"ns\",\"labels\":{\"l\":\"",
                NULL),
            NULL);
        for (int i = 0; i < KUBE_MAX_RECORD; i++)
                testing_ok(buf_putc(&body, 'x', NULL), NULL);
        testing_ok(buf_puts(&body, "\"}}}]}", NULL), NULL);
        testing_ok(buf_putc(&body, '\0', NULL), NULL);
        (void)ask(LIST, 200, body.ptr, 0, 0);
        assert_true(has("a") && !has("b") && w->synced);
        assert_int_equal(counters.refused, 1);
        buf_release(&body);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(pages_then_events, set_up, tear_down),
            cmocka_unit_test_setup_teardown(gone_lists_again, set_up, tear_down),
            cmocka_unit_test_setup_teardown(failures_back_off_and_keep_objects, set_up, tear_down),
            cmocka_unit_test_setup_teardown(broken_answers_are_failures, set_up, tear_down),
            cmocka_unit_test_setup_teardown(cut_lines_are_no_failure, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                large_objects_are_refused_and_counted, set_up, tear_down),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
