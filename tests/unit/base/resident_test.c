#include "base/resident.h"

#include "tests/testing/testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20, SIZE = 16 * MIB };

static const unsigned char constants[64 << 10] = {1};
static unsigned char *variables; /* of the heap */

static char *
map_anonymous(void)
{
        char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_true(p != MAP_FAILED);
        return p;
}

static void
touched_memory_is_counted(void **state)
{
        struct resident before = resident_now();
        struct resident after;
        char *p = map_anonymous();

        (void)state;
        assert_true(before.total > 0 && before.total < before.mapped);
        assert_in_range(before.file, 1, before.total);
        memset(p, 1, SIZE);
        after = resident_now();
        assert_true(after.total - after.file >= before.total - before.file + SIZE / 2);
        assert_true(after.mapped >= before.mapped);
        assert_int_equal(munmap(p, SIZE), 0);
}

static void
a_range_is_counted_by_kind(void **state)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *p = map_anonymous();
        struct resident r = resident_of(p, SIZE);

        (void)state;
        assert_int_equal(r.mapped, SIZE);
        assert_int_equal(r.total, 0);
        (void)madvise(p, SIZE, MADV_NOHUGEPAGE);
        p[0] = 1;
        p[5 * page] = 1;
        r = resident_of(p, SIZE);
        assert_int_equal(r.total, 2 * page);
        assert_int_equal(r.file, 0);
        assert_int_equal(munmap(p, SIZE), 0);
}

static void
pages_of_a_file_are_told_apart(void **state)
{
        char *dir = testing_directory();
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char path[600];
        struct resident r;
        char *p;
        int fd;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/f", dir);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)page), 0);
        p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
        assert_true(p != MAP_FAILED);
        assert_int_equal(*(volatile char *)p, 0);
        r = resident_of(p, page);
        assert_int_equal(r.total, page);
        assert_int_equal(r.file, page);
        assert_int_equal(munmap(p, page), 0);
        assert_int_equal(close(fd), 0);
        testing_remove(dir);
}

static void *
use_stack(void *arg)
{
        volatile char local[256 << 10];

        memset((char *)local, 1, sizeof(local));
        *(struct resident_anonymous *)arg = resident_anonymous();
        return NULL;
}

static void
kinds_are_told_apart(void **state)
{
        struct resident_anonymous before = resident_anonymous();
        struct resident_anonymous after;
        char *p = map_anonymous();
        pthread_t thread;

        (void)state;
        assert_true(before.data > 0);
        assert_true(before.stacks > 0);
        memset(p, 1, SIZE);
        after = resident_anonymous();
        assert_true(after.heap >= before.heap + SIZE);
        assert_true(after.stacks < before.stacks + MIB);
        assert_int_equal(munmap(p, SIZE), 0);
        assert_int_equal(pthread_create(&thread, NULL, use_stack, &after), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(after.stacks >= before.stacks + (256 << 10));
        assert_true(after.heap < before.heap + MIB);
}

/* Code and constants are the same afterwards, and variables, and tables that the loader filled. */
static void
giving_back_changes_no_value(void **state)
{
        static int counter = 3;
        struct resident before = resident_now();

        (void)state;
        variables = malloc(MIB);
        assert_non_null(variables);
        memset(variables, 7, MIB);
        resident_give_back();
        assert_true(resident_now().file < before.file);
        assert_int_equal(constants[0], 1);
        assert_int_equal(constants[sizeof(constants) - 1], 0);
        assert_int_equal(++counter, 4);
        assert_int_equal(variables[MIB - 1], 7);
        free(variables);
        assert_true(resident_data() > 0);
}

static void
nothing_is_said_without_proc(void **state)
{
        (void)state;
        resident_teardown();
        assert_int_equal(resident_now().total, 0);
        assert_int_equal(resident_of(constants, sizeof(constants)).total, 0);
        assert_int_equal(resident_data(), 0);
        resident_setup();
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(touched_memory_is_counted),
            cmocka_unit_test(a_range_is_counted_by_kind),
            cmocka_unit_test(pages_of_a_file_are_told_apart),
            cmocka_unit_test(kinds_are_told_apart),
            cmocka_unit_test(giving_back_changes_no_value),
            cmocka_unit_test(nothing_is_said_without_proc),
        };
        int failed;

        resident_setup();
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        resident_teardown();
        return failed;
}
