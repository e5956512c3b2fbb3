#include "tests/unit/wal/store_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_values_come_back(void **state)
{
        struct fixture *f = *state;
        struct key k = key_of(KEY_TARGET, 7);
        struct store_txn t = begin(f, true);
        struct view v;

        put(&t, &k, "seven");
        end(&t);
        store_close(f->store);
        open_it(f);
        t = begin(f, false);
        testing_ok(store_get(&t, &k, &v, NULL), NULL);
        assert_true(view_is(v, "seven"));
        k = key_of(KEY_TARGET, 8);
        assert_int_equal(store_get(&t, &k, &v, NULL), ERR_NOTFOUND);
        store_abort(&t);
        store_abort(&t); /* has ended */
        t = begin(f, true);
        put(&t, &k, "eight");
        store_abort(&t);
        t = begin(f, false);
        assert_int_equal(store_get(&t, &k, &v, NULL), ERR_NOTFOUND);
        store_abort(&t);
}

static int
concatenate(void *arg, struct view key, struct view value, struct err *e)
{
        assert_true(key.n >= 1);
        return buf_append(arg, value.p, value.n, e);
}

static void
test_kinds_keep_apart(void **state)
{
        struct fixture *f = *state;
        const struct key keys[] = {key_of(KEY_AGE, 1), key_of(KEY_KEYFRAME, 2),
            key_of(KEY_KEYFRAME, 256), key_of(KEY_KEYFRAME, 3), key_layout(1, 0),
            key_layout(1, 300), key_layout(2, 0), key_retired(4, KEY_KEYFRAME, 1),
            key_of(KEY_BLOCK, 5)};
        const char *const values[] = {"a", "k2", "k256", "k3", "l0", "l300", "m0", "x", "z"};
        struct buf text = BUF_INIT(1000);
        struct store_txn t = begin(f, true);
        struct key from = key_of(KEY_KEYFRAME, 0);
        struct key found;
        struct view v;

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                put(&t, &keys[i], values[i]);
        end(&t);
        t = begin(f, false);
        testing_ok(store_walk(&t, &from, concatenate, &text, NULL), NULL);
        assert_true(view_is(buf_view(&text), "k2k3k256"));
        buf_reset(&text);
        from = key_layout(1, 1);
        testing_ok(store_walk(&t, &from, concatenate, &text, NULL), NULL);
        assert_true(view_is(buf_view(&text), "l300m0"));
        from = key_of(KEY_KEYFRAME, 4);
        testing_ok(store_first(&t, &from, &found, &v, NULL), NULL);
        assert_int_equal(key_number((struct view){(const char *)found.bytes, found.n}), 256);
        assert_true(view_is(v, "k256"));
        from = key_of(KEY_KEYFRAME, 257);
        assert_int_equal(store_first(&t, &from, &found, NULL, NULL), ERR_NOTFOUND);
        testing_ok(store_last(&t, KEY_BLOCK, &found, NULL), NULL);
        assert_int_equal(be64_get(found.bytes + 1), 5);
        testing_ok(store_last(&t, KEY_KEYFRAME, &found, NULL), NULL);
        assert_int_equal(be64_get(found.bytes + 1), 256);
        testing_ok(store_last(&t, KEY_AGE, &found, NULL), NULL);
        assert_int_equal(store_last(&t, KEY_TARGET, &found, NULL), ERR_NOTFOUND);
        store_abort(&t);
        buf_release(&text);
}

static void
test_a_block_is_one_page(void **state)
{
        struct fixture *f = *state;
        struct store_txn t;
        uint64_t before;
        uint64_t pages;

        put_blocks(f, 1, 1);
        t = begin(f, false);
        before = store_used_bytes(&t);
        store_abort(&t);
        put_blocks(f, 2, 500);
        t = begin(f, false);
        pages = (store_used_bytes(&t) - before) / store_page_size(f->store);
        store_abort(&t);
        assert_in_range(pages, 500, 515); /* and the leaf pages of the tree */
}

static void
test_ranges_are_deleted(void **state)
{
        struct fixture *f = *state;
        struct store_range r = {key_of(KEY_BLOCK, 0), key_of(KEY_BLOCK, 301), 100, 0, 0};
        struct store_txn t;
        struct key found;

        put_blocks(f, 1, 500);
        t = begin(f, true);
        testing_ok(store_delete_range(&t, &r, NULL), NULL);
        assert_int_equal(r.deleted, 100);
        r.max = UINT64_MAX;
        testing_ok(store_delete_range(&t, &r, NULL), NULL);
        assert_int_equal(r.deleted, 200);
        assert_int_equal(r.refused, 0);
        end(&t);
        t = begin(f, false);
        testing_ok(store_first(&t, &r.from, &found, NULL, NULL), NULL);
        assert_int_equal(be64_get(found.bytes + 1), 301);
        store_abort(&t);
}

/* LMDB would free what the page's header says: other values' pages. */
static void
test_a_block_with_a_damaged_page_header_stays(void **state)
{
        struct fixture *f = *state;
        struct store_range r = {key_of(KEY_BLOCK, 0), key_of(KEY_BLOCK, 100), UINT64_MAX, 0, 0};
        char path[600];
        char *file;
        struct stat st;
        struct store_txn t;
        size_t page = store_page_size(f->store);
        size_t hit = 0;
        int fd;

        put_blocks(f, 1, 20);
        store_close(f->store);
        (void)snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
        fd = open(path, O_RDWR);
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        file = malloc((size_t)st.st_size);
        assert_non_null(file);
        assert_int_equal(pread(fd, file, (size_t)st.st_size, 0), st.st_size);
        for (size_t i = 2; i < (size_t)st.st_size / page && hit == 0; i++) {
                if (file[i * page + 10] == 0x04)
                        hit = i * page;
        }
        assert_true(hit > 0);
        assert_int_equal(pwrite(fd, "\x09", 1, (off_t)hit + 12), 1); /* nine pages */
        free(file);
        (void)close(fd);
        open_it(f);
        t = begin(f, true);
        testing_ok(store_delete_range(&t, &r, NULL), NULL);
        assert_int_equal(r.deleted, 19);
        assert_int_equal(r.refused, 1);
        end(&t);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_values_come_back),
            CASE(test_kinds_keep_apart),
            CASE(test_a_block_is_one_page),
            CASE(test_ranges_are_deleted),
            CASE(test_a_block_with_a_damaged_page_header_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
