/*
 * Small files, read whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

struct buf;
struct err;

/*
 * Appends the contents of a file. ERR_NOTFOUND when there is none, ERR_SYS when it cannot be read,
 * ERR_LIMIT when it passes out's bound. On failure out may hold a part: it is the caller's.
 */
int file_read(const char *path, struct buf *out, struct err *e);

#endif
