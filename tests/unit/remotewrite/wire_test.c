#include "remotewrite/wire.h"

#include "remotewrite/encode.h"
#include "tests/testing/testing.h"

static const struct label labels[] = {
    {{"__name__", 8}, {"up", 2}}, {{"job", 3}, {"a", 1}}, {{"x", 1}, {"", 0}}};

/* Encodes one series with n samples at 1000, 2000, …, the first with value 0. */
static void
series(struct buf *out, size_t n_labels, size_t n)
{
        struct buf encoded = BUF_INIT(65536);
        struct encode_sample samples[16];

        for (size_t i = 0; i < n; i++)
                samples[i] = (struct encode_sample){1000 * (int64_t)(i + 1), i};
        testing_ok(encode_labels(labels, n_labels, &encoded, NULL), NULL);
        testing_ok(encode_series(buf_view(&encoded), samples, n, out, NULL), NULL);
        buf_release(&encoded);
}

static void
series_are_walked(void **state)
{
        struct buf raw = BUF_INIT(65536);
        struct wire_series s;
        struct view rest;

        (void)state;
        series(&raw, 2, 3);
        series(&raw, 0, 1);
        series(&raw, 3, 16);
        rest = buf_view(&raw);
        testing_ok(wire_next(&rest, &s, NULL), NULL);
        assert_int_equal(s.n_samples, 3);
        assert_int_equal(s.oldest_ms, 1000);
        assert_int_equal(s.newest_ms, 3000);
        assert_ptr_equal(s.field.p, raw.ptr);
        testing_ok(wire_next(&rest, &s, NULL), NULL);
        assert_int_equal(s.n_samples, 1);
        assert_int_equal(s.labels.n, 0);
        testing_ok(wire_next(&rest, &s, NULL), NULL);
        assert_int_equal(s.n_samples, 16);
        assert_int_equal(rest.n, 0);
        buf_release(&raw);
}

static void
samples_that_are_too_old_are_left_out(void **state)
{
        static const struct {
                int64_t oldest_ms;
                uint64_t want;
        } cases[] = {{0, 5}, {1000, 5}, {1001, 4}, {5000, 1}, {5001, 0}};
        struct buf raw = BUF_INIT(65536);
        struct view rest;
        struct wire_series s;

        (void)state;
        series(&raw, 2, 5);
        rest = buf_view(&raw);
        testing_ok(wire_next(&rest, &s, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = BUF_INIT(65536);
                struct wire_series again;
                uint64_t left = 99;

                testing_ok(wire_filter(&s, cases[i].oldest_ms, &out, &left, NULL), NULL);
                assert_int_equal(left, cases[i].want);
                if (left > 0) {
                        rest = buf_view(&out);
                        testing_ok(wire_next(&rest, &again, NULL), NULL);
                        assert_int_equal(rest.n, 0);
                        assert_int_equal(again.n_samples, left);
                        assert_true(again.oldest_ms >= cases[i].oldest_ms);
                        assert_int_equal(again.newest_ms, 5000);
                        assert_true(view_eq(again.labels, s.labels));
                } else {
                        assert_int_equal(out.len, 0);
                }
                buf_release(&out);
        }
        buf_release(&raw);
}

static void
other_bytes_are_refused(void **state)
{
        struct buf raw = BUF_INIT(65536);
        struct wire_series s;

        (void)state;
        series(&raw, 2, 3);
        for (size_t n = 0; n < raw.len; n++) { /* cut anywhere */
                struct view rest = {raw.ptr, n};

                assert_int_equal(wire_next(&rest, &s, NULL), ERR_PARSE);
        }
        {
                static const char *const bad[] = {
                    "\x1a\x00", /* another field */
                    "\x0a\x02\x1a\x00", /* in the series */
                    "\x0a\x04\x12\x02\x08\x01", /* in the sample */
                    "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", /* a length without end */
                };
                static const size_t lengths[] = {2, 4, 6, 11};

                for (size_t i = 0; i < 4; i++) {
                        struct view rest = {bad[i], lengths[i]};

                        assert_int_equal(wire_next(&rest, &s, NULL), ERR_PARSE);
                }
        }
        buf_release(&raw);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(series_are_walked),
            cmocka_unit_test(samples_that_are_too_old_are_left_out),
            cmocka_unit_test(other_bytes_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
