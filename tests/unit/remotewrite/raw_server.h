/*
 * A server that writes the bytes it is told, right or wrong, for answers that an HTTP library would
 * not give. One connection after the other, on a loopback port that the kernel chooses.
 */
#ifndef RAW_SERVER_H
#define RAW_SERVER_H

#include "tests/testing/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct raw_server {
        const char *answer; /* set before start */
        bool early; /* answers when it has the head, and reads no more */
        bool reset; /* ends with a reset */
        int listener;
        unsigned port;
        pthread_t thread;
        char head[4096]; /* of the last request; after raw_server_stop */
        unsigned connections;
};

/* Reads up to the end of the head; returns how much of the body came along. */
static inline size_t
raw_read_head(struct raw_server *s, int fd)
{
        size_t n = 0;
        char *end;

        memset(s->head, 0, sizeof(s->head));
        while ((end = strstr(s->head, "\r\n\r\n")) == NULL && n < sizeof(s->head) - 1) {
                ssize_t more = recv(fd, s->head + n, sizeof(s->head) - 1 - n, 0);

                if (more <= 0)
                        return 0;
                n += (size_t)more;
        }
        return end != NULL ? n - (size_t)(end + 4 - s->head) : 0;
}

static inline void
raw_serve(struct raw_server *s, int fd)
{
        size_t have = raw_read_head(s, fd);
        const char *length = strstr(s->head, "Content-Length: ");
        size_t want = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        static char sink[65536];

        while (!s->early && have < want) {
                ssize_t more = recv(fd, sink, sizeof(sink), 0);

                if (more <= 0)
                        return;
                have += (size_t)more;
        }
        (void)send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
        if (s->reset)
                (void)setsockopt(
                    fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
}

static inline void *
raw_run(void *arg)
{
        struct raw_server *s = arg;

        for (;;) {
                int fd = accept(s->listener, NULL, NULL);

                if (fd < 0)
                        return NULL;
                s->connections++;
                raw_serve(s, fd);
                (void)close(fd);
        }
}

static inline void
raw_server_start(struct raw_server *s)
{
        struct sockaddr_in a = {.sin_family = AF_INET};
        socklen_t n = sizeof(a);

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(s->listener >= 0);
        assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(s->listener, 8), 0);
        assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &n), 0);
        s->port = ntohs(a.sin_port);
        assert_int_equal(pthread_create(&s->thread, NULL, raw_run, s), 0);
}

static inline void
raw_server_stop(struct raw_server *s)
{
        (void)shutdown(s->listener, SHUT_RDWR);
        assert_int_equal(pthread_join(s->thread, NULL), 0);
        (void)close(s->listener);
}

#endif
