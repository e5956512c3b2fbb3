#include "wal/target_state.h"

#include "tests/testing/testing.h"
#include "wal/envelope.h"

#include <stdlib.h>
#include <string.h>

static void
set_bit(struct target_chunk *c, unsigned i)
{
        c->alive[i / 8] |= (uint8_t)(1U << i % 8);
}

/* Returns the bytes. */
static size_t
round_trip(const struct target_state *s)
{
        struct target_state back = {0};
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        size_t n;

        testing_ok(buf_puts(&out, "before", &e), &e);
        testing_ok(target_state_encode(s, &out, &e), &e);
        n = out.len - 6;
        testing_ok(target_state_decode((struct view){out.ptr + 6, n}, &back, &e), &e);
        assert_int_equal(back.target, s->target);
        assert_string_equal(back.identity, s->identity);
        assert_int_equal(back.time_ms, s->time_ms);
        assert_int_equal(back.interval_ms, s->interval_ms);
        assert_int_equal(back.n_chunks, s->n_chunks);
        for (size_t i = 0; i < s->n_chunks; i++) {
                assert_int_equal(back.chunks[i].chunk, s->chunks[i].chunk);
                assert_int_equal(back.chunks[i].slots, s->chunks[i].slots);
                assert_memory_equal(
                    back.chunks[i].alive, s->chunks[i].alive, sizeof(s->chunks[i].alive));
        }
        assert_int_equal(back.n_stamps, s->n_stamps);
        for (size_t i = 0; i < s->n_stamps; i++) {
                assert_int_equal(back.stamps[i].slot, s->stamps[i].slot);
                assert_int_equal(back.stamps[i].time_ms, s->stamps[i].time_ms);
        }
        target_state_release(&back);
        assert_null(back.identity);
        buf_release(&out);
        return n;
}

static void
test_states_come_back(void **state)
{
        static const unsigned slots[] = {0, 1, 7, 8, 9, 100, 1023, 1024};
        struct testing_random r = {4};
        struct target_chunk chunks[8];
        struct target_state s = {.target = 12,
            .identity = (char[]){"node {instance=\"a\"} http://a:9100/metrics"},
            .time_ms = 1763911234567,
            .interval_ms = 15000,
            .chunks = chunks};

        (void)state;
        (void)round_trip(&s);
        for (unsigned odds = 1; odds < 200; odds += 7) {
                memset(chunks, 0, sizeof(chunks));
                s.n_chunks = 8;
                for (unsigned c = 0; c < 8; c++) {
                        chunks[c].chunk = testing_random(&r) >> (c * 8);
                        chunks[c].slots = slots[c];
                        for (unsigned i = 0; i < slots[c]; i++) {
                                if (testing_random_below(&r, odds) == 0)
                                        set_bit(&chunks[c], i);
                        }
                }
                (void)round_trip(&s);
        }
        s.stamps = (struct target_stamp[]){{7 * CHUNK_SLOTS + 1023, s.time_ms - 60000},
            {CHUNK_SLOTS, INT64_MIN}, {2 * CHUNK_SLOTS + 6, INT64_MAX}, {2 * CHUNK_SLOTS, 0}};
        s.n_stamps = 4;
        (void)round_trip(&s);
        s.identity = (char[]){""};
        s.time_ms = INT64_MIN;
        s.target = UINT64_MAX;
        (void)round_trip(&s);
}

static void
test_usual_states_are_short(void **state)
{
        static struct target_chunk chunks[1000];
        struct target_state s = {
            .target = 12, .identity = (char[]){"x"}, .chunks = chunks, .n_chunks = 1000};

        (void)state;
        for (unsigned c = 0; c < 1000; c++) {
                chunks[c].chunk = 5000 + c;
                chunks[c].slots = CHUNK_SLOTS;
                memset(chunks[c].alive, 0xff, sizeof(chunks[c].alive));
        }
        assert_true(round_trip(&s) < 1000 * 8);
}

static void
test_damage_is_found(void **state)
{
        struct target_chunk chunk = {.chunk = 9, .slots = 100};
        struct target_state s = {
            .target = 12, .identity = (char[]){"x"}, .chunks = &chunk, .n_chunks = 1};
        struct target_state back = {0};
        struct buf out = BUF_INIT(1 << 20);

        (void)state;
        set_bit(&chunk, 55);
        testing_ok(target_state_encode(&s, &out, NULL), NULL);
        for (size_t i = 0; i < out.len; i++) {
                out.ptr[i] ^= 1;
                assert_int_equal(target_state_decode(buf_view(&out), &back, NULL), ERR_CORRUPT);
                out.ptr[i] ^= 1;
                assert_int_equal(
                    target_state_decode((struct view){out.ptr, i}, &back, NULL), ERR_CORRUPT);
        }
        buf_release(&out);
}

