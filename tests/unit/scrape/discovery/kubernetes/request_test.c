#include "base/http.h"
#include "base/log.h"
#include "scrape/discovery/kubernetes/hub.h"
#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/net.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>

/* The first list is refused, the second is good, the watch hangs. */
static void
answer(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        (void)arg;
        reply->status = request->number == 1 ? 503 : 200;
        reply->body = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{"
                      "\"name\":\"a\"}}]}";
        if (strstr(request->target, "watch=true") != NULL)
                reply->how = BREAK_HANG;
}

static void
list_is_tried_until_it_is_good(void **state)
{
        const struct testing_server_options options = {.handler = answer};
        const struct kube_subject nodes = {KUBE_NODES, "", "", ""};
        struct testing_server *server = testing_server_start(&options);
        struct kubernetes_sd sd = {.role = KUBERNETES_NODE};
        struct scrape_config *config = NULL;
        struct source_net *net = NULL;
        struct kube_hub *h = NULL;
        struct kube_server *s = NULL;
        struct kube_watch *w = NULL;
        char url[64];
        int64_t now_ms = 0;
        int ready;

        (void)state;
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", testing_server_port(server));
        sd.api_server = url;
        http_options_init(&sd.http);
        testing_ok(scrape_config_new(&config, NULL), NULL);
        testing_ok(net_new(&net, NULL), NULL);
        testing_ok(kube_hub_get(net, &h, NULL), NULL);
        testing_ok(kube_hub_server(h, &sd, config, &s, NULL), NULL);
        testing_ok(kube_hub_watch(h, s, &nodes, &w, NULL), NULL);
        while (w->state != KUBE_WATCHING || w->due_ms != INT64_MAX) {
                kube_hub_turn(h, now_ms);
                (void)curl_multi_poll(net->multi, NULL, 0, 10, &ready);
                net_turn(net);
                now_ms += 100; /* faster than time, so that nothing waits for a delay */
        }
        assert_true(w->synced);
        assert_int_equal(w->store.n, 1);
        assert_int_equal(net->counters.kubernetes.failures, 1);
        assert_int_equal(net->counters.kubernetes.lists, 2);
        kube_hub_unwatch(h, w);
        kube_hub_put(h);
        net_free(net);
        scrape_config_unref(config);
        testing_server_stop(server);
}

/* Watches of one server share a token; when none is to be had, all of them hear of it. */
struct tokens {
        int refusals; /* to begin with */
        int asked;
};

static void
answer_with_token(void *arg, const struct testing_request *request, struct testing_reply *reply)
{
        struct tokens *t = arg;

        if (strcmp(request->target, "/token") == 0) {
                reply->status = ++t->asked <= t->refusals ? 503 : 200;
                reply->headers = "Content-Type: application/json\r\n";
                reply->body = "{\"access_token\":\"t\",\"token_type\":\"bearer\"}";
                return;
        }
        reply->status = strstr(request->headers, "Authorization: Bearer t\r\n") != NULL ? 200 : 401;
        reply->body = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}";
        if (strstr(request->target, "watch=true") != NULL)
                reply->how = BREAK_HANG;
}

static void
one_token_for_all_watches(void **state)
{
        struct tokens tokens = {.refusals = 2};
        const struct testing_server_options options = {
            .handler = answer_with_token, .arg = &tokens};
        struct testing_server *server = testing_server_start(&options);
        struct http_options plain;
        struct http_oauth2_options oauth2 = {.client_id = "me", .http = &plain};
        struct kubernetes_sd sd = {.role = KUBERNETES_NODE};
        struct scrape_config *config = NULL;
        struct source_net *net = NULL;
        struct kube_hub *h = NULL;
        struct kube_server *s = NULL;
        struct kube_watch *w[3] = {NULL};
        char url[64];
        char token_url[96];
        int64_t now_ms = 0;
        int ready = 0;

        (void)state;
        (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", testing_server_port(server));
        (void)snprintf(token_url, sizeof(token_url), "%stoken", url);
        http_options_init(&plain);
        http_options_init(&sd.http);
        oauth2.token_url = token_url;
        sd.http.oauth2 = &oauth2;
        sd.api_server = url;
        testing_ok(scrape_config_new(&config, NULL), NULL);
        testing_ok(net_new(&net, NULL), NULL);
        testing_ok(kube_hub_get(net, &h, NULL), NULL);
        testing_ok(kube_hub_server(h, &sd, config, &s, NULL), NULL);
        for (int i = 0; i < 3; i++) {
                const struct kube_subject subject = {(enum kube_kind)i, "", "", ""};

                testing_ok(kube_hub_watch(h, s, &subject, &w[i], NULL), NULL);
        }
        while (ready < 3) {
                int running;

                kube_hub_turn(h, now_ms);
                assert_true(kube_hub_due(h) > now_ms); /* nobody turns in circles */
                (void)curl_multi_poll(net->multi, NULL, 0, 10, &running);
                net_turn(net);
                now_ms += 100; /* faster than time, so that nothing waits for a delay */
                ready = 0;
                for (int i = 0; i < 3; i++)
                        ready += w[i]->state == KUBE_WATCHING && w[i]->due_ms == INT64_MAX;
        }
        /* refused in the header and in the form: that fails all three; then one for all */
        assert_int_equal(tokens.asked, 3);
        assert_int_equal(net->counters.kubernetes.failures, 3);
        for (int i = 0; i < 3; i++)
                kube_hub_unwatch(h, w[i]);
        kube_hub_put(h);
        net_free(net);
        scrape_config_unref(config);
        testing_server_stop(server);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(list_is_tried_until_it_is_good),
            cmocka_unit_test(one_token_for_all_watches),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        testing_ok(http_setup(NULL), NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
