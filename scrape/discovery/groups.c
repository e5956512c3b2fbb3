#include "scrape/discovery/groups.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/yaml.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        GROUPS_MAX_BYTES = 64 << 20, /* of a file's groups in memory */
        /* bounds on a JSON text before it becomes a tree: lists and objects, and their items */
        JSON_MAX_NESTS = 3 * GROUPS_MAX_GROUPS + 1,
        JSON_MAX_COMMAS = 2 * GROUPS_MAX_TARGETS,
};

/* ---- one group, whatever the format ---- */

static int
nomem(const struct groups_input *in, struct err *e)
{
        return err_set(e, ERR_NOMEM, "out of memory for the target groups of \"%s\"", in->name);
}

/* Room for targets and labels; one label more than the file has, for the meta label. */
static int
begin_group(struct group_list *g, const struct groups_input *in, size_t targets, size_t labels,
    struct target_group **out, struct err *e)
{
        struct target_group *t = &g->v[g->n];

        *out = t;
        if (targets > GROUPS_MAX_TARGETS - g->n_targets)
                return err_set(
                    e, ERR_LIMIT, "\"%s\" has more than %d targets", in->name, GROUPS_MAX_TARGETS);
        if (labels > GROUPS_MAX_LABELS)
                return err_set(e, ERR_LIMIT, "\"%s\": a group has more than %d labels", in->name,
                    GROUPS_MAX_LABELS);
        *t = (struct target_group){0};
        t->targets = arena_alloc(&g->arena, (targets + 1) * sizeof(*t->targets));
        t->labels = arena_alloc(&g->arena, (labels + 1) * sizeof(*t->labels));
        if (t->targets == NULL || t->labels == NULL)
                return nomem(in, e);
        return 0;
}

static int
add_target(struct group_list *g, const struct groups_input *in, struct target_group *t,
    struct view v, struct err *e)
{
        if (memchr(v.p, '\0', v.n) != NULL)
                return err_set(e, ERR_PARSE, "\"%s\": a target contains a 0 byte", in->name);
        t->targets[t->n_targets] = arena_strndup(&g->arena, v.p, v.n);
        if (t->targets[t->n_targets] == NULL)
                return nomem(in, e);
        t->n_targets++;
        g->n_targets++;
        return 0;
}

static int
add_label(struct group_list *g, const struct groups_input *in, struct target_group *t,
    struct view name, struct view value, struct err *e)
{
        struct label *l = t->labels;

        if (!name_label_valid(name, NAME_UTF8))
                return err_set(e, ERR_PARSE, "\"%s\": \"%.*s\" is not a valid label name", in->name,
                    (int)name.n, name.p);
        if (view_eq(name, in->meta.name))
                return 0;
        /* what a merge key brought in gives way to what stands behind it */
        while (l < t->labels + t->n_labels && !view_eq(l->name, name))
                l++;
        l->name = arena_view(&g->arena, name);
        l->value = arena_view(&g->arena, value);
        if (l->name.p == NULL || l->value.p == NULL)
                return nomem(in, e);
        t->n_labels += l == t->labels + t->n_labels;
        return 0;
}

static int
end_group(
    struct group_list *g, const struct groups_input *in, struct target_group *t, struct err *e)
{
        struct label *l = &t->labels[t->n_labels];

        if (in->meta.name.n > 0) {
                l->name = arena_view(&g->arena, in->meta.name);
                l->value = arena_view(&g->arena, in->meta.value);
                if (l->name.p == NULL || l->value.p == NULL)
                        return nomem(in, e);
                t->n_labels++;
        }
        g->n++;
        return 0;
}

static int
begin_list(struct group_list *g, const struct groups_input *in, size_t n, struct err *e)
{
        if (n > GROUPS_MAX_GROUPS)
                return err_set(e, ERR_LIMIT, "\"%s\" has more than %d target groups", in->name,
                    GROUPS_MAX_GROUPS);
        g->v = arena_calloc(&g->arena, n + 1, sizeof(*g->v));
        return g->v != NULL ? 0 : nomem(in, e);
}

static int
unknown_key(const struct groups_input *in, struct view key, struct err *e)
{
        return err_set(e, ERR_PARSE,
            "\"%s\": unknown key \"%.*s\" in a target group (expected targets, labels)", in->name,
            (int)key.n, key.p);
}

static int
wrong_type(const struct groups_input *in, const char *what, const char *expected, struct err *e)
{
        return err_set(e, ERR_PARSE, "\"%s\": %s must be %s", in->name, what, expected);
}

/* ---- JSON ---- */

/*
 * A tree costs up to a hundred bytes for two bytes of text ("[]"), so the text is looked through
 * before it becomes one.
 */
