#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
namespaces_and_nodes_are_attached(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_POD);
        c.sd.attach_namespace = true;
        c.sd.attach_node = true;
        role_case_run(&c);
        ROLE_HAS(&c, "10.42.0.11:8080", " __meta_kubernetes_namespace_label_team=\"a\"",
            " __meta_kubernetes_namespace_annotation_note=\"first\"",
            " __meta_kubernetes_node_name=\"node-1\"");
        assert_false(
            kube_is(kube_sight_get(&c.sight, KUBE_NODES, VIEW_LIT(""), VIEW_LIT("node-unknown"))));
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(namespaces_and_nodes_are_attached)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
