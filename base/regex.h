/*
 * A compiled regular expression with Go's meaning: RE2 syntax (base/re2.h), leftmost-first groups,
 * whole text as written (no implied anchors), on valid UTF-8. The only user of PCRE2.
 *
 * Expressions that only ask for fixed text, alternatives of it, or a fixed beginning are answered
 * without PCRE2. Used by one thread at a time: the last match is kept inside.
 *
 * Time is bounded: where PCRE2's backtracking passes its limit, the question "does it match" is
 * asked again of its other algorithm, which does not backtrack. Only what that cannot answer
 * either (groups are wanted, the text is long) is ERR_LIMIT.
 *
 * One difference from Go is known: where a group that can match the empty text is repeated inside
 * another repetition, or at least twice, as in (?:(a*)*b)* or (a*){2,}, PCRE2 reports the last,
 * empty round; Go the one before it.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct regex;

/* ERR_CONFIG: "error parsing regexp: <reason>: `<part>`". */
int regex_new(struct view text, struct regex **out, struct err *e);
/* Anchored as Prometheus does it, by pasting: so `a)|(b` is two halves with an anchor each. */
int regex_new_anchored(struct view text, struct regex **out, struct err *e);
void regex_free(struct regex *r);

/*
 * Does it match? groups: regex_group will be asked. ERR_LIMIT: no answer within the bounds;
 * ERR_REFUSED: the subject is not UTF-8.
 */
int regex_match(
    struct regex *r, struct view subject, bool groups, bool *out_matched, struct err *e);

/* Of the last match, a view into its subject; group 0 is all of it, empty when it took no part. */
struct view regex_group(const struct regex *r, size_t group);
size_t regex_groups(const struct regex *r);
/* Did the group take part in the last match? */
bool regex_group_set(const struct regex *r, size_t group);
/* The first group of that name behind group `after`; 0 when there is none. Go has no objection to
 * several groups of one name. */
size_t regex_group_named(const struct regex *r, struct view name, size_t after);

/* How a match is found, for tests. */
enum regex_way { REGEX_SIMPLE, REGEX_PCRE2 };
enum regex_way regex_way_of(const struct regex *r);

#endif
