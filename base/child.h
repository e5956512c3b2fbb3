/*
 * A program that is run for what it prints: its output is read as it comes, within bounds of bytes
 * and time, and nothing here waits.
 *
 * The child gets /dev/null as its input, two pipes, no other descriptor, no blocked or ignored
 * signal, and a process group of its own, which is killed as a whole when its time is over.
 * One thread.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;
struct err;

enum {
        CHILD_OUTPUT_MAX = 1 << 20,
        CHILD_ERRORS_MAX = 4 << 10, /* more is read and thrown away */
        CHILD_FDS = 2,
};

struct child_options {
        const char *const *argv; /* the first is looked for in PATH when it has no / */
        const char *const *env; /* NAME=VALUE, they replace those of our own environment */
        size_t n_env;
        int64_t now_ms; /* monotonic */
        int64_t timeout_ms;
};

/* Options are copied. ERR_NOTFOUND: there is no such program; ERR_SYS, ERR_NOMEM. */
int child_start(const struct child_options *o, struct child **out, struct err *e);
/* Kills it if it still runs; it leaves no zombie. NULL-safe. */
void child_free(struct child *c);

/* Reads what has come; true: it is over, and the rest may be asked. */
bool child_turn(struct child *c, int64_t now_ms);
/* What to wait for until then (readable), and the time to look again at the latest. */
size_t child_fds(const struct child *c, int out[CHILD_FDS]);
int64_t child_due(const struct child *c);

/* 0: it ended with status 0 and printed no more than it may. ERR_AGAIN with the reason. */
int child_result(const struct child *c, struct err *e);
struct view child_output(const struct child *c);
/* The last line of what it wrote to its standard error, what does not print replaced. */
void child_last_words(const struct child *c, char *out, size_t cap);

#endif
