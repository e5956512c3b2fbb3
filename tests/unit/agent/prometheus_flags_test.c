#include "agent/prometheus_flags.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
test_every_flag_says_what_becomes_of_it(void **state)
{
        (void)state;
        assert_true(prometheus_flags_count > 40);
        for (size_t i = 0; i < prometheus_flags_count; i++) {
                const struct prometheus_flag *f = &prometheus_flags[i];

                print_message("%s\n", f->name);
                assert_true(f->name[0] != '-');
                assert_true(f->answer == FLAG_SERVER || f->why != NULL);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(f->name, prometheus_flags[k].name);
        }
}

static void
test_features(void **state)
{
        static const struct {
                const char *name;
                int want; /* -1: unknown */
        } rows[] = {
            {"agent", FLAG_IDLE},
            {"expand-external-labels", FLAG_IDLE},
            {"auto-reload-config", FLAG_IDLE},
            {"extra-scrape-metrics", FLAG_IDLE},
            {"exemplar-storage", FLAG_WARN},
            {"st-storage", FLAG_WARN},
            {"xor2-encoding", FLAG_IDLE},
            {"remote-write-receiver", FLAG_REFUSED},
            {"Agent", -1},
            {"", -1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct prometheus_flag *f = prometheus_feature_find(view_of(rows[i].name));

                print_message("%s\n", rows[i].name);
                if (rows[i].want < 0)
                        assert_null(f);
                else
                        assert_int_equal(f->answer, rows[i].want);
        }
        assert_string_equal(prometheus_feature_nearest(view_of("agnet")), "agent");
        assert_null(prometheus_feature_nearest(view_of("zzzzzzzz")));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_flag_says_what_becomes_of_it),
            cmocka_unit_test(test_features),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
