/*
 * The numbers of the text format: to doubles, correctly rounded, and back in Prometheus's spelling.
 * Pure, no allocation. The process stays in the C locale (writing uses printf).
 */
#ifndef SCRAPE_TEXTFLOAT_H
#define SCRAPE_TEXTFLOAT_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

enum { TEXTFLOAT_MAX = 32 }; /* room for what textparse_format_float writes */

enum textfloat_syntax {
        TEXTFLOAT_PAGE, /* a sample's value: decimal, Inf, NaN */
        TEXTFLOAT_GO, /* le and quantile: also hexadecimal and digits parted by underscores */
};

/* The whole of v as a number; false when it is none or too large for a double. */
bool textfloat_parse(struct view v, enum textfloat_syntax syntax, double *out);

/*
 * The common number, read straight from a page: digits with or without a point and an exponent,
 * such that the result is exact or rounded once. Needs a byte after the number that is not part of
 * one. Returns that byte's place, NULL when the number is not of this kind (or no number at all):
 * then textfloat_parse decides.
 */
const char *textfloat_short(const char *p, double *out);

#endif
