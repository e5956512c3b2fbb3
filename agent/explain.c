#include "agent/explain.h"

#include "agent/config_values.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/relabel.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { SETS_MAX_BYTES = 16 << 20 };

/* One rule after the other. */
struct walk {
        struct arena arena;
        struct labels set;
        bool kept;
};

static int
begin(struct walk *w, const struct label *v, size_t n, struct err *e)
{
        int rc = 0;

        w->arena = (struct arena)ARENA_INIT(SETS_MAX_BYTES);
        w->kept = true;
        labels_init(&w->set, &w->arena);
        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = labels_add(&w->set, v[i].name, v[i].value, e);
        target_order_labels(&w->set);
        return rc;
}

/* The rule alone, by a copy of it; *rule is what it says. */
static int
step(struct walk *w, const struct relabel_rule *r, struct relabel_options *rule, struct err *e)
{
        enum relabel_verdict verdict = RELABEL_KEPT;
        struct relabel_rule *copy = NULL;
        struct relabel_rules one = {&copy, 1};
        int dropped_by = -1;
        int rc;

        relabel_rule_describe(r, rule);
        if (!w->kept)
                return 0;
        rc = relabel_compile(rule, &copy, e);
        if (rc == 0)
                rc = relabel_apply(&one, &w->set, &verdict, &dropped_by, e);
        relabel_rule_free(copy);
        w->kept = dropped_by < 0; /* no labels: not dropped by that */
        if (!w->kept)
                w->set.n = 0;
        return rc;
}

/* ---- JSON ---- */

static int
put_json(struct buf *out, const char *before, struct view v, struct err *e)
{
        int rc = buf_puts(out, before, e);

        return rc == 0 ? json_put_string(out, v, e) : rc;
}

static int
json_rule(struct buf *out, const struct relabel_options *o, struct err *e)
{
        int rc = buf_puts(out, "{", e);

        for (size_t i = 0; rc == 0 && i < o->n_source_labels; i++)
                rc = put_json(out, i == 0 ? "\"source_labels\":[" : ",", o->source_labels[i], e);
        if (rc == 0 && o->n_source_labels > 0)
                rc = buf_puts(out, "],", e);
        if (rc == 0)
                rc = put_json(out, "\"separator\":", o->separator, e);
        if (rc == 0)
                rc = put_json(out, ",\"regex\":", o->regex, e);
        if (rc == 0)
                rc = buf_printf(out, e, ",\"modulus\":%" PRIu64, o->modulus);
        if (rc == 0)
                rc = put_json(out, ",\"target_label\":", o->target_label, e);
        if (rc == 0)
                rc = put_json(out, ",\"replacement\":", o->replacement, e);
        if (rc == 0)
                rc = put_json(out, ",\"action\":", view_of(relabel_action_name(o->action)), e);
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

static int
json_set(struct buf *out, const struct walk *w, struct err *e)
{
        int rc = buf_putc(out, '{', e);

        for (size_t i = 0; rc == 0 && i < w->set.n; i++) {
                rc = put_json(out, i > 0 ? "," : "", w->set.v[i].name, e);
                if (rc == 0)
                        rc = put_json(out, ":", w->set.v[i].value, e);
        }
        if (rc == 0)
                rc = buf_printf(out, e, "},\"keep\":%s}", w->kept ? "true" : "false");
        return rc;
}

static int
json_steps(struct walk *w, const struct relabel_rules *rules, struct buf *out, struct err *e)
{
        int rc = buf_puts(out, "{\"steps\":[", e);

        for (size_t i = 0; rc == 0 && i < rules->n; i++) {
                struct relabel_options rule;

                rc = step(w, rules->v[i], &rule, e);
                if (rc == 0)
                        rc = buf_puts(out, i > 0 ? ",{\"rule\":" : "{\"rule\":", e);
                if (rc == 0)
                        rc = json_rule(out, &rule, e);
                if (rc == 0)
                        rc = buf_puts(out, ",\"output\":", e);
                if (rc == 0)
                        rc = json_set(out, w, e);
        }
        return rc == 0 ? buf_puts(out, "]}", e) : rc;
}

static int
add_member(struct labels *l, const char *name, const json_t *value, struct err *e)
{
        struct view text;

        if (!json_is_string(value))
                return err_set(
                    e, ERR_CONFIG, "the value of label \"%.200s\" is not a string", name);
        text = (struct view){json_string_value(value), json_string_length(value)};
        return labels_add(l, view_of(name), text, e);
}

int
explain_json(const struct relabel_rules *rules, const char *labels, struct buf *out, struct err *e)
{
        json_error_t why;
        json_t *object = json_loads(labels, JSON_REJECT_DUPLICATES, &why);
        struct walk w = {.kept = true};
        const char *name;
        json_t *value;
        int rc = 0;

        if (!json_is_object(object)) {
                json_decref(object);
                return err_set(e, ERR_CONFIG, "the labels are not a JSON object: %s",
                    object == NULL ? why.text : "another value");
        }
        (void)begin(&w, NULL, 0, NULL);
        json_object_foreach(object, name, value)
        {
                if (rc == 0)
                        rc = add_member(&w.set, name, value, e);
        }
        target_order_labels(&w.set);
        if (rc == 0)
                rc = json_steps(&w, rules, out, e);
        arena_release(&w.arena);
        json_decref(object);
        return rc;
}

/* ---- text ---- */

static int
text_label(struct buf *out, const char *before, const struct label *l, struct err *e)
{
        int rc = buf_puts(out, before, e);

        if (rc == 0)
                rc = escape_put(out, l->name, e);
        if (rc == 0)
                rc = buf_putc(out, '=', e);
        return rc == 0 ? config_quote(out, l->value, e) : rc;
}

static int
text_rule(struct buf *out, size_t number, const struct relabel_options *o, struct err *e)
{
        int rc = buf_printf(out, e, "  %zu. %s", number, relabel_action_name(o->action));

        for (size_t i = 0; rc == 0 && i < o->n_source_labels; i++) {
                rc = buf_puts(out, i == 0 ? " source_labels=[" : ", ", e);
                if (rc == 0)
                        rc = escape_put(out, o->source_labels[i], e);
        }
        if (rc == 0 && o->n_source_labels > 0)
                rc = buf_putc(out, ']', e);
        if (rc == 0)
                rc = text_label(out, " ", &(struct label){VIEW_LIT("regex"), o->regex}, e);
        if (rc == 0 && o->modulus > 0)
                rc = buf_printf(out, e, " modulus=%" PRIu64, o->modulus);
        if (rc == 0 && o->target_label.n > 0)
                rc = text_label(
                    out, " ", &(struct label){VIEW_LIT("target_label"), o->target_label}, e);
        if (rc == 0 && (o->action == RELABEL_REPLACE || o->action == RELABEL_LABELMAP))
                rc = text_label(
                    out, " ", &(struct label){VIEW_LIT("replacement"), o->replacement}, e);
        return rc == 0 ? buf_putc(out, '\n', e) : rc;
}

static const struct label *
find(const struct label *v, size_t n, struct view name)
{
        for (size_t i = 0; i < n; i++) {
                if (view_eq(v[i].name, name))
                        return &v[i];
        }
        return NULL;
}

/* What is there now and was not so before; removed: the other way round. */
static int
text_changes(
    struct buf *out, const struct labels *before, const struct labels *after, struct err *e)
{
        size_t told = 0;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < after->n; i++) {
                const struct label *was = find(before->v, before->n, after->v[i].name);

                if (was != NULL && view_eq(was->value, after->v[i].value))
                        continue;
                rc =
                    text_label(out, was == NULL ? "       adds " : "       sets ", &after->v[i], e);
                if (rc == 0 && was != NULL)
                        rc = buf_puts(out, ", it was ", e);
                if (rc == 0 && was != NULL)
                        rc = config_quote(out, was->value, e);
                if (rc == 0)
                        rc = buf_putc(out, '\n', e);
                told++;
        }
        for (size_t i = 0; rc == 0 && i < before->n; i++) {
                if (find(after->v, after->n, before->v[i].name) != NULL)
                        continue;
                rc = text_label(out, "       removes ", &before->v[i], e);
                if (rc == 0)
                        rc = buf_putc(out, '\n', e);
                told++;
        }
        return rc == 0 && told == 0 ? buf_puts(out, "       changes nothing\n", e) : rc;
}

