#include "agent/receive_show.h"

#include "agent/receive_check.h"
#include "tests/testing/testing.h"
#include "wal/column.h"

#include <math.h>
#include <string.h>

static void
test_series(void **state)
{
        static const struct {
                const char *name;
                const char *labels[9];
                const char *want;
        } cases[] = {
            {"plain", {"__name__", "up", "job", "x"}, "up{job=\"x\"}"},
            {"no labels", {"__name__", "up"}, "up{}"},
            {"no name", {"job", "x"}, "{job=\"x\"}"},
            {"nothing", {NULL}, "{}"},
            {"name behind", {"A", "1", "__name__", "up", "job", "x"}, "up{A=\"1\",job=\"x\"}"},
            {"name in quotes", {"__name__", "a.b", "job", "x"}, "{\"a.b\",job=\"x\"}"},
            {"label in quotes", {"__name__", "a", "j.b", "x"}, "a{\"j.b\"=\"x\"}"},
            {"escapes", {"__name__", "a", "b", "x\"\\\n\x1b[2J\x7f\xc2\x9b"},
                "a{b=\"x\\\"\\\\\\n\\x1b[2J\\x7f\\u009b\"}"},
            {"no UTF-8", {"__name__", "a\xff", "\xfe", "\xc3"}, "{\"a\\xff\",\"\\xfe\"=\"\\xc3\"}"},
            {"umlaut", {"__name__", "a", "b", "\xc3\xa4"}, "a{b=\"\xc3\xa4\"}"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct label labels[4];
                struct buf out = BUF_INIT(1000);
                size_t n = 0;

                for (; cases[i].labels[2 * n] != NULL; n++)
                        labels[n] = (struct label){
                            view_of(cases[i].labels[2 * n]), view_of(cases[i].labels[2 * n + 1])};
                testing_ok(receive_show_series(labels, n, &out, NULL), NULL);
                if (!view_is(buf_view(&out), cases[i].want))
                        fail_msg("%s: %.*s", cases[i].name, (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static void
test_samples(void **state)
{
        static const double values[] = {0, -0.0, 1, 0.1, 1e100, 0.1 + 0.2, INFINITY, -INFINITY};
        struct label name = {VIEW_LIT("__name__"), VIEW_LIT("a")};
        struct encode_sample samples[10];
        struct decode_series s = {&name, 1, samples, 10, NULL};
        struct buf out = BUF_INIT(1000);

        (void)state;
        for (size_t i = 0; i < 8; i++) {
                memcpy(&samples[i].bits, &values[i], sizeof(values[i]));
                samples[i].time_ms = (int64_t)i - 1;
        }
        samples[8] = (struct encode_sample){INT64_MAX, COLUMN_NAN};
        samples[9] = (struct encode_sample){9, COLUMN_STALE};
        testing_ok(receive_show_samples(&s, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out),
            "a{} 0 -1\na{} -0 0\na{} 1 1\na{} 0.1 2\na{} 1e+100 3\na{} 0.30000000000000004 4\n"
            "a{} +Inf 5\na{} -Inf 6\na{} NaN 9223372036854775807\na{} StaleNaN 9\n"));
        buf_release(&out);
}

static void
test_counts(void **state)
{
        struct receive_totals t = {
            .requests = 12, .samples = 1000, .bytes = 4000, .bytes_raw = 20000};
        struct receive_view v = {&t, 2, 500, 10000, 100000};
        struct buf out = BUF_INIT(10000);

        (void)state;
        testing_ok(receive_show_line(&v, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out),
            "requests 12 (1.00/s), samples 1000 (50.0/s), 4.00 bytes per sample, series 0, faults "
            "0, newest sample none yet\n"));
        buf_reset(&out);
        t.newest_ms = 98500;
        t.last_request_ms = 99000;
        testing_ok(receive_show_table(&v, &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_non_null(strstr(out.ptr, "newest 1.5 s ago"));
        assert_non_null(strstr(out.ptr, "last 1.0 s ago"));
        assert_non_null(strstr(out.ptr, "4.00 per sample, 20.00 decompressed"));
        assert_null(strstr(out.ptr, "last fault"));
        assert_null(strstr(out.ptr, "turned away"));
        assert_null(strstr(out.ptr, "by 2.0"));
        assert_null(strstr(out.ptr, "beyond"));
        buf_reset(&out);
        t.faults = 3;
        t.requests_2 = 6;
        t.turned_away = 4;
        t.series_beyond = 5;
        t.n_tenants = 1;
        memcpy(t.tenants[0].name, "te\033nant", 8);
        memcpy(t.last_fault, "it is broken", 13);
        testing_ok(receive_show_table(&v, &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_non_null(strstr(out.ptr, "last fault     it is broken\n"));
        assert_non_null(strstr(out.ptr, "turned away    4"));
        assert_non_null(strstr(out.ptr, "5 of series beyond"));
        assert_non_null(strstr(out.ptr, "by 2.0         6 requests\n"));
        assert_non_null(strstr(out.ptr, "tenant         \"te\\x1bnant\"  requests 0"));
        buf_release(&out);
}

static void
test_full_buffer(void **state)
{
        struct label name = {VIEW_LIT("__name__"), VIEW_LIT("a_long_name")};
        struct encode_sample sample = {1, UINT64_C(0x3ff0000000000000)};
        struct decode_series s = {&name, 1, &sample, 1, NULL};
        struct err e = ERR_INIT;

        (void)state;
        /* formatting takes one byte more than it leaves */
        for (size_t room = 1; room < 50; room++) {
                struct buf out = BUF_INIT(room);
                int rc = receive_show_samples(&s, &out, &e);

                assert_int_equal(rc, room <= strlen("a_long_name{} 1 1\n") ? ERR_LIMIT : 0);
                buf_release(&out);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_series),
            cmocka_unit_test(test_samples),
            cmocka_unit_test(test_counts),
            cmocka_unit_test(test_full_buffer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
