#include "wal/lock.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct remote_fs {
        unsigned long type; /* f_type of statfs(2) */
        const char *name;
};

/* LMDB's locks and its map do not hold over a network. */
static const struct remote_fs remote_file_systems[] = {
    {0x6969, "NFS"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x517b, "SMB"},
    {0x564c, "NCP"},
    {0x5346414f, "AFS"},
    {0x00c36400, "CephFS"},
};

static int
check_local(int fd, const char *dir, struct err *e)
{
        struct statfs fs;

        if (fstatfs(fd, &fs) != 0)
                return err_sys(e, errno, "cannot look at the file system of \"%s\"", dir);
        for (size_t i = 0; i < sizeof(remote_file_systems) / sizeof(remote_file_systems[0]); i++) {
                if (((unsigned long)fs.f_type & 0xffffffffUL) == remote_file_systems[i].type)
                        return err_set(e, ERR_CONFIG, "\"%s\" is on %s; the log needs a local disk",
                            dir, remote_file_systems[i].name);
        }
        return 0;
}

static int
check_owner(int fd, const char *dir, struct err *e)
{
        struct stat st;

        if (fstat(fd, &st) != 0)
                return err_sys(e, errno, "cannot look at \"%s\"", dir);
        if (st.st_uid != geteuid())
                return err_set(e, ERR_CONFIG, "\"%s\" belongs to user %u, not to user %u", dir,
                    (unsigned)st.st_uid, (unsigned)geteuid());
        if ((st.st_mode & S_IWOTH) != 0)
                return err_set(e, ERR_CONFIG,
                    "\"%s\" can be written by every user; take that away (chmod o-w)", dir);
        return 0;
}

/* The directory of all tenants may be missing, too; what is above it is not ours to make. */
static int
make_directory(const char *dir, struct err *e)
{
        const char *slash = strrchr(dir, '/');
        char parent[PATH_MAX];

        if (mkdir(dir, 0700) == 0 || errno == EEXIST)
                return 0;
        if (errno == ENOENT && slash != NULL && slash > dir && slash - dir < PATH_MAX) {
                memcpy(parent, dir, (size_t)(slash - dir));
                parent[slash - dir] = '\0';
                if ((mkdir(parent, 0755) == 0 || errno == EEXIST) &&
                    (mkdir(dir, 0700) == 0 || errno == EEXIST))
                        return 0;
        }
        return err_sys(e, errno, "cannot make the directory \"%s\"", dir);
}

static int
open_directory(const char *dir, bool shared, int *out_fd, struct err *e)
{
        int fd;
        int rc;

        if (!shared && make_directory(dir, e) < 0)
                return ERR_SYS;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return err_set(e, ERR_NOTFOUND, "there is no log: \"%s\" does not exist", dir);
        if (fd < 0)
                return err_sys(e, errno, "cannot open the directory \"%s\"", dir);
        rc = check_local(fd, dir, e);
        if (rc == 0 && !shared)
                rc = check_owner(fd, dir, e);
        if (rc == 0 && !shared && mkdirat(fd, "wal", 0700) != 0 && errno != EEXIST)
                rc = err_sys(e, errno, "cannot make the directory \"%s/wal\"", dir);
        if (rc < 0) {
                (void)close(fd);
                return rc;
        }
        *out_fd = fd;
        return 0;
}

/* The holder wrote its process number into the file. */
static int
held(int fd, const char *dir, struct err *e)
{
        char text[32];
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

        if (n <= 1)
                return err_set(e, ERR_AGAIN, "\"%s/LOCK\" is held by another process", dir);
        text[n] = '\0';
        text[strspn(text, "0123456789")] = '\0';
        return err_set(e, ERR_AGAIN, "\"%s/LOCK\" is held by process %s: is another agent running?",
            dir, text);
}

static void
sign(int fd)
{
        char text[32];
        int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        bool written = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;

        (void)written; /* only the other side's message would miss the number */
}

int
wal_lock_take(const char *dir, bool shared, struct wal_lock *out, struct err *e)
{
        int dirfd = -1;
        int rc = open_directory(dir, shared, &dirfd, e);
        int fd;

        if (rc < 0)
                return rc;
        fd = openat(
            dirfd, "LOCK", (shared ? O_RDONLY : O_RDWR | O_CREAT) | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno == ENOENT) {
                rc = err_set(e, ERR_NOTFOUND, "there is no log in \"%s\"", dir);
        } else if (fd < 0) {
                rc = err_sys(e, errno, "cannot open \"%s/LOCK\"", dir);
        } else if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
                rc = errno == EWOULDBLOCK ? held(fd, dir, e)
                                          : err_sys(e, errno, "cannot lock \"%s/LOCK\"", dir);
        } else if (!shared) {
                sign(fd);
        }
        (void)close(dirfd);
        if (rc < 0) {
                if (fd >= 0)
                        (void)close(fd);
                return rc;
        }
        out->fd = fd;
        return 0;
}

void
wal_lock_release(struct wal_lock *l)
{
        if (l->fd >= 0)
                (void)close(l->fd);
        l->fd = -1;
}
