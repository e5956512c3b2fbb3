#include "tests/unit/wal/store_fixture.h"

#include <errno.h>

struct fault_row {
        int errnum;
        int want;
};

static void
test_failed_commits(void **state)
{
        static const struct fault_row rows[] = {{EIO, ERR_SYS}, {ENOSPC, ERR_LIMIT},
            {EDQUOT, ERR_LIMIT}, {EFBIG, ERR_LIMIT}, {ENOMEM, ERR_NOMEM}};
        struct fixture *f = *state;
        struct key k = key_of(KEY_TARGET, 1);
        struct view v;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct store_txn t = begin(f, true);

                put(&t, &k, "x");
                f->fault = rows[i].errnum;
                assert_int_equal(store_commit(&t, NULL), rows[i].want);
                f->fault = 0;
                t = begin(f, false);
                assert_int_equal(store_get(&t, &k, &v, NULL), ERR_NOTFOUND);
                store_abort(&t);
        }
}

static void
test_a_full_map_is_a_limit(void **state)
{
        struct fixture *f = *state;
        size_t size = store_block_size(f->store);
        char *block = calloc(1, size);
        struct store_txn t = begin(f, true);
        int rc = 0;

        assert_non_null(block);
        for (uint64_t i = 1; rc == 0 && i < 5000; i++) {
                struct key k = key_of(KEY_BLOCK, i);

                rc = store_put(&t, &k, (struct view){block, size}, true, NULL);
        }
        assert_int_equal(rc, ERR_LIMIT);
        store_abort(&t);
        put_blocks(f, 1, 10);
        free(block);
}

/* A map that is smaller than the file is widened, so that there is room to trim. */
static void
test_a_smaller_map_leaves_room(void **state)
{
        struct fixture *f = *state;
        struct store_range r = {key_of(KEY_BLOCK, 0), key_of(KEY_BLOCK, 101), UINT64_MAX, 0, 0};
        struct store_txn t;

        put_blocks(f, 1, 800);
        store_close(f->store);
        f->map_bytes = 1 << 20;
        open_it(f);
        assert_true(store_map_bytes(f->store) > store_file_bytes(f->store) + (1 << 20));
        t = begin(f, true);
        testing_ok(store_delete_range(&t, &r, NULL), NULL);
        end(&t);
        put_blocks(f, 1000, 100);
}

static void
test_giving_back_keeps_values(void **state)
{
        struct fixture *f = *state;
        struct key k = key_of(KEY_BLOCK, 400);
        struct store_txn t;
        struct view v;

        put_blocks(f, 1, 500);
        t = begin(f, false);
        testing_ok(store_get(&t, &k, &v, NULL), NULL);
        store_give_back(f->store, true);
        assert_int_equal(v.n, store_block_size(f->store));
        assert_int_equal(v.p[100], 0);
        store_abort(&t);
        store_check_readers(f->store);
}

static void
test_opening_again_in_place(void **state)
{
        struct fixture *f = *state;
        struct key k = key_of(KEY_TARGET, 1);
        struct store_txn t = begin(f, true);
        struct err e = ERR_INIT;
        struct view v;

        put(&t, &k, "x");
        end(&t);
        testing_ok(store_reopen(f->store, &e), &e);
        assert_false(store_broken(f->store));
        t = begin(f, false);
        testing_ok(store_get(&t, &k, &v, NULL), NULL);
        store_abort(&t);
}

static void
test_reading_without_the_lock_file(void **state)
{
        struct fixture *f = *state;
        struct store_options o = {.dir = f->dir, .read_only = true};
        struct store *tool = NULL;
        struct store_txn t = STORE_TXN_INIT;
        struct err e = ERR_INIT;
        struct key found;
        struct key from = key_of(KEY_BLOCK, 0);

        put_blocks(f, 1, 5);
        store_close(f->store);
        f->store = NULL;
        testing_ok(store_open(&o, &tool, &e), &e);
        testing_ok(store_begin(tool, false, &t, &e), &e);
        testing_ok(store_first(&t, &from, &found, NULL, &e), &e);
        store_abort(&t);
        store_close(tool);
        o.dir = "/nonexistent";
        assert_int_equal(store_open(&o, &tool, NULL), ERR_SYS);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_failed_commits),
            CASE(test_a_full_map_is_a_limit),
            CASE(test_a_smaller_map_leaves_room),
            CASE(test_giving_back_keeps_values),
            CASE(test_opening_again_in_place),
            CASE(test_reading_without_the_lock_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
