/* Every byte against protobuf-c: a request of random label sets, as 2.0 has it. */
#include "remotewrite/recode.h"

#include "base/buf.h"
#include "remotewrite/encode.h"
#include "tests/testing/testing.h"

#include <remotewrite/remote2.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 200, LABELS_MAX = 12, SAMPLES_MAX = 4, SYMBOLS_MAX = 5000 };

struct series {
        struct label labels[LABELS_MAX];
        size_t n_labels;
        struct encode_sample samples[SAMPLES_MAX];
        size_t n_samples;
};

static char texts[SERIES * LABELS_MAX][8];

/* Label sets as neighbours have them: most of it is the same, labels come and go. */
static void
make_series(struct series *v, uint64_t seed)
{
        static char names[LABELS_MAX][4];
        struct testing_random r = {seed};

        for (unsigned k = 0; k < LABELS_MAX; k++)
                (void)snprintf(names[k], sizeof(names[k]), "n%c", (char)('a' + k));
        for (unsigned i = 0; i < SERIES; i++) {
                v[i] = (struct series){.n_samples = testing_random_below(&r, SAMPLES_MAX + 1)};
                for (unsigned k = 0; k < LABELS_MAX; k++) {
                        char *text = texts[i * LABELS_MAX + k];

                        if (testing_random_below(&r, 5) == 0)
                                continue;
                        (void)snprintf(text, sizeof(texts[0]), "v%u",
                            testing_random_below(&r, 4) > 0
                                ? k
                                : (unsigned)testing_random_below(&r, 50));
                        if (testing_random_below(&r, 40) == 0)
                                text[0] = '\0';
                        v[i].labels[v[i].n_labels++] =
                            (struct label){view_of(names[k]), view_of(text)};
                }
                for (size_t k = 0; k < v[i].n_samples; k++)
                        v[i].samples[k] =
                            (struct encode_sample){(int64_t)k * 15000, testing_random_below(&r, 3)};
        }
}

static void
encode(const struct series *s, struct buf *out)
{
        struct buf labels = BUF_INIT(1 << 16);

        testing_ok(encode_labels(s->labels, s->n_labels, &labels, NULL), NULL);
        testing_ok(encode_series(buf_view(&labels), s->samples, s->n_samples, out, NULL), NULL);
        buf_release(&labels);
}

/* The number of a text in a plain list, first met first. */
static uint32_t
number_of(ProtobufCBinaryData *symbols, size_t *n, struct view text)
{
        for (uint32_t i = 0; i < *n; i++) {
                if (symbols[i].len == text.n && memcmp(symbols[i].data, text.p, text.n) == 0)
                        return i;
        }
        symbols[*n] = (ProtobufCBinaryData){text.n, (uint8_t *)(uintptr_t)text.p};
        return (uint32_t)(*n)++;
}

/* protobuf-c's bytes of the request. */
static void
pack_by_library(const struct series *v, struct buf *out)
{
        static Io__Prometheus__Write__V2__TimeSeries series[SERIES];
        static Io__Prometheus__Write__V2__TimeSeries *list[SERIES];
        static Io__Prometheus__Write__V2__Sample samples[SERIES][SAMPLES_MAX];
        static Io__Prometheus__Write__V2__Sample *sample_list[SERIES][SAMPLES_MAX];
        static uint32_t refs[SERIES][2 * LABELS_MAX];
        static ProtobufCBinaryData symbols[SYMBOLS_MAX];
        Io__Prometheus__Write__V2__Request request = IO__PROMETHEUS__WRITE__V2__REQUEST__INIT;

        request.symbols = symbols;
        (void)number_of(symbols, &request.n_symbols, VIEW_LIT(""));
        for (size_t i = 0; i < SERIES; i++) {
                io__prometheus__write__v2__time_series__init(&series[i]);
                for (size_t k = 0; k < v[i].n_labels; k++) {
                        refs[i][2 * k] =
                            number_of(symbols, &request.n_symbols, v[i].labels[k].name);
                        refs[i][2 * k + 1] =
                            number_of(symbols, &request.n_symbols, v[i].labels[k].value);
                }
                for (size_t k = 0; k < v[i].n_samples; k++) {
                        io__prometheus__write__v2__sample__init(&samples[i][k]);
                        memcpy(&samples[i][k].value, &v[i].samples[k].bits, sizeof(uint64_t));
                        samples[i][k].timestamp = v[i].samples[k].time_ms;
                        sample_list[i][k] = &samples[i][k];
                }
                series[i].labels_refs = refs[i];
                series[i].n_labels_refs = 2 * v[i].n_labels;
                series[i].samples = sample_list[i];
                series[i].n_samples = v[i].n_samples;
                list[i] = &series[i];
        }
        request.timeseries = list;
        request.n_timeseries = SERIES;
        testing_ok(
            buf_reserve(out, io__prometheus__write__v2__request__get_packed_size(&request), NULL),
            NULL);
        out->len = io__prometheus__write__v2__request__pack(&request, (uint8_t *)out->ptr);
}

static void
every_byte_is_what_the_library_writes(void **state)
{
        static struct series v[SERIES];
        struct recoder *r = NULL;

        (void)state;
        testing_ok(recoder_new(&r, NULL), NULL);
        for (uint64_t seed = 1; seed < 20; seed++) {
                struct buf want = BUF_INIT(1 << 20);
                struct buf got = BUF_INIT(1 << 20);
                struct buf body = BUF_INIT(1 << 20);
                struct buf one = BUF_INIT(1 << 20);

                make_series(v, seed);
                pack_by_library(v, &want);
                testing_ok(recoder_begin(r, NULL), NULL);
                for (size_t i = 0; i < SERIES; i++) {
                        buf_reset(&one);
                        encode(&v[i], &one);
                        testing_ok(recoder_add(r, buf_view(&one), &body, NULL), NULL);
                }
                testing_ok(
                    buf_append(&got, recoder_symbols(r).p, recoder_symbols(r).n, NULL), NULL);
                testing_ok(buf_append(&got, body.ptr, body.len, NULL), NULL);
                assert_int_equal(got.len, want.len);
                assert_memory_equal(got.ptr, want.ptr, want.len);
                buf_release(&want);
                buf_release(&got);
                buf_release(&body);
                buf_release(&one);
                if (seed % 5 == 0)
                        recoder_reset(r);
        }
        recoder_free(r);
        recoder_free(NULL);
}

static void
what_is_no_series_is_refused(void **state)
{
        static const struct view bad[] = {
            {"", 0}, {"\x12\x00", 2}, /* another field */
            {"\x0a\x05\x0a", 3}, /* cut off */
            {"\x0a\x00\x0a\x00", 4}, /* two */
            {"\x0a\x04\x0a\x02\x18\x01", 6}, /* a label with another field */
        };
        struct recoder *r = NULL;
        struct buf out = BUF_INIT(1000);

        (void)state;
        testing_ok(recoder_new(&r, NULL), NULL);
        testing_ok(recoder_begin(r, NULL), NULL);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct err e = ERR_INIT;

                assert_int_equal(recoder_add(r, bad[i], &out, &e), ERR_PARSE);
                assert_int_equal(out.len, 0);
        }
        buf_release(&out);
        recoder_free(r);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_byte_is_what_the_library_writes),
            cmocka_unit_test(what_is_no_series_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
