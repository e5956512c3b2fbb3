#include "base/file.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 4096 };

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

int
file_read(const char *path, struct buf *out, struct err *e)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        int rc;

        if (fd < 0) {
                enum err_code code = errno == ENOENT ? ERR_NOTFOUND : ERR_SYS;

                (void)err_sys(e, errno, "cannot open \"%s\"", path);
                if (e != NULL)
                        e->code = code;
                return code;
        }
        rc = read_all(fd, path, out, e);
        (void)close(fd);
        return rc;
}
