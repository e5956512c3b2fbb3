#include "agent/notify.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int
notify_send(const char *state, struct err *e)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        size_t length;
        ssize_t sent;
        int fd;

        if (path == NULL || path[0] == '\0')
                return 0;
        length = strlen(path);
        if ((path[0] != '/' && path[0] != '@') || length >= sizeof(to.sun_path))
                return err_set(e, ERR_CONFIG, "NOTIFY_SOCKET=%s is no socket address", path);
        memcpy(to.sun_path, path, length);
        if (path[0] == '@')
                to.sun_path[0] = '\0'; /* the abstract namespace */
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return err_sys(e, errno, "cannot make a socket for NOTIFY_SOCKET");
        sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
        if (sent < 0)
                (void)err_sys(e, errno, "cannot notify %s", path);
        (void)close(fd);
        return sent < 0 ? ERR_SYS : 0;
}

int
notify_reloading(struct err *e)
{
        char text[80];
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
            (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
        return notify_send(text, e);
}

int64_t
notify_watchdog_ms(void)
{
        const char *usec = getenv("WATCHDOG_USEC");
        const char *pid = getenv("WATCHDOG_PID");
        char *end = NULL;
        long long n;

        if (usec == NULL || usec[0] == '\0')
                return 0;
        if (pid != NULL && pid[0] != '\0' && strtoll(pid, NULL, 10) != (long long)getpid())
                return 0;
        n = strtoll(usec, &end, 10);
        if (n <= 0 || *end != '\0')
                return 0;
        return n >= 2000 ? n / 2000 : 1;
}
