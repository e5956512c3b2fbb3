/*
 * What a rule must look like, in the order and the words of Prometheus (model/relabel/relabel.go).
 */
#include "base/err.h"
#include "base/relabel.h"
#include "base/relabel_template.h"

#include <string.h>
#include <strings.h>

static const char *const action_names[] = {
    [RELABEL_REPLACE] = "replace",
    [RELABEL_KEEP] = "keep",
    [RELABEL_DROP] = "drop",
    [RELABEL_KEEPEQUAL] = "keepequal",
    [RELABEL_DROPEQUAL] = "dropequal",
    [RELABEL_HASHMOD] = "hashmod",
    [RELABEL_LABELMAP] = "labelmap",
    [RELABEL_LABELDROP] = "labeldrop",
    [RELABEL_LABELKEEP] = "labelkeep",
    [RELABEL_LOWERCASE] = "lowercase",
    [RELABEL_UPPERCASE] = "uppercase",
};

int
relabel_action_of(struct view name)
{
        for (size_t i = 0; i < sizeof(action_names) / sizeof(action_names[0]); i++) {
                if (strlen(action_names[i]) == name.n &&
                    strncasecmp(action_names[i], name.p, name.n) == 0)
                        return (int)i;
        }
        return -1;
}

const char *
relabel_action_name(enum relabel_action action)
{
        return action_names[action];
}

void
relabel_options_init(struct relabel_options *o)
{
        *o = (struct relabel_options){
            .action = RELABEL_REPLACE,
            .separator = VIEW_LIT(";"),
            .regex = VIEW_LIT("(.*)"),
            .replacement = VIEW_LIT("$1"),
            .scheme = NAME_UTF8,
        };
}

static bool
is_equal_action(enum relabel_action a)
{
        return a == RELABEL_KEEPEQUAL || a == RELABEL_DROPEQUAL;
}

static bool
is_case_action(enum relabel_action a)
{
        return a == RELABEL_LOWERCASE || a == RELABEL_UPPERCASE;
}

/* May the text be a label's name once it is expanded? */
static bool
is_name_template(struct view text, enum name_scheme scheme)
{
        return scheme == NAME_UTF8 ? name_label_valid(text, scheme) : template_legacy_valid(text);
}

static int
refuse_target(const struct relabel_options *o, struct err *e)
{
        return err_set(e, ERR_CONFIG, "\"%.*s\" is invalid 'target_label' for %s action",
            (int)o->target_label.n, o->target_label.p, action_names[o->action]);
}

static int
check_target_needed(const struct relabel_options *o, struct err *e)
{
        bool needed = o->action == RELABEL_REPLACE || o->action == RELABEL_HASHMOD ||
            is_case_action(o->action) || is_equal_action(o->action);

        if (needed && o->target_label.n == 0)
                return err_set(e, ERR_CONFIG,
                    "relabel configuration for %s action requires 'target_label' value",
                    action_names[o->action]);
        return 0;
}

static int
check_names(const struct relabel_options *o, struct err *e)
{
        struct view target = o->target_label;
        enum relabel_action a = o->action;
        bool literal = is_case_action(a) || is_equal_action(a);
        bool has_reference = target.n > 0 && memchr(target.p, '$', target.n) != NULL;

        if (a == RELABEL_REPLACE &&
            (has_reference ? !is_name_template(target, o->scheme)
                           : !name_label_valid(target, o->scheme)))
                return refuse_target(o, e);
        if (literal && !name_label_valid(target, o->scheme))
                return refuse_target(o, e);
        if (literal && !view_is(o->replacement, "$1"))
                return err_set(
                    e, ERR_CONFIG, "'replacement' can not be set for %s action", action_names[a]);
        if (a == RELABEL_LABELMAP && !is_name_template(o->replacement, o->scheme))
                return err_set(e, ERR_CONFIG,
                    "\"%.*s\" is invalid 'replacement' for labelmap action", (int)o->replacement.n,
                    o->replacement.p);
        if (a == RELABEL_HASHMOD && !name_label_valid(target, o->scheme))
                return refuse_target(o, e);
        return 0;
}

static int
check_fields(const struct relabel_options *o, struct err *e)
{
        enum relabel_action a = o->action;
        bool changed =
            o->modulus != 0 || !view_is(o->separator, ";") || !view_is(o->replacement, "$1");

        if (is_equal_action(a) && (o->regex_written || changed))
                return err_set(e, ERR_CONFIG,
                    "%s action requires only 'source_labels' and `target_label`, and no other "
                    "fields",
                    action_names[a]);
        if ((a == RELABEL_LABELDROP || a == RELABEL_LABELKEEP) &&
            (changed || o->n_source_labels > 0 || o->target_label.n > 0))
                return err_set(e, ERR_CONFIG,
                    "%s action requires only 'regex', and no other fields", action_names[a]);
        return 0;
}

int
relabel_validate(const struct relabel_options *o, struct err *e)
{
        int rc = 0;

        if (o->action == RELABEL_HASHMOD && o->modulus == 0)
                return err_set(
                    e, ERR_CONFIG, "relabel configuration for hashmod requires non-zero modulus");
        rc = check_target_needed(o, e);
        if (rc == 0)
                rc = check_names(o, e);
        if (rc == 0)
                rc = check_fields(o, e);
        return rc;
}
