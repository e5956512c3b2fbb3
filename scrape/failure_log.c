#include "scrape/failure_log.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 << 10 };

static int
put_time(struct buf *out, int64_t wall_ms, struct err *e)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        char text[32];
        struct tm tm;

        (void)gmtime_r(&seconds, &tm);
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        return buf_printf(out, e, "{\"time\":\"%s.%03dZ\"", text, (int)(wall_ms % 1000));
}

static int
build_line(struct buf *out, const struct failed_scrape *f, struct err *e)
{
        const struct {
                const char *before;
                const char *value;
        } parts[] = {
            {",\"level\":\"ERROR\",\"source\":\"scrape\",\"msg\":", f->why},
            {",\"job_name\":", f->job},
            {",\"target\":", f->target},
        };
        int rc = put_time(out, f->wall_ms, e);

        for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
                rc = buf_puts(out, parts[i].before, e);
                if (rc == 0)
                        rc = json_put_string(out, view_of(parts[i].value), e);
        }
        return rc == 0 ? buf_puts(out, "}\n", e) : rc;
}

static int
append(const char *path, const struct buf *line, struct err *e)
{
        /* a pipe without a reader, or one that is full, must not hold the scrapes up */
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
        ssize_t n;
        int rc = 0;

        if (fd < 0)
                return err_sys(e, errno, "cannot open \"%s\"", path);
        n = write(fd, line->ptr, line->len);
        if (n != (ssize_t)line->len)
                rc = err_sys(e, n < 0 ? errno : ENOSPC, "cannot write \"%s\"", path);
        (void)close(fd);
        return rc;
}

int
failure_log_append(const char *path, const struct failed_scrape *f, struct err *e)
{
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        int rc = build_line(&line, f, e);

        if (rc == 0)
                rc = append(path, &line, e);
        buf_release(&line);
        return rc;
}
