/*
 * The tree that the parser builds: nodes, chains of siblings, repetition and the bounds on it.
 */
#include "base/re2_parser.h"

#include "base/arena.h"
#include "base/err.h"

#include <ctype.h>

enum {
        MAX_REPEAT = 1000,
        MAX_SIZE = 128 * 1024 * 1024 / 40, /* Go's bound on a program, in instructions */
        NUMBER_TOO_BIG = 100000000,
};

/* ---- nodes ---- */

/* NULL when there is no memory; the parser's error says so. */
static struct re2_node *
new_node(struct re2_parser *p, enum re2_op op)
{
        struct re2_node *node = arena_calloc(p->arena, 1, sizeof(*node));

        if (node == NULL) {
                (void)err_nomem(p->e, "a regular expression");
                return NULL;
        }
        node->op = op;
        node->fold = (p->flags & RE2_FOLD) != 0;
        node->height = 1;
        node->size = 1;
        return node;
}

int
re2_check_bounds(struct re2_parser *p, const struct re2_node *node)
{
        if (node->height > RE2_MAX_HEIGHT)
                return re2_refuse_whole(p, "expression nests too deeply");
        if (node->size > MAX_SIZE)
                return re2_refuse_whole(p, "expression too large");
        return 0;
}

void
re2_append(struct re2_chain *chain, struct re2_node *node)
{
        struct re2_node **link = chain->last == NULL ? &chain->first : &(*chain->last)->next;

        *link = node;
        chain->last = link;
        chain->n++;
}

int
re2_append_new(struct re2_parser *p, struct re2_chain *chain, enum re2_op op)
{
        struct re2_node *node = new_node(p, op);

        if (node == NULL)
                return ERR_NOMEM;
        re2_append(chain, node);
        return 0;
}

int
re2_append_literal(struct re2_parser *p, struct re2_chain *chain, uint32_t c)
{
        struct re2_node *node = new_node(p, RE2_LITERAL);

        if (node == NULL)
                return ERR_NOMEM;
        node->c = c;
        re2_append(chain, node);
        return 0;
}

int
re2_join(struct re2_parser *p, const struct re2_chain *chain, enum re2_op op, struct re2_node **out)
{
        struct re2_node *node;
        int tallest = 0;
        bool text =
            op == RE2_CONCAT; /* neighbouring literals are one string, no level of the tree */

        if (chain->n == 1) {
                *out = chain->first;
                return 0;
        }
        node = new_node(p, chain->n == 0 ? RE2_EMPTY : op);
        if (node == NULL)
                return ERR_NOMEM;
        node->sub = chain->first;
        node->size = op == RE2_ALTERNATE ? (int64_t)chain->n - 1 : 0;
        for (const struct re2_node *x = chain->first; x != NULL; x = x->next) {
                tallest = x->height > tallest ? x->height : tallest;
                node->size += x->size;
                text = text && x->op == RE2_LITERAL && x->fold == chain->first->fold;
        }
        node->size = node->size > 0 ? node->size : 1;
        node->height = tallest + (text && chain->n > 0 ? 0 : 1);
        *out = node;
        return re2_check_bounds(p, node);
}

/* ---- repetition ---- */

static int64_t
repeat_size(const struct re2_node *r)
{
        int64_t sub = r->sub->size;

        if (r->max < 0)
                return r->min == 0 ? 2 + sub : 1 + r->min * sub;
        return r->max * sub + (r->max - r->min);
}

/* The innermost thing may stand at most MAX_REPEAT times, all nested counts multiplied. */
static bool
repeat_fits(const struct re2_node *node, int budget)
{
        if (node->op == RE2_REPEAT && (node->min > 1 || node->max > 1)) {
                int n = node->max < 0 ? node->min : node->max;

                if (n > budget)
                        return false;
                budget /= n;
        }
        for (const struct re2_node *x = node->sub; x != NULL; x = x->next) {
                if (!repeat_fits(x, budget))
                        return false;
        }
        return true;
}

int
re2_apply_repeat(struct re2_parser *p, struct re2_chain *chain, const int bounds[2], size_t from)
{
        struct re2_node *node;
        bool lazy = (p->flags & RE2_LAZY) != 0;
        int rc;

        if (re2_peek(p, 0) == '?') {
                p->at++;
                lazy = !lazy;
        }
        if (p->repeat_at < from)
                return re2_refuse(p, "invalid nested repetition operator", p->repeat_at, p->at);
        if (chain->n == 0)
                return re2_refuse(p, "missing argument to repetition operator", from, p->at);
        node = new_node(p, RE2_REPEAT);
        if (node == NULL)
                return ERR_NOMEM;
        node->min = bounds[0];
        node->max = bounds[1];
        node->greedy = !lazy;
        node->sub = *chain->last;
        *chain->last = node;
        node->height = node->sub->height + 1;
        node->size = repeat_size(node);
        rc = re2_check_bounds(p, node);
        if (rc == 0 && (node->min > 1 || node->max > 1) && !repeat_fits(node, MAX_REPEAT))
                rc = re2_refuse(p, "invalid repeat count", from, p->at);
        p->repeat_at = from;
        return rc;
}

/* A decimal without needless zeros; false when there is none. */
static bool
read_number(const struct re2_parser *p, size_t *at, int *out)
{
        size_t i = *at;
        int n = 0;

        while (i < p->text.n && isdigit((unsigned char)p->text.p[i])) {
                n = n >= NUMBER_TOO_BIG ? n : n * 10 + (p->text.p[i] - '0');
                i++;
        }
        if (i == *at || (i > *at + 1 && p->text.p[*at] == '0'))
                return false;
        *at = i;
        *out = n;
        return true;
}

/* {n}, {n,} or {n,m}; anything else that begins with a brace is text. */
static bool
read_counts(const struct re2_parser *p, size_t *at, int bounds[2])
{
        size_t i = p->at + 1;

        if (!read_number(p, &i, &bounds[0]))
                return false;
        bounds[1] = bounds[0];
        if (i < p->text.n && p->text.p[i] == ',') {
                i++;
                bounds[1] = -1;
                if (i < p->text.n && p->text.p[i] != '}' && !read_number(p, &i, &bounds[1]))
                        return false;
        }
        if (i >= p->text.n || p->text.p[i] != '}')
                return false;
        *at = i + 1;
        return true;
}

int
re2_parse_counts(struct re2_parser *p, struct re2_chain *chain)
{
        size_t from = p->at;
        int bounds[2];

        if (!read_counts(p, &p->at, bounds)) {
                p->at++;
                return re2_append_literal(p, chain, '{');
        }
        if (bounds[0] > MAX_REPEAT || bounds[1] > MAX_REPEAT ||
            (bounds[1] >= 0 && bounds[0] > bounds[1]))
                return re2_refuse(p, "invalid repeat count", from, p->at);
        return re2_apply_repeat(p, chain, bounds, from);
}
