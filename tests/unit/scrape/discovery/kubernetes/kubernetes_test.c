#include "scrape/discovery/kubernetes/kubernetes.h"

#include "base/http.h"
#include "base/log.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>

static void
answer(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        (void)arg;
        reply->status = 200;
        reply->body = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{"
                      "\"name\":\"a\",\"namespace\":\"n\"},\"spec\":{\"ports\":[{\"port\":1}]}}]}";
        if (strstr(request->target, "watch=true") != NULL)
                reply->how = BREAK_HANG;
}

static int
take(void *arg, const struct target_group *groups, size_t n, struct err *e)
{
        for (size_t i = 0; i < n; i++)
                testing_ok(buf_printf(arg, e, "%s;", groups[i].targets[0]), e);
        return 0;
}

static void
turn(struct source_net *net, struct source *s, int64_t *now_ms)
{
        int ready;

        s->class->turn(s, *now_ms);
        (void)curl_multi_poll(net->multi, NULL, 0, 10, &ready);
        net_turn(net);
        *now_ms += 100;
}

static void
section_is_known_once_all_is_listed(void **state)
{
        const struct testing_server_options options = {.handler = answer};
        struct testing_server *server = testing_server_start(&options);
        const char *namespaces[] = {"n", "m"};
        struct kubernetes_sd sd = {
            .role = KUBERNETES_SERVICE, .namespaces = namespaces, .n_namespaces = 2};
        struct scrape_job job = {.name = "j"};
        struct source_input in = {.job = &job};
        struct source *s = NULL;
        struct buf got = BUF_INIT(100);
        const struct group_sink sink = {take, &got};
        char url[64];
        int64_t now_ms = 0;

        (void)state;
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", testing_server_port(server));
        sd.api_server = url;
        http_options_init(&sd.http);
        for (size_t i = 0; i < KUBERNETES_ROLES; i++)
                sd.selectors[i] = (struct kubernetes_selector){"", ""};
        testing_ok(scrape_config_new(&in.config, NULL), NULL);
        testing_ok(net_new(&in.net, NULL), NULL);
        testing_ok(kubernetes_source_new(&in, &sd, &s, NULL), NULL);
        assert_int_equal(s->class->slots(s), 1);
        assert_false(s->class->known(s, 0));
        while (!s->class->known(s, 0))
                turn(in.net, s, &now_ms);
        turn(in.net, s, &now_ms);
        assert_true(s->generation > 0);
        testing_ok(s->class->visit(s, 0, &sink, NULL), NULL);
        testing_ok(buf_putc(&got, 0, NULL), NULL);
        assert_string_equal(got.ptr, "a.n.svc:1;a.n.svc:1;");
        assert_int_equal(in.net->counters.kubernetes.watches, 2);
        s->class->free(s);
        net_free(in.net);
        scrape_config_unref(in.config);
        buf_release(&got);
        testing_server_stop(server);
}

/* The agent is in no cluster: it is tried again, and nothing is known. */
static void
own_namespace_that_is_not_there(void **state)
{
        struct kubernetes_sd sd = {.role = KUBERNETES_POD, .own_namespace = true};
        struct scrape_job job = {.name = "j"};
        struct source_input in = {.job = &job};
        struct source *s = NULL;

        (void)state;
        for (size_t i = 0; i < KUBERNETES_ROLES; i++)
                sd.selectors[i] = (struct kubernetes_selector){"", ""};
        testing_ok(scrape_config_new(&in.config, NULL), NULL);
        testing_ok(net_new(&in.net, NULL), NULL);
        testing_ok(kubernetes_source_new(&in, &sd, &s, NULL), NULL);
        s->class->turn(s, 1000);
        assert_int_equal(s->failures, 1);
        assert_true(s->class->due(s) > 1000);
        assert_false(s->class->known(s, 0));
        s->class->free(s);
        net_free(in.net);
        scrape_config_unref(in.config);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(section_is_known_once_all_is_listed),
            cmocka_unit_test(own_namespace_that_is_not_there)};

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        testing_ok(http_setup(NULL), NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
