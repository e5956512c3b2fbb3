#include "base/file.h"

#include "tests/testing/testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A pipe must not hold up who reads a password, a certificate, a list of targets. */
static void
a_pipe_is_refused(void **state)
{
        char *dir = testing_directory();
        char path[600];
        struct buf out = BUF_INIT(100);
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/p", dir);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(file_read(path, &out, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, path));
        assert_non_null(strstr(e.msg, "regular file"));
        assert_int_equal(out.len, 0);
        assert_int_equal(unlink(path), 0);
        buf_release(&out);
        testing_remove(dir);
}

static void *
write_in_pieces(void *arg)
{
        const int *fd = arg;

        for (size_t i = 0; i < 100; i++) {
                assert_int_equal(write(*fd, "0123456789", 10), 10);
                (void)sched_yield();
        }
        (void)close(*fd);
        return NULL;
}

static void
a_pipe_is_read_to_its_end(void **state)
{
        struct buf out = BUF_INIT(10000);
        struct err e = ERR_INIT;
        char path[64];
        pthread_t writer;
        int fds[2];

        (void)state;
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(pthread_create(&writer, NULL, write_in_pieces, &fds[1]), 0);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
        testing_ok(file_read_pipe(path, &out, &e), &e);
        assert_int_equal(pthread_join(writer, NULL), 0);
        assert_int_equal(out.len, 1000);
        assert_memory_equal(out.ptr + 990, "0123456789", 10);
        (void)close(fds[0]);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(whole_file_is_appended),
            cmocka_unit_test(failures_say_which_file),
            cmocka_unit_test(a_pipe_is_refused),
            cmocka_unit_test(a_pipe_is_read_to_its_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
