#include "wal/pack.h"

#include "tests/testing/testing.h"
#include "wal/batch.h"
#include "wal/block.h"

#include <string.h>

enum { BLOCK = 4080 };

static struct plan
new_plan(void)
{
        struct plan p;
        struct err e = ERR_INIT;

        testing_ok(plan_init(&p, BLOCK, &e), &e);
        p.start = (struct position){100, 5000};
        return p;
}

static void
done(struct plan *p, bool stored)
{
        struct wal_batch *b = plan_done(p, stored);

        while (b != NULL) {
                struct wal_batch *next = b->next;

                wal_batch_free(b);
                b = next;
        }
}

/* n records of 10 samples each; noise, so that they do not compress. */
static struct wal_batch *
records(unsigned n, size_t bytes, struct testing_random *r)
{
        struct wal_batch *b = NULL;

        testing_ok(wal_batch_new(1, 1, &b, NULL), NULL);
        for (unsigned i = 0; i < n; i++) {
                struct block_record record = {
                    .target = 1, .chunk = i + 1, .keyframe = 1, .slots = 10, .samples = 10};
                size_t from = b->bytes.len;

                for (size_t k = 0; k < bytes; k++)
                        testing_ok(buf_putc(&b->bytes, (char)testing_random(r), NULL), NULL);
                testing_ok(wal_batch_record(b, &record, from, NULL), NULL);
        }
        return b;
}

static struct block_head
head_of(const struct plan *p, uint64_t i)
{
        struct block_head h;
        struct err e = ERR_INIT;

        testing_ok(block_read_head(plan_block(p, i), true, &h, &e), &e);
        return h;
}

static void
test_blocks_are_numbered_and_counted(void **state)
{
        struct testing_random r = {1};
        struct plan p = new_plan();
        uint64_t samples = 5000;

        (void)state;
        plan_add(&p, records(30, 500, &r));
        plan_add(&p, records(30, 500, &r));
        plan_close(&p);
        assert_int_equal(p.failed, 0);
        assert_in_range(p.n_blocks, 8, 10);
        assert_int_equal(plan_bytes(&p), p.n_blocks * BLOCK);
        for (uint64_t i = 0; i < p.n_blocks; i++) {
                struct block_head h = head_of(&p, i);

                assert_int_equal(h.seq, 100 + i);
                assert_int_equal(h.samples_before, samples);
                assert_int_equal(h.barrier, i == 0); /* the process's start */
                samples += h.samples;
        }
        assert_int_equal(samples, 5600);
        assert_int_equal(plan_end(&p).block, 100 + p.n_blocks);
        assert_int_equal(plan_end(&p).samples, 5600);
        done(&p, true);
        assert_true(plan_empty(&p));
        plan_release(&p);
}

static void
test_a_barrier_begins_a_block(void **state)
{
        struct testing_random r = {2};
        struct plan p = new_plan();
        struct wal_batch *b = records(2, 100, &r);
        struct wal_batch *alone = NULL;

        (void)state;
        b->barrier = true;
        plan_add(&p, records(2, 100, &r));
        plan_add(&p, b);
        testing_ok(wal_batch_new(1, 1, &alone, NULL), NULL);
        alone->barrier = true; /* without records: the next block has it */
        plan_add(&p, alone);
        plan_add(&p, records(2, 100, &r));
        plan_close(&p);
        assert_int_equal(p.n_blocks, 3);
        for (uint64_t i = 0; i < 3; i++)
                assert_true(head_of(&p, i).barrier);
        done(&p, true);
        plan_add(&p, records(1, 100, &r));
        plan_close(&p);
        assert_false(head_of(&p, 0).barrier);
        done(&p, true);
        plan_release(&p);
}

static void
test_a_barrier_survives_a_failed_commit(void **state)
{
        struct testing_random r = {3};
        struct plan p = new_plan();

        (void)state;
        plan_add(&p, records(2, 100, &r));
        plan_close(&p);
        done(&p, false);
        plan_add(&p, records(2, 100, &r));
        plan_close(&p);
        assert_true(head_of(&p, 0).barrier);
        assert_int_equal(head_of(&p, 0).seq, 100); /* the number was given back */
        done(&p, true);
        plan_release(&p);
}

static void
retire(struct wal_batch *b, enum batch_put_kind kind, uint64_t id)
{
        struct batch_put put = {.kind = kind, .id = id};

        testing_ok(wal_batch_put(b, &put, b->bytes.len, NULL), NULL);
}

static void
test_retired_with_the_block_under_way(void **state)
{
        struct testing_random r = {4};
        struct plan p = new_plan();
        struct wal_batch *b = records(0, 100, &r);

        (void)state;
        retire(b, BATCH_RETIRE_KEYFRAME, 7); /* nothing is under way: the block before */
        plan_add(&p, b);
        b = records(1, 100, &r);
        retire(b, BATCH_RETIRE_CHUNK, 8); /* its own record may be the last one that uses it */
        plan_add(&p, b);
        assert_int_equal(p.n_retired, 2);
        assert_int_equal(p.retired[0].last_block, 99);
        assert_false(p.retired[0].chunk);
        assert_int_equal(p.retired[1].last_block, 100);
        assert_true(p.retired[1].chunk);
        plan_close(&p);
        done(&p, true);
        assert_int_equal(p.n_retired, 0);
        plan_release(&p);
}

static void
test_memory_goes_as_early_as_it_can(void **state)
{
        struct testing_random r = {5};
        struct plan p = new_plan();
        struct wal_batch *plain = records(3, 1000, &r);
        struct wal_batch *with_put = records(3, 1000, &r);
        struct batch_put put = {.kind = BATCH_KEYFRAME, .id = 3};
        size_t from = with_put->bytes.len;

        (void)state;
        testing_ok(buf_puts(&with_put->bytes, "keyframe", NULL), NULL);
        testing_ok(wal_batch_put(with_put, &put, from, NULL), NULL);
        plan_add(&p, plain);
        plan_add(&p, with_put);
        assert_null(plain->bytes.ptr);
        assert_null(plain->records);
        assert_null(with_put->records);
        assert_memory_equal(with_put->bytes.ptr + with_put->puts[0].offset, "keyframe", 8);
        assert_int_equal(p.put_bytes, 8);
        plan_close(&p);
        done(&p, true);
        plan_release(&p);
}

static void
test_a_plan_given_up_half_way(void **state)
{
        struct testing_random r = {6};
        struct plan p = new_plan();

        (void)state;
        plan_add(&p, records(2, 100, &r));
        done(&p, false); /* its block was never finished */
        plan_add(&p, records(1, 100, &r));
        plan_close(&p);
        assert_int_equal(p.failed, 0);
        assert_int_equal(p.n_blocks, 1);
        assert_int_equal(head_of(&p, 0).samples, 10);
        done(&p, true);
        plan_release(&p);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_blocks_are_numbered_and_counted),
            cmocka_unit_test(test_a_barrier_begins_a_block),
            cmocka_unit_test(test_a_barrier_survives_a_failed_commit),
            cmocka_unit_test(test_retired_with_the_block_under_way),
            cmocka_unit_test(test_memory_goes_as_early_as_it_can),
            cmocka_unit_test(test_a_plan_given_up_half_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
