#include "wal/store_check.h"

#include "tests/unit/wal/store_fixture.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCKS = 120, TARGETS = 20 };

/* The file of a closed store, and its bytes before they are damaged. */
struct sample {
        char path[600];
        struct buf bytes;
};

static void
write_all(const struct sample *s, const char *p, size_t n)
{
        (void)unlink(s->path);
        testing_write(s->path, p, n);
}

static void
put_target(struct fixture *f, uint64_t number, size_t size)
{
        struct key k = key_of(KEY_TARGET, number);
        struct store_txn t = begin(f, true);
        struct err e = ERR_INIT;
        char *value = calloc(1, size + 1);

        assert_non_null(value);
        testing_ok(store_put(&t, &k, (struct view){value, size}, false, &e), &e);
        end(&t);
        free(value);
}

static void
delete_blocks(struct fixture *f, uint64_t from, uint64_t to)
{
        struct store_range r = {key_of(KEY_BLOCK, from), key_of(KEY_BLOCK, to), UINT64_MAX, 0, 0};
        struct store_txn t = begin(f, true);
        struct err e = ERR_INIT;

        testing_ok(store_delete_range(&t, &r, &e), &e);
        end(&t);
}

/* Blocks on pages of their own, small and large values, free pages, a tree of three levels. */
static void
sample_make(struct fixture *f, struct sample *s)
{
        struct err e = ERR_INIT;

        *s = (struct sample){.bytes = BUF_INIT(16 << 20)};
        for (uint64_t i = 0; i < BLOCKS; i += 10)
                put_blocks(f, i + 1, 10);
        delete_blocks(f, 1, 20);
        for (uint64_t i = 1; i <= TARGETS; i++)
                put_target(f, i, i % 5 == 0 ? 9000 : 100);
        put_target(f, 7, 50);
        store_close(f->store);
        f->store = NULL;
        (void)snprintf(s->path, sizeof(s->path), "%s/data.mdb", f->dir);
        testing_ok(file_read(s->path, &s->bytes, &e), &e);
}

static int
count(void *arg, struct view key, struct view value, struct err *e)
{
        (void)key;
        (void)value;
        (void)e;
        ++*(size_t *)arg;
        return 0;
}

static size_t
keys(struct fixture *f, enum key_kind kind)
{
        struct key from = key_of(kind, 0);
        struct store_txn t = begin(f, false);
        struct err e = ERR_INIT;
        size_t n = 0;

        testing_ok(store_walk(&t, &from, count, &n, &e), &e);
        store_abort(&t);
        return n;
}

/* What the check lets through can be read, written and deleted from. */
static void
use_it(struct fixture *f)
{
        open_it(f);
        (void)keys(f, KEY_BLOCK);
        (void)keys(f, KEY_TARGET);
        put_blocks(f, 100000, 30);
        delete_blocks(f, 0, 200);
        for (uint64_t i = 1; i <= TARGETS; i++)
                put_target(f, i, 5000);
        delete_blocks(f, 0, UINT64_MAX);
        put_blocks(f, 200000, 30);
        store_close(f->store);
        f->store = NULL;
}

static int
check_and_use(struct fixture *f, const struct sample *s)
{
        struct err e = ERR_INIT;
        int rc = store_check(s->path, true, &e);

        if (rc == 0) {
                testing_ok(store_check(s->path, false, &e), &e); /* what was mended stays so */
                use_it(f);
        } else {
                assert_true(rc == ERR_CORRUPT || rc == ERR_CONFIG);
                assert_true(strlen(e.msg) > 10);
        }
        return rc;
}

/* Whatever is done through LMDB leaves a file that is whole: nothing good is set aside. */
static void
test_every_commit_leaves_it_whole(void **state)
{
        struct fixture *f = *state;
        struct testing_random r = {20261123};
        char path[600];

        (void)snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
        for (uint64_t i = 0; i < 400; i++) {
                struct err e = ERR_INIT;

                switch (testing_random_below(&r, 4)) {
                case 0:
                        put_blocks(f, 1000 + i * 20, 1 + testing_random_below(&r, 20));
                        break;
                case 1:
                        delete_blocks(f, 0, 1000 + testing_random_below(&r, i + 1) * 20);
                        break;
                default:
                        put_target(f, testing_random_below(&r, 200),
                            testing_random_below(&r, 10) == 0 ? testing_random_below(&r, 60000)
                                                              : testing_random_below(&r, 3000));
                }
                testing_ok(store_check(path, false, &e), &e);
        }
}

