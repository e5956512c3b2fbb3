#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
nodes_have_addresses_and_conditions(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_NODE);
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 3);
        ROLE_HAS(&c, "192.168.101.21:10250", " __meta_kubernetes_node_provider_id=\"k3s://node-1\"",
            " __meta_kubernetes_node_condition_ready=\"true\"",
            " __meta_kubernetes_node_address_InternalIP=\"192.168.101.21\"", " instance=\"node-1\"",
            " __meta_kubernetes_node_labelpresent_node_role_kubernetes_io_worker=\"true\"");
        ROLE_HAS(&c, "[fd00::22]:10250", " __meta_kubernetes_node_name=\"node-2\"");
        ROLE_HAS(&c, "last:0", " instance=\"node-without-port\"");
        assert_null(strstr(c.text.ptr, "node-without-address"));
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(nodes_have_addresses_and_conditions)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
