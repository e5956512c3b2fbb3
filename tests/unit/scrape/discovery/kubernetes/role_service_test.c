#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
each_port_of_a_service_is_a_target(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_SERVICE);
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 4);
        ROLE_HAS(&c, "web.default.svc:80", " __meta_kubernetes_service_type=\"ClusterIP\"",
            " __meta_kubernetes_service_cluster_ip=\"10.43.0.10\"",
            " __meta_kubernetes_service_port_number=\"80\"");
        ROLE_HAS(&c, "dual.default.svc:443",
            " __meta_kubernetes_service_loadbalancer_ip=\"198.51.100.7\"");
        ROLE_HAS(&c, "outside.monitoring.svc:1",
            " __meta_kubernetes_service_external_name=\"example.org\"");
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_port_of_a_service_is_a_target)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
