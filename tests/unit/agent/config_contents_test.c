#include "agent/config_contents.h"

#include "agent/config.h"
#include "base/err.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/gleaner-contents-XXXXXX";

static void
write_file(const char *name, const char *text)
{
        char path[256];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *name)
{
        char path[256];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(unlink(path), 0);
}

static bool
changed(const struct config *c)
{
        struct err e = ERR_INIT;
        bool yes;

        testing_ok(config_contents_changed(c, &yes, &e), &e);
        return yes;
}

static void
test_changes(void **state)
{
        static const char main_text[] = "scrape_config_files: ['jobs-*.yml']\n";
        static const char jobs[] = "scrape_configs: [{job_name: a}]\n";
        const struct config_env env = {.tenant = "t"};
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        char path[256];
        bool yes = true;

        (void)state;
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/agent.yml", folder);
        write_file("agent.yml", main_text);
        write_file("jobs-a.yml", jobs);
        testing_ok(config_load(path, &env, &c, &report, &e), &e);
        assert_int_equal(c->n_patterns, 1);
        assert_false(changed(c));
        write_file("jobs-a.yml", jobs); /* a new time is no change */
        assert_false(changed(c));
        write_file("other.yml", "x");
        assert_false(changed(c));
        write_file("jobs-a.yml", "scrape_configs: [{job_name: b}]\n");
        assert_true(changed(c));
        write_file("jobs-a.yml", jobs);
        write_file("jobs-b.yml", "");
        assert_true(changed(c));
        remove_file("jobs-b.yml");
        assert_false(changed(c));
        write_file("agent.yml", "scrape_config_files: ['jobs-*.yml'] # a comment\n");
        assert_true(changed(c));
        remove_file("agent.yml");
        assert_int_equal(config_contents_changed(c, &yes, &e), ERR_NOTFOUND);
        assert_false(yes);
        config_free(c);
        config_report_release(&report);
        remove_file("jobs-a.yml");
        remove_file("other.yml");
        assert_int_equal(rmdir(folder), 0);
}

static void
test_name_and_text_count(void **state)
{
        uint64_t sum = config_contents_add(0, "a", view_of("x"));

        (void)state;
        assert_int_equal(sum, config_contents_add(0, "a", view_of("x")));
        assert_int_not_equal(sum, config_contents_add(0, "b", view_of("x")));
        assert_int_not_equal(sum, config_contents_add(0, "a", view_of("y")));
        assert_int_not_equal(sum, config_contents_add(sum, "a", view_of("x")));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_changes),
            cmocka_unit_test(test_name_and_text_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
