/*
 * Tree → PCRE2. Nothing is left to PCRE2's defaults: flags are in the nodes, characters that are
 * not plain letters or digits are written by number.
 */
#include "base/re2.h"

#include "base/buf.h"

#include <ctype.h>

/* The first failure stays; what is written after it is nothing. */
struct writer {
        struct buf *out;
        uint32_t *groups; /* PCRE2's number of each of our groups */
        uint32_t n_groups; /* PCRE2's so far */
        unsigned loops; /* repetitions around the current node */
        int rc;
        struct err *e;
};

static void put_node(struct writer *w, const struct re2_node *node);

static void
put(struct writer *w, const char *s)
{
        if (w->rc == 0)
                w->rc = buf_puts(w->out, s, w->e);
}

static void
put_literal(struct writer *w, const struct re2_node *node)
{
        if (w->rc < 0)
                return;
        if (node->c < 0x80 && isalnum((int)node->c)) {
                w->rc = buf_putc(w->out, (char)node->c, w->e);
        } else {
                w->rc = buf_printf(w->out, w->e, "\\x{%x}", node->c);
        }
}

static void
put_class(struct writer *w, const struct re2_node *node)
{
        /* An empty class matches nothing; PCRE2 has no shorter way to write that. */
        if (node->items.n == 0) {
                put(w, node->negated ? "." : "[^\\x{0}-\\x{10ffff}]");
                return;
        }
        put(w, node->fold ? "(?i:[" : "[");
        put(w, node->negated ? "^" : "");
        if (w->rc == 0)
                w->rc = buf_append(w->out, node->items.p, node->items.n, w->e);
        put(w, node->fold ? "])" : "]");
}

/* Literals in a row that fold share one group. */
static void
put_sequence(struct writer *w, const struct re2_node *first)
{
        bool folding = false;

        for (const struct re2_node *x = first; x != NULL; x = x->next) {
                bool fold = x->op == RE2_LITERAL && x->fold;

                if (fold != folding)
                        put(w, fold ? "(?i:" : ")");
                folding = fold;
                if (fold) {
                        put_literal(w, x);
                } else {
                        put_node(w, x);
                }
        }
        put(w, folding ? ")" : "");
}

static void
put_alternatives(struct writer *w, const struct re2_node *node)
{
        put(w, "(?:");
        for (const struct re2_node *x = node->sub; x != NULL; x = x->next) {
                put(w, x != node->sub ? "|" : "");
                put_node(w, x);
        }
        put(w, ")");
}

static void
put_counts(struct writer *w, const struct re2_node *node)
{
        if (node->max < 0 && node->min < 2) {
                put(w, node->min == 0 ? "*" : "+");
        } else if (node->min == 0 && node->max == 1) {
                put(w, "?");
        } else if (w->rc == 0 && node->max < 0) {
                w->rc = buf_printf(w->out, w->e, "{%d,}", node->min);
        } else if (w->rc == 0) {
                w->rc = buf_printf(w->out, w->e, "{%d,%d}", node->min, node->max);
        }
        put(w, node->greedy ? "" : "?");
}

static bool
is_character(const struct re2_node *node)
{
        return node->op == RE2_ANY || node->op == RE2_ANY_NOT_NL || node->op == RE2_CLASS ||
            node->op == RE2_LITERAL;
}

/* What PCRE2 takes as one thing before a repetition. */
static bool
is_single(const struct re2_node *node)
{
        return is_character(node) || node->op == RE2_CAPTURE || node->op == RE2_ALTERNATE;
}

/* Can it match the empty text? Where that hangs on an assertion, `perhaps` is the answer. */
static bool
is_nullable(const struct re2_node *node, bool perhaps)
{
        bool all = true;
        bool any = false;

        switch (node->op) {
        case RE2_LITERAL:
        case RE2_CLASS:
        case RE2_ANY:
        case RE2_ANY_NOT_NL:
                return false;
        case RE2_REPEAT:
                return node->min == 0 || is_nullable(node->sub, perhaps);
        case RE2_EMPTY:
                return true;
        case RE2_CAPTURE:
        case RE2_CONCAT:
        case RE2_ALTERNATE:
                break;
        default:
                return perhaps;
        }
        for (const struct re2_node *x = node->sub; x != NULL; x = x->next) {
                bool nullable = is_nullable(x, perhaps);

                all = all && nullable;
                any = any || nullable;
        }
        return node->op == RE2_ALTERNATE ? any : all;
}

