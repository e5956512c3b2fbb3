#include "agent/control.h"

#include "tests/testing/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
greet(void *arg, struct buf *out, struct err *e)
{
        return buf_printf(out, e, "{\"hello\":\"%s\"}\n", (const char *)arg);
}

static int
refuse(void *arg, struct buf *out, struct err *e)
{
        (void)arg;
        (void)buf_puts(out, "half an ans", e);
        return err_set(e, ERR_AGAIN, "not \"now\"");
}

static int
flood(void *arg, struct buf *out, struct err *e)
{
        int rc = 0;

        (void)arg;
        for (int i = 0; i < 100000 && rc == 0; i++)
                rc = buf_puts(out, "0123456789", e);
        return rc;
}

static const struct control_command commands[] = {
    {"hello", greet, (void *)(uintptr_t) "you"}, {"refuse", refuse, NULL}, {"flood", flood, NULL}};

struct ask_row {
        const char *ask;
        const char *want;
};

static void
test_questions_are_answered(void **state)
{
        static const struct ask_row rows[] = {
            {"hello", "{\"hello\":\"you\"}\n"},
            {"refuse", "{\"error\":\"not \\\"now\\\"\"}\n"},
            {"what?", "{\"error\":\"unknown command\"}\n"},
            {"hello", "{\"hello\":\"you\"}\n"},
        };
        char *dir = testing_directory();
        struct control *c = NULL;
        struct buf out = BUF_INIT(CONTROL_ANSWER_MAX);
        struct err e = ERR_INIT;
        struct stat st;
        char path[600];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/control.sock", dir);
        testing_write(path, "left behind", 11);
        testing_ok(control_start(path, commands, 3, &c, &e), &e);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                buf_reset(&out);
                testing_ok(control_ask(path, rows[i].ask, &out, &e), &e);
                if (!view_is(buf_view(&out), rows[i].want))
                        fail_msg("%s: %.*s", rows[i].ask, (int)out.len, out.ptr);
        }
        buf_reset(&out);
        testing_ok(control_ask(path, "flood", &out, &e), &e);
        assert_int_equal(out.len, 1000000);
        control_stop(c);
        control_stop(NULL);
        assert_int_equal(control_ask(path, "hello", &out, &e), ERR_NOTFOUND);
        buf_release(&out);
        testing_remove(dir);
}

/* Someone who connects and says nothing, or too much, keeps nobody else waiting for long. */
static void
test_rude_askers(void **state)
{
        char *dir = testing_directory();
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct control *c = NULL;
        struct buf out = BUF_INIT(CONTROL_ANSWER_MAX);
        struct err e = ERR_INIT;
        char line[1000];
        char path[100];
        int silent = socket(AF_UNIX, SOCK_STREAM, 0);

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/c", dir);
        testing_ok(control_start(path, commands, 3, &c, &e), &e);
        memcpy(address.sun_path, path, strlen(path) + 1);
        assert_int_equal(connect(silent, (struct sockaddr *)&address, sizeof(address)), 0);
        testing_ok(control_ask(path, "hello", &out, &e), &e);
        assert_true(out.len > 0);
        (void)close(silent);
        memset(line, 'x', sizeof(line) - 1);
        line[sizeof(line) - 1] = '\0';
        buf_reset(&out);
        (void)control_ask(path, line, &out, &e); /* cut off */
        assert_int_equal(out.len, 0);
        testing_ok(control_ask(path, "hello", &out, &e), &e);
        control_stop(c);
        buf_release(&out);
        testing_remove(dir);
}

/* It would take two seconds a byte to find out that an asker is slow: stopping does not wait. */
static void
test_stopping_cuts_off_an_asker(void **state)
{
        char *dir = testing_directory();
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct control *c = NULL;
        struct err e = ERR_INIT;
        char path[100];
        char byte = 'x';
        int slow = socket(AF_UNIX, SOCK_STREAM, 0);
        ssize_t n;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/c", dir);
        testing_ok(control_start(path, commands, 3, &c, &e), &e);
        memcpy(address.sun_path, path, strlen(path) + 1);
        assert_int_equal(connect(slow, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(send(slow, &byte, 1, MSG_NOSIGNAL), 1);
        control_stop(c);
        n = recv(slow, &byte, 1, 0);
        assert_true(n <= 0); /* closed without an answer */
        (void)close(slow);
        testing_remove(dir);
}

static void
test_long_paths(void **state)
{
        char *dir = testing_directory();
        struct control *c = NULL;
        struct buf out = BUF_INIT(CONTROL_ANSWER_MAX);
        struct err e = ERR_INIT;
        char path[1000];
        size_t n = (size_t)snprintf(path, sizeof(path), "%s", dir);

        (void)state;
        for (int i = 0; i < 10; i++) {
                n += (size_t)snprintf(path + n, sizeof(path) - n, "/a-directory-with-a-long-name");
                assert_int_equal(mkdir(path, 0700), 0);
        }
        (void)snprintf(path + n, sizeof(path) - n, "/control.sock");
        testing_ok(control_start(path, commands, 3, &c, &e), &e);
        testing_ok(control_ask(path, "hello", &out, &e), &e);
        control_stop(c);
        assert_int_equal(control_ask(path, "hello", &out, &e), ERR_NOTFOUND);
        assert_int_equal(control_start("/nonexistent/control.sock", commands, 3, &c, &e), ERR_SYS);
        buf_release(&out);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_questions_are_answered),
            cmocka_unit_test(test_rude_askers),
            cmocka_unit_test(test_stopping_cuts_off_an_asker),
            cmocka_unit_test(test_long_paths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
