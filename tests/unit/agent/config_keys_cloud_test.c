#include "tests/unit/agent/config_cases.h"

#include "agent/config_keys.h"
#include "agent/config_sections.h"

/* What a section has of secrets is masked when the configuration is shown. */
static void
secrets_are_of_the_kind_that_is_masked(void **state)
{
        static const struct config_section *const sections[] = {&config_sigv4_section,
            &config_azuread_section, &config_azure_managed_section, &config_azure_workload_section,
            &config_azure_oauth_section, &config_azure_sdk_section, &config_google_iam_section};

        (void)state;
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
                for (size_t k = 0; k < sections[i]->n_keys; k++) {
                        const struct config_key *key = &sections[i]->keys[k];
                        bool secret = strstr(key->name, "secret") != NULL;

                        if (secret != (key->type == CONFIG_SECRET))
                                fail_msg("%s.%s", sections[i]->name, key->name);
                        if (key->offset != CONFIG_NOWHERE && key->offset < sizeof(void *))
                                fail_msg("%s.%s: lies over the node", sections[i]->name, key->name);
                }
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(secrets_are_of_the_kind_that_is_masked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
