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

static bool
is_text(const struct re2_node *node)
{
        return node->op == RE2_LITERAL && !node->fold && !is_surrogate(node->c);
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
                if (is_text(node)) {
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

/* Choices of one text become one. */
static void
sort_choices(struct simple *s)
{
        size_t n = 0;

        qsort(s->choices, s->n, sizeof(*s->choices), compare);
        for (size_t i = 0; i < s->n; i++) {
                const struct simple_choice *c = &s->choices[i];

                s->tails = s->tails || c->tail != SIMPLE_NOTHING;
                s->longest = c->text.n > s->longest ? c->text.n : s->longest;
                if (n > 0 && view_eq(s->choices[n - 1].text, c->text)) {
                        if (s->choices[n - 1].tail != c->tail)
                                s->choices[n - 1].tail = SIMPLE_ANY;
                } else {
                        s->choices[n++] = *c;
                }
        }
        s->n = n;
}

/* Long lists are sorted when no group tells the choices apart; false: too long. */
static bool
arrange(struct simple *s)
{
        bool alike = true;

        for (size_t i = 0; i < s->n; i++)
                alike = alike && s->choices[i].tail_group == 0 && s->choices[i].group == 0;
        s->sorted = alike && s->n > SIMPLE_LINEAR;
        if (s->sorted)
                sort_choices(s);
        return s->sorted || s->n <= SIMPLE_MAX_TAILS;
}

/* Writes the text from `from` to before `end`. */
static struct view
scan_text(struct scan *s, const struct re2_node *from, const struct re2_node *end)
{
        size_t at = s->n_bytes;

        for (; from != end; from = from->next)
                put_char(s, from->c);
        return s->bytes != NULL ? (struct view){s->bytes + at, s->n_bytes - at}
                                : (struct view){"", 0};
}

/*
 * The parts of a sequence: text, one thing that is none, text. NULL when it is not so, or when the
 * thing is a tail without text behind it, which a choice can have by itself.
 */
static const struct re2_node *
find_middle(const struct re2_node *body)
{
        const struct re2_node *middle = body->op == RE2_CONCAT ? body->sub : NULL;
        const struct re2_node *x;

        while (middle != NULL && is_text(middle))
                middle = middle->next;
        if (middle == NULL)
                return NULL;
        for (x = middle->next; x != NULL && is_text(x); x = x->next)
                ;
        return x == NULL && (middle->next != NULL || !is_tail(middle, &(struct simple_choice){0}))
            ? middle
            : NULL;
}

/* All that stands between the anchors; false when it is not that simple. */
static bool
scan_body(struct scan *scan, const struct re2_node *body, struct simple *s)
{
        const struct re2_node *middle = find_middle(body);
        struct re2_node inner;

        if (middle != NULL) {
                s->before = scan_text(scan, body->sub, middle);
                s->behind = scan_text(scan, middle->next, NULL);
        }
        inner = middle != NULL ? *middle : *body;
        inner.next = NULL;
        if (inner.op == RE2_CAPTURE && inner.sub->op == RE2_ALTERNATE) {
                s->group = inner.c;
                inner = *inner.sub;
                inner.next = NULL;
        }
        return scan_choices(scan, &inner);
}

int
simple_new(const struct re2 *re, struct simple *out, struct err *e)
{
        const struct re2_node *body = find_body(re->root);
        struct re2_node alone;
        struct simple s = {0};
        struct scan scan = {0};

        if (body == NULL)
                return ERR_NOTFOUND;
        alone = *body;
        alone.next = NULL;
        if (!scan_body(&scan, &alone, &s))
                return ERR_NOTFOUND;
        s.choices = calloc(scan.n + 1, sizeof(*s.choices));
        s.bytes = malloc(scan.n_bytes > 0 ? scan.n_bytes : 1);
        if (s.choices == NULL || s.bytes == NULL) {
                simple_release(&s);
                return err_nomem(e, "a regular expression");
        }
        scan = (struct scan){.choices = s.choices, .bytes = s.bytes};
        (void)scan_body(&scan, &alone, &s);
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

/* Looks each beginning of the subject up that may be a choice's text. */
static const struct simple_choice *
search(const struct simple *s, struct view subject)
{
        size_t n = s->tails ? 0 : subject.n;

        for (; n <= subject.n && n <= s->longest; n++) {
                struct simple_choice key = {.text = {subject.p, n}};
                const struct simple_choice *c =
                    bsearch(&key, s->choices, s->n, sizeof(*s->choices), compare);

                if (c != NULL && fits(c, subject))
                        return c;
        }
        return NULL;
}

struct view
simple_middle(const struct simple *s, struct view subject)
{
        return (struct view){subject.p + s->before.n, subject.n - s->before.n - s->behind.n};
}

static bool
has_ends(const struct simple *s, struct view subject)
{
        if (subject.n < s->before.n + s->behind.n)
                return false;
        if (s->before.n > 0 && memcmp(subject.p, s->before.p, s->before.n) != 0)
                return false;
        return s->behind.n == 0 ||
            memcmp(subject.p + subject.n - s->behind.n, s->behind.p, s->behind.n) == 0;
}

const struct simple_choice *
simple_match(const struct simple *s, struct view subject)
{
        if (!has_ends(s, subject))
                return NULL;
        if (s->before.n + s->behind.n > 0)
                subject = simple_middle(s, subject);
        if (s->sorted)
                return search(s, subject);
        for (size_t i = 0; i < s->n; i++) {
                if (fits(&s->choices[i], subject))
                        return &s->choices[i];
        }
        return NULL;
}
