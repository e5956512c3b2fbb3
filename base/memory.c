#include "base/memory.h"

#include "base/resident.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t parts[MEMORY_PARTS];
static _Atomic uint64_t limit;
static atomic_bool refuses;

static const uint64_t default_limit = (uint64_t)200 << 20;

void
memory_account(enum memory_part part, int64_t delta_bytes)
{
        atomic_fetch_add_explicit(&parts[part], delta_bytes, memory_order_relaxed);
}

int64_t
memory_of(enum memory_part part)
{
        return atomic_load_explicit(&parts[part], memory_order_relaxed);
}

void
memory_set_limit(uint64_t bytes)
{
        atomic_store(&limit, bytes);
}

uint64_t
memory_limit(void)
{
        return atomic_load(&limit);
}

bool
memory_refuses_new(void)
{
        return atomic_load_explicit(&refuses, memory_order_relaxed);
}

void
memory_check(void)
{
        uint64_t max = memory_limit();
        struct resident r = resident_now();
        uint64_t used = r.total - r.file;
        int64_t accounted = 0;

        for (int i = 0; i < MEMORY_PARTS; i++)
                accounted += memory_of((enum memory_part)i);
        if (accounted > 0 && (uint64_t)accounted > used)
                used = (uint64_t)accounted;
        if (max == 0 || used <= max - max / 20) {
                atomic_store(&refuses, false);
        } else if (used >= max) {
                atomic_store(&refuses, true);
        }
}

/* The bytes in a one-number file of the cgroup, 0 when it is absent or says "max". */
static uint64_t
read_number(const char *path)
{
        char text[64] = {0};
        char *end = NULL;
        unsigned long long n = 0;
        FILE *f = fopen(path, "re");

        if (f == NULL)
                return 0;
        if (fgets(text, sizeof(text), f) != NULL)
                n = strtoull(text, &end, 10);
        (void)fclose(f);
        return end != text ? n : 0;
}

uint64_t
memory_default_limit(void)
{
        uint64_t cgroup = read_number("/sys/fs/cgroup/memory.max");

        if (cgroup == 0)
                cgroup = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
        if (cgroup == 0 || cgroup / 5 * 4 > default_limit)
                return default_limit;
        return cgroup / 5 * 4;
}