static int
bound_json(const struct groups_input *in, struct err *e)
{
        size_t nests = 0;
        size_t commas = 0;
        bool quoted = false;

        for (size_t i = 0; i < in->text.n; i++) {
                char c = in->text.p[i];

                if (c == '"') {
                        quoted = !quoted;
                } else if (quoted && c == '\\') {
                        i++;
                } else if (!quoted) {
                        nests += c == '[' || c == '{';
                        commas += c == ',';
                }
        }
        if (nests > JSON_MAX_NESTS || commas > JSON_MAX_COMMAS)
                return err_set(e, ERR_LIMIT, "\"%s\" has more than %d groups or %d targets",
                    in->name, GROUPS_MAX_GROUPS, GROUPS_MAX_TARGETS);
        return 0;
}

static struct view
json_text(const json_t *s)
{
        return (struct view){json_string_value(s), json_string_length(s)};
}

static int
json_targets(struct group_list *g, const struct groups_input *in, struct target_group *t,
    const json_t *targets, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < json_array_size(targets) && rc == 0; i++) {
                const json_t *one = json_array_get(targets, i);

                if (!json_is_string(one))
                        return wrong_type(in, "a target", "a string", e);
                rc = add_target(g, in, t, json_text(one), e);
        }
        return rc;
}

static int
json_labels(struct group_list *g, const struct groups_input *in, struct target_group *t,
    json_t *labels, struct err *e)
{
        int rc = 0;

        for (void *it = json_object_iter(labels); it != NULL && rc == 0;
             it = json_object_iter_next(labels, it)) {
                const json_t *value = json_object_iter_value(it);

                if (!json_is_string(value))
                        return wrong_type(in, "a label's value", "a string", e);
                rc = add_label(g, in, t, view_of(json_object_iter_key(it)), json_text(value), e);
        }
        return rc;
}

/* Only the two keys, and their types. */
static int
json_check_group(
    const struct groups_input *in, json_t *group, json_t **targets, json_t **labels, struct err *e)
{
        if (json_is_null(group))
                return err_set(e, ERR_PARSE, "\"%s\": nil target group item found", in->name);
        if (!json_is_object(group))
                return wrong_type(in, "a target group", "an object", e);
        for (void *it = json_object_iter(group); it != NULL;
             it = json_object_iter_next(group, it)) {
                struct view key = view_of(json_object_iter_key(it));

                if (view_is(key, "targets")) {
                        *targets = json_object_iter_value(it);
                } else if (view_is(key, "labels")) {
                        *labels = json_object_iter_value(it);
                } else {
                        return unknown_key(in, key, e);
                }
        }
        if (*targets != NULL && !json_is_array(*targets) && !json_is_null(*targets))
                return wrong_type(in, "targets", "a list of strings", e);
        if (*labels != NULL && !json_is_object(*labels) && !json_is_null(*labels))
                return wrong_type(in, "labels", "an object of strings", e);
        return 0;
}

static int
json_group(struct group_list *g, const struct groups_input *in, json_t *group, struct err *e)
{
        json_t *targets = NULL;
        json_t *labels = NULL;
        struct target_group *t = NULL;
        int rc = json_check_group(in, group, &targets, &labels, e);

        /* the sizes of null and of nothing are 0 */
        if (rc == 0)
                rc = begin_group(g, in, json_array_size(targets), json_object_size(labels), &t, e);
        if (rc == 0)
                rc = json_targets(g, in, t, targets, e);
        if (rc == 0)
                rc = json_labels(g, in, t, labels, e);
        if (rc == 0)
                rc = end_group(g, in, t, e);
        return rc;
}

static int
parse_json(struct group_list *g, const struct groups_input *in, struct err *e)
{
        json_error_t why;
        json_t *root;
        int rc = bound_json(in, e);

        if (rc < 0)
                return rc;
        root = json_loadb(in->text.p, in->text.n, JSON_DECODE_ANY, &why);
        if (root == NULL)
                return err_set(e, ERR_PARSE, "\"%s\" is not JSON: line %d, column %d: %s", in->name,
                    why.line, why.column, why.text);
        if (!json_is_array(root) && !json_is_null(root)) {
                rc = wrong_type(in, "the file", "a list of target groups", e);
                goto out;
        }
        rc = begin_list(g, in, json_array_size(root), e);
        for (size_t i = 0; i < json_array_size(root) && rc == 0; i++)
                rc = json_group(g, in, json_array_get(root, i), e);
out:
        json_decref(root);
        return rc;
}

/* ---- YAML ---- */

static int
yaml_refuse(
    const struct groups_input *in, const struct yaml_node *at, const char *why, struct err *e)
{
        return err_set(
            e, ERR_PARSE, "\"%s\": line %u, column %u: %s", in->name, at->line, at->column, why);
}

/* Text of a scalar as it is written: yes and 017 are labels like any other; null is empty. */
static bool
yaml_text(const struct yaml_node *node, struct view *out)
{
        if (node->kind == YAML_NULL) {
                *out = (struct view){"", 0};
                return true;
        }
        *out = node->text;
        return node->kind == YAML_SCALAR;
}

