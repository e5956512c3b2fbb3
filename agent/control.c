#include "agent/control.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
        LINE_MAX_BYTES = 64,
        SERVER_TIMEOUT_S = 2, /* for each read and write of an asker */
        CLIENT_TIMEOUT_S = 10,
        PAUSE_MS = 200, /* when no connection can be taken */
        BACKLOG = 8,
};

struct control {
        char *path; /* owned */
        struct control_command commands[CONTROL_COMMANDS_MAX];
        size_t n;
        int listen_fd;
        int stop_fd; /* eventfd */
        pthread_t thread;
        bool started;
        /* under mtx */
        pthread_mutex_t mtx;
        int asker_fd; /* that is served; -1: none */
};

/* ---- both sides ---- */

static void
set_timeouts(int fd, int seconds)
{
        const struct timeval t = {seconds, 0};

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int
send_all(int fd, const char *p, size_t n)
{
        while (n > 0) {
                ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent <= 0)
                        return -1;
                p += sent;
                n -= (size_t)sent;
        }
        return 0;
}

/*
 * A socket's address holds 107 bytes, a path may be longer: then it is reached through the
 * directory's descriptor. *dir_fd stays open (or -1) until the address has been used.
 */
static int
address_of(const char *path, struct sockaddr_un *out, int *dir_fd, struct err *e)
{
        const char *name = strrchr(path, '/');
        char dir[4096];

        *dir_fd = -1;
        *out = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (strlen(path) < sizeof(out->sun_path)) {
                memcpy(out->sun_path, path, strlen(path) + 1);
                return 0;
        }
        if (name == NULL || (size_t)(name - path) >= sizeof(dir) || strlen(name) > 32)
                return err_set(e, ERR_CONFIG, "the path of the control socket is too long");
        memcpy(dir, path, (size_t)(name - path));
        dir[name - path] = '\0';
        *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*dir_fd < 0)
                return errno == ENOENT
                    ? err_set(e, ERR_NOTFOUND, "there is no directory \"%s\"", dir)
                    : err_sys(e, errno, "cannot open the directory \"%s\"", dir);
        (void)snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d%s", *dir_fd, name);
        return 0;
}

static void
close_fd(int fd)
{
        if (fd >= 0)
                (void)close(fd);
}

/* ---- the agent's side ---- */

static const struct control_command *
find_command(const struct control *c, const char *line)
{
        for (size_t i = 0; i < c->n; i++) {
                if (strcmp(c->commands[i].name, line) == 0)
                        return &c->commands[i];
        }
        return NULL;
}

/* Up to the line feed or the end; false when it is too long or does not come. */
static bool
read_line(int fd, char *line, size_t size)
{
        size_t n = 0;

        while (n + 1 < size) {
                ssize_t got = recv(fd, line + n, 1, 0);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return false;
                if (got == 0 || line[n] == '\n') {
                        line[n] = '\0';
                        return true;
                }
                n++;
        }
        return false;
}

static void
serve(const struct control *c, int fd)
{
        struct buf out = BUF_INIT(CONTROL_ANSWER_MAX);
        const struct control_command *command;
        struct err e = ERR_INIT;
        char line[LINE_MAX_BYTES];
        int rc;

        set_timeouts(fd, SERVER_TIMEOUT_S);
        if (!read_line(fd, line, sizeof(line)))
                return;
        command = find_command(c, line);
        if (command != NULL) {
                rc = command->reply(command->arg, &out, &e);
        } else {
                rc = err_set(&e, ERR_NOTFOUND, "unknown command");
        }
        if (rc < 0) {
                buf_reset(&out);
                if (buf_puts(&out, "{\"error\":", NULL) == 0 &&
                    json_put_string(&out, view_of(e.msg), NULL) == 0)
                        (void)buf_puts(&out, "}\n", NULL);
        }
        (void)send_all(fd, out.ptr, out.len); /* an asker that went away misses nothing */
        buf_release(&out);
}

/* Whom stopping cuts off. */
static void
set_asker(struct control *c, int fd)
{
        (void)pthread_mutex_lock(&c->mtx);
        c->asker_fd = fd;
        (void)pthread_mutex_unlock(&c->mtx);
}

/* Takes and serves one asker. Out of descriptors the connection stays: a pause, or it would spin.
 */
static void
take_asker(struct control *c)
{
        struct pollfd stop = {c->stop_fd, POLLIN, 0};
        int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        (void)poll(&stop, 1, PAUSE_MS);
                return;
        }
        set_asker(c, fd);
        if (poll(&stop, 1, 0) == 0) /* the stop either sees the asker, or is seen here */
                serve(c, fd);
        set_asker(c, -1);
        (void)close(fd);
}

