/*
 * The value syntaxes of Prometheus's configuration that are not durations: sizes, quoted text in
 * messages, variables in external labels, HTTP header names. Pure.
 */
#ifndef AGENT_CONFIG_VALUES_H
#define AGENT_CONFIG_VALUES_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * "0", "10MiB", "1.5GB", "1GiB512MiB": numbers with units, all of them powers of 1024; a sign
 * may stand before them. ERR_CONFIG with the reason ("units: unknown unit  in 100").
 */
int config_size_parse(struct view text, int64_t *out, struct err *e);

/* Appends text in double quotes, what does not print escaped, as Go's %q does. */
int config_quote(struct buf *out, struct view text, struct err *e);

/* The value of a variable, NULL when it is not set. */
typedef const char *(*config_variable)(const void *arg, struct view name);
/* Called for a variable that is not set or empty. */
typedef void (*config_variable_unset)(void *arg, struct view name);

struct config_expansion {
        config_variable get;
        const void *get_arg;
        config_variable_unset unset; /* may be NULL */
        void *unset_arg;
};

/* Replaces $NAME and ${NAME}; $$ is a $, a broken ${ vanishes, $ before anything else stays. */
int config_expand(
    struct view text, const struct config_expansion *x, struct buf *out, struct err *e);

/* A header name as HTTP allows it (a token). */
bool config_header_name_valid(struct view name);
/* No line ends and no other control characters but tabs. */
bool config_header_value_valid(struct view value);
/* X-Foo-Bar: as Go's canonical form writes it; name is a valid one. */
int config_header_canonical(struct view name, struct buf *out, struct err *e);
/* Same bytes but for the case of ASCII letters. */
bool config_same_name(struct view a, struct view b);

#endif
