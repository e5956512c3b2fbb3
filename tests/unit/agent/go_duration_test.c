#include "agent/go_duration.h"

#include "tests/testing/testing.h"

static void
test_durations(void **state)
{
        static const struct {
                const char *text;
                int rc;
                int64_t ns;
        } cases[] = {
            {"1s", 0, 1000000000},
            {"0", 0, 0},
            {"0s", 0, 0},
            {"250ms", 0, 250000000},
            {"1m30s", 0, 90000000000},
            {"1.5h", 0, 5400000000000},
            {".5s", 0, 500000000},
            {"-2us", 0, -2000},
            {"+3ns", 0, 3},
            {"7\xc2\xb5s", 0, 7000},
            {"1000", 0, 1000},
            {"1h1h", 0, 7200000000000},
            {"", ERR_CONFIG, 0},
            {"-", ERR_CONFIG, 0},
            {"s", ERR_CONFIG, 0},
            {".s", ERR_CONFIG, 0},
            {"1d", ERR_CONFIG, 0},
            {"1.2.3s", ERR_CONFIG, 0},
            {"1 s", ERR_CONFIG, 0},
            {"1s ", ERR_CONFIG, 0},
            {"1s2", ERR_CONFIG, 0},
            {"9999999h", ERR_CONFIG, 0},
            {"1000000000000000000000000000000000000s", ERR_CONFIG, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int64_t ns = 0;
                struct err e = ERR_INIT;
                int rc = go_duration_parse(view_of(cases[i].text), &ns, &e);

                if (rc != cases[i].rc || ns != cases[i].ns)
                        fail_msg("\"%s\": %d, %lld", cases[i].text, rc, (long long)ns);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_durations)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
