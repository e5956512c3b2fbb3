/*
 * The table of texts of a 2.0 request: each text once, the first one empty, numbered in the order
 * in which they are met. Kept as the `symbols` fields that stand in the request.
 *
 * One thread. The owner accounts for symbols_bytes.
 */
#ifndef REMOTEWRITE_SYMBOLS_H
#define REMOTEWRITE_SYMBOLS_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct symbols;

int symbols_new(struct symbols **out, struct err *e);
void symbols_free(struct symbols *s);
/* Gives the memory back; symbols_begin comes before the next text. */
void symbols_reset(struct symbols *s);
/* What it holds, in bytes. */
size_t symbols_bytes(const struct symbols *s);
/* A request begins: only the empty text is there, as number 0. */
int symbols_begin(struct symbols *s, struct err *e);
/* The number of a text, a new one when it was not met before. ERR_LIMIT, ERR_NOMEM. */
int symbols_ref(struct symbols *s, struct view text, uint32_t *out, struct err *e);
/* The text with that number; valid until the next symbols_ref. */
struct view symbols_text(const struct symbols *s, uint32_t ref);
/* The fields of all texts, as they stand in a request; valid until the next call. */
struct view symbols_fields(const struct symbols *s);

#endif
