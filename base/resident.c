#include "base/resident.h"

#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        ENTRIES_AT_ONCE = 512,
        RANGE_MAX_BYTES = 1 << 30, /* larger mappings are a sanitizer's */
};

/* Of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
static const uint64_t entry_present = (uint64_t)1 << 63;
static const uint64_t entry_of_file = (uint64_t)1 << 61;

static int statm_fd = -1; /* set before threads start */
static int pagemap_fd = -1;

void
resident_setup(void)
{
        statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

static void
close_it(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
}

void
resident_teardown(void)
{
        close_it(&statm_fd);
        close_it(&pagemap_fd);
}

static uint64_t
page_size(void)
{
        return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "size resident shared …", in pages. */
struct resident
resident_now(void)
{
        struct resident r = {0};
        char text[128];
        char *end = text;
        ssize_t n = statm_fd >= 0 ? pread(statm_fd, text, sizeof(text) - 1, 0) : -1;

        if (n <= 0)
                return r;
        text[n] = '\0';
        r.mapped = strtoull(end, &end, 10) * page_size();
        r.total = strtoull(end, &end, 10) * page_size();
        r.file = strtoull(end, &end, 10) * page_size();
        if (r.file > r.total)
                r.file = r.total;
        return r;
}

struct resident
resident_of(const void *from, size_t bytes)
{
        uint64_t entries[ENTRIES_AT_ONCE];
        uint64_t page = page_size();
        uint64_t at = (uintptr_t)from / page;
        uint64_t end = ((uintptr_t)from + bytes + page - 1) / page;
        struct resident r = {.mapped = (end - at) * page};

        while (at < end) {
                uint64_t n = end - at < ENTRIES_AT_ONCE ? end - at : ENTRIES_AT_ONCE;
                ssize_t got = pread(pagemap_fd, entries, n * 8, (off_t)(at * 8));

                if (got < 8)
                        return r;
                n = (uint64_t)got / 8;
                for (uint64_t i = 0; i < n; i++) {
                        r.total += (entries[i] & entry_present) != 0 ? page : 0;
                        r.file +=
                            (entries[i] & entry_present) != 0 && (entries[i] & entry_of_file) != 0
                            ? page
                            : 0;
                }
                at += n;
        }
        return r;
}

static int
add_data(struct dl_phdr_info *info, size_t size, void *arg)
{
        uint64_t *bytes = arg;

        (void)size;
        for (int i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                const char *from = (const char *)(info->dlpi_addr + p->p_vaddr);
                struct resident r;

                if (p->p_type != PT_LOAD || (p->p_flags & PF_W) == 0)
                        continue;
                r = resident_of(from, p->p_memsz);
                *bytes += r.total - r.file;
        }
        return 0;
}

uint64_t
resident_data(void)
{
        uint64_t bytes = 0;

        (void)dl_iterate_phdr(add_data, &bytes);
        return bytes;
}

/* ---- by kind ---- */

struct look {
        struct resident_anonymous sum;
        uintptr_t file_end; /* of the last writable mapping of a file: .bss follows */
        uintptr_t guard_end; /* of the last mapping of one page without access: a stack follows */
};

static bool
says(const char *line, const char *name)
{
        return strstr(line, name) != NULL;
}

/* A line of /proc/self/maps: "from-to rwxp offset device inode [path]". */
static void
look_at(struct look *l, const char *line)
{
        char *at = NULL;
        uintptr_t from = (uintptr_t)strtoull(line, &at, 16);
        uintptr_t end = *at == '-' ? (uintptr_t)strtoull(at + 1, &at, 16) : from;
        uint64_t *part = &l->sum.heap;

        if (strncmp(at, " ---p", 5) == 0 && end - from == page_size())
                l->guard_end = end;
        if (strncmp(at, " rw-p", 5) != 0 || end - from > RANGE_MAX_BYTES)
                return;
        if (strchr(line, '/') != NULL) {
                l->file_end = end;
                return;
        }
        if (from == l->file_end && !says(line, "[heap]"))
                return;
        if (says(line, "[stack]") || from == l->guard_end)
                part = &l->sum.stacks;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the kernel's
        *part += resident_of((const void *)from, end - from).total;
}

struct resident_anonymous
resident_anonymous(void)
{
        FILE *f = pagemap_fd >= 0 ? fopen("/proc/self/maps", "re") : NULL;
        struct look l = {0};
        char line[4608];

        if (f == NULL)
                return l.sum;
        while (fgets(line, sizeof(line), f) != NULL)
                look_at(&l, line);
        (void)fclose(f);
        l.sum.data = resident_data();
        return l.sum;
}

/* ---- giving back ---- */

/* True when the loader wrote into code and constants too: then they are not the file's any more. */
static bool
has_text_relocations(const struct dl_phdr_info *info)
{
        for (int i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                const ElfW(Dyn) *d = (const ElfW(Dyn) *)(info->dlpi_addr + p->p_vaddr);

                for (; p->p_type == PT_DYNAMIC && d->d_tag != DT_NULL; d++) {
                        if (d->d_tag == DT_TEXTREL ||
                            (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL) != 0))
                                return true;
                }
        }
        return false;
}

/* Segments that were never writable hold what the file holds. */
static int
drop_constant(struct dl_phdr_info *info, size_t size, void *arg)
{
        uintptr_t page = (uintptr_t)page_size();

        (void)size;
        (void)arg;
        if (has_text_relocations(info))
                return 0;
        for (int i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                uintptr_t from = (info->dlpi_addr + p->p_vaddr + page - 1) / page * page;
                uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) / page * page;

                if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0 || from >= end ||
                    from == getauxval(AT_SYSINFO_EHDR))
                        continue;
                // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the loader's
                (void)madvise((void *)from, end - from, MADV_DONTNEED);
        }
        return 0;
}

void
resident_give_back(void)
{
        (void)malloc_trim(0);
        (void)dl_iterate_phdr(drop_constant, NULL);
}
