#include "base/relabel.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/regex.h"
#include "base/relabel_template.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wctype.h>

enum { RELABEL_MAX_RULES = 10000 };

struct relabel_rule {
        enum relabel_action action;
        enum name_scheme scheme;
        uint64_t modulus;
        struct view *sources; /* owned; the text of this and what follows in `bytes` */
        size_t n_sources;
        struct view separator;
        struct view target;
        struct view pattern; /* as written: to be shown */
        struct view replacement;
        bool pattern_written;
        char *bytes; /* owned */
        struct regex *regex; /* owned */
        struct template target_template;
        struct template replacement_template;
        bool wants_groups;
        locale_t locale; /* owned; for lowercase and uppercase */
};

/* ---- making rules ---- */

int
relabel_regex_check(struct view pattern, struct err *e)
{
        struct regex *r = NULL;
        int rc = regex_new_anchored(pattern, &r, e);

        regex_free(r);
        return rc;
}

/* Copies v to *at and moves that on. */
static struct view
copy_to(char **at, struct view v)
{
        struct view copy = {*at, v.n};

        if (v.n > 0)
                memcpy(*at, v.p, v.n);
        *at += v.n;
        return copy;
}

/* The options' strings, owned. */
static int
copy_texts(struct relabel_rule *r, const struct relabel_options *o, struct err *e)
{
        size_t n = 1 + o->separator.n + o->target_label.n + o->replacement.n + o->regex.n;
        char *at;

        for (size_t i = 0; i < o->n_source_labels; i++)
                n += o->source_labels[i].n;
        r->bytes = malloc(n);
        r->sources = calloc(o->n_source_labels + 1, sizeof(*r->sources));
        if (r->bytes == NULL || r->sources == NULL)
                return err_nomem(e, "a relabel rule");
        at = r->bytes;
        for (size_t i = 0; i < o->n_source_labels; i++)
                r->sources[i] = copy_to(&at, o->source_labels[i]);
        r->n_sources = o->n_source_labels;
        r->separator = copy_to(&at, o->separator);
        r->target = copy_to(&at, o->target_label);
        r->replacement = copy_to(&at, o->replacement);
        r->pattern = copy_to(&at, o->regex);
        r->pattern_written = o->regex_written;
        return 0;
}

static int
prepare_templates(struct relabel_rule *r, struct err *e)
{
        int rc = 0;

        if (r->action == RELABEL_REPLACE)
                rc = template_new(r->target, r->regex, &r->target_template, e);
        if (rc == 0 && (r->action == RELABEL_REPLACE || r->action == RELABEL_LABELMAP))
                rc = template_new(r->replacement, r->regex, &r->replacement_template, e);
        r->wants_groups = r->target_template.uses_groups || r->replacement_template.uses_groups;
        return rc;
}

static int
prepare_locale(struct relabel_rule *r, struct err *e)
{
        if (r->action != RELABEL_LOWERCASE && r->action != RELABEL_UPPERCASE)
                return 0;
        /* Its mappings are Unicode's simple ones, one code point to one, no language's rules. */
        r->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        if (r->locale == (locale_t)0)
                return err_sys(
                    e, errno, "cannot load the locale C.UTF-8, which lowercase and uppercase need");
        return 0;
}

int
relabel_compile(const struct relabel_options *o, struct relabel_rule **out, struct err *e)
{
        struct relabel_rule *r = calloc(1, sizeof(*r));
        int rc;

        if (r == NULL)
                return err_nomem(e, "a relabel rule");
        r->action = o->action;
        r->scheme = o->scheme;
        r->modulus = o->modulus;
        rc = regex_new_anchored(o->regex, &r->regex, e);
        if (rc == 0)
                rc = relabel_validate(o, e);
        if (rc == 0)
                rc = copy_texts(r, o, e);
        if (rc == 0)
                rc = prepare_templates(r, e);
        if (rc == 0)
                rc = prepare_locale(r, e);
        if (rc < 0) {
                relabel_rule_free(r);
                return rc;
        }
        *out = r;
        return 0;
}

