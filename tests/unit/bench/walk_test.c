#include "bench/walk.h"

#include "base/labels.h"
#include "base/varint.h"
#include "remotewrite/encode.h"
#include "tests/testing/testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct seen {
        uint64_t series[8];
        int64_t times[8];
        uint64_t bits[8];
        size_t n;
        size_t metadata;
};

static void
on_sample(void *arg, uint64_t series, int64_t time_ms, uint64_t bits)
{
        struct seen *s = arg;

        s->series[s->n] = series;
        s->times[s->n] = time_ms;
        s->bits[s->n++] = bits;
}

static void
on_metadata(void *arg)
{
        struct seen *s = arg;

        s->metadata++;
}

static void
append_series(struct buf *out, const char *job, const struct encode_sample *samples, size_t n)
{
        const struct label labels[] = {
            {VIEW_LIT("__name__"), VIEW_LIT("up")},
            {VIEW_LIT("job"), view_of(job)},
        };
        struct buf encoded = BUF_INIT(1024);

        testing_ok(encode_labels(labels, 2, &encoded, NULL), NULL);
        testing_ok(encode_series(buf_view(&encoded), samples, n, out, NULL), NULL);
        buf_release(&encoded);
}

static void
samples_come_with_the_hash_of_their_series(void **state)
{
        static const struct encode_sample two[] = {{1000, 7}, {-5, 0}};
        static const char metadata[] = {0x1a, 0x02, 0x08, 0x01};
        struct buf body = BUF_INIT(4096);
        struct seen seen = {.n = 0};
        const struct walk_sink sink = {on_sample, on_metadata, &seen};

        (void)state;
        append_series(&body, "a", two, 2);
        append_series(&body, "b", two, 1);
        append_series(&body, "a", two, 1);
        testing_ok(buf_append(&body, metadata, sizeof(metadata), NULL), NULL);
        testing_ok(walk_request(buf_view(&body), WALK_WRITE_REQUEST, &sink, NULL), NULL);
        assert_int_equal(seen.n, 4);
        assert_int_equal(seen.metadata, 1);
        assert_true(seen.series[0] == seen.series[1] && seen.series[0] == seen.series[3]);
        assert_true(seen.series[0] != seen.series[2]);
        assert_int_equal(seen.times[0], 1000);
        assert_int_equal(seen.bits[0], 7);
        assert_int_equal(seen.times[1], -5);
        buf_release(&body);
}

/* A body cut anywhere is either a shorter one or refused; nothing behind it is read. */
static void
damaged_bodies_are_refused(void **state)
{
        static const struct encode_sample one[] = {{1000, 7}};
        struct buf body = BUF_INIT(4096);
        size_t refused = 0;

        (void)state;
        append_series(&body, "a", one, 1);
        for (size_t n = 0; n < body.len; n++) {
                struct seen seen = {.n = 0};
                const struct walk_sink sink = {on_sample, on_metadata, &seen};
                char *cut = malloc(n + 1);

                memcpy(cut, body.ptr, n);
                refused += walk_request((struct view){cut, n}, WALK_WRITE_REQUEST, &sink, NULL) ==
                    ERR_PARSE;
                free(cut);
        }
        assert_int_equal(refused, body.len - 1);
        buf_release(&body);
}

/* ---- 2.0: message by message, as the specification numbers the fields ---- */

static void
put_number(struct buf *out, uint64_t v)
{
        uint8_t bytes[VARINT_MAX];

        testing_ok(buf_append(out, bytes, varint_put(bytes, v), NULL), NULL);
}

static void
put_bytes(struct buf *out, unsigned number, const void *p, size_t n)
{
        put_number(out, number << 3 | 2);
        put_number(out, n);
        testing_ok(buf_append(out, p, n, NULL), NULL);
}

static void
put_sample(struct buf *series, const struct encode_sample *x)
{
        struct buf sample = BUF_INIT(64);

        put_number(&sample, 1 << 3 | 1);
        testing_ok(buf_append(&sample, &x->bits, sizeof(x->bits), NULL), NULL);
        put_number(&sample, 2 << 3);
        put_number(&sample, (uint64_t)x->time_ms);
        put_bytes(series, 2, sample.ptr, sample.len);
        buf_release(&sample);
}

static const char *const SYMBOLS[] = {"", "__name__", "up", "job", "a", "b"};

