#include "base/file.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
whole_file_is_appended(void **state)
{
        char *dir = testing_directory();
        char path[600];
        char text[10000];
        struct buf out = BUF_INIT(20000);
        struct err e = ERR_INIT;

        (void)state;
        memset(text, 'x', sizeof(text));
        (void)snprintf(path, sizeof(path), "%s/f", dir);
        testing_write(path, text, sizeof(text));
        testing_ok(buf_puts(&out, "ab", &e), &e);
        testing_ok(file_read(path, &out, &e), &e);
        assert_int_equal(out.len, 2 + sizeof(text));
        assert_memory_equal(out.ptr, "abx", 3);
        buf_release(&out);
        testing_remove(dir);
}

static void
failures_say_which_file(void **state)
{
        char *dir = testing_directory();
        char path[600];
        struct buf out = BUF_INIT(4);
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/f", dir);
        assert_int_equal(file_read(path, &out, &e), ERR_NOTFOUND);
        assert_int_equal(e.code, ERR_NOTFOUND);
        assert_non_null(strstr(e.msg, path));
        testing_write(path, "12345", 5);
        assert_int_equal(file_read(path, &out, &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, path));
        assert_int_equal(file_read(dir, &out, &e), ERR_SYS);
        assert_non_null(strstr(e.msg, "directory"));
        buf_release(&out);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(whole_file_is_appended),
            cmocka_unit_test(failures_say_which_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
