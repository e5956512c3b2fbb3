#include "base/regex_simple.h"

#include "base/err.h"
#include "base/re2.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum {
        /* Alternatives with a tail are tried one by one. */
        SIMPLE_MAX_TAILS = 32,
        SIMPLE_LINEAR = 8,
};

/* What is gathered on the way; with `choices` NULL it only counts. */
struct scan {
        struct simple_choice *choices;
        size_t n;
        char *bytes;
        size_t n_bytes;
};

static void
put_char(struct scan *s, uint32_t c)
{
        char bytes[UTF8_MAX];
        size_t n = utf8_encode(c, bytes);

        if (s->bytes != NULL)
                memcpy(s->bytes + s->n_bytes, bytes, n);
        s->n_bytes += n;
}

static bool
is_surrogate(uint32_t c)
{
        return c >= 0xd800 && c <= 0xdfff;
}

/* .* or .+, perhaps in a group */
static bool
is_tail(const struct re2_node *node, struct simple_choice *choice)
{
        const struct re2_node *repeat = node->op == RE2_CAPTURE ? node->sub : node;

        if (repeat->op != RE2_REPEAT || repeat->sub->op != RE2_ANY || repeat->max >= 0 ||
            repeat->min > 1)
                return false;
        choice->tail = repeat->min == 0 ? SIMPLE_ANY : SIMPLE_SOME;
        choice->tail_group = node->op == RE2_CAPTURE ? node->c : 0;
        return true;
}

static bool
scan_choice(struct scan *s, const struct re2_node *node)
{
        struct simple_choice choice = {.tail = SIMPLE_NOTHING};
        size_t from = s->n_bytes;

        if (node->op == RE2_CAPTURE && !is_tail(node, &choice)) {
                choice.group = node->c;
                node = node->sub;
        }
        if (node->op == RE2_CONCAT)
                node = node->sub;
        else if (node->op == RE2_EMPTY)
                node = NULL;
        for (; node != NULL; node = node->next) {
                if (node->op == RE2_LITERAL && !node->fold && !is_surrogate(node->c)) {
                        put_char(s, node->c);
                } else if (node->next != NULL || !is_tail(node, &choice)) {
                        return false;
                }
        }
        if (s->choices != NULL) {
                choice.text = (struct view){s->bytes + from, s->n_bytes - from};
                s->choices[s->n] = choice;
        }
        s->n++;
        return true;
}

static bool
scan_choices(struct scan *s, const struct re2_node *node)
{
        if (node->op != RE2_ALTERNATE)
                return scan_choice(s, node);
        for (const struct re2_node *x = node->sub; x != NULL; x = x->next) {
                struct re2_node one = *x;

                one.next = NULL; /* a choice that is no concatenation ends with itself */
                if (!scan_choice(s, &one))
                        return false;
        }
        return true;
}

/* The part between the anchors, NULL when the expression is not anchored so. */
static const struct re2_node *
find_body(const struct re2_node *root)
{
        const struct re2_node *body;

        if (root->op != RE2_CONCAT || root->sub->op != RE2_BEGIN_TEXT)
                return NULL;
        body = root->sub->next;
        if (body == NULL || body->next == NULL || body->next->next != NULL ||
            body->next->op != RE2_END_TEXT)
                return NULL;
        return body;
}

static int
compare(const void *a, const void *b)
{
        return view_cmp(
            ((const struct simple_choice *)a)->text, ((const struct simple_choice *)b)->text);
}

/* Long lists are sorted when nothing but the text tells the choices apart; false: too long. */
static bool
arrange(struct simple *s)
{
        bool plain = true;

        for (size_t i = 0; i < s->n; i++)
                plain = plain && s->choices[i].tail == SIMPLE_NOTHING && s->choices[i].group == 0;
        s->sorted = plain && s->n > SIMPLE_LINEAR;
        if (s->sorted)
                qsort(s->choices, s->n, sizeof(*s->choices), compare);
        return s->sorted || s->n <= SIMPLE_MAX_TAILS;
}

int
simple_new(const struct re2 *re, struct simple *out, struct err *e)
{
        const struct re2_node *body = find_body(re->root);
        struct simple s = {0};
        struct scan scan = {0};
        struct re2_node inner;

        if (body == NULL)
                return ERR_NOTFOUND;
        inner = *body;
        inner.next = NULL;
        if (inner.op == RE2_CAPTURE && inner.sub->op == RE2_ALTERNATE) {
                s.group = inner.c;
                inner = *inner.sub;
                inner.next = NULL;
        }
        if (!scan_choices(&scan, &inner))
                return ERR_NOTFOUND;
        s.choices = calloc(scan.n + 1, sizeof(*s.choices));
        s.bytes = malloc(scan.n_bytes > 0 ? scan.n_bytes : 1);
        if (s.choices == NULL || s.bytes == NULL) {
                simple_release(&s);
                return err_nomem(e, "a regular expression");
        }
        scan = (struct scan){.choices = s.choices, .bytes = s.bytes};
        (void)scan_choices(&scan, &inner);
        s.n = scan.n;
        if (!arrange(&s)) {
                simple_release(&s);
                return ERR_NOTFOUND;
        }
        *out = s;
        return 0;
}

void
simple_release(struct simple *s)
{
        free(s->choices);
        free(s->bytes);
        *s = (struct simple){0};
}

static bool
fits(const struct simple_choice *c, struct view subject)
{
        size_t n = c->text.n;

        if (c->tail == SIMPLE_NOTHING ? subject.n != n : subject.n < n)
                return false;
        if (c->tail == SIMPLE_SOME && subject.n == n)
                return false;
        return n == 0 || memcmp(subject.p, c->text.p, n) == 0;
}

const struct simple_choice *
simple_match(const struct simple *s, struct view subject)
{
        struct simple_choice key = {.text = subject};

        if (s->sorted)
                return bsearch(&key, s->choices, s->n, sizeof(*s->choices), compare);
        for (size_t i = 0; i < s->n; i++) {
                if (fits(&s->choices[i], subject))
                        return &s->choices[i];
        }
        return NULL;
}
