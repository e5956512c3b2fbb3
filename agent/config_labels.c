/*
 * Maps of labels: external_labels, with variables replaced, and the labels of target groups.
 */
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/yaml.h"

#include <stdlib.h>

enum { VALUE_MAX = 64 << 10, QUOTED_MAX = 1024 };

/* `"x" is not a valid label name` */
static void
refuse(struct config_reader *r, const struct yaml_node *at, const char *what)
{
        struct buf quoted = BUF_INIT(QUOTED_MAX);

        if (config_quote(&quoted, at->text, NULL) < 0)
                buf_reset(&quoted);
        config_fail(r, CONFIG_STAGE_VALUE, at, "%.*s is not a valid label %s", (int)quoted.len,
            quoted.ptr != NULL ? quoted.ptr : "", what);
        buf_release(&quoted);
}

static const char *
variable(const void *arg, struct view name)
{
        const struct config_reader *r = arg;
        char key[256];

        if (view_is(name, "TENANT"))
                return r->env->tenant;
        if (name.n >= sizeof(key))
                return NULL;
        memcpy(key, name.p, name.n);
        key[name.n] = '\0';
        return getenv(key); /* NOLINT(concurrency-mt-unsafe): the environment is never changed */
}

struct expanding {
        struct config_reader *r;
        const struct yaml_node *at;
};

static void
warn_unset(void *arg, struct view name)
{
        const struct expanding *x = arg;

        config_say(x->r, CONFIG_WARNING, x->at,
            "environment variable %.*s is not set or empty; it is replaced by nothing",
            (int)(name.n < 64 ? name.n : 64), name.p);
}

static struct view
expand(struct config_reader *r, const struct yaml_node *node)
{
        struct expanding at = {r, node};
        const struct config_expansion x = {variable, r, warn_unset, &at};
        struct buf out = BUF_INIT(VALUE_MAX);
        struct view value = VIEW_LIT("");

        if (config_expand(node->text, &x, &out, NULL) < 0)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "the value is longer than %d bytes with its variables replaced", VALUE_MAX);
        else
                value = (struct view){config_copy(r, buf_view(&out)), out.len};
        buf_release(&out);
        return value;
}

static int
compare_labels(const void *a, const void *b)
{
        return view_cmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

void
config_external_labels(struct config_reader *r, const struct yaml_node *map,
    enum name_scheme scheme, struct label **out, size_t *out_n)
{
        size_t written = map != NULL ? map->n_entries : 0;
        struct label *v = config_array(r, written, sizeof(*v));
        size_t n = 0;

        for (size_t i = 0; v != NULL && i < written; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (!name_label_valid(entry->key->text, scheme))
                        refuse(r, entry->key, "name");
                if (entry->value->kind != YAML_SCALAR || entry->repeated)
                        continue;
                if (!utf8_valid(entry->value->text)) {
                        refuse(r, entry->value, "value");
                        continue;
                }
                v[n].name = (struct view){config_copy(r, entry->key->text), entry->key->text.n};
                v[n].value = expand(r, entry->value);
                n += v[n].value.n > 0;
        }
        if (n > 0)
                qsort(v, n, sizeof(*v), compare_labels);
        *out = v;
        *out_n = n;
}

void
config_label_map(
    struct config_reader *r, const struct yaml_node *map, struct label **out, size_t *out_n)
{
        size_t written = map != NULL ? map->n_entries : 0;
        struct label *v = config_array(r, written, sizeof(*v));
        size_t n = 0;

        for (size_t i = 0; v != NULL && i < written; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (!name_label_valid(entry->key->text, NAME_UTF8))
                        refuse(r, entry->key, "name");
                if (entry->repeated || entry->value->kind == YAML_LIST ||
                    entry->value->kind == YAML_MAP)
                        continue;
                v[n].name = (struct view){config_copy(r, entry->key->text), entry->key->text.n};
                v[n].value = (struct view){VIEW_LIT("").p, 0};
                if (entry->value->kind == YAML_SCALAR)
                        v[n].value =
                            (struct view){config_copy(r, entry->value->text), entry->value->text.n};
                n++;
        }
        *out = v;
        *out_n = n;
}
