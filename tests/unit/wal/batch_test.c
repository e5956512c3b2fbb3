#include "wal/batch.h"

#include "tests/testing/testing.h"

static void
test_records_and_puts(void **state)
{
        struct wal_batch *b = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(wal_batch_new(7, 42, &b, &e), &e);
        assert_int_equal(b->target, 7);
        assert_int_equal(b->serial, 42);
        assert_false(b->barrier);
        for (unsigned i = 0; i < 100; i++) {
                struct block_record r = {.target = 7, .chunk = i, .samples = 3, .slots = 5};
                struct batch_put p = {.kind = BATCH_KEYFRAME, .id = i, .chunk = 9, .first = 2};
                size_t from = b->bytes.len;

                testing_ok(buf_puts(&b->bytes, "record", &e), &e);
                testing_ok(wal_batch_record(b, &r, from, &e), &e);
                from = b->bytes.len;
                testing_ok(buf_puts(&b->bytes, "put", &e), &e);
                testing_ok(wal_batch_put(b, &p, from, &e), &e);
                p.kind = BATCH_RETIRE_CHUNK;
                testing_ok(wal_batch_put(b, &p, b->bytes.len, &e), &e);
        }
        assert_int_equal(b->samples, 300);
        assert_int_equal(b->n_records, 100);
        assert_int_equal(b->n_puts, 200);
        for (unsigned i = 0; i < 100; i++) {
                assert_int_equal(b->records[i].chunk, i);
                assert_int_equal(b->records[i].length, 6);
                assert_memory_equal(b->bytes.ptr + b->records[i].offset, "record", 6);
                assert_int_equal(b->puts[2 * i].id, i);
                assert_int_equal(b->puts[2 * i].length, 3);
                assert_memory_equal(b->bytes.ptr + b->puts[2 * i].offset, "put", 3);
                assert_int_equal(b->puts[2 * i + 1].kind, BATCH_RETIRE_CHUNK);
                assert_int_equal(b->puts[2 * i + 1].length, 0);
        }
        assert_true(wal_batch_memory(b) > 900 + 100 * sizeof(struct block_record));
        wal_batch_free(b);
}

static void
test_bytes_are_bounded(void **state)
{
        static char mebibyte[1 << 20];
        struct wal_batch *b = NULL;

        (void)state;
        testing_ok(wal_batch_new(1, 1, &b, NULL), NULL);
        for (size_t n = 0; n < BATCH_MAX_BYTES; n += sizeof(mebibyte))
                testing_ok(buf_append(&b->bytes, mebibyte, sizeof(mebibyte), NULL), NULL);
        assert_int_equal(buf_putc(&b->bytes, 'x', NULL), ERR_LIMIT);
        wal_batch_free(b);
        wal_batch_free(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_records_and_puts),
            cmocka_unit_test(test_bytes_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
