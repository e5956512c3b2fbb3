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
 * Never waits: a pipe is refused (ERR_CONFIG), as it cannot be read a second time.
 */
int file_read(const char *path, struct buf *out, struct err *e);
/*
 * As file_read, and takes a pipe until its end: a configuration may come from a shell's <(…).
 * Waits for whoever writes it, FILE_PIPE_WAIT_MS at a time at most; then ERR_SYS.
 */
enum { FILE_PIPE_WAIT_MS = 5000 };
int file_read_pipe(const char *path, struct buf *out, struct err *e);

#endif
