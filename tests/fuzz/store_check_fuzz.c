/*
 * The log's file as it may be after a disk has failed: reading it ends, within its bounds.
 */
#include "base/log.h"
#include "wal/store_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fd = memfd_create("log", MFD_CLOEXEC);
        char path[64];

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        if (store_check(path, true, NULL) == 0 && store_check(path, false, NULL) != 0)
                abort(); /* what was mended is whole */
        (void)close(fd);
        return 0;
}
