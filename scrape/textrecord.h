/*
 * One record of a page after the other (a line, unless quoted strings hold line feeds): what the
 * splitter (textparse.c) does with bytes that it has together.
 */
#ifndef SCRAPE_TEXTRECORD_H
#define SCRAPE_TEXTRECORD_H

#include "scrape/textparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct textpage {
        text_sink sink;
        text_guess guess; /* NULL: none */
        void *arg;
        text_meta meta; /* NULL: none */
        void *meta_arg;
        size_t max_line;
        struct text_sample sample; /* the last one; its type stays for the next */
        unsigned guess_in; /* samples that come before the next guess */
        unsigned guess_misses; /* in a row */
        uint64_t line; /* of the record that comes next, from 1 */
        uint64_t error_line;
        uint64_t error_column;
        bool ended; /* by a NUL byte: what follows is not looked at */
};

/*
 * Parses [p, end), whose last byte is a line feed. *stop is where it stopped: at the end, at the
 * start of a record that is cut there (within quotes), or anywhere when the page has ended.
 */
int textrecord_run(
    struct textpage *t, const char *p, const char *end, const char **stop, struct err *e);

/* The errors that the splitter finds: both return the code. A record that has no end, and one that
 * is longer than max_line. */
int textrecord_unfinished(struct textpage *t, const char *start, const char *end, struct err *e);
int textrecord_too_long(struct textpage *t, struct err *e);

#endif
