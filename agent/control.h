/*
 * The control socket: `gleaner wal …` asks a running agent here instead of opening the log beside
 * it. One connection, one line in, one answer out, closed. Its own thread; only the user of the
 * process (the socket's mode is 0600) can ask.
 */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stddef.h>

struct buf;
struct control;
struct err;

/* Appends the answer. Called on the control thread; on failure the asker gets {"error": …}. */
typedef int (*control_reply)(void *arg, struct buf *out, struct err *e);

struct control_command {
        const char *name; /* the line that asks for it; borrowed, outlives the control */
        control_reply reply;
        void *arg;
};

enum { CONTROL_COMMANDS_MAX = 8, CONTROL_ANSWER_MAX = 4 << 20 };

/* Makes the socket at path (an old one is replaced: the caller holds the log's lock). */
int control_start(const char *path, const struct control_command *commands, size_t n,
    struct control **out, struct err *e);
/* Cuts off the asker that is served, if any. NULL-safe. */
void control_stop(struct control *c);

/*
 * The asking side. Appends the answer. ERR_NOTFOUND: nobody listens there; ERR_AGAIN: no answer in
 * time; ERR_SYS.
 */
int control_ask(const char *path, const char *command, struct buf *out, struct err *e);

#endif
