/*
 * OpenMetrics text, 0.0.1 and 1.0.0: one record of a page after the other (a line, unless a quoted
 * name holds line feeds): what the splitter (textparse.c) does with bytes that it has together.
 *
 * As lax as Prometheus is (specs: scrape.md section 7): families, suffixes, and what values a type
 * may have are not looked at; `_created` lines are samples like others. Exemplars are checked and
 * passed over.
 */
#ifndef SCRAPE_OPENMETRICS_H
#define SCRAPE_OPENMETRICS_H

struct err;
struct textpage;

/*
 * Parses [p, end), whose last byte is a line feed. *stop is where it stopped: at the end, or at the
 * start of a record that is cut there (within quotes).
 */
int openmetrics_run(
    struct textpage *t, const char *p, const char *end, const char **stop, struct err *e);
/* The page is over: ERR_PARSE when "# EOF" has not come. */
int openmetrics_end(struct textpage *t, struct err *e);

#endif