/* symbols: how many of them the request has. */
static void
put_symbols(struct buf *body, size_t symbols)
{
        for (size_t i = 0; i < symbols; i++)
                put_bytes(body, 4, SYMBOLS[i], strlen(SYMBOLS[i]));
}

static void
append_series_v2(
    struct buf *body, const uint8_t refs[4], const struct encode_sample *x, bool packed)
{
        struct buf series = BUF_INIT(256);

        if (packed)
                put_bytes(&series, 1, refs, 4);
        for (size_t i = 0; i < 4 && !packed; i++) {
                put_number(&series, 1 << 3);
                put_number(&series, refs[i]);
        }
        put_sample(&series, x);
        put_bytes(&series, 5, "", 0); /* metadata without content, as Prometheus's agent has it */
        put_bytes(body, 5, series.ptr, series.len);
        buf_release(&series);
}

static void
series_are_the_same_in_both_messages(void **state)
{
        static const struct encode_sample one = {1000, 7};
        static const uint8_t job_a[] = {1, 2, 3, 4};
        static const uint8_t job_b[] = {1, 2, 3, 5};
        struct buf first = BUF_INIT(4096);
        struct buf second = BUF_INIT(4096);
        struct seen seen = {.n = 0};
        const struct walk_sink sink = {on_sample, on_metadata, &seen};

        (void)state;
        append_series(&first, "a", &one, 1);
        append_series(&first, "b", &one, 1);
        put_symbols(&second, 6);
        append_series_v2(&second, job_a, &one, true);
        append_series_v2(&second, job_b, &one, false);
        put_bytes(&second, 5, "\x2a\x02\x08\x01", 4); /* a series that is only metadata */
        testing_ok(walk_request(buf_view(&first), WALK_WRITE_REQUEST, &sink, NULL), NULL);
        testing_ok(walk_request(buf_view(&second), WALK_REQUEST_V2, &sink, NULL), NULL);
        assert_int_equal(seen.n, 4);
        assert_true(seen.series[2] == seen.series[0] && seen.series[3] == seen.series[1]);
        assert_true(seen.series[2] != seen.series[3]);
        assert_int_equal(seen.times[3], 1000);
        assert_int_equal(seen.bits[3], 7);
        assert_int_equal(seen.metadata, 1);
        buf_release(&first);
        buf_release(&second);
}

static void
symbols_that_are_not_there_are_refused(void **state)
{
        static const struct encode_sample one = {1000, 7};
        static const uint8_t refs[] = {1, 2, 3, 4};

        (void)state;
        for (size_t symbols = 0; symbols <= 5; symbols++) {
                struct buf body = BUF_INIT(4096);
                struct seen seen = {.n = 0};
                const struct walk_sink sink = {on_sample, on_metadata, &seen};
                int want = symbols == 5 ? 0 : ERR_PARSE;

                /* Behind the series: their order in the message does not matter. */
                append_series_v2(&body, refs, &one, symbols % 2 == 0);
                put_symbols(&body, symbols);
                assert_int_equal(walk_request(buf_view(&body), WALK_REQUEST_V2, &sink, NULL), want);
                assert_int_equal(seen.n, symbols == 5);
                buf_release(&body);
        }
}

static void
too_many_symbols_are_refused(void **state)
{
        struct buf body = BUF_INIT((size_t)4 << 20);
        struct seen seen = {.n = 0};
        const struct walk_sink sink = {on_sample, on_metadata, &seen};

        (void)state;
        for (size_t i = 0; i < WALK_SYMBOLS_MAX; i++)
                testing_ok(buf_append(&body, "\x22\x00", 2, NULL), NULL);
        testing_ok(walk_request(buf_view(&body), WALK_REQUEST_V2, &sink, NULL), NULL);
        testing_ok(buf_append(&body, "\x22\x00", 2, NULL), NULL);
        assert_int_equal(walk_request(buf_view(&body), WALK_REQUEST_V2, &sink, NULL), ERR_LIMIT);
        buf_release(&body);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_come_with_the_hash_of_their_series),
            cmocka_unit_test(damaged_bodies_are_refused),
            cmocka_unit_test(series_are_the_same_in_both_messages),
            cmocka_unit_test(symbols_that_are_not_there_are_refused),
            cmocka_unit_test(too_many_symbols_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
