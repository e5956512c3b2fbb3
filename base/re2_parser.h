/*
 * The parser's own parts, shared between re2.c (groups, sequences), re2_tree.c (nodes,
 * repetition), re2_escape.c (backslashes, brackets) and re2_class.c (named classes). Nobody else
 * includes this.
 */
#ifndef BASE_RE2_PARSER_H
#define BASE_RE2_PARSER_H

#include "base/buf.h"
#include "base/re2.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum {
        RE2_FOLD = 1, /* (?i) */
        RE2_LINES = 2, /* (?m) */
        RE2_DOT_ALL = 4, /* (?s) */
        RE2_LAZY = 8, /* (?U) */
};

enum {
        RE2_MAX_HEIGHT = 1000, /* of the tree; also bounds our own recursion */
        RE2_CODE_POINT_MAX = 0x10ffff,
};

struct re2_parser {
        struct view text; /* valid UTF-8 */
        size_t at;
        unsigned flags;
        unsigned depth;
        size_t repeat_at; /* where the repetition just read began; text.n: there was none */
        struct buf class; /* items of the class being read */
        struct arena *arena;
        struct re2 *out;
        struct err *e;
};

/* Siblings on their way into a concatenation or an alternation. */
struct re2_chain {
        struct re2_node *first;
        struct re2_node **last; /* the link that points to the last one; NULL when there is none */
        size_t n;
};

/* ---- reading (re2.c) ---- */

/* "error parsing regexp: <reason>: `<text from..to>`" */
int re2_refuse(struct re2_parser *p, const char *reason, size_t from, size_t to);
int re2_refuse_whole(struct re2_parser *p, const char *reason);
bool re2_at_end(const struct re2_parser *p);
/* The byte `ahead` from here, 0 behind the end. */
char re2_peek(const struct re2_parser *p, size_t ahead);
/* Where `s` begins from `from` on, text.n when nowhere. */
size_t re2_find(const struct re2_parser *p, size_t from, const char *s);
/* Takes one code point; not at the end. */
uint32_t re2_next(struct re2_parser *p);

/* ---- the tree (re2_tree.c) ---- */

void re2_append(struct re2_chain *chain, struct re2_node *node);
int re2_append_new(struct re2_parser *p, struct re2_chain *chain, enum re2_op op);
int re2_append_literal(struct re2_parser *p, struct re2_chain *chain, uint32_t c);
/* Height and size within bounds? */
int re2_check_bounds(struct re2_parser *p, const struct re2_node *node);
/* One node for the chain: none is empty, one is itself. */
int re2_join(
    struct re2_parser *p, const struct re2_chain *chain, enum re2_op op, struct re2_node **out);
/* The operator from `from` to here, bounds {min, max}, is applied to the last node. */
int re2_apply_repeat(
    struct re2_parser *p, struct re2_chain *chain, const int bounds[2], size_t from);
/* At a brace: a repetition, or else text. */
int re2_parse_counts(struct re2_parser *p, struct re2_chain *chain);

/* ---- backslashes and brackets (re2_escape.c) ---- */

int re2_parse_class(struct re2_parser *p, struct re2_chain *chain);
int re2_parse_backslash(struct re2_parser *p, struct re2_chain *chain);

/* ---- named classes (re2_class.c) ---- */

/* Items of a class are gathered as PCRE2 text. */
int re2_class_range(struct buf *items, uint32_t lo, uint32_t hi, struct err *e);
/* A Perl letter (d, s, w and D, S, W); ERR_NOTFOUND when it is none. */
int re2_class_perl(struct buf *items, char letter, bool fold, struct err *e);
/* A POSIX name with its frame, "[:alpha:]" or "[:^alpha:]"; ERR_NOTFOUND when there is none such.
 */
int re2_class_posix(struct buf *items, struct view name, bool fold, struct err *e);
/* A Unicode category or script, without the frame; ERR_NOTFOUND when there is none such. */
int re2_class_unicode(struct buf *items, struct view name, bool negated, bool fold, struct err *e);

#endif
