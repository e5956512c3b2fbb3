#include "wal/keyframe.h"

#include "base/compress.h"
#include "tests/testing/pages.h"
#include "tests/testing/testing.h"
#include "wal/column.h"
#include "wal/envelope.h"

#include <stdio.h>
#include <string.h>

struct codecs {
        struct zstd_packer *packer;
        struct zstd_unpacker *unpacker;
};

static int
setup(void **state)
{
        static struct codecs c;

        testing_ok(zstd_packer_new(1, &c.packer, NULL), NULL);
        testing_ok(zstd_unpacker_new(&c.unpacker, NULL), NULL);
        *state = &c;
        return 0;
}

static int
teardown(void **state)
{
        struct codecs *c = *state;

        zstd_packer_free(c->packer);
        zstd_unpacker_free(c->unpacker);
        return 0;
}

/* Returns the bytes. */
static size_t
round_trip(const struct codecs *c, const uint64_t *column, unsigned slots)
{
        struct keyframe_head head = {UINT64_C(0x0123456789abcdef), 77, 5, slots};
        struct keyframe_head back = {0};
        uint64_t values[CHUNK_SLOTS];
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        size_t n;

        testing_ok(buf_puts(&out, "before", &e), &e);
        testing_ok(keyframe_encode(&head, column, c->packer, &out, &e), &e);
        n = out.len - 6;
        testing_ok(
            keyframe_decode((struct view){out.ptr + 6, n}, c->unpacker, &back, values, &e), &e);
        assert_int_equal(back.id, head.id);
        assert_int_equal(back.chunk, head.chunk);
        assert_int_equal(back.target, head.target);
        assert_int_equal(back.slots, slots);
        assert_memory_equal(values, column, slots * sizeof(*column));
        buf_release(&out);
        return n;
}

static void
test_columns_come_back(void **state)
{
        struct testing_random r = {11};
        uint64_t column[CHUNK_SLOTS];

        for (unsigned kind = 0; kind < 5; kind++) {
                for (unsigned i = 0; i < CHUNK_SLOTS; i++) {
                        double d = (double)testing_random_below(&r, 3) / 10;

                        if (kind == 0 || (kind == 4 && i % 5 == 0))
                                column[i] = testing_random(&r);
                        else if (kind == 1)
                                column[i] = COLUMN_ABSENT;
                        else if (kind == 2)
                                column[i] = 0;
                        else
                                memcpy(&column[i], &d, sizeof(d));
                }
                (void)round_trip(*state, column, 1);
                (void)round_trip(*state, column, 129);
                (void)round_trip(*state, column, CHUNK_SLOTS);
        }
}

static void
test_damage_is_found(void **state)
{
        const struct codecs *c = *state;
        uint64_t column[100];
        struct keyframe_head head = {1, 2, 3, 100};
        struct buf out = BUF_INIT(1 << 20);

        for (unsigned i = 0; i < 100; i++)
                column[i] = i;
        testing_ok(keyframe_encode(&head, column, c->packer, &out, NULL), NULL);
        for (size_t i = 0; i < out.len; i++) {
                out.ptr[i] ^= 0x10;
                assert_int_equal(
                    keyframe_decode(buf_view(&out), c->unpacker, &head, column, NULL), ERR_CORRUPT);
                out.ptr[i] ^= 0x10;
                assert_int_equal(
                    keyframe_decode((struct view){out.ptr, i}, c->unpacker, &head, column, NULL),
                    ERR_CORRUPT);
        }
        buf_release(&out);
}

