/*
 * `replacement` and `target_label` as Go's regexp expands them: $1, ${1}, $name, ${name}, $$.
 * References are looked up once, when the template is made.
 */
#ifndef BASE_RELABEL_TEMPLATE_H
#define BASE_RELABEL_TEMPLATE_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct regex;

struct template_part {
        struct view text; /* of a group: its name, empty when it is known by its number */
        size_t group;
        bool is_group;
};

struct template
{
        struct template_part *parts; /* owned */
        size_t n;
        bool uses_groups;
};

/* Parts point into text, which must outlive the template. */
int template_new(struct view text, const struct regex *r, struct template *out, struct err *e);
void template_release(struct template *t);
/* With the groups of r's last match; *out is in the arena or in the subject of that match. */
int template_expand(const struct template *t, const struct regex *r, struct arena *arena,
    struct view *out, struct err *e);

/* May the text name a label once expanded, under the legacy scheme? Any text may under utf8. */
bool template_legacy_valid(struct view text);

#endif
