#include "agent/notify.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A bound datagram socket of the name given; NOTIFY_SOCKET is set to it. */
static int
listen_at(const char *name)
{
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

        assert_true(fd >= 0);
        memcpy(at.sun_path, name, strlen(name));
        if (name[0] == '@')
                at.sun_path[0] = '\0';
        assert_int_equal(bind(fd, (struct sockaddr *)&at,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
            0);
        assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
        return fd;
}

static void
expect(int fd, const char *want)
{
        char text[200];
        ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

        assert_true(n >= 0);
        text[n] = '\0';
        assert_non_null(strstr(text, want));
}

static void
a_datagram_reaches_the_socket(void **state)
{
        char *dir = testing_directory();
        struct err e = ERR_INIT;
        char path[200];
        int fd;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/notify", dir);
        fd = listen_at(path);
        testing_ok(notify_send("READY=1", &e), &e);
        expect(fd, "READY=1");
        testing_ok(notify_reloading(&e), &e);
        expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
        (void)close(fd);
        testing_remove(dir);
}

static void
an_abstract_socket_works(void **state)
{
        struct err e = ERR_INIT;
        char name[64];
        int fd;

        (void)state;
        (void)snprintf(name, sizeof(name), "@gleaner-notify-test-%d", (int)getpid());
        fd = listen_at(name);
        testing_ok(notify_send("STOPPING=1", &e), &e);
        expect(fd, "STOPPING=1");
        (void)close(fd);
}

static void
no_variable_is_no_error(void **state)
{
        (void)state;
        (void)unsetenv("NOTIFY_SOCKET");
        assert_int_equal(notify_send("READY=1", NULL), 0);
        assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
        assert_int_equal(notify_send("READY=1", NULL), ERR_CONFIG);
        assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
        assert_int_equal(notify_send("READY=1", NULL), ERR_SYS);
        (void)unsetenv("NOTIFY_SOCKET");
}

static void
the_watchdog_is_fed_twice_per_period(void **state)
{
        char pid[32];

        (void)state;
        (void)unsetenv("WATCHDOG_USEC");
        assert_int_equal(notify_watchdog_ms(), 0);
        assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
        assert_int_equal(notify_watchdog_ms(), 15000);
        assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
        assert_int_equal(notify_watchdog_ms(), 0);
        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
        assert_int_equal(notify_watchdog_ms(), 15000);
        assert_int_equal(setenv("WATCHDOG_USEC", "soon", 1), 0);
        assert_int_equal(notify_watchdog_ms(), 0);
        (void)unsetenv("WATCHDOG_USEC");
        (void)unsetenv("WATCHDOG_PID");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_datagram_reaches_the_socket),
            cmocka_unit_test(an_abstract_socket_works),
            cmocka_unit_test(no_variable_is_no_error),
            cmocka_unit_test(the_watchdog_is_fed_twice_per_period),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
