/*
 * "--name=value" arguments of the fleet and the receiver, as table rows.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>

struct err;

struct option_row {
        const char *name; /* without the dashes */
        double *number; /* where a number goes, or NULL */
        const char **text; /* where a text goes, or NULL */
        const char *help;
};

/* Reads the options at the front; *out_rest is the first argument that is none. ERR_CONFIG. */
int options_read(
    int argc, char **argv, const struct option_row *rows, size_t n, int *out_rest, struct err *e);
void options_help(const char *usage, const struct option_row *rows, size_t n);

#endif
