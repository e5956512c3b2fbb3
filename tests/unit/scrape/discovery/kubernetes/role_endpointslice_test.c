#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
slices_of_the_first_family_are_targets(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_ENDPOINTSLICE);
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 12);
        ROLE_HAS(&c, "10.42.0.11:8080",
            " __meta_kubernetes_endpointslice_port_app_protocol=\"http\"",
            " __meta_kubernetes_endpointslice_endpoint_conditions_terminating=\"false\"",
            " __meta_kubernetes_endpointslice_endpoint_topology_topology_kubernetes_io_region="
            "\"r\"",
            " __meta_kubernetes_endpointslice_endpoint_topology_present_topology_kubernetes_io_"
            "region=\"true\"",
            " __meta_kubernetes_service_name=\"web\"");
        ROLE_HAS(&c, "a.example", " __meta_kubernetes_endpointslice_port_name=\"all\"");
        ROLE_HAS(&c, "[fd00::1:2]:443", " __meta_kubernetes_endpointslice_address_type=\"IPv6\"");
        assert_null(strstr(c.text.ptr, "10.1.1.2"));
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(slices_of_the_first_family_are_targets)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
