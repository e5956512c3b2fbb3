#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
stores_of_several_namespaces_are_one(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_POD);
        const struct kube_store *twice[2] = {&c.stores[KUBE_PODS], &c.stores[KUBE_PODS]};

        c.sight.of[KUBE_PODS] = (struct kube_stores){twice, 2};
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 18);
        c.sight.of[KUBE_PODS].n = 0;
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 0);
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(stores_of_several_namespaces_are_one)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
