#include "scrape/discovery/kubernetes/hub.h"

#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/net.h"
#include "tests/testing/testing.h"

static void
watches_and_servers_are_shared(void **state)
{
        const struct kube_subject pods = {KUBE_PODS, "", "", ""};
        const struct kube_subject some = {KUBE_PODS, "", "a=b", ""};
        const struct kubernetes_sd here = {.server = 1};
        const struct kubernetes_sd there = {.server = 2};
        struct scrape_config *config = NULL;
        struct source_net *net = NULL;
        struct kube_hub *h = NULL;
        struct kube_hub *same = NULL;
        struct kube_server *s = NULL;
        struct kube_server *other = NULL;
        struct kube_watch *v[4];

        (void)state;
        testing_ok(scrape_config_new(&config, NULL), NULL);
        testing_ok(net_new(&net, NULL), NULL);
        testing_ok(kube_hub_get(net, &h, NULL), NULL);
        testing_ok(kube_hub_get(net, &same, NULL), NULL);
        assert_ptr_equal(h, same);
        testing_ok(kube_hub_server(h, &here, config, &s, NULL), NULL);
        testing_ok(kube_hub_watch(h, s, &pods, &v[0], NULL), NULL);
        testing_ok(kube_hub_server(h, &here, config, &other, NULL), NULL);
        assert_ptr_equal(s, other);
        testing_ok(kube_hub_watch(h, s, &pods, &v[1], NULL), NULL);
        assert_ptr_equal(v[0], v[1]);
        testing_ok(kube_hub_watch(h, s, &some, &v[2], NULL), NULL);
        testing_ok(kube_hub_server(h, &there, config, &other, NULL), NULL);
        assert_ptr_not_equal(s, other);
        testing_ok(kube_hub_watch(h, other, &pods, &v[3], NULL), NULL);
        assert_ptr_not_equal(v[2], v[0]);
        assert_ptr_not_equal(v[3], v[0]);
        assert_int_equal(kube_hub_due(h), 0);
        for (size_t i = 0; i < 4; i++)
                kube_hub_unwatch(h, v[i]);
        assert_int_equal(kube_hub_due(h), INT64_MAX);
        kube_hub_put(same);
        kube_hub_put(h);
        assert_null(net->kubernetes);
        net_free(net);
        scrape_config_unref(config);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(watches_and_servers_are_shared)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
