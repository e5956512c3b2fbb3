/*
 * Long options as `--name value` and `--name=value` (one dash works too), from a table.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct option_row {
        const char *name; /* without dashes: "config.file" */
        const char **value; /* where a value goes; NULL for a flag */
        bool *flag; /* set true by a flag, false by its --no- form; NULL for a value */
        const char *argument; /* "FILE", for the help */
        const char *help;
};

/* Called for each option in the order of the command line; value is "true" or "false" of a flag. */
typedef int (*option_seen)(
    void *arg, const struct option_row *row, const char *value, struct err *e);

struct option_table {
        const struct option_row *rows;
        size_t n;
        option_seen seen; /* NULL: only what the rows say */
        void *arg;
};

/*
 * Parses argv[1..]; arguments that are no options are moved to argv[1..], their number returned.
 * "--" ends the options. ERR_CONFIG: unknown (with the nearest known one), value missing, value
 * given to a flag. A flag is taken back by --no-NAME. -h is --help where there is such a row.
 */
int options_parse_table(int argc, char **argv, const struct option_table *t, struct err *e);
/* The same with nobody to tell. */
int options_parse(int argc, char **argv, const struct option_row *rows, size_t n, struct err *e);
/* Prints the table to stdout, one option a line. */
void options_print(const struct option_row *rows, size_t n);

#endif
