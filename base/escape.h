/*
 * Text from outside, for a terminal or a text answer: what could steer a terminal, forge a line or
 * hide is spelled out (\n, \x1b, \u009b), and so is each byte that is no UTF-8 (\xff). Pure.
 */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include "base/view.h"

struct buf;
struct err;

/* A backslash of the text stays as it is: for sentences, not to be read back. Errors: buf's. */
int escape_put(struct buf *out, struct view v, struct err *e);
/* In double quotes; those inside and backslashes get a backslash in front. */
int escape_put_quoted(struct buf *out, struct view v, struct err *e);

#endif
