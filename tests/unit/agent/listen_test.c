#include "agent/listen.h"

#include "tests/testing/testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
connect_to(int family, const char *host, unsigned port)
{
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        int fd = socket(family, SOCK_STREAM, 0);
        int rc;

        assert_true(fd >= 0);
        if (family == AF_INET) {
                assert_int_equal(inet_pton(AF_INET, host, &v4.sin_addr), 1);
                rc = connect(fd, (struct sockaddr *)&v4, sizeof(v4));
        } else {
                assert_int_equal(inet_pton(AF_INET6, host, &v6.sin6_addr), 1);
                rc = connect(fd, (struct sockaddr *)&v6, sizeof(v6));
        }
        (void)close(fd);
        return rc;
}

static bool
machine_has_ipv6(void)
{
        int fd = socket(AF_INET6, SOCK_STREAM, 0);
        struct sockaddr_in6 loopback = {
            .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;

        if (fd >= 0)
                (void)close(fd);
        return has;
}

static unsigned
port_of(const char *address)
{
        return (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

static void
test_loopback(void **state)
{
        char address[LISTEN_ADDRESS_MAX];
        struct err e = ERR_INIT;
        int fd = -1;

        (void)state;
        testing_ok(listen_open("127.0.0.1:0", &fd, address, &e), &e);
        assert_memory_equal(address, "127.0.0.1:", 10);
        assert_true(port_of(address) > 0);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(connect_to(AF_INET, "127.0.0.1", port_of(address)), 0);
        (void)close(fd);
}

static void
test_ipv6(void **state)
{
        char address[LISTEN_ADDRESS_MAX];
        struct err e = ERR_INIT;
        int fd = -1;

        (void)state;
        if (!machine_has_ipv6())
                skip();
        testing_ok(listen_open("[::1]:0", &fd, address, &e), &e);
        assert_memory_equal(address, "[::1]:", 6);
        assert_int_equal(connect_to(AF_INET6, "::1", port_of(address)), 0);
        (void)close(fd);
}

static void
test_every_address(void **state)
{
        char address[LISTEN_ADDRESS_MAX];
        struct err e = ERR_INIT;
        int fd = -1;

        (void)state;
        testing_ok(listen_open(":0", &fd, address, &e), &e);
        assert_int_equal(connect_to(AF_INET, "127.0.0.1", port_of(address)), 0);
        if (machine_has_ipv6())
                assert_int_equal(connect_to(AF_INET6, "::1", port_of(address)), 0);
        (void)close(fd);
}

static void
test_in_use(void **state)
{
        char address[LISTEN_ADDRESS_MAX];
        char other[LISTEN_ADDRESS_MAX];
        struct err e = ERR_INIT;
        int fd = -1;
        int fd2 = -1;

        (void)state;
        testing_ok(listen_open("127.0.0.1:0", &fd, address, &e), &e);
        assert_int_equal(listen_open(address, &fd2, other, &e), ERR_SYS);
        assert_int_equal(fd2, -1);
        assert_non_null(strstr(e.msg, address));
        assert_non_null(strstr(e.msg, "in use"));
        (void)close(fd);
}

static void
test_refused(void **state)
{
        static const char *const rows[] = {"", "127.0.0.1", "localhost:", "127.0.0.1:x",
            "127.0.0.1:123456", "127.0.0.1:70000", "127.0.0.1:-1", "::1:9095", "[::1]", "[::1:0",
            "127.0.0.1:80 "};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char address[LISTEN_ADDRESS_MAX];
                struct err e = ERR_INIT;
                int fd = -1;

                print_message("%s\n", rows[i]);
                assert_int_equal(listen_open(rows[i], &fd, address, &e), ERR_CONFIG);
                assert_int_equal(fd, -1);
                assert_true(e.msg[0] != '\0');
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_loopback),
            cmocka_unit_test(test_ipv6),
            cmocka_unit_test(test_every_address),
            cmocka_unit_test(test_in_use),
            cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
