#include "base/file.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4096 };

/* Until there is something to read from a pipe, or its end. */
static int
wait_for_writer(int fd, const char *path, struct err *e)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n;

        do
                n = poll(&p, 1, FILE_PIPE_WAIT_MS);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_sys(e, errno, "cannot wait for \"%s\"", path);
        if (n == 0)
                return err_set(e, ERR_SYS, "nothing is written to the pipe \"%s\"", path);
        return 0;
}

static int
read_all(int fd, const char *path, struct buf *out, struct err *e)
{
        for (;;) {
                char piece[PIECE];
                ssize_t n = read(fd, piece, sizeof(piece));
                int rc;

                if (n == 0)
                        return 0;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        rc = wait_for_writer(fd, path, e);
                        if (rc < 0)
                                return rc;
                        continue;
                }
                if (n < 0)
                        return err_sys(e, errno, "cannot read \"%s\"", path);
                rc = buf_append(out, piece, (size_t)n, e);
                if (rc == ERR_LIMIT)
                        return err_set(
                            e, ERR_LIMIT, "\"%s\" is longer than %zu bytes", path, out->max);
                if (rc < 0)
                        return rc;
        }
}

/* Refuses a pipe, or waits for its first byte: without a writer yet it reads as if it were over. */
static int
look(int fd, const char *path, bool pipes, struct err *e)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_sys(e, errno, "cannot look at \"%s\"", path);
        if (!S_ISFIFO(st.st_mode))
                return 0;
        if (!pipes)
                return err_set(e, ERR_CONFIG,
                    "\"%s\" is a pipe, which cannot be read again: name a regular file", path);
        return wait_for_writer(fd, path, e);
}

static int
read_file(const char *path, bool pipes, struct buf *out, struct err *e)
{
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int rc;

        if (fd < 0) {
                enum err_code code = errno == ENOENT ? ERR_NOTFOUND : ERR_SYS;

                (void)err_sys(e, errno, "cannot open \"%s\"", path);
                if (e != NULL)
                        e->code = code;
                return code;
        }
        rc = look(fd, path, pipes, e);
        if (rc == 0)
                rc = read_all(fd, path, out, e);
        (void)close(fd);
        return rc;
}

int
file_read(const char *path, struct buf *out, struct err *e)
{
        return read_file(path, false, out, e);
}

int
file_read_pipe(const char *path, struct buf *out, struct err *e)
{
        return read_file(path, true, out, e);
}
