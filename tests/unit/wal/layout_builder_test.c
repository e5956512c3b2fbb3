/* The builder's bounds; that what it writes comes back is tried in layout_test.c. */
#include "wal/layout.h"

#include "base/compress.h"
#include "tests/testing/testing.h"
#include "wal/column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_sets_are_bounded(void **state)
{
        struct layout_builder *b = NULL;
        struct label one = {VIEW_LIT("a"), VIEW_LIT("b")};
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(layout_builder_new(&b, &e), &e);
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                testing_ok(layout_builder_add(b, &one, 1, &e), &e);
        assert_int_equal(layout_builder_add(b, &one, 1, &e), ERR_LIMIT);
        assert_int_equal(layout_builder_count(b), CHUNK_SLOTS);
        layout_builder_reset(b);
        assert_int_equal(layout_builder_count(b), 0);
        testing_ok(layout_builder_add(b, &one, 1, &e), &e);
        layout_builder_free(b);
        layout_builder_free(NULL);
}

/* Text without end is refused before it is copied, and the builder stays usable. */
static void
test_bytes_are_bounded(void **state)
{
        enum { VALUE_BYTES = 1 << 20 };
        struct layout_builder *b = NULL;
        struct zstd_packer *z = NULL;
        struct buf out = BUF_INIT((size_t)128 << 20);
        char *text = malloc(VALUE_BYTES);
        struct label one = {VIEW_LIT("a"), {text, VALUE_BYTES}};
        struct layout_head head = {.slots = 0};
        struct err e = ERR_INIT;
        int rc;

        (void)state;
        assert_non_null(text);
        memset(text, 'x', VALUE_BYTES);
        testing_ok(layout_builder_new(&b, &e), &e);
        testing_ok(zstd_packer_new(1, &z, &e), &e);
        for (rc = 0; rc == 0; head.slots++) {
                text[0] = (char)('a' + head.slots % 26);
                text[1] = (char)('a' + head.slots / 26);
                rc = layout_builder_add(b, &one, 1, &e);
        }
        head.slots--;
        assert_int_equal(rc, ERR_LIMIT);
        assert_true(head.slots >= 60 && head.slots <= 64);
        assert_int_equal(layout_builder_count(b), head.slots);
        assert_true(layout_builder_bytes(b) < (size_t)3 * LAYOUT_MAX_BYTES);
        one.value.n = 3;
        testing_ok(layout_builder_add(b, &one, 1, &e), &e);
        head.slots++;
        testing_ok(layout_builder_encode(b, &head, z, &out, &e), &e);
        /* a reset gives the large buffers back */
        layout_builder_reset(b);
        assert_true(layout_builder_bytes(b) < 2 << 20);
        layout_builder_free(b);
        zstd_packer_free(z);
        buf_release(&out);
        free(text);
}

static void
test_labels_are_bounded(void **state)
{
        enum { LABELS = 100000 };
        struct layout_builder *b = NULL;
        struct label *labels = calloc(LABELS, sizeof(*labels));
        struct err e = ERR_INIT;
        unsigned n = 0;

        (void)state;
        assert_non_null(labels);
        for (unsigned i = 0; i < LABELS; i++)
                labels[i] = (struct label){VIEW_LIT("a"), VIEW_LIT("b")};
        testing_ok(layout_builder_new(&b, &e), &e);
        while (layout_builder_add(b, labels, LABELS, &e) == 0)
                n++;
        assert_int_equal(e.code, ERR_LIMIT);
        assert_int_equal(n, 10);
        layout_builder_free(b);
        free(labels);
}

static void
test_full_buffer(void **state)
{
        struct layout_builder *b = NULL;
        struct zstd_packer *z = NULL;
        struct buf out = BUF_INIT(30);
        struct label one = {VIEW_LIT("a"), VIEW_LIT("b")};
        struct layout_head head = {.slots = 1};
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(layout_builder_new(&b, &e), &e);
        testing_ok(zstd_packer_new(1, &z, &e), &e);
        testing_ok(layout_builder_add(b, &one, 1, &e), &e);
        testing_ok(buf_putc(&out, 'x', &e), &e);
        assert_int_equal(layout_builder_encode(b, &head, z, &out, &e), ERR_LIMIT);
        assert_int_equal(out.len, 1);
        layout_builder_free(b);
        zstd_packer_free(z);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sets_are_bounded),
            cmocka_unit_test(test_bytes_are_bounded),
            cmocka_unit_test(test_labels_are_bounded),
            cmocka_unit_test(test_full_buffer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
