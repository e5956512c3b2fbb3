#include "agent/httpd_connections.h"

#include "tests/testing/testing.h"

#include <sys/socket.h>
#include <unistd.h>

enum { N = 3 };

struct fixture {
        struct connections list;
        struct connection *c[N];
        int ends[N];
};

/* Connections of the times 0, 100, 200. */
static void
open_three(struct fixture *f)
{
        *f = (struct fixture){.list = {0}};
        for (int i = 0; i < N; i++) {
                int fds[2];

                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
                f->c[i] = connections_add(&f->list, fds[0], i * 100L);
                f->ends[i] = fds[1];
                assert_non_null(f->c[i]);
        }
        assert_int_equal(f->list.n, N);
}

static bool
is_shut(const struct fixture *f, int i)
{
        char byte;

        return recv(f->ends[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static void
close_all(struct fixture *f, const int *fds)
{
        for (int i = 0; i < N; i++) {
                connections_remove(&f->list, f->c[i]);
                (void)close(f->ends[i]);
                (void)close(fds[i]);
        }
        assert_int_equal(f->list.n, 0);
        assert_null(f->list.first);
        assert_null(f->list.last);
}

static void
test_those_that_wait_too_long_are_closed(void **state)
{
        struct fixture f;
        int fds[N];

        (void)state;
        open_three(&f);
        for (int i = 0; i < N; i++)
                fds[i] = f.c[i]->fd;
        assert_int_equal(connections_expire(&f.list, 1000, 300), 700);
        connections_set(&f.list, f.c[0], CONNECTION_THINKS, 300);
        assert_int_equal(connections_expire(&f.list, 1000, 1150), 50);
        assert_true(is_shut(&f, 1));
        assert_false(is_shut(&f, 0));
        assert_false(is_shut(&f, 2));
        assert_int_equal(connections_expire(&f.list, 1000, 9999), -1);
        assert_true(is_shut(&f, 2));
        assert_false(is_shut(&f, 0)); /* the answer is being made */
        close_all(&f, fds);
}

static void
test_room_is_made_by_who_stands_still(void **state)
{
        struct fixture f;
        int fds[N];

        (void)state;
        open_three(&f);
        for (int i = 0; i < N; i++)
                fds[i] = f.c[i]->fd;
        assert_false(connections_evict(&f.list, 900)); /* all are young */
        connections_set(&f.list, f.c[0], CONNECTION_THINKS, 900);
        connections_set(&f.list, f.c[1], CONNECTION_SENDS, 900);
        assert_true(connections_evict(&f.list, 1500));
        assert_true(is_shut(&f, 2));
        assert_false(connections_evict(&f.list, 1500)); /* a slow reader has longer */
        assert_true(connections_evict(&f.list, 99999));
        assert_true(is_shut(&f, 1));
        assert_false(connections_evict(&f.list, 99999));
        assert_false(is_shut(&f, 0));
        close_all(&f, fds);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_those_that_wait_too_long_are_closed),
            cmocka_unit_test(test_room_is_made_by_who_stands_still),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
