#include "agent/listen.h"

#include "base/err.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 32, HOST_MAX = 256, PORT_MAX = 6 };

struct parts {
        char host[HOST_MAX]; /* "": every address */
        char port[PORT_MAX];
};

static int
split(const char *address, struct parts *out, struct err *e)
{
        const char *colon = strrchr(address, ':');
        const char *host = address;
        size_t host_n;
        size_t port_n;

        if (colon == NULL)
                return err_set(e, ERR_CONFIG,
                    "listen address \"%s\" is not host:port; :PORT is a port on every address",
                    address);
        host_n = (size_t)(colon - address);
        if (host_n >= 2 && host[0] == '[' && colon[-1] == ']') {
                host++;
                host_n -= 2;
        } else if (memchr(host, ':', host_n) != NULL) {
                return err_set(
                    e, ERR_CONFIG, "listen address \"%s\": write IPv6 as [address]:port", address);
        }
        port_n = strlen(colon + 1);
        if (host_n >= sizeof(out->host) || port_n == 0 || port_n >= sizeof(out->port) ||
            strspn(colon + 1, "0123456789") != port_n || strtoul(colon + 1, NULL, 10) > 65535)
                return err_set(e, ERR_CONFIG,
                    "listen address \"%s\" is not host:port with a port from 0 to 65535", address);
        memcpy(out->host, host, host_n);
        out->host[host_n] = '\0';
        memcpy(out->port, colon + 1, port_n + 1);
        return 0;
}

/* Listens on one address; the descriptor, or -1 with errno set. */
static int
try_address(const struct addrinfo *a, int both_families)
{
        int fd =
            socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        int on = 1;
        int v6_only = !both_families;
        int saved;

        if (fd < 0)
                return -1;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
            (a->ai_family != AF_INET6 ||
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) == 0) &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
                return fd;
        saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
}

static int
describe(int fd, char out[LISTEN_ADDRESS_MAX], struct err *e)
{
        struct sockaddr_storage bound;
        socklen_t n = sizeof(bound);
        char host[LISTEN_ADDRESS_MAX - 16];
        char port[16];
        int v6;

        if (getsockname(fd, (struct sockaddr *)&bound, &n) != 0)
                return err_sys(e, errno, "cannot read the address listened on");
        if (getnameinfo((struct sockaddr *)&bound, n, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return err_set(e, ERR_SYS, "cannot read the address listened on");
        v6 = strchr(host, ':') != NULL;
        (void)snprintf(
            out, LISTEN_ADDRESS_MAX, "%s%s%s:%.5s", v6 ? "[" : "", host, v6 ? "]" : "", port);
        return 0;
}

/* The first address of the list that can be had; for no host the IPv6 ones, which serve both. */
static int
try_all(const struct addrinfo *list, int any, int family)
{
        int fd = -1;

        for (; list != NULL && fd < 0; list = list->ai_next) {
                if (family == AF_UNSPEC || list->ai_family == family)
                        fd = try_address(list, any);
        }
        return fd;
}

int
listen_open(const char *address, int *out_fd, char out_address[LISTEN_ADDRESS_MAX], struct err *e)
{
        struct addrinfo hints = {
            .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
        struct addrinfo *list = NULL;
        struct parts parts = {"", ""};
        int rc = split(address, &parts, e);
        int any;
        int fd;

        if (rc < 0)
                return rc;
        any = parts.host[0] == '\0';
        rc = getaddrinfo(any ? NULL : parts.host, parts.port, &hints, &list);
        if (rc != 0)
                return err_set(
                    e, ERR_CONFIG, "listen address \"%s\": %s", address, gai_strerror(rc));
        errno = EADDRNOTAVAIL;
        fd = try_all(list, any, any ? AF_INET6 : AF_UNSPEC);
        if (fd < 0 && any && errno != EADDRINUSE)
                fd = try_all(list, any, AF_INET);
        freeaddrinfo(list);
        if (fd < 0)
                return err_sys(e, errno, "cannot listen on %s", address);
        rc = describe(fd, out_address, e);
        if (rc < 0) {
                (void)close(fd);
                return rc;
        }
        *out_fd = fd;
        return 0;
}