static int
text_set(struct buf *out, const char *before, const struct label *v, size_t n, struct err *e)
{
        int rc = buf_puts(out, before, e);

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = text_label(out, i > 0 ? ", " : "", &v[i], e);
        return rc == 0 ? buf_puts(out, "}\n", e) : rc;
}

static int
text_step(
    struct walk *w, const struct relabel_rule *r, size_t number, struct buf *out, struct err *e)
{
        struct relabel_options rule;
        struct labels before = w->set;
        int rc;

        before.v = arena_alloc(&w->arena, (w->set.n + 1) * sizeof(*before.v));
        if (before.v == NULL)
                return err_nomem(e, "an explanation");
        if (w->set.n > 0)
                memcpy(before.v, w->set.v, w->set.n * sizeof(*before.v));
        rc = step(w, r, &rule, e);
        if (rc == 0)
                rc = text_rule(out, number, &rule, e);
        if (rc == 0 && !w->kept)
                return buf_puts(out, "       drops the target\n", e);
        return rc == 0 ? text_changes(out, &before, &w->set, e) : rc;
}

int
explain_text(const struct target *t, bool dropped, struct buf *out, struct err *e)
{
        const struct relabel_rules *rules = &t->job->relabel;
        struct arena arena = ARENA_INIT(SETS_MAX_BYTES);
        struct labels discovered;
        struct walk w;
        int rc;

        labels_init(&discovered, &arena);
        rc = target_discovered(t, &discovered, e);
        if (rc < 0) {
                arena_release(&arena);
                return rc;
        }
        rc = begin(&w, discovered.v, discovered.n, e);
        if (rc == 0)
                rc = text_set(out, "  discovered {", discovered.v, discovered.n, e);
        for (size_t i = 0; rc == 0 && w.kept && i < rules->n; i++)
                rc = text_step(&w, rules->v[i], i + 1, out, e);
        if (rc == 0 && rules->n == 0)
                rc = buf_puts(out, "  there are no relabel_configs\n", e);
        if (rc == 0 && dropped)
                rc = buf_puts(out, "  dropped: it is not scraped\n", e);
        else if (rc == 0)
                rc = text_set(out, "  scraped with {", t->labels, t->n_labels, e);
        arena_release(&arena);
        arena_release(&w.arena);
        return rc;
}
