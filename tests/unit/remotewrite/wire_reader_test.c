#include "remotewrite/wire_reader.h"

#include "remotewrite/encode.h"
#include "remotewrite/recode.h"
#include "tests/testing/testing.h"

#include <stdio.h>

enum { SERIES = 50 };

/* Series of 0 to 4 labels and 1 to 3 samples, as 1.0 has them, and the request as 2.0. */
static void
make_both(struct buf *one, struct buf *two)
{
        struct recoder *r = NULL;
        struct buf series = BUF_INIT(1 << 20);
        struct buf body = BUF_INIT(1 << 20);
        char text[16];

        testing_ok(recoder_new(&r, NULL), NULL);
        testing_ok(recoder_begin(r, NULL), NULL);
        for (unsigned i = 0; i < SERIES; i++) {
                const struct label labels[] = {{VIEW_LIT("__name__"), VIEW_LIT("up")},
                    {VIEW_LIT("empty"), VIEW_LIT("")},
                    {VIEW_LIT("i"), {text, (size_t)snprintf(text, sizeof(text), "%u", i)}},
                    {VIEW_LIT("job"), VIEW_LIT("a")}};
                const struct encode_sample samples[] = {
                    {1000, i}, {2000, i % 2}, {3000, UINT64_C(0x7ff0000000000002)}};
                struct buf encoded = BUF_INIT(1 << 16);

                buf_reset(&series);
                testing_ok(encode_labels(labels, i % 5, &encoded, NULL), NULL);
                testing_ok(
                    encode_series(buf_view(&encoded), samples, 1 + i % 3, &series, NULL), NULL);
                testing_ok(buf_append(one, series.ptr, series.len, NULL), NULL);
                testing_ok(recoder_add(r, buf_view(&series), &body, NULL), NULL);
                buf_release(&encoded);
        }
        testing_ok(buf_append(two, recoder_symbols(r).p, recoder_symbols(r).n, NULL), NULL);
        testing_ok(buf_append(two, body.ptr, body.len, NULL), NULL);
        recoder_free(r);
        buf_release(&series);
        buf_release(&body);
}

static void
both_messages_give_the_same_series(void **state)
{
        struct buf one = BUF_INIT(1 << 20);
        struct buf two = BUF_INIT(1 << 20);
        struct wire_reader a;
        struct wire_reader b;

        (void)state;
        make_both(&one, &two);
        testing_ok(wire_reader_open(&a, buf_view(&one), WRITE_1, NULL), NULL);
        testing_ok(wire_reader_open(&b, buf_view(&two), WRITE_2, NULL), NULL);
        for (unsigned i = 0; i < SERIES; i++) {
                struct wire_series x;
                struct wire_series y;

                assert_false(wire_reader_end(&a) || wire_reader_end(&b));
                testing_ok(wire_reader_next(&a, &x, NULL), NULL);
                testing_ok(wire_reader_next(&b, &y, NULL), NULL);
                assert_true(view_eq(x.field, y.field));
                assert_int_equal(x.n_samples, y.n_samples);
                assert_int_equal(x.newest_ms, y.newest_ms);
        }
        assert_true(wire_reader_end(&a) && wire_reader_end(&b));
        wire_reader_close(&a);
        wire_reader_close(&b);
        buf_release(&one);
        buf_release(&two);
}

static int
read_all(struct view raw)
{
        struct wire_reader r;
        struct wire_series s;
        struct err e = ERR_INIT;
        int rc = wire_reader_open(&r, raw, WRITE_2, &e);

        while (rc == 0 && !wire_reader_end(&r))
                rc = wire_reader_next(&r, &s, &e);
        wire_reader_close(&r);
        return rc;
}

static void
other_bytes_are_refused(void **state)
{
        static const struct view bad[] = {
            {"", 0}, {"\x2a\x02\x12\x00", 4}, /* no symbols */
            {"\x22\x00\x0a\x00", 4}, /* something else */
            {"\x22\x00\x2a\x04\x0a\x02\x00\x01", 8}, /* no such symbol */
            {"\x22\x00\x2a\x03\x0a\x01\x00", 7}, /* a name without a value */
            {"\x22\x00\x2a\x04\x0a\x02\x00\x80", 8}, /* half a number */
            {"\x22\x00\x2a\x02\x2a\x00", 6}, /* metadata, which we do not write */
        };
        struct buf one = BUF_INIT(1 << 20);
        struct buf two = BUF_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(read_all(bad[i]), ERR_PARSE);
        make_both(&one, &two);
        assert_int_equal(read_all(buf_view(&two)), 0);
        for (size_t n = 0; n < two.len;
             n++) /* cut anywhere: an error, or a whole number of series */
                (void)read_all((struct view){two.ptr, n});
        assert_int_equal(read_all((struct view){two.ptr, two.len - 1}), ERR_PARSE);
        buf_release(&one);
        buf_release(&two);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(both_messages_give_the_same_series),
            cmocka_unit_test(other_bytes_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