static void
test_truncated_at_every_length(void **state)
{
        struct fixture *f = *state;
        struct sample s;
        size_t refused = 0;

        sample_make(f, &s);
        for (size_t n = 0; n < s.bytes.len; n += n < 3 * (size_t)PAGE ? 512 : PAGE / 2) {
                write_all(&s, s.bytes.ptr, n);
                if (check_and_use(f, &s) < 0)
                        refused++;
                if (n < 2 * (size_t)PAGE)
                        assert_int_equal(store_check(s.path, true, NULL), ERR_CORRUPT);
        }
        assert_true(refused > BLOCKS);
        buf_release(&s.bytes);
}

/* A page of zeros, of ones, or of another page's bytes, at every place. */
static void
test_every_page_replaced(void **state)
{
        struct fixture *f = *state;
        struct sample s;
        size_t refused = 0;

        sample_make(f, &s);
        for (size_t at = 0; at < s.bytes.len; at += PAGE) {
                for (int how = 0; how < 3; how++) {
                        char *damaged = malloc(s.bytes.len);

                        assert_non_null(damaged);
                        memcpy(damaged, s.bytes.ptr, s.bytes.len);
                        if (how == 2)
                                memcpy(damaged + at,
                                    s.bytes.ptr + (at + 5 * (size_t)PAGE) % s.bytes.len, PAGE);
                        else
                                memset(damaged + at, how == 0 ? 0 : 0xff, PAGE);
                        write_all(&s, damaged, s.bytes.len);
                        free(damaged);
                        if (at < 2 * (size_t)PAGE)
                                assert_int_equal(store_check(s.path, false, NULL), ERR_CORRUPT);
                        if (check_and_use(f, &s) < 0)
                                refused++;
                        if (at == 0 && how == 0) { /* the other meta page stands in */
                                assert_int_equal(refused, 0);
                        }
                }
        }
        assert_true(refused > 0);
        buf_release(&s.bytes);
}

static void
test_every_bit_of_the_meta_pages(void **state)
{
        struct fixture *f = *state;
        struct sample s;

        sample_make(f, &s);
        for (size_t at = 0; at < 2 * (size_t)PAGE; at++) {
                if (at % PAGE > 176) /* behind the last field */
                        continue;
                for (unsigned bit = 0; bit < 8; bit += 3) {
                        s.bytes.ptr[at] = (char)(s.bytes.ptr[at] ^ (1 << bit));
                        write_all(&s, s.bytes.ptr, s.bytes.len);
                        s.bytes.ptr[at] = (char)(s.bytes.ptr[at] ^ (1 << bit));
                        (void)check_and_use(f, &s);
                }
        }
        buf_release(&s.bytes);
}

static void
test_random_bits_of_the_tree(void **state)
{
        struct fixture *f = *state;
        struct testing_random r = {4711};
        struct sample s;

        sample_make(f, &s);
        for (int i = 0; i < 400; i++) {
                size_t page = testing_random_below(&r, s.bytes.len / PAGE);
                size_t at = page * PAGE + testing_random_below(&r, 200);
                char was = s.bytes.ptr[at];

                s.bytes.ptr[at] = (char)(was ^ (1 << testing_random_below(&r, 8)));
                write_all(&s, s.bytes.ptr, s.bytes.len);
                s.bytes.ptr[at] = was;
                (void)check_and_use(f, &s);
        }
        buf_release(&s.bytes);
}

/* The tree of the last commit is damaged: that of the one before is whole, and used. */
static void
test_the_last_commit_is_given_up_alone(void **state)
{
        struct fixture *f = *state;
        struct sample before;
        struct sample s = {.bytes = BUF_INIT(16 << 20)};
        struct err e = ERR_INIT;
        size_t first;

        sample_make(f, &before);
        open_it(f);
        put_target(f, 1000, 100);
        store_close(f->store);
        testing_ok(file_read(before.path, &s.bytes, &e), &e);
        /* the first page behind the meta pages that the last commit wrote */
        for (first = 2 * (size_t)PAGE;
             memcmp(s.bytes.ptr + first, before.bytes.ptr + first, PAGE) == 0;)
                first += PAGE;
        memset(s.bytes.ptr + first, 0, PAGE);
        write_all(&before, s.bytes.ptr, s.bytes.len);
        assert_int_equal(store_check(before.path, false, &e), ERR_CORRUPT);
        testing_ok(store_check(before.path, true, &e), &e);
        open_it(f);
        assert_int_equal(keys(f, KEY_TARGET), TARGETS);
        assert_int_equal(keys(f, KEY_BLOCK), BLOCKS - 19);
        buf_release(&s.bytes);
        buf_release(&before.bytes);
}

