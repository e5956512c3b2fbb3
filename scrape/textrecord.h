/*
 * The text exposition format: one record of a page after the other (a line, unless quoted strings
 * hold line feeds): what the splitter (textparse.c) does with bytes that it has together.
 */
#ifndef SCRAPE_TEXTRECORD_H
#define SCRAPE_TEXTRECORD_H

struct err;
struct textpage;

/*
 * Parses [p, end), whose last byte is a line feed. *stop is where it stopped: at the end, at the
 * start of a record that is cut there (within quotes), or anywhere when the page has ended.
 */
int textrecord_run(
    struct textpage *t, const char *p, const char *end, const char **stop, struct err *e);

#endif
