/*
 * The classes of bytes that the text format's grammar tells apart, as one table: what the splitter
 * (textparse.c) and the label parser (textlabels.c) look up for nearly every byte of a page.
 */
#ifndef SCRAPE_TEXTCLASS_H
#define SCRAPE_TEXTCLASS_H

#include <stdbool.h>
#include <stdint.h>

enum textclass {
        TEXTCLASS_NONE = 0,
        TEXTCLASS_NAME_START = 1, /* a-z A-Z _ : */
        TEXTCLASS_NAME = 2, /* those and 0-9 */
        TEXTCLASS_LABEL_START = 4, /* a-z A-Z _ */
        TEXTCLASS_LABEL = 8, /* those and 0-9 */
        TEXTCLASS_BLANK = 16, /* space, tab */
        TEXTCLASS_QUOTED_STOP = 32, /* " \ LF: what matters within quotes */
        TEXTCLASS_BRACES_STOP = 64, /* " } LF: what matters within braces */
        TEXTCLASS_VALUE_END = 128, /* NUL, blanks, LF, {: what ends a value */
};

/* Sixteen bytes a line; sums of the values above. */
static const uint8_t textclass_table[256] = {
    128, 0, 0, 0, 0, 0, 0, 0, 0, 144, 224, 0, 0, 0, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    144, 0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 20 */
    10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 3, 0, 0, 0, 0, 0, /* 30: 0-9 : */
    0, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 40: A- */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0, 32, 0, 0, 15, /* 50: -Z \ _ */
    0, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 60: a- */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 128, 0, 64, 0, 0, /* 70: -z { } */
};

static inline bool
textclass_is(char c, enum textclass class)
{
        return (textclass_table[(unsigned char)c] & class) != 0;
}

#endif
