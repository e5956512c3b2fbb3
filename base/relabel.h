/*
 * Relabeling, as Prometheus does it (specs: relabel.md; upstream model/relabel/relabel.go).
 *
 * A compiled list is used by one thread at a time (it holds PCRE2 match data). Regular
 * expressions are RE2's syntax: what RE2 refuses is refused at compile time, with the reason.
 */
#ifndef BASE_RELABEL_H
#define BASE_RELABEL_H

#include "base/labels.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum relabel_action {
        RELABEL_REPLACE,
        RELABEL_KEEP,
        RELABEL_DROP,
        RELABEL_KEEPEQUAL,
        RELABEL_DROPEQUAL,
        RELABEL_HASHMOD,
        RELABEL_LABELMAP,
        RELABEL_LABELDROP,
        RELABEL_LABELKEEP,
        RELABEL_LOWERCASE,
        RELABEL_UPPERCASE,
};

/* One rule as written; relabel_options_init gives the defaults. Strings are borrowed until
 * compiled. */
struct relabel_options {
        enum relabel_action action;
        const struct view *source_labels;
        size_t n_source_labels;
        struct view separator;
        struct view regex;
        bool regex_written; /* keepequal and dropequal refuse it even when it is the default */
        uint64_t modulus;
        struct view target_label;
        struct view replacement;
        enum name_scheme scheme;
};

struct relabel_rule; /* opaque, immutable but for its match data */

struct relabel_rules {
        struct relabel_rule **v; /* owned */
        size_t n;
};

enum relabel_verdict { RELABEL_KEPT, RELABEL_DROPPED };

void relabel_options_init(struct relabel_options *o);
/* Any case; -1 for an unknown name. */
int relabel_action_of(struct view name);
const char *relabel_action_name(enum relabel_action action);

/* Validates and compiles; the message is the one of relabel.md section 3. ERR_CONFIG. */
int relabel_compile(const struct relabel_options *o, struct relabel_rule **out, struct err *e);
void relabel_rule_free(struct relabel_rule *r);
/* The rule as it was written; views live as long as the rule. Any thread. */
void relabel_rule_describe(const struct relabel_rule *r, struct relabel_options *out);

/* Appends a compiled rule; takes it over and sets *r NULL. */
int relabel_rules_take(struct relabel_rules *rules, struct relabel_rule **r, struct err *e);
void relabel_rules_release(struct relabel_rules *rules);

/*
 * Runs the rules on *l. Where labelmap's order matters, the labels that were there "at first" are
 * those of the caller's labels_freeze; without one all count as added, in the order they are in.
 * *out says whether the set is kept; an emptied set counts as dropped. What rules make is in l's
 * arena or points into the values that were there. The result is not sorted. ERR_LIMIT: a match
 * limit was reached (a counted, visible error, never "no match"). ERR_REFUSED: a regular expression
 * met a value that is not UTF-8. *out_rule, when not NULL, is the number of the rule that dropped
 * the set, -1 when none did.
 */
int relabel_apply(const struct relabel_rules *rules, struct labels *l, enum relabel_verdict *out,
    int *out_rule, struct err *e);

/* Does the pattern compile (RE2 syntax)? For the configuration's checks and for tests. */
int relabel_regex_check(struct view pattern, struct err *e);
/* relabel.md section 3 without the pattern; relabel_compile calls it. ERR_CONFIG. */
int relabel_validate(const struct relabel_options *o, struct err *e);

#endif