void
relabel_rule_free(struct relabel_rule *r)
{
        if (r == NULL)
                return;
        if (r->locale != (locale_t)0)
                freelocale(r->locale);
        template_release(&r->target_template);
        template_release(&r->replacement_template);
        regex_free(r->regex);
        free(r->sources);
        free(r->bytes);
        free(r);
}

void
relabel_rule_describe(const struct relabel_rule *r, struct relabel_options *out)
{
        *out = (struct relabel_options){.action = r->action,
            .source_labels = r->sources,
            .n_source_labels = r->n_sources,
            .separator = r->separator,
            .regex = r->pattern,
            .regex_written = r->pattern_written,
            .modulus = r->modulus,
            .target_label = r->target,
            .replacement = r->replacement,
            .scheme = r->scheme};
}

int
relabel_rules_take(struct relabel_rules *rules, struct relabel_rule **r, struct err *e)
{
        struct relabel_rule **v;

        if (rules->n == RELABEL_MAX_RULES)
                return err_set(
                    e, ERR_LIMIT, "more than %d relabel rules in one list", RELABEL_MAX_RULES);
        v = realloc(rules->v, (rules->n + 1) * sizeof(struct relabel_rule *));
        if (v == NULL)
                return err_nomem(e, "a relabel rule");
        v[rules->n++] = *r;
        rules->v = v;
        *r = NULL;
        return 0;
}

void
relabel_rules_release(struct relabel_rules *rules)
{
        for (size_t i = 0; i < rules->n; i++)
                relabel_rule_free(rules->v[i]);
        free(rules->v);
        *rules = (struct relabel_rules){0};
}

/* ---- running them ---- */

/* The source values, joined; a single one is not copied. */
static int
join_sources(const struct relabel_rule *r, const struct labels *l, struct view *out, struct err *e)
{
        size_t n = 0;
        char *p;

        if (r->n_sources <= 1) {
                *out = r->n_sources == 1 ? labels_get(l, r->sources[0]) : (struct view){"", 0};
                return 0;
        }
        for (size_t i = 0; i < r->n_sources; i++)
                n += labels_get(l, r->sources[i]).n + r->separator.n;
        p = arena_alloc(l->arena, n);
        if (p == NULL)
                return err_nomem(e, "a relabeled value");
        out->p = p;
        for (size_t i = 0; i < r->n_sources; i++) {
                if (i > 0)
                        (void)copy_to(&p, r->separator);
                (void)copy_to(&p, labels_get(l, r->sources[i]));
        }
        out->n = (size_t)(p - out->p);
        return 0;
}

static int
replace(const struct relabel_rule *r, struct labels *l, struct view value, struct err *e)
{
        struct view target = {"", 0};
        struct view result = {"", 0};
        bool matched = false;
        int rc = regex_match(r->regex, value, r->wants_groups, &matched, e);

        if (rc < 0 || !matched)
                return rc;
        rc = template_expand(&r->target_template, r->regex, l->arena, &target, e);
        if (rc < 0 || !name_label_valid(target, r->scheme))
                return rc;
        rc = template_expand(&r->replacement_template, r->regex, l->arena, &result, e);
        return rc < 0 ? rc : labels_set(l, target, result, e);
}

static int
set_target(const struct relabel_rule *r, struct labels *l, struct view value, struct err *e)
{
        struct view target = arena_view(l->arena, r->target);

        if (target.p == NULL)
                return err_nomem(e, "a relabeled value");
        return labels_set(l, target, value, e);
}

static int
hashmod(const struct relabel_rule *r, struct labels *l, struct view value, struct err *e)
{
        uint64_t n = 0;
        char digits[24];
        struct view v = {digits, 0};
        int rc = hash_md5_mod_source(value, &n, e);

        if (rc < 0)
                return rc;
        v.n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n % r->modulus);
        v = arena_view(l->arena, v);
        return v.p != NULL ? set_target(r, l, v, e) : err_nomem(e, "a relabeled value");
}

