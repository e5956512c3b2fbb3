/*
 * The expressions that relabeling mostly has: \A(?:alternatives)\z, each of them fixed text,
 * perhaps with .* or .+ behind it, and fixed text around all of them: `job;(a|b.*);up`. Found in
 * the tree, matched by comparing bytes.
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
        bool sorted; /* by text: no group tells them apart, so their order does not matter */
        bool tails; /* sorted: some have one */
        size_t longest; /* sorted: bytes of the longest text */
        struct view before; /* what stands before and behind all choices; in `bytes` */
        struct view behind;
        char *bytes; /* owned */
};

/* ERR_NOTFOUND: the expression is not that simple. */
int simple_new(const struct re2 *re, struct simple *out, struct err *e);
void simple_release(struct simple *s);

/* The choice that matches, NULL when none does. */
const struct simple_choice *simple_match(const struct simple *s, struct view subject);
/* Of a subject that matches: what is between the fixed texts around. */
struct view simple_middle(const struct simple *s, struct view subject);

#endif
