#include "remotewrite/encode.h"

#include "tests/testing/testing.h"

#include <math.h>
#include <remotewrite/remote.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 40, SAMPLES_MAX = 300 };

/* The same series as protobuf-c's messages. */
struct message {
        Prometheus__WriteRequest request;
        Prometheus__TimeSeries series;
        Prometheus__TimeSeries *one;
        Prometheus__Label labels[LABELS_MAX];
        Prometheus__Label *label_list[LABELS_MAX];
        Prometheus__Sample samples[SAMPLES_MAX];
        Prometheus__Sample *sample_list[SAMPLES_MAX];
};

static ProtobufCBinaryData
binary(struct view v)
{
        return (ProtobufCBinaryData){v.n, (uint8_t *)(uintptr_t)v.p};
}

/* protobuf-c's bytes of a request with this one series. */
static void
pack_by_library(const struct label *labels, size_t n_labels, const struct encode_sample *samples,
    size_t n_samples, struct buf *out)
{
        static struct message m;
        size_t size;

        prometheus__write_request__init(&m.request);
        prometheus__time_series__init(&m.series);
        m.one = &m.series;
        m.request.n_timeseries = 1;
        m.request.timeseries = &m.one;
        m.series.n_labels = n_labels;
        m.series.labels = m.label_list;
        m.series.n_samples = n_samples;
        m.series.samples = m.sample_list;
        for (size_t i = 0; i < n_labels; i++) {
                prometheus__label__init(&m.labels[i]);
                m.labels[i].name = binary(labels[i].name);
                m.labels[i].value = binary(labels[i].value);
                m.label_list[i] = &m.labels[i];
        }
        for (size_t i = 0; i < n_samples; i++) {
                prometheus__sample__init(&m.samples[i]);
                memcpy(&m.samples[i].value, &samples[i].bits, sizeof(samples[i].bits));
                m.samples[i].timestamp = samples[i].time_ms;
                m.sample_list[i] = &m.samples[i];
        }
        size = prometheus__write_request__get_packed_size(&m.request);
        testing_ok(buf_reserve(out, size, NULL), NULL);
        out->len += prometheus__write_request__pack(&m.request, (uint8_t *)out->ptr + out->len);
}

static void
compare(const struct label *labels, size_t n_labels, const struct encode_sample *samples,
    size_t n_samples)
{
        struct buf want = BUF_INIT(16 << 20);
        struct buf encoded = BUF_INIT(16 << 20);
        struct buf got = BUF_INIT(16 << 20);
        struct err e = ERR_INIT;

        pack_by_library(labels, n_labels, samples, n_samples, &want);
        testing_ok(encode_labels(labels, n_labels, &encoded, &e), &e);
        testing_ok(buf_puts(&got, "before", &e), &e);
        testing_ok(encode_series(buf_view(&encoded), samples, n_samples, &got, &e), &e);
        assert_int_equal(got.len - 6, want.len);
        assert_memory_equal(got.ptr, "before", 6);
        assert_memory_equal(got.ptr + 6, want.ptr, want.len);
        assert_int_equal(encode_series_size(encoded.len, samples, n_samples), want.len);
        buf_release(&want);
        buf_release(&encoded);
        buf_release(&got);
}

static uint64_t
bits_of(double d)
{
        uint64_t bits;

        memcpy(&bits, &d, sizeof(bits));
        return bits;
}

static void
test_same_bytes_as_the_library(void **state)
{
        static const int64_t times[] = {0, 1, -1, 127, 128, 1763911234567, INT64_MAX, INT64_MIN};
        static char long_text[20000];
        struct label labels[] = {{VIEW_LIT("__name__"), VIEW_LIT("up")},
            {VIEW_LIT("empty"), VIEW_LIT("")}, {VIEW_LIT(""), VIEW_LIT("no name")},
            {VIEW_LIT(""), VIEW_LIT("")}, {VIEW_LIT("zero"), VIEW_LIT("a\0b")},
            {VIEW_LIT("\xc3\xa4"), VIEW_LIT("\xe4\xb8\xad")},
            {VIEW_LIT("long"), {long_text, sizeof(long_text)}}};
        struct encode_sample samples[8];

        (void)state;
        memset(long_text, 'x', sizeof(long_text));
        for (unsigned i = 0; i < 8; i++)
                samples[i] = (struct encode_sample){times[i], bits_of(i * 1.5)};
        samples[3].bits = UINT64_C(0x7ff0000000000002);
        samples[4].bits = bits_of(-INFINITY);
        for (size_t n = 0; n <= sizeof(labels) / sizeof(labels[0]); n++) {
                for (size_t k = 0; k <= 8; k++)
                        compare(labels, n, samples, k);
        }
}

static void
test_any_series(void **state)
{
        const uint64_t seed = 5;
        struct testing_random r = {seed};
        static char text[20000];

        (void)state;
        printf("seed %llu\n", (unsigned long long)seed);
        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = (char)testing_random(&r);
        for (unsigned round = 0; round < 3000; round++) {
                static struct label labels[LABELS_MAX];
                static struct encode_sample samples[SAMPLES_MAX];
                size_t n_labels = testing_random_below(&r, LABELS_MAX + 1);
                size_t n_samples = testing_random_below(&r, round % 9 == 0 ? SAMPLES_MAX + 1 : 4);

                for (size_t i = 0; i < n_labels; i++) {
                        size_t limit = testing_random_below(&r, 20) == 0 ? sizeof(text) : 50;

                        labels[i].name = (struct view){text, testing_random_below(&r, limit)};
                        labels[i].value = (struct view){text + 1, testing_random_below(&r, limit)};
                }
                for (size_t i = 0; i < n_samples; i++) {
                        samples[i].bits = testing_random(&r);
                        samples[i].time_ms =
                            (int64_t)(testing_random(&r) >> testing_random_below(&r, 64));
                }
                compare(labels, n_labels, samples, n_samples);
        }
}

/* protobuf-c takes -0.0 for a default and drops its sign; proto3 goes by the bits. */
static void
test_minus_zero_keeps_its_sign(void **state)
{
        static const uint8_t want[] = {0x0a, 0x0b, 0x12, 9, 0x09, 0, 0, 0, 0, 0, 0, 0, 0x80};
        struct encode_sample s = {0, UINT64_C(1) << 63};
        struct buf out = BUF_INIT(100);

        (void)state;
        testing_ok(encode_series((struct view){NULL, 0}, &s, 1, &out, NULL), NULL);
        assert_int_equal(out.len, sizeof(want));
        assert_memory_equal(out.ptr, want, sizeof(want));
        buf_release(&out);
}

static void
test_full_buffer(void **state)
{
        struct label one = {VIEW_LIT("a"), VIEW_LIT("b")};
        struct encode_sample s = {1, 1};
        struct buf out = BUF_INIT(10);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(encode_labels(&one, 1, &out, &e), &e);
        assert_int_equal(out.len, 8);
        assert_int_equal(encode_labels(&one, 1, &out, &e), ERR_LIMIT);
        assert_int_equal(encode_series(VIEW_LIT("x"), &s, 1, &out, &e), ERR_LIMIT);
        assert_int_equal(out.len, 8);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_same_bytes_as_the_library),
            cmocka_unit_test(test_any_series),
            cmocka_unit_test(test_minus_zero_keeps_its_sign),
            cmocka_unit_test(test_full_buffer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
