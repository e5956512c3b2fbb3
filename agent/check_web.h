/*
 * `gleaner check --web.config.file FILE`: what a web configuration will do, or every mistake in it
 * and in the certificates that it names.
 */
#ifndef AGENT_CHECK_WEB_H
#define AGENT_CHECK_WEB_H

#include <stdbool.h>

struct buf;
struct err;

/*
 * Appends to out what the file will do, or one line of JSON about it; to messages its mistakes and
 * warnings for a terminal. ERR_CONFIG: it has mistakes, which have been told.
 */
int check_web(const char *path, bool json, struct buf *out, struct buf *messages, struct err *e);

#endif
