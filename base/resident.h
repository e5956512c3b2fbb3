/*
 * What of this process is resident, by the kernel's count, and giving back what only start-up
 * needed. Reads /proc/self through descriptors that stay open: a process that is not dumpable may
 * not open all of them.
 *
 * Any thread. Nothing fails: what cannot be read is 0.
 */
#ifndef BASE_RESIDENT_H
#define BASE_RESIDENT_H

#include <stddef.h>
#include <stdint.h>

struct resident { /* bytes */
        uint64_t mapped; /* address space */
        uint64_t total;
        uint64_t file; /* pages of files: libraries, the program, the log's map */
};

/* Before the process gives up being dumpable, once. */
void resident_setup(void);
void resident_teardown(void);

struct resident resident_now(void);
/* Resident bytes of [from, from + bytes); for large ranges this takes long: 8 bytes are read per
 * page. */
struct resident resident_of(const void *from, size_t bytes);
/* The process's own pages by what they are for. */
struct resident_anonymous {
        uint64_t heap; /* what malloc got, for whom it may be, free pieces included */
        uint64_t stacks; /* told by their guard page */
        uint64_t data;
};
struct resident_anonymous resident_anonymous(void);
/* The data of the program and its libraries that has become the process's own: variables, and
 * tables that the loader has filled in. */
uint64_t resident_data(void);

/*
 * Unmaps every page of code and constants and gives free heap back. Pages that are in use come back
 * at the next touch from the page cache, at a fraction of a microsecond per page; those that only
 * loading, configuration and the libraries' initialisers needed do not. The kernel may drop a page
 * that nobody maps whenever it needs memory, without having to find out first that it is cold.
 */
void resident_give_back(void);

#endif
