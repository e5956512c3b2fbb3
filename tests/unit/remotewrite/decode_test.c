#include "remotewrite/decode.h"

#include "base/compress.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every series as a line: name=value pairs, samples, fault. */
static int
print_series(void *arg, const struct decode_series *s, struct err *e)
{
        struct buf *out = arg;

        for (size_t i = 0; i < s->n_labels; i++)
                testing_ok(
                    buf_printf(out, e, "%.*s=%.*s ", (int)s->labels[i].name.n, s->labels[i].name.p,
                        (int)s->labels[i].value.n, s->labels[i].value.p),
                    e);
        for (size_t i = 0; i < s->n_samples; i++)
                testing_ok(buf_printf(out, e, "%llx@%lld ", (unsigned long long)s->samples[i].bits,
                               (long long)s->samples[i].time_ms),
                    e);
        return buf_printf(out, e, "%s\n", s->fault != NULL ? s->fault : "ok");
}

/* Compresses and decodes; *out is the printed series. */
static int
decode(struct view raw, struct buf *out, struct err *e)
{
        struct buf packed = BUF_INIT((size_t)128 << 20);
        int rc;

        buf_reset(out);
        testing_ok(snappy_pack(raw, &packed, e), e);
        rc = decode_request(buf_view(&packed), WRITE_1, print_series, out, e);
        buf_release(&packed);
        return rc;
}

static void
put_series(struct buf *raw, const char *const *labels, const struct encode_sample *samples,
    size_t n_samples)
{
        struct buf encoded = BUF_INIT(1 << 20);

        for (; labels[0] != NULL; labels += 2) {
                struct label l = {view_of(labels[0]), view_of(labels[1])};

                testing_ok(encode_labels(&l, 1, &encoded, NULL), NULL);
        }
        testing_ok(encode_series(buf_view(&encoded), samples, n_samples, raw, NULL), NULL);
        buf_release(&encoded);
}

static void
test_what_was_encoded_comes_back(void **state)
{
        static const char *const one[] = {"__name__", "up", "job", "x", NULL};
        static const char *const two[] = {"__name__", "\xc3\xa4", "zone", "b c", NULL};
        static const struct encode_sample samples[] = {
            {-5, 0}, {0, UINT64_C(1) << 63}, {1763911234567, UINT64_C(0x7ff0000000000002)}};
        struct buf raw = BUF_INIT(1 << 20);
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(decode((struct view){"", 0}, &out, &e), &e);
        assert_int_equal(out.len, 0);
        put_series(&raw, one, samples, 3);
        /* fields that we do not know are passed over: metadata, a varint, 8 bytes, 4 bytes */
        testing_ok(
            buf_append(&raw, "\x1a\x02\x08\x01\x20\x81\x01\x29xxxxxxxx\x35xxxx", 21, &e), &e);
        put_series(&raw, two, samples + 2, 1);
        testing_ok(decode(buf_view(&raw), &out, &e), &e);
        assert_true(view_is(buf_view(&out),
            "__name__=up job=x 0@-5 8000000000000000@0 7ff0000000000002@1763911234567 ok\n"
            "__name__=\xc3\xa4 zone=b c 7ff0000000000002@1763911234567 ok\n"));
        buf_release(&raw);
        buf_release(&out);
}

static void
test_faults(void **state)
{
        static const struct {
                const char *name;
                const char *labels[9];
                struct encode_sample samples[3];
                size_t n_samples;
                const char *want;
        } cases[] = {
            {"sound", {"__name__", "up", "a", "b"}, {{1, 1}, {2, 1}}, 2, "ok"},
            {"upper case first", {"A", "b", "__name__", "up"}, {{1, 1}}, 1, "ok"},
            {"not sorted", {"b", "1", "__name__", "up"}, {{1, 1}}, 1, "labels are not sorted"},
            {"twice", {"__name__", "up", "a", "1", "a", "2"}, {{1, 1}}, 1,
                "label name occurs twice"},
            {"no value", {"__name__", "up", "a", ""}, {{1, 1}}, 1, "label without a value"},
            {"no name", {"", "x", "__name__", "up"}, {{1, 1}}, 1, "label without a name"},
            {"no series name", {"a", "1"}, {{1, 1}}, 1, "series without a name"},
            {"no labels", {NULL}, {{1, 1}}, 1, "series without a name"},
            {"value not text", {"__name__", "u\xffp"}, {{1, 1}}, 1, "label is not UTF-8"},
            {"name not text", {"__name__", "up", "a\xc0\x80", "b"}, {{1, 1}}, 1,
                "label is not UTF-8"},
            {"no samples", {"__name__", "up"}, {{0, 0}}, 0, "series without samples"},
            {"samples alike", {"__name__", "up"}, {{1, 1}, {1, 1}}, 2,
                "two samples of a series at one time"},
            {"samples going back", {"__name__", "up"}, {{1, 1}, {3, 1}, {2, 1}}, 3,
                "samples of a series are not in order of time"},
        };
        struct buf raw = BUF_INIT(1 << 20);
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t want = strlen(cases[i].want);

                buf_reset(&raw);
                put_series(&raw, cases[i].labels, cases[i].samples, cases[i].n_samples);
                testing_ok(decode(buf_view(&raw), &out, &e), &e);
                if (out.len < want + 1 ||
                    memcmp(out.ptr + out.len - 1 - want, cases[i].want, want) != 0)
                        fail_msg("%s: %.*s", cases[i].name, (int)out.len, out.ptr);
        }
        buf_release(&raw);
        buf_release(&out);
}

