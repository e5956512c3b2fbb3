#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
each_path_of_each_rule_is_a_target(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_INGRESS);
        role_case_run(&c);
        assert_int_equal(role_case_count(&c), 7);
        ROLE_HAS(&c, "a.wild.example", " __meta_kubernetes_ingress_scheme=\"https\"",
            " __meta_kubernetes_ingress_path=\"/\"",
            " __meta_kubernetes_ingress_class_name=\"nginx\"");
        ROLE_HAS(&c, "a.b.wild.example", " __meta_kubernetes_ingress_scheme=\"http\"");
        ROLE_HAS(&c, "bare.example", " __meta_kubernetes_ingress_path=\"/\"");
        assert_null(strstr(c.text.ptr, "none.example"));
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_path_of_each_rule_is_a_target)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
