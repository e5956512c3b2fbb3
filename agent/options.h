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
        bool *flag; /* set true by a flag; NULL for a value */
        const char *argument; /* "FILE", for the help */
        const char *help;
};

/*
 * Parses argv[1..]; arguments that are no options are moved to argv[1..], their number returned.
 * "--" ends the options. ERR_CONFIG: unknown (with the nearest known one), value missing, value
 * given to a flag. -h is --help where there is such a row.
 */
int options_parse(int argc, char **argv, const struct option_row *rows, size_t n, struct err *e);
/* Prints the table to stdout, one option a line. */
void options_print(const struct option_row *rows, size_t n);

#endif
