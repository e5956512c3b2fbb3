#include "tests/unit/wal/store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 200, ROUNDS = 10, PAGES_OF_A_COMMIT = 6 };

static uint64_t
used(struct fixture *f)
{
        struct store_txn t = begin(f, false);
        uint64_t bytes = store_used_bytes(&t);

        store_abort(&t);
        return bytes;
}

/* What the kernel says this process has written; 0 where it does not say. */
static uint64_t
written(void)
{
        FILE *f = fopen("/proc/self/io", "re");
        uint64_t bytes = 0;
        char line[128];

        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
                if (strncmp(line, "write_bytes: ", 13) == 0)
                        bytes = strtoull(line + 13, NULL, 10);
        }
        if (f != NULL)
                (void)fclose(f);
        return bytes;
}

static void
put_one(struct fixture *f, uint64_t number)
{
        struct key k = key_of(KEY_TARGET, number);
        struct store_txn t = begin(f, true);

        put(&t, &k, "x");
        end(&t);
}

/* A page written into what many pages were written at once counts as one page, meta pages too. */
static void
test_pages_are_counted_one_by_one(void **state)
{
        struct fixture *f = *state;
        struct store_range r = {
            key_of(KEY_BLOCK, 0), key_of(KEY_BLOCK, MANY + 1), UINT64_MAX, 0, 0};
        struct store_txn t;
        uint64_t before;
        uint64_t pages;

        put_one(f, 1);
        put_blocks(f, 1, MANY);
        t = begin(f, true);
        testing_ok(store_delete_range(&t, &r, NULL), NULL);
        end(&t);
        put_one(f, 2);
        put_one(f, 3); /* what was freed two transactions ago is used again */
        before = written();
        for (uint64_t i = 1; i <= ROUNDS; i++)
                put_blocks(f, MANY + i, 1);
        pages = (written() - before) / store_page_size(f->store);
        assert_true(pages <= (uint64_t)ROUNDS * PAGES_OF_A_COMMIT);
}

static void
test_space_is_there_before_it_is_needed(void **state)
{
        struct fixture *f = *state;
        uint64_t length;
        unsigned char in_cache[1024] = {0};
        char path[600];
        void *map;
        int fd;

        put_one(f, 1);
        assert_int_equal(store_room(f->store), UINT64_MAX);
        length = store_file_bytes(f->store);
        assert_true(length >= used(f) + (1 << 20));
        assert_true(length <= store_map_bytes(f->store));
        (void)snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
        assert_true(map != MAP_FAILED);
        assert_int_equal(mincore(map, length, in_cache), 0);
        assert_int_equal(in_cache[length / store_page_size(f->store) - 1] & 1, 1);
        assert_int_equal(munmap(map, length), 0);
        assert_int_equal(close(fd), 0);
}

/* A file that may not grow: the room is what it has, known before a commit fails. */
static void
test_no_space_is_known_ahead(void **state)
{
        struct fixture *f = *state;
        struct rlimit before;
        struct rlimit limit;

        put_one(f, 1);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = store_file_bytes(f->store);
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        for (uint64_t i = 0; store_room(f->store) == UINT64_MAX && i < 32; i++)
                put_blocks(f, 1 + i * 16, 16);
        assert_in_range(store_room(f->store), 1, limit.rlim_cur);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_pages_are_counted_one_by_one),
            CASE(test_space_is_there_before_it_is_needed),
            CASE(test_no_space_is_known_ahead),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
