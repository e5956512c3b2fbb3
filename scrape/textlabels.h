/*
 * The series of a sample line, looked at in full: what textparse_labels does, and the splitter when
 * it wants to know where the text between the braces goes wrong.
 */
#ifndef SCRAPE_TEXTLABELS_H
#define SCRAPE_TEXTLABELS_H

#include "base/view.h"
#include "scrape/textparse.h"

#include <stddef.h>

struct err;

/*
 * Checks the grammar of a series text without making labels. ERR_PARSE, with *out_offset where the
 * error lies. Text that is cut short is an error too.
 */
int textlabels_check(
    struct view series, enum text_format format, size_t *out_offset, struct err *e);

/* How a message names the byte at p: "@", \xff, "the end of the line". Writes to out. */
enum { TEXTLABELS_BYTE_MAX = 24 };
void textlabels_describe(const char *p, const char *end, char out[TEXTLABELS_BYTE_MAX]);

#endif
