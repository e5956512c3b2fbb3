#include "wal/aside.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t now_ms = 1700000000000;

static void
make_log(const char *dir, const char *content)
{
        char path[600];

        (void)snprintf(path, sizeof(path), "%s/wal", dir);
        (void)mkdir(path, 0700);
        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", dir);
        testing_write(path, content, strlen(content));
}

static void
test_nothing_is_deleted(void **state)
{
        struct err why = ERR_INIT;
        struct err e = ERR_INIT;
        char *dir = testing_directory();
        char path[600];

        (void)state;
        (void)err_set(&why, ERR_CORRUPT, "it is damaged");
        assert_int_equal(wal_count_aside(dir), 0);
        for (int i = 0; i < WAL_ASIDE_MAX; i++) {
                char content[2] = {(char)('a' + i), '\0'};

                make_log(dir, content);
                testing_ok(wal_set_aside(dir, now_ms, &why, &e), &e);
                assert_int_equal(wal_count_aside(dir), i + 1);
        }
        make_log(dir, "one too many");
        assert_int_equal(wal_set_aside(dir, now_ms + 60000, &why, &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "it is damaged; it is not set aside, because there are 8"));
        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", dir);
        assert_int_equal(access(path, R_OK), 0);
        (void)snprintf(path, sizeof(path), "%s/wal.damaged-20231114T221320Z/data.mdb", dir);
        assert_int_equal(access(path, R_OK), 0);
        (void)snprintf(path, sizeof(path), "%s/wal.damaged-20231114T221320Z-8/data.mdb", dir);
        assert_int_equal(access(path, R_OK), 0);
        testing_remove(dir);
}

/* Whatever stands in the log's place is moved, a file too. */
static void
test_a_file_in_its_place(void **state)
{
        struct err why = ERR_INIT;
        struct err e = ERR_INIT;
        char *dir = testing_directory();
        struct stat st;
        char path[600];

        (void)state;
        (void)err_set(&why, ERR_CORRUPT, "it is damaged");
        (void)snprintf(path, sizeof(path), "%s/wal", dir);
        testing_write(path, "x", 1);
        testing_ok(wal_set_aside(dir, now_ms, &why, &e), &e);
        assert_int_equal(stat(path, &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(wal_count_aside("/nowhere"), 0);
        assert_int_equal(wal_set_aside("/nowhere", now_ms, &why, &e), ERR_SYS);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nothing_is_deleted),
            cmocka_unit_test(test_a_file_in_its_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
