#include "remotewrite/block_cache.h"

#include "base/memory.h"
#include "tests/unit/remotewrite/fake_wal.h"

static void
fill(struct wal *w, unsigned blocks)
{
        uint64_t column[4] = {1, 2, 3, 4};

        for (unsigned i = 0; i < blocks; i++) {
                for (unsigned n = 0; n < 3; n++)
                        fake_scrape(w,
                            &(struct fake_scrape){.chunk = n + 1,
                                .time_ms = 1000 * (int64_t)i,
                                .column = column,
                                .slots = n + 2});
                fake_block_end(w);
        }
}

static void
neighbours_are_read_once(void **state)
{
        struct wal *w = fake_wal_new();
        struct block_cache *c = NULL;
        struct block_record r;
        struct view bytes;

        (void)state;
        testing_ok(block_cache_new(w, &c, NULL), NULL);
        fill(w, 40);
        /* as groups are read: the first record of every block, then the second of every block */
        for (unsigned n = 0; n < 3; n++) {
                for (uint64_t seq = 1; seq <= 40; seq++) {
                        testing_ok(block_cache_record(c, seq, n, &r, &bytes, NULL), NULL);
                        assert_int_equal(r.chunk, n + 1);
                        assert_int_equal(r.time_ms, 1000 * (int64_t)(seq - 1));
                        assert_int_equal(r.samples, n + 2);
                        assert_int_equal(bytes.n, r.length);
                }
        }
        assert_int_equal(w->block_reads, 40);
        block_cache_free(c);
        fake_wal_free(w);
}

static void
memory_is_bounded_and_goes_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct wal *w = fake_wal_new();
        struct block_cache *c = NULL;
        struct block_record r;
        struct view bytes;

        (void)state;
        testing_ok(block_cache_new(w, &c, NULL), NULL);
        fill(w, 1000);
        for (uint64_t seq = 1; seq <= 1000; seq++) {
                testing_ok(block_cache_record(c, seq, 0, &r, &bytes, NULL), NULL);
                assert_true(memory_of(MEMORY_SEND) - before < 2 * BLOCK_CACHE_BYTES);
        }
        w->block_reads = 0;
        testing_ok(block_cache_record(c, 1000, 1, &r, &bytes, NULL), NULL);
        assert_int_equal(w->block_reads, 0);
        testing_ok(block_cache_record(c, 1, 1, &r, &bytes, NULL), NULL);
        assert_int_equal(w->block_reads, 1);
        block_cache_free(c);
        assert_int_equal(memory_of(MEMORY_SEND), before);
        fake_wal_free(w);
}

static void
what_is_used_stays(void **state)
{
        struct wal *w = fake_wal_new();
        struct block_cache *c = NULL;
        struct block_record r;
        struct view bytes;

        (void)state;
        testing_ok(block_cache_new(w, &c, NULL), NULL);
        fill(w, 3 * BLOCK_CACHE_BLOCKS);
        for (uint64_t seq = 1; seq <= 3 * BLOCK_CACHE_BLOCKS; seq++) {
                testing_ok(block_cache_record(c, seq, 0, &r, &bytes, NULL), NULL);
                testing_ok(block_cache_record(c, 1, 1, &r, &bytes, NULL), NULL);
        }
        assert_int_equal(w->block_reads, 3 * BLOCK_CACHE_BLOCKS); /* the first one once */
        block_cache_free(c);
        fake_wal_free(w);
}

static void
failures_leave_it_usable(void **state)
{
        struct wal *w = fake_wal_new();
        struct block_cache *c = NULL;
        struct block_record r;
        struct view bytes;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(block_cache_new(w, &c, NULL), NULL);
        fill(w, 3);
        w->blocks[1].gone = true;
        w->blocks[2].damaged = true;
        assert_int_equal(block_cache_record(c, 2, 0, &r, &bytes, &e), ERR_NOTFOUND);
        assert_int_equal(block_cache_record(c, 3, 0, &r, &bytes, &e), ERR_CORRUPT);
        assert_int_equal(block_cache_record(c, 1, 3, &r, &bytes, &e), ERR_CORRUPT);
        testing_ok(block_cache_record(c, 1, 2, &r, &bytes, &e), &e);
        block_cache_free(c);
        fake_wal_free(w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(neighbours_are_read_once),
            cmocka_unit_test(memory_is_bounded_and_goes_back),
            cmocka_unit_test(what_is_used_stays),
            cmocka_unit_test(failures_leave_it_usable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
