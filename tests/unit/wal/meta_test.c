#include "wal/meta.h"

#include "tests/testing/testing.h"

#include <string.h>

struct format_row {
        const char *name;
        const char *tenant; /* that opens it */
        size_t page_size;
        int damage_at; /* -1: none */
        const char *want; /* NULL: accepted */
};

static const struct format_row format_rows[] = {
    {"the same", "tenant-a", 4096, -1, NULL},
    {"another tenant", "tenant-b", 4096, -1, "belongs to tenant \"tenant-a\", not to \"tenant-b\""},
    {"a longer tenant", "tenant-ab", 4096, -1, "belongs to tenant"},
    {"another page size", "tenant-a", 16384, -1, "has pages of 4096 bytes, this machine has 16384"},
    {"not ours", "tenant-a", 4096, 0, "not a gleaner log"},
    {"another version", "tenant-a", 4096, 8, "has format version"},
    {"another word size", "tenant-a", 4096, 9, "machine of another kind"},
    {"another byte order", "tenant-a", 4096, 10, "machine of another kind"},
};

static void
test_format(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(format_rows) / sizeof(format_rows[0]); i++) {
                const struct format_row *row = &format_rows[i];
                uint8_t bytes[META_FORMAT_BYTES];
                struct err e = ERR_INIT;
                size_t n = meta_format_encode("tenant-a", 4096, bytes);
                int rc;

                if (row->damage_at >= 0)
                        bytes[row->damage_at] ^= 3;
                rc = meta_format_check(
                    (struct view){(const char *)bytes, n}, row->tenant, row->page_size, "/d", &e);
                if (row->want == NULL) {
                        testing_ok(rc, &e);
                } else if (rc != ERR_CONFIG || strstr(e.msg, row->want) == NULL) {
                        fail_msg("%s: %d %s", row->name, rc, e.msg);
                }
        }
        assert_int_equal(meta_format_check(VIEW_LIT("short"), "t", 4096, "/d", NULL), ERR_CONFIG);
}

static void
test_book(void **state)
{
        const struct meta_book b = {.next_id = 1,
            .next_block = 2,
            .samples = 3,
            .age_ms = 4,
            .offered = 13,
            .not_stored = {5, 6, 7},
            .trimmed = {8, 9},
            .keyframe_low = 10,
            .max_size = UINT64_MAX,
            .last_commit_ms = -12,
            .clean = true,
            .had_endpoint = true};
        struct meta_book back;
        uint8_t bytes[META_BOOK_BYTES];
        struct view v = {(const char *)bytes, sizeof(bytes)};
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(meta_book_encode(&b, bytes), META_BOOK_BYTES);
        testing_ok(meta_book_decode(v, &back, &e), &e);
        assert_int_equal(back.next_id, 1);
        assert_int_equal(back.next_block, 2);
        assert_int_equal(back.samples, 3);
        assert_int_equal(back.offered, 13);
        assert_int_equal(back.age_ms, 4);
        assert_int_equal(back.not_stored[NOT_STORED_MEMORY], 7);
        assert_int_equal(back.trimmed[1], 9);
        assert_int_equal(back.keyframe_low, 10);
        assert_true(back.max_size == UINT64_MAX);
        assert_int_equal(back.last_commit_ms, -12);
        assert_true(back.clean && back.had_endpoint);
        for (size_t i = 0; i < sizeof(bytes); i++) {
                bytes[i] ^= 1;
                assert_int_equal(meta_book_decode(v, &back, NULL), ERR_CORRUPT);
                bytes[i] ^= 1;
        }
        v.n--;
        assert_int_equal(meta_book_decode(v, &back, NULL), ERR_CORRUPT);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_format),
            cmocka_unit_test(test_book),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
