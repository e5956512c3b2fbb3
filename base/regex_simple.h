/*
 * The expressions that relabeling mostly has: \A(?:alternatives)\z, each of them fixed text,
 * perhaps with .* or .+ behind it. Found in the tree, matched by comparing bytes.
 *
 * Because both ends are anchored, the first alternative that fits is the one RE2 reports.
 */
#ifndef BASE_REGEX_SIMPLE_H
#define BASE_REGEX_SIMPLE_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct re2;

enum simple_tail { SIMPLE_NOTHING, SIMPLE_ANY, SIMPLE_SOME };

struct simple_choice {
        struct view text; /* in `bytes` */
        enum simple_tail tail; /* what follows the text */
        uint32_t tail_group; /* the group around the tail, 0: none */
        uint32_t group; /* the group around the alternative, 0: none */
};

struct simple {
        struct simple_choice *choices; /* owned */
        size_t n;
        uint32_t group; /* the group around all alternatives, 0: none */
        bool sorted; /* by text: all are fixed, so their order does not matter */
        char *bytes; /* owned */
};

/* ERR_NOTFOUND: the expression is not that simple. */
int simple_new(const struct re2 *re, struct simple *out, struct err *e);
void simple_release(struct simple *s);

/* The choice that matches, NULL when none does. */
const struct simple_choice *simple_match(const struct simple *s, struct view subject);

#endif
