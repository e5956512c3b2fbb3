#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
each_port_of_each_container_is_a_target(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_POD);
        c.sd.attach_node = true;
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 9);
        ROLE_HAS(&c, "10.42.0.11:8080", " __meta_kubernetes_pod_container_port_name=\"http\"",
            " __meta_kubernetes_pod_container_id=\"containerd://aaa\"",
            " __meta_kubernetes_node_label_zone=\"a\"", " __meta_kubernetes_namespace=\"default\"");
        ROLE_HAS(&c, "10.42.0.11:7000", " __meta_kubernetes_pod_container_init=\"true\"",
            " __meta_kubernetes_pod_container_port_protocol=\"UDP\"");
        ROLE_HAS(&c, "10.42.0.11", " __meta_kubernetes_pod_container_id=\"containerd://ccc\"");
        ROLE_HAS(&c, "[fd00:42::12]:8080", " __meta_kubernetes_pod_ready=\"false\"");
        assert_null(strstr(c.text.ptr, "pod_name=\"starts\""));
        /* pods on nodes that a selector leaves out are left out too */
        c.sd.selectors[KUBERNETES_NODE].label = "zone";
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 8);
        assert_null(strstr(c.text.ptr, "pod_name=\"bare\""));
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_port_of_each_container_is_a_target)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
