/*
 * Lists of relabeling rules: the keys here, the rules' own checks in base/relabel.c.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/relabel.h"
#include "base/yaml.h"

enum { QUOTED_MAX = 1024 };

static void
fold(uint64_t *hash, struct view v)
{
        *hash = hash_stable(v.p != NULL ? v.p : "", v.n, *hash + 1);
}

static void
fold_options(uint64_t *hash, const struct relabel_options *o)
{
        uint64_t numbers[] = {(uint64_t)o->action, (uint64_t)o->scheme, o->modulus,
            (uint64_t)o->regex_written, o->n_source_labels};

        *hash = hash_stable(numbers, sizeof(numbers), *hash + 1);
        for (size_t i = 0; i < o->n_source_labels; i++)
                fold(hash, o->source_labels[i]);
        fold(hash, o->separator);
        fold(hash, o->regex);
        fold(hash, o->target_label);
        fold(hash, o->replacement);
}

/* The tree outlives the compiling, so its views are enough. */
static const struct view *
source_labels(struct config_reader *r, const struct yaml_node *list, size_t *out_n)
{
        size_t n = list != NULL ? list->n_items : 0;
        struct view *v = config_array(r, n, sizeof(*v));
        struct buf quoted = BUF_INIT(QUOTED_MAX);

        *out_n = v != NULL ? n : 0;
        for (size_t i = 0; i < *out_n; i++) {
                const struct yaml_node *item = list->items[i];

                v[i] = item->kind == YAML_SCALAR ? item->text : VIEW_LIT("");
                if (item->kind == YAML_LIST || item->kind == YAML_MAP || item->kind == YAML_NULL)
                        continue;
                if (name_label_valid(v[i], NAME_UTF8))
                        continue;
                buf_reset(&quoted);
                (void)config_quote(&quoted, v[i], NULL);
                config_fail(r, CONFIG_STAGE_VALUE, item, "%.*s is not a valid label name",
                    (int)quoted.len, quoted.ptr);
        }
        buf_release(&quoted);
        return v;
}

static bool
read_action(struct config_reader *r, const struct config_relabel *in, enum relabel_action *out)
{
        const struct yaml_node *at = yaml_node_get(in->node, "action");
        int action = relabel_action_of(view_of(in->action));

        if (action >= 0) {
                *out = (enum relabel_action)action;
                return true;
        }
        if (at != NULL && at->kind == YAML_NULL)
                config_fail(r, CONFIG_STAGE_VALUE, at, "relabel action cannot be empty");
        else
                config_fail(r, CONFIG_STAGE_VALUE, at, "unknown relabel action \"%s\"", in->action);
        return false;
}

/* An empty list of source labels is as good as none, but for the actions that may have none. */
static bool
has_odd_list(const struct config_relabel *in, enum relabel_action action)
{
        return (action == RELABEL_LABELDROP || action == RELABEL_LABELKEEP) &&
            in->source_labels != NULL && in->source_labels->n_items == 0;
}

static void
read_rule(struct config_reader *r, const struct yaml_node *node, enum name_scheme scheme,
    struct relabel_rules *out, uint64_t *hash)
{
        struct config_relabel in = {0};
        struct relabel_options options;
        struct relabel_rule *rule = NULL;
        struct err e = ERR_INIT;
        size_t errors = r->report->errors;
        int rc;

        relabel_options_init(&options);
        config_read_section(r, &config_relabel_section, node, &in);
        options.source_labels = source_labels(r, in.source_labels, &options.n_source_labels);
        if (!read_action(r, &in, &options.action) || r->report->errors > errors || r->rc != 0)
                return;
        options.separator = view_of(in.separator);
        options.regex = view_of(in.regex);
        options.regex_written = yaml_node_get(node, "regex") != NULL;
        options.modulus = in.modulus;
        options.target_label = view_of(in.target_label);
        options.replacement = view_of(in.replacement);
        options.scheme = scheme;
        if (has_odd_list(&in, options.action))
                rc = err_set(&e, ERR_CONFIG, "%s action requires only 'regex', and no other fields",
                    in.action);
        else
                rc = relabel_compile(&options, &rule, &e);
        if (rc == 0)
                rc = relabel_rules_take(out, &rule, &e);
        if (rc == ERR_NOMEM)
                r->rc = rc;
        else if (rc < 0)
                config_fail(r, CONFIG_STAGE_VALUE, node, "%s", e.msg);
        fold_options(hash, &options);
}

void
config_relabel(struct config_reader *r, const struct config_rules *in, struct relabel_rules *out,
    uint64_t *hash)
{
        for (size_t i = 0; in->list != NULL && i < in->list->n_items; i++) {
                const struct yaml_node *item = in->list->items[i];

                if (item->kind == YAML_NULL)
                        config_fail(r, CONFIG_STAGE_VALUE, item, "%s", in->null_text);
                else
                        read_rule(r, item, in->scheme, out, hash);
        }
}
