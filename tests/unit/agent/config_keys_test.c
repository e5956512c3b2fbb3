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
        static const struct config_section *const sections[] = {&config_top_section,
            &config_wal_section, &config_agent_section, &config_alerting_section};

        (void)state;
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
                check_section(sections[i]);
}

static void
keys_are_found_with_the_place_of_their_value(void **state)
{
        size_t offset = 0;
        const struct config_key *key = config_key_find(&config_job_section, "job_name", &offset);

        (void)state;
        assert_non_null(key);
        assert_int_equal(offset, offsetof(struct config_job, job_name));
        key = config_key_find(&config_job_section, "sample_limit", &offset);
        assert_non_null(key);
        assert_int_equal(offset, offsetof(struct config_job, common.sample_limit));
        key = config_key_find(&config_job_section, "proxy_url", &offset);
        assert_non_null(key);
        assert_int_equal(offset, offsetof(struct config_job, http.proxy.proxy_url));
        key = config_key_find(&config_job_section, "scrape_native_histograms", &offset);
        assert_non_null(key);
        assert_int_equal(offset, CONFIG_NOWHERE);
        assert_null(config_key_find(&config_job_section, "job", &offset));
        assert_null(config_key_find(&config_job_section, "", &offset));
}

static void
the_nearest_key_is_found_in_inlined_sections_too(void **state)
{
        (void)state;
        assert_string_equal(
            config_key_nearest(&config_job_section, "scrape_intervall"), "scrape_interval");
        assert_string_equal(config_key_nearest(&config_job_section, "proxy_ur"), "proxy_url");
        assert_string_equal(config_key_nearest(&config_top_section, "Globals"), "global");
        assert_null(config_key_nearest(&config_top_section, "something_else"));
}

static void
the_reference_has_every_section(void **state)
{
        (void)state;
        assert_true(config_sections_count > 20);
        for (size_t i = 0; i < config_sections_count; i++)
                assert_non_null(config_sections[i]->help);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_row_is_complete),
            cmocka_unit_test(keys_are_found_with_the_place_of_their_value),
            cmocka_unit_test(the_nearest_key_is_found_in_inlined_sections_too),
            cmocka_unit_test(the_reference_has_every_section),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