static void *
run(void *arg)
{
        struct control *c = arg;
        struct pollfd fds[] = {{c->listen_fd, POLLIN, 0}, {c->stop_fd, POLLIN, 0}};

        for (;;) {
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        break;
                if (fds[1].revents != 0)
                        break;
                if (fds[0].revents != 0)
                        take_asker(c);
        }
        return NULL;
}

static int
listen_at(struct control *c, struct err *e)
{
        struct sockaddr_un address;
        int dir_fd = -1;
        int rc = address_of(c->path, &address, &dir_fd, e);

        if (rc < 0)
                return rc;
        c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)unlink(c->path); /* left behind by a process that was killed */
        if (c->listen_fd < 0 || fchmod(c->listen_fd, 0600) != 0 ||
            bind(c->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
            chmod(c->path, 0600) != 0 || listen(c->listen_fd, BACKLOG) != 0)
                rc = err_sys(e, errno, "cannot listen on \"%s\"", c->path);
        close_fd(dir_fd);
        return rc;
}

static int
start_thread(struct control *c, struct err *e)
{
        int rc = thread_start(&c->thread, "control", run, c, e);

        c->started = rc == 0;
        return rc;
}

int
control_start(const char *path, const struct control_command *commands, size_t n,
    struct control **out, struct err *e)
{
        struct control *c = calloc(1, sizeof(*c));
        int rc = 0;

        if (c == NULL)
                return err_nomem(e, "the control socket");
        c->listen_fd = -1;
        c->asker_fd = -1;
        (void)pthread_mutex_init(&c->mtx, NULL);
        c->stop_fd = eventfd(0, EFD_CLOEXEC);
        c->path = strdup(path);
        c->n = n < CONTROL_COMMANDS_MAX ? n : CONTROL_COMMANDS_MAX;
        memcpy(c->commands, commands, c->n * sizeof(*commands));
        if (c->path == NULL) {
                rc = err_nomem(e, "the control socket");
        } else if (c->stop_fd < 0) {
                rc = err_sys(e, errno, "cannot make an eventfd");
        }
        if (rc == 0 && c->path != NULL)
                rc = listen_at(c, e);
        if (rc == 0)
                rc = start_thread(c, e);
        if (rc < 0) {
                control_stop(c);
                return rc;
        }
        *out = c;
        return 0;
}

void
control_stop(struct control *c)
{
        const uint64_t one = 1;

        if (c == NULL)
                return;
        if (c->started) {
                if (write(c->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
                        log_warn("cannot wake the control thread", LOG_INT("errno", errno));
                (void)pthread_mutex_lock(&c->mtx);
                if (c->asker_fd >= 0)
                        (void)shutdown(c->asker_fd, SHUT_RDWR);
                (void)pthread_mutex_unlock(&c->mtx);
                (void)pthread_join(c->thread, NULL);
                (void)unlink(c->path);
        }
        close_fd(c->listen_fd);
        close_fd(c->stop_fd);
        (void)pthread_mutex_destroy(&c->mtx);
        free(c->path);
        free(c);
}

/* ---- the asking side ---- */

static int
read_all(int fd, struct buf *out, struct err *e)
{
        for (;;) {
                char piece[4096];
                ssize_t n = recv(fd, piece, sizeof(piece), 0);
                int rc;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                        return err_set(e, ERR_AGAIN, "the agent does not answer");
                if (n < 0)
                        return err_sys(e, errno, "cannot read the agent's answer");
                if (n == 0)
                        return 0;
                rc = buf_append(out, piece, (size_t)n, e);
                if (rc < 0)
                        return rc;
        }
}

static int
connect_to(const char *path, int fd, struct err *e)
{
        struct sockaddr_un address;
        int dir_fd = -1;
        int rc = address_of(path, &address, &dir_fd, e);

        if (rc == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
                rc = errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR
                    ? err_set(e, ERR_NOTFOUND, "no agent listens on \"%s\"", path)
                    : err_sys(e, errno, "cannot connect to \"%s\"", path);
        }
        close_fd(dir_fd);
        return rc;
}

int
control_ask(const char *path, const char *command, struct buf *out, struct err *e)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int rc;

        if (fd < 0)
                return err_sys(e, errno, "cannot make a socket");
        set_timeouts(fd, CLIENT_TIMEOUT_S);
        rc = connect_to(path, fd, e);
        if (rc == 0 && (send_all(fd, command, strlen(command)) != 0 || send_all(fd, "\n", 1) != 0))
                rc = err_set(e, ERR_AGAIN, "the agent does not listen");
        if (rc == 0)
                rc = read_all(fd, out, e);
        (void)close(fd);
        return rc;
}