/* Sealed bytes that no encoder wrote. */
static void
test_bytes_from_outside(void **state)
{
#define HEAD "\x01\x0c\x00\x00\x01x"
        static const struct {
                const char *name;
                const char *body;
                size_t n;
                int want;
        } cases[] = {
            {"sound, no chunks", HEAD "\x00", 7, 0},
            {"sound, runs", HEAD "\x01\x02\x05\x00\x03\x02", 12, 0},
            {"sound, none alive", HEAD "\x01\x02\x05\x00\x00\x05", 12, 0},
            {"sound, bits", HEAD "\x01\x02\x05\x01\x1f", 11, 0},
            {"empty", "", 0, ERR_CORRUPT},
            {"another version", "\x02\x0c\x00\x00\x01x\x00", 7, ERR_CORRUPT},
            {"identity cut short", "\x01\x0c\x00\x00\x09x\x00", 7, ERR_CORRUPT},
            {"zero in the identity", "\x01\x0c\x00\x00\x01\x00\x00", 7, ERR_CORRUPT},
            {"more chunks than bytes", HEAD "\x7f\x02\x05\x01\x1f", 11, ERR_CORRUPT},
            {"bits beyond the slots", HEAD "\x01\x02\x05\x01\x3f", 11, ERR_CORRUPT},
            {"bits cut short", HEAD "\x01\x02\x09\x01\x1f", 11, ERR_CORRUPT},
            {"too many slots", HEAD "\x01\x02\x81\x08\x00\x81\x08", 13, ERR_CORRUPT},
            {"unknown kind of bits", HEAD "\x01\x02\x05\x02\x1f", 11, ERR_CORRUPT},
            {"run too long", HEAD "\x01\x02\x05\x00\x03\x03", 12, ERR_CORRUPT},
            {"run of nothing", HEAD "\x01\x02\x05\x00\x03\x00\x02", 13, ERR_CORRUPT},
            {"run cut short", HEAD "\x01\x02\x05\x00\x03", 11, ERR_CORRUPT},
            {"sound, two timestamps", HEAD "\x01\x02\x05\x01\x1f\x02\x08\x01\x07\x02", 16, 0},
            {"timestamp beyond the slots", HEAD "\x01\x02\x05\x01\x1f\x01\x0a\x01", 14,
                ERR_CORRUPT},
            {"timestamp before the slots", HEAD "\x01\x02\x05\x01\x1f\x01\x01\x01", 14,
                ERR_CORRUPT},
            {"timestamp without chunks", HEAD "\x00\x01\x00\x00", 10, ERR_CORRUPT},
            {"timestamps cut short", HEAD "\x01\x02\x05\x01\x1f\x02\x08\x01", 14, ERR_CORRUPT},
            {"more timestamps than bytes", HEAD "\x01\x02\x05\x01\x1f\x7f\x08\x01", 14,
                ERR_CORRUPT},
            {"bytes behind", HEAD "\x00\x00\x00", 9, ERR_CORRUPT},
        };
#undef HEAD

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct target_state back = {0};
                uint8_t bytes[100];
                int rc;

                memcpy(bytes + ENVELOPE_BYTES, cases[i].body, cases[i].n);
                envelope_seal(bytes, ENVELOPE_BYTES + cases[i].n, ENVELOPE_TARGET);
                rc = target_state_decode(
                    (struct view){(const char *)bytes, ENVELOPE_BYTES + cases[i].n}, &back, NULL);
                if (rc != cases[i].want)
                        fail_msg("%s: %d", cases[i].name, rc);
                target_state_release(&back);
        }
        target_state_release(NULL);
}

static void
test_full_buffer(void **state)
{
        struct target_state s = {.identity = (char[]){"a long identity"}};
        struct buf out = BUF_INIT(20);

        (void)state;
        testing_ok(buf_puts(&out, "x", NULL), NULL);
        assert_int_equal(target_state_encode(&s, &out, NULL), ERR_LIMIT);
        assert_int_equal(out.len, 1);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_states_come_back),
            cmocka_unit_test(test_usual_states_are_short),
            cmocka_unit_test(test_damage_is_found),
            cmocka_unit_test(test_bytes_from_outside),
            cmocka_unit_test(test_full_buffer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
