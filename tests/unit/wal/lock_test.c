#include "wal/lock.h"

#include "tests/testing/testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_one_holder(void **state)
{
        char *parent = testing_directory();
        struct wal_lock a = WAL_LOCK_INIT;
        struct wal_lock b = WAL_LOCK_INIT;
        struct err e = ERR_INIT;
        struct stat st;
        char dir[600];
        char holder[64];

        (void)state;
        (void)snprintf(dir, sizeof(dir), "%s/tenant-a", parent);
        testing_ok(wal_lock_take(dir, false, &a, &e), &e);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(wal_lock_take(dir, false, &b, &e), ERR_AGAIN);
        (void)snprintf(holder, sizeof(holder), "process %ld", (long)getpid());
        assert_non_null(strstr(e.msg, holder));
        assert_non_null(strstr(e.msg, "tenant-a/LOCK"));
        assert_int_equal(wal_lock_take(dir, true, &b, &e), ERR_AGAIN);
        wal_lock_release(&a);
        testing_ok(wal_lock_take(dir, true, &a, &e), &e);
        testing_ok(wal_lock_take(dir, true, &b, &e), &e); /* tools do not mind each other */
        wal_lock_release(&a);
        wal_lock_release(&b);
        testing_ok(wal_lock_take(dir, false, &a, &e), &e);
        wal_lock_release(&a);
        wal_lock_release(&a);
        testing_remove(parent);
}

static void
test_tools_make_nothing(void **state)
{
        char *parent = testing_directory();
        struct wal_lock l = WAL_LOCK_INIT;
        char dir[600];

        (void)state;
        (void)snprintf(dir, sizeof(dir), "%s/none", parent);
        assert_int_equal(wal_lock_take(dir, true, &l, NULL), ERR_NOTFOUND);
        assert_int_equal(wal_lock_take(parent, true, &l, NULL), ERR_NOTFOUND);
        assert_int_not_equal(access(dir, F_OK), 0);
        testing_remove(parent);
}

static void
test_directories_that_are_not_ours(void **state)
{
        char *parent = testing_directory();
        struct wal_lock l = WAL_LOCK_INIT;
        struct err e = ERR_INIT;
        char dir[600];
        char link[600];

        (void)state;
        (void)snprintf(dir, sizeof(dir), "%s/t", parent);
        (void)snprintf(link, sizeof(link), "%s/link", parent);
        assert_int_equal(mkdir(dir, 0700), 0);
        assert_int_equal(symlink(dir, link), 0);
        assert_int_equal(wal_lock_take(link, false, &l, NULL), ERR_SYS);
        assert_int_equal(chmod(dir, 0777), 0);
        assert_int_equal(wal_lock_take(dir, false, &l, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "every user"));
        assert_int_equal(chmod(dir, 0700), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(dir, 12345, 12345), 0);
                assert_int_equal(wal_lock_take(dir, false, &l, &e), ERR_CONFIG);
                assert_non_null(strstr(e.msg, "belongs to user 12345"));
        } else {
                print_message("another owner: not tried, needs root\n");
        }
        (void)snprintf(dir, sizeof(dir), "%s/a/b", parent); /* the one above is made, too */
        testing_ok(wal_lock_take(dir, false, &l, &e), &e);
        wal_lock_release(&l);
        (void)snprintf(dir, sizeof(dir), "%s/c/d/e", parent); /* but no more */
        assert_int_equal(wal_lock_take(dir, false, &l, NULL), ERR_SYS);
        testing_remove(parent);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_one_holder),
            cmocka_unit_test(test_tools_make_nothing),
            cmocka_unit_test(test_directories_that_are_not_ours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
