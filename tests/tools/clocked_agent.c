/*
 * The agent with a clock that tests can push forward: gleaner's own main and libraries, linked with
 * --wrap=clock_system. Wall and monotonic time both jump by the number of milliseconds (8 bytes,
 * native order) that stands in the file named by GLEANER_TEST_CLOCK, as they do when a machine has
 * slept; without the file it is gleaner as it is. Synchronised, or the receiver's time would rule.
 */
#include "base/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The linker's names for the one in base/clock.c and for what everybody gets instead of it. */
const struct clock *__real_clock_system(void); /* NOLINT: ld makes the name */
const struct clock *__wrap_clock_system(void); /* NOLINT: ld makes the name */

static _Atomic int64_t *ahead_ms;

static int64_t
pushed_wall(const struct clock *c)
{
        (void)c;
        return clock_wall(__real_clock_system()) + atomic_load(ahead_ms);
}

static int64_t
pushed_mono(const struct clock *c)
{
        (void)c;
        return clock_mono(__real_clock_system()) + atomic_load(ahead_ms);
}

static bool
always_synchronised(const struct clock *c)
{
        (void)c;
        return true;
}

/* Before main and its threads. */
__attribute__((constructor)) static void
map_clock(void)
{
        const char *path = getenv("GLEANER_TEST_CLOCK");
        int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd >= 0 ? mmap(NULL, sizeof(*ahead_ms), PROT_READ, MAP_SHARED, fd, 0) : NULL;

        if (path != NULL && (fd < 0 || map == MAP_FAILED)) {
                perror(path);
                exit(2);
        }
        if (fd >= 0)
                (void)close(fd);
        ahead_ms = map;
}

const struct clock *
__wrap_clock_system(void)
{
        static const struct clock pushed = {pushed_wall, pushed_mono, always_synchronised};

        return ahead_ms != NULL ? &pushed : __real_clock_system();
}
