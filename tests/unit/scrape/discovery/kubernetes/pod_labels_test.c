#include "tests/unit/scrape/discovery/kubernetes/role_cases.h"

static void
owners_are_followed_to_their_owners(void **state)
{
        struct role_case c;

        (void)state;
        role_case_init(&c, KUBERNETES_POD);
        c.sd.attach_deployment = true;
        c.sd.attach_job = true;
        c.sd.attach_cronjob = true;
        role_case_run(&c);
        ROLE_HAS(&c, "10.42.0.11:8080", " __meta_kubernetes_pod_controller_kind=\"ReplicaSet\"",
            " __meta_kubernetes_pod_controller_name=\"web-5d4f\"",
            " __meta_kubernetes_pod_deployment_name=\"web\"");
        ROLE_HAS(&c, "10.42.0.13", " __meta_kubernetes_pod_job_name=\"job-1\"",
            " __meta_kubernetes_pod_cronjob_name=\"nightly\"",
            " __meta_kubernetes_pod_ready=\"unknown\"");
        role_case_release(&c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(owners_are_followed_to_their_owners)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
