#include "wal/envelope.h"

#include "tests/testing/testing.h"

static void
test_round_trip(void **state)
{
        static const enum envelope_kind kinds[] = {
            ENVELOPE_BLOCK, ENVELOPE_KEYFRAME, ENVELOPE_LAYOUT, ENVELOPE_TARGET};
        struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct bytes_reader body;
                size_t start;

                buf_reset(&out);
                testing_ok(buf_puts(&out, "before", &e), &e);
                testing_ok(envelope_begin(&out, &start, &e), &e);
                testing_ok(buf_puts(&out, "body", &e), &e);
                envelope_end(&out, start, kinds[i]);
                assert_memory_equal(out.ptr, "before", 6);
                testing_ok(envelope_open((struct view){out.ptr + start, out.len - start}, kinds[i],
                               true, &body, &e),
                    &e);
                assert_int_equal(bytes_left(&body), 4);
                assert_memory_equal(body.p, "body", 4);
                assert_int_equal(envelope_open((struct view){out.ptr + start, out.len - start},
                                     kinds[(i + 1) % 4], true, &body, &e),
                    ERR_CORRUPT);
        }
        buf_release(&out);
}

/* Every bit of the value is guarded; without verify, only magic and length are. */
static void
test_any_flipped_bit_is_found(void **state)
{
        uint8_t bytes[ENVELOPE_BYTES + 20] = {0};
        struct view v = {(const char *)bytes, sizeof(bytes)};
        struct bytes_reader body;

        (void)state;
        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
        testing_ok(envelope_open(v, ENVELOPE_BLOCK, true, &body, NULL), NULL);
        for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
                bool head = bit < 32 || (bit >= 64 && bit < 96);

                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
                assert_int_equal(envelope_open(v, ENVELOPE_BLOCK, true, &body, NULL), ERR_CORRUPT);
                assert_int_equal(
                    envelope_open(v, ENVELOPE_BLOCK, false, &body, NULL), head ? ERR_CORRUPT : 0);
                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t n = 0; n < sizeof(bytes); n++) {
                v.n = n;
                assert_int_equal(envelope_open(v, ENVELOPE_BLOCK, false, &body, NULL), ERR_CORRUPT);
        }
}

static void
test_reader_stops_at_its_end(void **state)
{
        static const uint8_t bytes[] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x85, 0x01};
        struct bytes_reader r = {bytes, bytes + sizeof(bytes), false};

        (void)state;
        assert_int_equal(bytes_u8(&r), 1);
        assert_int_equal(bytes_u16(&r), 2);
        assert_int_equal(bytes_u32(&r), 3);
        assert_int_equal(bytes_u64(&r), 4);
        assert_int_equal(bytes_varint(&r), 133);
        assert_false(r.bad);
        assert_int_equal(bytes_left(&r), 0);
        assert_int_equal(bytes_u8(&r), 0);
        assert_true(r.bad);
        r = (struct bytes_reader){bytes + 15, bytes + 16, false};
        assert_int_equal(bytes_varint(&r), 0);
        assert_true(r.bad);
        assert_null(bytes_take(&r, 1));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_any_flipped_bit_is_found),
            cmocka_unit_test(test_reader_stops_at_its_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
