#include "tests/testing/dns_server.h"

#include "tests/testing/testing.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, MAX_BYTES = 4096 };

struct testing_dns {
        int fd;
        const struct testing_dns_row *rows;
        char address[32];
        char asked[1024];
};

struct testing_dns *
testing_dns_start(const struct testing_dns_row *rows)
{
        struct testing_dns *d = calloc(1, sizeof(*d));
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(a);

        assert_non_null(d);
        d->rows = rows;
        d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(d->fd, (struct sockaddr *)&a, n), 0);
        assert_int_equal(getsockname(d->fd, (struct sockaddr *)&a, &n), 0);
        (void)snprintf(d->address, sizeof(d->address), "127.0.0.1:%u", ntohs(a.sin_port));
        return d;
}

void
testing_dns_stop(struct testing_dns *d)
{
        (void)close(d->fd);
        free(d);
}

void
testing_dns_say(struct testing_dns *d, const struct testing_dns_row *rows)
{
        d->rows = rows;
}

const char *
testing_dns_address(const struct testing_dns *d)
{
        return d->address;
}

const char *
testing_dns_asked(const struct testing_dns *d)
{
        return d->asked;
}

/* The question's name as text; returns where its type begins. */
static size_t
read_name(const unsigned char *q, char *out)
{
        size_t at = HEADER;
        size_t n = 0;

        while (q[at] != 0) {
                if (n > 0)
                        out[n++] = '.';
                memcpy(out + n, q + at + 1, q[at]);
                n += q[at];
                at += 1U + q[at];
        }
        out[n] = '\0';
        return at + 1;
}

static size_t
answer(struct testing_dns *d, unsigned char *q)
{
        const struct testing_dns_row none = {.code = 3};
        const struct testing_dns_row *row = d->rows;
        char name[256];
        size_t at = read_name(q, name);
        unsigned type = (unsigned)q[at] << 8 | q[at + 1];
        size_t used = strlen(d->asked);

        (void)snprintf(d->asked + used, sizeof(d->asked) - used, "%s ", name);
        while (row->name != NULL && (strcmp(row->name, name) != 0 || row->type != type))
                row++;
        if (row->name == NULL)
                row = &none;
        at += 4;
        memcpy(q + 2,
            (const unsigned char[]){0x81, (unsigned char)(0x80 | row->code), 0, 1, 0,
                (unsigned char)row->answers, 0, 0, 0, 0},
            10);
        if (row->n_bytes > 0)
                memcpy(q + at, row->records, row->n_bytes);
        return at + row->n_bytes;
}

void
testing_dns_turn(struct testing_dns *d)
{
        unsigned char q[MAX_BYTES];
        struct sockaddr_in from;
        socklen_t n_from = sizeof(from);
        ssize_t n;

        while ((n = recvfrom(d->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &n_from)) > HEADER)
                (void)sendto(d->fd, q, answer(d, q), 0, (struct sockaddr *)&from, n_from);
}