static int
change_case(const struct relabel_rule *r, struct labels *l, struct view value, struct err *e)
{
        /* Two bytes may become three; nothing more than doubles. */
        char *p = arena_alloc(l->arena, 2 * value.n + UTF8_MAX);
        size_t len = 0;

        if (p == NULL)
                return err_nomem(e, "a relabeled value");
        for (size_t i = 0; i < value.n;) {
                uint32_t c = 0;
                size_t n = utf8_decode(value.p + i, value.n - i, &c);

                if (n == 0)
                        return err_set(e, ERR_REFUSED, "text for %s is not UTF-8",
                            relabel_action_name(r->action));
                c = r->action == RELABEL_LOWERCASE ? (uint32_t)towlower_l((wint_t)c, r->locale)
                                                   : (uint32_t)towupper_l((wint_t)c, r->locale);
                len += utf8_encode(c, p + len);
                i += n;
        }
        return set_target(r, l, (struct view){p, len}, e);
}

/* On a snapshot: what it sets is not mapped again. */
static int
labelmap(const struct relabel_rule *r, struct labels *l, struct err *e)
{
        size_t n = l->n;
        struct label *snapshot = arena_alloc(l->arena, (n + 1) * sizeof(*snapshot));
        int rc = 0;

        if (snapshot == NULL)
                return err_nomem(e, "a relabeled label set");
        if (n > 0)
                memcpy(snapshot, l->v, n * sizeof(*snapshot));
        for (size_t i = 0; i < n && rc == 0; i++) {
                struct view name = {"", 0};
                bool matched = false;

                rc = regex_match(r->regex, snapshot[i].name, r->wants_groups, &matched, e);
                if (rc < 0 || !matched)
                        continue;
                rc = template_expand(&r->replacement_template, r->regex, l->arena, &name, e);
                if (rc == 0)
                        rc = labels_set(l, name, snapshot[i].value, e);
        }
        return rc;
}

/* Takes away the labels whose name matches, or those whose name does not. */
static int
filter_names(const struct relabel_rule *r, struct labels *l, struct err *e)
{
        bool unwanted = r->action == RELABEL_LABELDROP;

        for (size_t i = 0; i < l->n;) {
                bool matched = false;
                int rc = regex_match(r->regex, l->v[i].name, false, &matched, e);

                if (rc < 0)
                        return rc;
                if (matched == unwanted) {
                        labels_del_at(l, i);
                } else {
                        i++;
                }
        }
        return 0;
}

/* Keep, drop, keepequal, dropequal: is the set dropped? */
static int
judge(const struct relabel_rule *r, const struct labels *l, struct view value, bool *dropped,
    struct err *e)
{
        bool yes = false;
        int rc = 0;

        if (r->action == RELABEL_KEEP || r->action == RELABEL_DROP) {
                rc = regex_match(r->regex, value, false, &yes, e);
        } else {
                yes = view_eq(labels_get(l, r->target), value);
        }
        *dropped = yes == (r->action == RELABEL_DROP || r->action == RELABEL_DROPEQUAL);
        return rc;
}

static int
apply_rule(const struct relabel_rule *r, struct labels *l, bool *dropped, struct err *e)
{
        struct view value = {"", 0};
        int rc = join_sources(r, l, &value, e);

        if (rc < 0)
                return rc;
        switch (r->action) {
        case RELABEL_REPLACE:
                return replace(r, l, value, e);
        case RELABEL_KEEP:
        case RELABEL_DROP:
        case RELABEL_KEEPEQUAL:
        case RELABEL_DROPEQUAL:
                return judge(r, l, value, dropped, e);
        case RELABEL_HASHMOD:
                return hashmod(r, l, value, e);
        case RELABEL_LABELMAP:
                return labelmap(r, l, e);
        case RELABEL_LABELDROP:
        case RELABEL_LABELKEEP:
                return filter_names(r, l, e);
        case RELABEL_LOWERCASE:
        case RELABEL_UPPERCASE:
                return change_case(r, l, value, e);
        }
        return 0;
}

int
relabel_apply(const struct relabel_rules *rules, struct labels *l, enum relabel_verdict *out,
    int *out_rule, struct err *e)
{
        bool dropped = false;
        size_t i = 0;

        while (i < rules->n && !dropped) {
                int rc = apply_rule(rules->v[i], l, &dropped, e);

                if (rc < 0)
                        return rc;
                i++;
        }
        *out = dropped || l->n == 0 ? RELABEL_DROPPED : RELABEL_KEPT;
        if (out_rule != NULL)
                *out_rule = dropped ? (int)i - 1 : -1;
        return 0;
}