/* Sealed bytes that no encoder wrote. */
static void
test_bytes_from_outside(void **state)
{
        static const struct {
                const char *name;
                uint16_t slots;
                const char *raw;
                uint16_t n;
                uint16_t raw_bytes; /* as the head says */
                uint8_t version;
                uint8_t flags;
                int want;
        } cases[] = {
            {"sound", 3, "\x02\x00\x04\x81\x02", 5, 5, 1, 0, 0},
            {"no slots", 0, "\x00\x00", 2, 2, 1, 0, ERR_CORRUPT},
            {"too many slots", 1025, "\x02\x00\x04\x81\x02", 5, 5, 1, 0, ERR_CORRUPT},
            {"another version", 3, "\x02\x00\x04\x81\x02", 5, 5, 2, 0, ERR_CORRUPT},
            {"unknown flag", 3, "\x02\x00\x04\x81\x02", 5, 5, 1, 2, ERR_CORRUPT},
            {"not packed", 3, "\x02\x00\x04\x81\x02", 5, 5, 1, 1, ERR_CORRUPT},
            {"raw length too large", 3, "\x02\x00\x04\x81\x02", 5, 65535, 1, 1, ERR_CORRUPT},
            {"raw length another", 3, "\x02\x00\x04\x81\x02", 5, 6, 1, 0, ERR_CORRUPT},
            {"run before any value", 3, "\x01\x00\x82", 3, 3, 1, 0, ERR_CORRUPT},
            {"run too long", 3, "\x02\x00\x04\x82\x02", 5, 5, 1, 0, ERR_CORRUPT},
            {"run too short", 3, "\x02\x00\x04\x80\x02", 5, 5, 1, 0, ERR_CORRUPT},
            {"tags cut short", 3, "\x09\x00\x04\x81\x02", 5, 5, 1, 0, ERR_CORRUPT},
            {"value cut short", 3, "\x02\x00\x04\x81\x80", 5, 5, 1, 0, ERR_CORRUPT},
            {"bytes behind", 3, "\x02\x00\x04\x81\x02\x02", 6, 6, 1, 0, ERR_CORRUPT},
            {"empty", 3, "", 0, 0, 1, 0, ERR_CORRUPT},
        };
        const struct codecs *c = *state;
        uint64_t column[CHUNK_SLOTS];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint8_t bytes[100] = {0};
                size_t n = ENVELOPE_BYTES + 30 + cases[i].n;
                struct keyframe_head head;
                int rc;

                bytes_put_u16(bytes + ENVELOPE_BYTES + 24, cases[i].slots);
                bytes_put_u16(bytes + ENVELOPE_BYTES + 26, cases[i].raw_bytes);
                bytes[ENVELOPE_BYTES + 28] = cases[i].version;
                bytes[ENVELOPE_BYTES + 29] = cases[i].flags;
                memcpy(bytes + ENVELOPE_BYTES + 30, cases[i].raw, cases[i].n);
                envelope_seal(bytes, n, ENVELOPE_KEYFRAME);
                rc = keyframe_decode(
                    (struct view){(const char *)bytes, n}, c->unpacker, &head, column, NULL);
                if (rc != cases[i].want)
                        fail_msg("%s: %d", cases[i].name, rc);
        }
}

static void
test_real_pages(void **state)
{
        struct testing_page page;
        uint64_t column[CHUNK_SLOTS];
        size_t slots;
        size_t bytes;

        testing_page_node(&page, 1, "node-1:9100");
        slots = testing_page_column(&page, 0, column, CHUNK_SLOTS);
        testing_page_release(&page);
        bytes = round_trip(*state, column, (unsigned)slots);
        printf("node-exporter: %.2f bytes per series\n", (double)bytes / (double)slots);
        assert_true(bytes < slots * 2);
        testing_page_kube(&page);
        bytes = 0;
        for (size_t first = 0; first < page.n; first += slots) {
                slots = testing_page_column(&page, first, column, CHUNK_SLOTS);
                bytes += round_trip(*state, column, (unsigned)slots);
        }
        printf("kube-state-metrics: %.2f bytes per series\n", (double)bytes / (double)page.n);
        assert_true(bytes < page.n);
        testing_page_release(&page);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_columns_come_back),
            cmocka_unit_test(test_damage_is_found),
            cmocka_unit_test(test_bytes_from_outside),
            cmocka_unit_test(test_real_pages),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
