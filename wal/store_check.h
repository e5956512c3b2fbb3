/*
 * Whether LMDB can be let loose on its file. LMDB believes what it maps: a file that ends before
 * its last page, a page of zeros or a flipped bit in the tree is a SIGBUS, an abort or an endless
 * loop in it. So before the file is mapped, it is read here page by page with bounds on every
 * number: both meta pages, the tree of each table, the table of free pages. Values on pages of
 * their own are not read: they carry checksums.
 *
 * What is whole is kept. LMDB has two meta pages, and writes nothing that the older one refers to
 * until the newer one is on disk; so where the newer one or its tree is damaged the older one is
 * put in its place, and only the last commit is lost.
 *
 * A place between blocks that leads past the last page is let through: LMDB sees that itself
 * (MDB_PAGE_NOTFOUND), the rest can still be read, and the log goes on.
 *
 * Nobody has the file open.
 */
#ifndef WAL_STORE_CHECK_H
#define WAL_STORE_CHECK_H

#include <stdbool.h>

struct err;

/*
 * mend: a damaged meta page may be written anew from the other one, with a line in the log.
 * ERR_CORRUPT: no tree of the file is whole; ERR_CONFIG: another kind of machine wrote it;
 * ERR_NOTFOUND: there is no file; ERR_NOMEM, ERR_SYS.
 */
int store_check(const char *path, bool mend, struct err *e);

#endif