static int
yaml_targets(struct group_list *g, const struct groups_input *in, struct target_group *t,
    const struct yaml_node *targets, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < targets->n_items && rc == 0; i++) {
                struct view text;

                if (!yaml_text(targets->items[i], &text))
                        return yaml_refuse(in, targets->items[i], "a target must be a string", e);
                rc = add_target(g, in, t, text, e);
        }
        return rc;
}

static int
yaml_labels(struct group_list *g, const struct groups_input *in, struct target_group *t,
    const struct yaml_node *labels, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < labels->n_entries && rc == 0; i++) {
                const struct yaml_entry *x = &labels->entries[i];
                struct view name;
                struct view value;

                if (x->duplicate)
                        return yaml_refuse(in, x->key, "the label is there twice", e);
                if (!yaml_text(x->key, &name))
                        return yaml_refuse(in, x->key, "a label's name must be a string", e);
                if (!yaml_text(x->value, &value))
                        return yaml_refuse(in, x->value, "a label's value must be a string", e);
                rc = add_label(g, in, t, name, value, e);
        }
        return rc;
}

static int
yaml_check_group(const struct groups_input *in, const struct yaml_node *group,
    const struct yaml_node **targets, const struct yaml_node **labels, struct err *e)
{
        if (group->kind == YAML_NULL)
                return yaml_refuse(in, group, "nil target group item found", e);
        if (group->kind != YAML_MAP)
                return yaml_refuse(in, group, "a target group must be a map", e);
        for (size_t i = 0; i < group->n_entries; i++) {
                const struct yaml_entry *x = &group->entries[i];

                if (x->duplicate)
                        return yaml_refuse(in, x->key, "the key is there twice", e);
                if (view_is(x->key->text, "targets")) {
                        *targets = x->value;
                } else if (view_is(x->key->text, "labels")) {
                        *labels = x->value;
                } else {
                        return unknown_key(in, x->key->text, e);
                }
        }
        if (*targets != NULL && (*targets)->kind != YAML_LIST && (*targets)->kind != YAML_NULL)
                return yaml_refuse(in, *targets, "targets must be a list of strings", e);
        if (*labels != NULL && (*labels)->kind != YAML_MAP && (*labels)->kind != YAML_NULL)
                return yaml_refuse(in, *labels, "labels must be a map of strings", e);
        return 0;
}

static int
yaml_group(struct group_list *g, const struct groups_input *in, const struct yaml_node *group,
    struct err *e)
{
        const struct yaml_node *targets = NULL;
        const struct yaml_node *labels = NULL;
        struct target_group *t = NULL;
        int rc = yaml_check_group(in, group, &targets, &labels, e);

        if (rc == 0)
                rc = begin_group(g, in, targets != NULL ? targets->n_items : 0,
                    labels != NULL ? labels->n_entries : 0, &t, e);
        if (rc == 0 && targets != NULL)
                rc = yaml_targets(g, in, t, targets, e);
        if (rc == 0 && labels != NULL)
                rc = yaml_labels(g, in, t, labels, e);
        if (rc == 0)
                rc = end_group(g, in, t, e);
        return rc;
}

static int
parse_yaml(struct group_list *g, const struct groups_input *in, struct err *e)
{
        struct yaml_tree tree = {0};
        const struct yaml_node *root;
        int rc = yaml_tree_parse(&tree, in->text, e);

        if (rc < 0) {
                (void)err_prefix(e, "\"%s\"", in->name);
                goto out;
        }
        root = tree.root;
        rc = begin_list(g, in, root != NULL ? root->n_items : 0, e);
        if (rc == 0 && root != NULL && root->kind != YAML_LIST && root->kind != YAML_NULL)
                rc = yaml_refuse(in, root, "the file must be a list of target groups", e);
        for (size_t i = 0; root != NULL && i < root->n_items && rc == 0; i++)
                rc = yaml_group(g, in, root->items[i], e);
out:
        yaml_tree_release(&tree);
        return rc;
}

/* ---- both ---- */

int
groups_parse(const struct groups_input *in, struct group_list **out, struct err *e)
{
        struct group_list *g;
        int rc;

        if (in->text.n > GROUPS_MAX_TEXT)
                return err_set(
                    e, ERR_LIMIT, "\"%s\" is larger than %d bytes", in->name, GROUPS_MAX_TEXT);
        g = calloc(1, sizeof(*g));
        if (g == NULL)
                return nomem(in, e);
        g->arena = (struct arena)ARENA_INIT(GROUPS_MAX_BYTES);
        rc = in->format == GROUPS_JSON ? parse_json(g, in, e) : parse_yaml(g, in, e);
        memory_account(MEMORY_TARGETS, (int64_t)g->arena.used);
        if (rc < 0) {
                groups_free(g);
                return rc;
        }
        *out = g;
        return 0;
}

void
groups_free(struct group_list *g)
{
        if (g == NULL)
                return;
        memory_account(MEMORY_TARGETS, -(int64_t)g->arena.used);
        arena_release(&g->arena);
        free(g);
}
