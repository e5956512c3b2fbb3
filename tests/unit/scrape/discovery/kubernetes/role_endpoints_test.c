#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
addresses_and_uncovered_ports_are_targets(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_ENDPOINTS);
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 10);
        ROLE_HAS(&c, "10.42.0.11:8080", " __meta_kubernetes_endpoint_ready=\"true\"",
            " __meta_kubernetes_service_name=\"web\"",
            " __meta_kubernetes_pod_uid=\"uid-web-5d4f-x1\"",
            " __meta_kubernetes_pod_container_name=\"web\"");
        ROLE_HAS(&c, "[fd00:42::12]:8080", " __meta_kubernetes_endpoint_ready=\"false\"");
        ROLE_HAS(&c, "10.9.9.9:8080", " __meta_kubernetes_endpoint_hostname=\"plain\"");
        ROLE_HAS(&c, "10.42.0.11:9090", " __meta_kubernetes_pod_container_port_name=\"metrics\"");
        ROLE_HAS(&c, "10.1.1.1:2", " __meta_kubernetes_endpoint_port_name=\"b\"");
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(addresses_and_uncovered_ports_are_targets)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
