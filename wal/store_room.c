/*
 * Space ahead of the file's end, and pages of the page cache that are single.
 *
 * The kernel may hold a file in folios of many pages (ext4 since 6.16, XFS since 5.18), made as
 * large as the write or the readahead that brought them in. One page written into such a folio
 * counts as the whole of it in /proc/PID/io and against the dirty limits, though the disk gets one
 * page: a log that writes here and there seemed to write three times as much as it did. A read of
 * one byte with POSIX_FADV_RANDOM brings in one page; what is in the cache already stays as it is.
 */
#include "wal/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
        RESERVE_BYTES = 1 << 20, /* ahead of the file's end: a few commits' worth */
        META_PAGES = 2,
};

/* 0, or why the file's space up to `end` cannot be had. */
static int
allocate(const struct store *s, uint64_t from, uint64_t end, int mode)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
            limit.rlim_cur < end)
                return EFBIG;
        if (fallocate(s->fd, mode, (off_t)from, (off_t)(end - from)) == 0)
                return 0;
        return errno;
}

static bool
is_no_space(int errnum)
{
        return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

/* A page that cannot be read is left to the write that comes. */
static void
make_single_pages(int fd, uint64_t from, uint64_t end)
{
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        char byte;

        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
        while (from < end && pread(fd, &byte, 1, (off_t)from) == 1)
                from += page;
}

void
store_reserve(struct store *s)
{
        uint64_t end = atomic_load(&s->data_bytes);
        uint64_t ahead = end + 2 * (uint64_t)RESERVE_BYTES;
        int rc;

        if (ahead > s->o.map_bytes)
                ahead = s->o.map_bytes;
        if (s->reserved_to >= ahead || s->reserved_to >= end + RESERVE_BYTES)
                return;
        rc = allocate(s, end, ahead, 0);
        if (is_no_space(rc)) {
                atomic_store(&s->room, end);
                return;
        }
        /* a file system that cannot reserve: its ENOSPC comes with the commit */
        s->reserved_to = rc == 0 ? ahead : UINT64_MAX;
        atomic_store(&s->room, UINT64_MAX);
        if (rc == 0)
                make_single_pages(s->fd, end, ahead);
}

uint64_t
store_room(const struct store *s)
{
        return atomic_load(&s->room);
}

bool
store_disk_is_full(const struct store *s)
{
        uint64_t size = store_file_bytes(s);
        struct statvfs v;

        if (fstatvfs(s->fd, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < RESERVE_BYTES)
                return true;
        return is_no_space(
            allocate(s, size, size + 4 * (uint64_t)RESERVE_BYTES, FALLOC_FL_KEEP_SIZE));
}

void
store_single_metas(int fd)
{
        uint64_t bytes = META_PAGES * (uint64_t)sysconf(_SC_PAGESIZE);

        (void)fdatasync(fd); /* what is dirty cannot be dropped */
        (void)posix_fadvise(fd, 0, (off_t)bytes, POSIX_FADV_DONTNEED);
        make_single_pages(fd, 0, bytes);
}
