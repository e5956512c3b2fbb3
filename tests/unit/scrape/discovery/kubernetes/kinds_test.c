#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
only_what_labels_need_is_kept(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_POD);
        for (int kind = 0; kind < KUBE_KINDS; kind++) {
                struct kube_value object;
                size_t at = 0;

                assert_true(kube_store_each(&c.stores[kind], &at, &object));
                assert_true(kube_is(kube_get(kube_get(object, "metadata"), "name")));
                assert_false(kube_is(kube_get(kube_get(object, "metadata"), "managedFields")));
                assert_false(kube_is(kube_get(kube_get(object, "spec"), "volumes")));
        }
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_labels_need_is_kept)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