/* LMDB says that it cannot, and nothing worse. */
static void
try_it(struct fixture *f)
{
        const enum key_kind kinds[] = {KEY_BLOCK, KEY_TARGET};
        struct err e = ERR_INIT;
        size_t n = 0;

        open_it(f);
        for (size_t i = 0; i < 2; i++) {
                struct store_range all = {
                    key_of(kinds[i], 0), key_of(kinds[i], UINT64_MAX), UINT64_MAX, 0, 0};
                struct store_txn t = begin(f, false);
                int rc = store_walk(&t, &all.from, count, &n, &e);

                assert_true(rc == 0 || rc == ERR_CORRUPT);
                store_abort(&t);
                t = begin(f, true);
                rc = store_delete_range(&t, &all, &e);
                assert_true(rc == 0 || rc == ERR_CORRUPT);
                if (rc == 0)
                        end(&t);
                else
                        store_abort(&t);
        }
        put_blocks(f, 200000, 30);
        store_close(f->store);
        f->store = NULL;
}

/* Every branch, one after the other, leads past the last page: it is refused, or storing goes on.
 */
static void
test_what_leads_nowhere_is_left_to_lmdb(void **state)
{
        struct fixture *f = *state;
        struct err e = ERR_INIT;
        struct sample s;
        size_t passed = 0;
        size_t refused = 0;

        sample_make(f, &s);
        open_it(f);
        for (uint64_t i = 0; i < 80; i++)
                put_blocks(f, 1000 + i * 10, 10); /* some leaves of blocks alone */
        store_close(f->store);
        f->store = NULL;
        s.bytes.len = 0;
        testing_ok(file_read(s.path, &s.bytes, &e), &e);
        for (size_t at = 2 * (size_t)PAGE; at < s.bytes.len; at += PAGE) {
                uint8_t *page = (uint8_t *)s.bytes.ptr + at;
                size_t nodes = (size_t)(page[12] | page[13] << 8) / 2 - 8;

                if (page[10] != 1) /* not a branch */
                        continue;
                for (size_t i = 0; i < nodes; i++) {
                        uint8_t *node = page + (page[16 + 2 * i] | page[17 + 2 * i] << 8);

                        node[5] ^= 1; /* bit 40 of the page's number */
                        write_all(&s, s.bytes.ptr, s.bytes.len);
                        node[5] ^= 1;
                        if (store_check(s.path, false, &e) < 0) {
                                refused++;
                        } else {
                                passed++;
                                try_it(f);
                        }
                }
        }
        assert_true(passed > 0);
        assert_true(refused > 0);
        buf_release(&s.bytes);
}

static void
test_what_is_no_log(void **state)
{
        struct fixture *f = *state;
        struct sample s;
        struct err e = ERR_INIT;

        sample_make(f, &s);
        assert_int_equal(store_check("/nowhere/data.mdb", true, &e), ERR_NOTFOUND);
        assert_int_equal(store_check(f->dir, true, &e), ERR_CORRUPT);
        assert_int_equal(store_check(f->dir, false, &e), ERR_CORRUPT);
        /* 32-bit words: the magic stands elsewhere */
        memmove(s.bytes.ptr + 12, s.bytes.ptr + 16, 100);
        memmove(s.bytes.ptr + PAGE + 12, s.bytes.ptr + PAGE + 16, 100);
        write_all(&s, s.bytes.ptr, s.bytes.len);
        assert_int_equal(store_check(s.path, true, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "machine of another kind"));
        buf_release(&s.bytes);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_every_commit_leaves_it_whole, setup, teardown),
            cmocka_unit_test_setup_teardown(test_truncated_at_every_length, setup, teardown),
            cmocka_unit_test_setup_teardown(test_every_page_replaced, setup, teardown),
            cmocka_unit_test_setup_teardown(test_every_bit_of_the_meta_pages, setup, teardown),
            cmocka_unit_test_setup_teardown(test_random_bits_of_the_tree, setup, teardown),
            cmocka_unit_test_setup_teardown(
                test_the_last_commit_is_given_up_alone, setup, teardown),
            cmocka_unit_test_setup_teardown(
                test_what_leads_nowhere_is_left_to_lmdb, setup, teardown),
            cmocka_unit_test_setup_teardown(test_what_is_no_log, setup, teardown),
        };

        if (access("/dev/shm", W_OK) == 0) /* thousands of commits: no disk is asked to flush */
                (void)setenv("TMPDIR", "/dev/shm", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
