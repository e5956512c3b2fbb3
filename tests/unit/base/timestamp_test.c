#include "base/timestamp.h"

#include "tests/testing/testing.h"

struct row {
        const char *text;
        int64_t ms; /* -1: it is no time */
};

static void
times_of_servers(void **state)
{
        static const struct row rows[] = {
            {"1970-01-01T00:00:00Z", 0},
            {"2000-02-29T12:34:56Z", INT64_C(951827696000)},
            {"2026-11-23T21:00:00.5Z", INT64_C(1795467600500)},
            {"2026-11-23T21:00:00.123456789Z", INT64_C(1795467600123)},
            {"2026-11-23T22:30:00+01:30", INT64_C(1795467600000)},
            {"2026-11-23T19:00:00-02:00", INT64_C(1795467600000)},
            {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
            {"", -1},
            {"2026-11-23", -1},
            {"2026-11-23T21:00:00", -1},
            {"2026-11-23T21:00:00.Z", -1},
            {"2026-11-23T21:00:00+1:00", -1},
            {"2026-13-23T21:00:00Z", -1},
            {"2026-02-29T21:00:00Z", -1},
            {"2026-11-23T24:00:00Z", -1},
            {"1969-12-31T23:59:59Z", -1},
            {"1970-01-01T00:00:00+01:00", -1},
            {"2026-11-23T21:00:00Zx", -1},
            {"20x6-11-23T21:00:00Z", -1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                int64_t ms = -1;
                bool ok = timestamp_parse(view_of(rows[i].text), &ms);

                if (ok != (rows[i].ms >= 0) || (ok && ms != rows[i].ms))
                        fail_msg("%s: %d %lld", rows[i].text, ok, (long long)ms);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(times_of_servers)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
