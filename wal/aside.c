#include "wal/aside.h"

#include "base/err.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char prefix[] = "wal.damaged-";

size_t
wal_count_aside(const char *dir)
{
        DIR *d = opendir(dir);
        const struct dirent *entry;
        size_t n = 0;

        if (d == NULL)
                return 0;
        while ((entry = readdir(d)) != NULL) // NOLINT(concurrency-mt-unsafe): a stream of our own
                n += strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0;
        (void)closedir(d);
        return n;
}

/* A name that nothing has: by time, and by number when two come in one second. */
static int
find_name(const char *dir, int64_t wall_ms, char *out, size_t size)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm tm;
        struct stat st;
        char stamp[32];

        (void)gmtime_r(&seconds, &tm);
        (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
        for (int i = 1; i <= WAL_ASIDE_MAX; i++) {
                int n = i == 1 ? snprintf(out, size, "%s/%s%s", dir, prefix, stamp)
                               : snprintf(out, size, "%s/%s%s-%d", dir, prefix, stamp, i);

                if (n < 0 || (size_t)n >= size)
                        return ENAMETOOLONG;
                if (lstat(out, &st) != 0)
                        return errno == ENOENT ? 0 : errno;
        }
        return EEXIST;
}

int
wal_set_aside(const char *dir, int64_t wall_ms, const struct err *why, struct err *e)
{
        char from[PATH_MAX];
        char to[PATH_MAX];
        int n = snprintf(from, sizeof(from), "%s/wal", dir);
        int rc = n < 0 || (size_t)n >= sizeof(from) ? ENAMETOOLONG
                                                    : find_name(dir, wall_ms, to, sizeof(to));

        if (wal_count_aside(dir) >= WAL_ASIDE_MAX)
                return err_set(e, ERR_LIMIT,
                    "%s; it is not set aside, because there are %d damaged logs (\"%s/%s…\") "
                    "already: look at the disk, then remove them",
                    why->msg, WAL_ASIDE_MAX, dir, prefix);
        if (rc == 0 && (rename(from, to) != 0 || mkdir(from, 0700) != 0))
                rc = errno;
        if (rc != 0)
                return err_sys(e, rc, "%s; it cannot be set aside", why->msg);
        log_error("the log is damaged and was set aside, a new one begins: samples in it that were "
                  "not sent will not be",
            LOG_STR("err", why->msg), LOG_STR("set_aside", to));
        return 0;
}
