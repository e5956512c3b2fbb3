/*
 * Small helpers around jansson and for writing JSON text straight into a buffer.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/view.h"

struct buf;
struct err;

/* Appends v as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD. */
int json_put_string(struct buf *out, struct view v, struct err *e);

#endif
