#include "base/nearest.h"

#include "tests/testing/testing.h"

static void
test_distance(void **state)
{
        static const struct {
                const char *a;
                const char *b;
                size_t want;
        } rows[] = {
            {"", "", 0},
            {"", "abc", 3},
            {"abc", "", 3},
            {"scrape", "scrape", 0},
            {"scrape", "Scrape", 0},
            {"scrape", "scarpe", 1}, /* neighbours swapped */
            {"scrape", "scrap", 1},
            {"scrape", "xscrape", 1},
            {"kitten", "sitting", 3},
            {"abcdef", "badcfe", 3},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(
                    nearest_distance(view_of(rows[i].a), view_of(rows[i].b)), rows[i].want);
}

static void
test_distance_of_long_names(void **state)
{
        char name[NEAREST_MAX_NAME + 1];

        (void)state;
        memset(name, 'x', sizeof(name));
        assert_int_equal(nearest_distance((struct view){name, NEAREST_MAX_NAME},
                             (struct view){name, NEAREST_MAX_NAME - 1}),
            1);
        assert_int_equal(
            nearest_distance((struct view){name, sizeof(name)}, VIEW_LIT("x")), SIZE_MAX);
        assert_int_equal(
            nearest_distance(VIEW_LIT("x"), (struct view){name, sizeof(name)}), SIZE_MAX);
}

static void
test_offer(void **state)
{
        static const char *const known[] = {
            "job_name", "scrape_interval", "scrape_timeout", "metrics_path"};
        static const struct {
                const char *written;
                const char *want;
        } rows[] = {
            {"job", NULL},
            {"jobname", "job_name"},
            {"scrape_intervall", "scrape_interval"},
            {"scrape_timeuot", "scrape_timeout"},
            {"metric_paths", "metrics_path"},
            {"something_else", NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct nearest n = NEAREST_INIT(view_of(rows[i].written));

                for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
                        nearest_offer(&n, known[k]);
                if (rows[i].want == NULL) {
                        assert_null(n.name);
                } else {
                        assert_non_null(n.name);
                        assert_string_equal(n.name, rows[i].want);
                }
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_distance),
            cmocka_unit_test(test_distance_of_long_names),
            cmocka_unit_test(test_offer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
