#include "tests/unit/agent/config_cases.h"

#include "agent/config_keys.h"
#include "agent/config_sections.h"

/* A row that cannot be read, or that nobody could understand, is a mistake of ours. */
static void
check_row(const struct config_section *section, const struct config_key *key)
{
        size_t n = strlen(key->help);
        bool sections = key->type == CONFIG_SECTION || key->type == CONFIG_SECTIONS;

        if (n < 2 || key->help[n - 1] != '.')
                fail_msg("%s.%s: the help is no sentence", section->name, key->name);
        if (sections && key->section == NULL)
                fail_msg("%s.%s: no section", section->name, key->name);
        if (key->type == CONFIG_SECTIONS && key->section->go_list == NULL)
                fail_msg("%s.%s: no name of the list", section->name, key->name);
        if (key->support == CONFIG_USED && key->offset != CONFIG_NOWHERE &&
            key->offset < sizeof(void *))
                fail_msg("%s.%s: lies over the node", section->name, key->name);
        for (size_t i = 0; i < section->n_keys; i++) {
                if (&section->keys[i] != key && strcmp(section->keys[i].name, key->name) == 0)
                        fail_msg("%s.%s: twice", section->name, key->name);
        }
}

static void
check_section(const struct config_section *section)
{
        assert_true(section->n_keys > 0);
        assert_non_null(section->go_type);
        for (size_t i = 0; i < section->n_keys; i++)
                check_row(section, &section->keys[i]);
}

static void
every_row_is_complete(void **state)
{
        static const struct config_section *const sections[] = {&config_global_section,
            &config_common_section, &config_job_section, &config_job_file_section,
            &config_group_section, &config_file_sd_section, &config_relabel_section,
            &config_http_sd_section, &config_dns_sd_section, &config_kubernetes_sd_section};

        (void)state;
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
                check_section(sections[i]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_row_is_complete),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