static int
expect_zero_byte(void *arg, const struct decode_series *s, struct err *e)
{
        (void)e;
        assert_int_equal(s->n_labels, 2);
        assert_int_equal(s->labels[1].value.n, 3);
        assert_memory_equal(s->labels[1].value.p, "x\0y", 3);
        *(bool *)arg = true;
        return 0;
}

/* A zero byte is text; protobuf-c's strings would end there. */
static void
test_zero_bytes_stay(void **state)
{
        struct label labels[] = {
            {VIEW_LIT("__name__"), VIEW_LIT("up")}, {VIEW_LIT("a"), VIEW_LIT("x\0y")}};
        struct encode_sample s = {1, 1};
        struct buf encoded = BUF_INIT(1000);
        struct buf raw = BUF_INIT(1000);
        struct buf packed = BUF_INIT(1000);
        struct err e = ERR_INIT;
        bool seen = false;

        (void)state;
        testing_ok(encode_labels(labels, 2, &encoded, &e), &e);
        testing_ok(encode_series(buf_view(&encoded), &s, 1, &raw, &e), &e);
        testing_ok(snappy_pack(buf_view(&raw), &packed, &e), &e);
        testing_ok(decode_request(buf_view(&packed), WRITE_1, expect_zero_byte, &seen, &e), &e);
        assert_true(seen);
        buf_release(&encoded);
        buf_release(&raw);
        buf_release(&packed);
}

static void
test_bodies_from_outside(void **state)
{
        static const struct {
                const char *name;
                const char *raw;
                size_t n;
                int want;
        } cases[] = {
            {"empty series", "\x0a\x00", 2, 0},
            {"unknown field in a series", "\x0a\x02\x20\x01", 4, 0},
            {"cut in a key", "\x80", 1, ERR_PARSE},
            {"cut in a length", "\x0a\x80", 2, ERR_PARSE},
            {"cut in a series", "\x0a\x05xx", 4, ERR_PARSE},
            {"cut in a varint", "\x20\x80", 2, ERR_PARSE},
            {"cut in 8 bytes", "\x21xxx", 4, ERR_PARSE},
            {"cut in 4 bytes", "\x25xxx", 4, ERR_PARSE},
            {"field 0", "\x02\x00", 2, ERR_PARSE},
            {"groups", "\x0b", 1, ERR_PARSE},
            {"unknown wire type", "\x0e", 1, ERR_PARSE},
            {"series is a number", "\x08\x01", 2, ERR_PARSE},
            {"series is damaged", "\x0a\x02\x0a\x7f", 4, ERR_PARSE},
            {"label is damaged", "\x0a\x04\x0a\x02\x0a\x05", 6, ERR_PARSE},
            {"text", "hello", 5, ERR_PARSE},
        };
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int rc = decode((struct view){cases[i].raw, cases[i].n}, &out, &e);

                if (rc != cases[i].want)
                        fail_msg("%s: %d (%s)", cases[i].name, rc, e.msg);
        }
        assert_int_equal(
            decode_request(VIEW_LIT("not snappy"), WRITE_1, print_series, &out, &e), ERR_PARSE);
        buf_release(&out);
}

static void
test_sizes_are_bounded(void **state)
{
        struct buf raw = BUF_INIT((size_t)80 << 20);
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        /* one series of 5 MiB */
        testing_ok(buf_append(&raw, "\x0a\x80\x80\xc0\x02", 5, &e), &e);
        testing_ok(buf_reserve(&raw, (size_t)70 << 20, &e), &e);
        memset(raw.ptr + raw.len, 0, (size_t)70 << 20);
        raw.len = 5 + ((size_t)5 << 20);
        assert_int_equal(decode(buf_view(&raw), &out, &e), ERR_LIMIT);
        /* a body of 65 MiB */
        raw.len = (size_t)65 << 20;
        assert_int_equal(decode(buf_view(&raw), &out, &e), ERR_LIMIT);
        buf_release(&raw);
        buf_release(&out);
}

static int
refuse(void *arg, const struct decode_series *s, struct err *e)
{
        (void)arg;
        (void)s;
        return err_set(e, ERR_REFUSED, "no");
}

static void
test_sink_may_refuse(void **state)
{
        struct buf packed = BUF_INIT(100);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(snappy_pack(VIEW_LIT("\x0a\x00\x0a\x00"), &packed, &e), &e);
        assert_int_equal(decode_request(buf_view(&packed), WRITE_1, refuse, NULL, &e), ERR_REFUSED);
        buf_release(&packed);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_what_was_encoded_comes_back),
            cmocka_unit_test(test_faults),
            cmocka_unit_test(test_zero_bytes_stay),
            cmocka_unit_test(test_bodies_from_outside),
            cmocka_unit_test(test_sizes_are_bounded),
            cmocka_unit_test(test_sink_may_refuse),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
