/*
 * What `gleaner wal status` shows: a log's state as one JSON object, and the same for people.
 */
#ifndef AGENT_WAL_STATUS_H
#define AGENT_WAL_STATUS_H

#include "base/view.h"

struct buf;
struct err;

/* Appends the object and a line feed. arg: a struct wal * (it is a control_reply). */
int wal_status_json(void *arg, struct buf *out, struct err *e);
/* Appends what the object says, as text. ERR_PARSE when it is no such object. */
int wal_status_text(struct view json, struct buf *out, struct err *e);

#endif