static bool
has_group(const struct re2_node *node)
{
        bool found = node->op == RE2_CAPTURE;

        for (const struct re2_node *x = node->sub; x != NULL && !found; x = x->next)
                found = has_group(x);
        return found;
}

/*
 * RE2 makes no empty round in a loop but the first; PCRE2 makes one at the end, and its groups are
 * then empty: `(.*)+` would report nothing. So what is left of the text before a round must not be
 * what is left behind it. (In a loop within a loop that would bring old groups back: left alone.)
 */
static void
put_loop_without_empty_rounds(struct writer *w, const struct re2_node *node)
{
        uint32_t rest = ++w->n_groups;

        put(w, "(?:(?=(.*))");
        put_node(w, node->sub);
        if (w->rc == 0)
                w->rc =
                    buf_printf(w->out, w->e, "(?!\\g{%u}\\z))*%s", rest, node->greedy ? "" : "?");
}

static void
put_loop(struct writer *w, const struct re2_node *node)
{
        bool single = is_single(node->sub);

        put(w, single ? "" : "(?:");
        put_node(w, node->sub);
        put(w, single ? "" : ")");
        put_counts(w, node);
}

static void
put_repeat(struct writer *w, const struct re2_node *node)
{
        bool endless = node->max < 0 && node->min < 2;

        /* PCRE2's matcher without backtracking counts the rounds of x+ and so has ever more states;
         * those of xx* stay few. */
        if (endless && node->min == 1 && is_character(node->sub)) {
                put_node(w, node->sub);
                put_node(w, node->sub);
                put(w, node->greedy ? "*" : "*?");
                return;
        }
        w->loops++;
        if (endless && w->loops == 1 && has_group(node->sub) &&
            is_nullable(node->sub, node->min == 0)) {
                put_loop_without_empty_rounds(w, node);
        } else {
                put_loop(w, node);
        }
        w->loops--;
}

static void
put_node(struct writer *w, const struct re2_node *node)
{
        static const char *const fixed[] = {
            [RE2_EMPTY] = "(?:)",
            [RE2_ANY] = ".",
            [RE2_ANY_NOT_NL] = "[^\\n]",
            [RE2_BEGIN_TEXT] = "\\A",
            [RE2_END_TEXT] = "\\z",
            [RE2_BEGIN_LINE] = "(?:\\A|(?<=\\n))",
            [RE2_END_LINE] = "(?:\\z|(?=\\n))",
            [RE2_WORD_BOUNDARY] = "\\b",
            [RE2_NO_WORD_BOUNDARY] = "\\B",
        };

        switch (node->op) {
        case RE2_LITERAL:
                put(w, node->fold ? "(?i:" : "");
                put_literal(w, node);
                put(w, node->fold ? ")" : "");
                break;
        case RE2_CLASS:
                put_class(w, node);
                break;
        case RE2_CAPTURE:
                w->groups[node->c] = ++w->n_groups;
                put(w, "(");
                put_node(w, node->sub);
                put(w, ")");
                break;
        case RE2_REPEAT:
                put_repeat(w, node);
                break;
        case RE2_CONCAT:
                put_sequence(w, node->sub);
                break;
        case RE2_ALTERNATE:
                put_alternatives(w, node);
                break;
        default:
                put(w, fixed[node->op]);
                break;
        }
}

int
re2_translate(const struct re2 *re, struct buf *out, uint32_t *groups, struct err *e)
{
        struct writer w = {.out = out, .groups = groups, .e = e};

        put_node(&w, re->root);
        return w.rc;
}
