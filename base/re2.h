/*
 * RE2's regular expression syntax (as Go's regexp/syntax has it): text → tree, tree → PCRE2 text.
 *
 * The parser decides what a valid expression is; PCRE2 only ever sees what re2_translate wrote,
 * with every class, flag and escape spelled out, so that no difference of syntax between the two
 * can show. base/regex.h is the only caller; the pieces are apart to be read and tested alone.
 *
 * Nodes, names and views are in the arena given, valid until it is reset.
 */
#ifndef BASE_RE2_H
#define BASE_RE2_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;

enum re2_op {
        RE2_EMPTY,
        RE2_LITERAL, /* one code point: c */
        RE2_CLASS, /* items: what stands between PCRE2's brackets; empty: matches nothing */
        RE2_ANY,
        RE2_ANY_NOT_NL,
        RE2_BEGIN_TEXT,
        RE2_END_TEXT,
        RE2_BEGIN_LINE,
        RE2_END_LINE,
        RE2_WORD_BOUNDARY,
        RE2_NO_WORD_BOUNDARY,
        RE2_CAPTURE, /* sub, group */
        RE2_REPEAT, /* sub, min, max */
        RE2_CONCAT, /* sub and its siblings */
        RE2_ALTERNATE, /* sub and its siblings */
};

struct re2_node {
        enum re2_op op;
        bool fold; /* literal, class: without regard to case */
        bool negated; /* class */
        bool greedy; /* repeat */
        int min; /* repeat */
        int max; /* repeat; -1: no end */
        uint32_t c; /* literal: code point; capture: group, from 1 */
        int height; /* of the tree from here */
        int64_t size; /* of the program that a matcher would compile */
        struct view items; /* class */
        struct re2_node *sub; /* first child */
        struct re2_node *next; /* next sibling */
};

struct re2 {
        const struct re2_node *root;
        struct view *names; /* of groups 1..n_groups at [0..); empty: unnamed */
        size_t n_groups;
        size_t cap_groups;
};

enum { RE2_MAX_TEXT = 256 * 1024 };

/* ERR_CONFIG: "error parsing regexp: <reason>: `<part of the text>`", in Go's words. */
int re2_parse(struct view text, struct arena *arena, struct re2 *out, struct err *e);

/*
 * Appends the expression in PCRE2's syntax; needs PCRE2_UTF, PCRE2_DOTALL and
 * PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES. PCRE2's text may have more groups: groups[g] becomes its
 * number for group g of 1..n_groups.
 */
int re2_translate(const struct re2 *re, struct buf *out, uint32_t *groups, struct err *e);

#endif
