#include "agent/selector.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/regex.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum matcher_op { OP_EQUAL, OP_NOT_EQUAL, OP_REGEX, OP_NOT_REGEX };

struct matcher {
        struct matcher *next;
        struct view name;
        struct view value; /* of OP_EQUAL and OP_NOT_EQUAL */
        struct regex *regex; /* owned; of the others */
        enum matcher_op op;
};

enum { ARENA_BYTES = 1 << 20 };

struct selector {
        struct arena arena; /* matchers, and a copy of the text that their views point into */
        struct matcher *first;
};

struct reader {
        struct selector *s;
        const char *start; /* the copy: strings are unescaped in place, which only shortens them */
        char *p;
        char *end;
};

/* ---- pieces ---- */

static int
expected(const struct reader *r, const char *what, struct err *e)
{
        return err_set(
            e, ERR_PARSE, "1:%zu: parse error: expected %s", (size_t)(r->p - r->start) + 1, what);
}

static bool
is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* The next byte behind blanks, 0 at the end. */
static char
look(struct reader *r)
{
        while (r->p < r->end && strchr(" \t\r\n", *r->p) != NULL && *r->p != '\0')
                r->p++;
        return (char)(r->p < r->end ? *r->p : '\0');
}

static bool
take(struct reader *r, char c)
{
        if (look(r) != c)
                return false;
        r->p++;
        return true;
}

/* Empty when there is none. */
static struct view
take_name(struct reader *r, bool colons)
{
        const char *start;

        (void)look(r);
        start = r->p;
        while (r->p < r->end &&
            (is_letter(*r->p) || (colons && *r->p == ':') || (r->p > start && is_digit(*r->p))))
                r->p++;
        return (struct view){start, (size_t)(r->p - start)};
}

/* ---- strings, with Go's escapes ---- */

static int
digit_value(char c)
{
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* n digits to a base; false when they are not there. */
static bool
take_digits(struct reader *r, unsigned n, unsigned base, uint32_t *out)
{
        *out = 0;
        if ((size_t)(r->end - r->p) < n)
                return false;
        for (unsigned i = 0; i < n; i++) {
                int digit = digit_value(*r->p);

                if (digit >= (int)base)
                        return false;
                *out = *out * base + (uint32_t)digit;
                r->p++;
        }
        return true;
}

/* Behind \x, \u, \U or at the first octal digit. */
static bool
take_number(struct reader *r, char kind, char **at)
{
        uint32_t c;

        if (kind == 'u' || kind == 'U') {
                if (!take_digits(r, kind == 'u' ? 4 : 8, 16, &c) || c > 0x10ffff ||
                    (c >= 0xd800 && c <= 0xdfff))
                        return false;
                *at += utf8_encode(c, *at);
                return true;
        }
        if (!(kind == 'x' ? take_digits(r, 2, 16, &c) : take_digits(r, 3, 8, &c)) || c > 0xff)
                return false;
        *(*at)++ = (char)c;
        return true;
}

/* Behind a backslash. */
static bool
take_escape(struct reader *r, char quote, char **at)
{
        static const char letters[] = "abfnrtv\\";
        static const char meanings[] = "\a\b\f\n\r\t\v\\";
        const char *found;
        char c;

        if (r->p == r->end)
                return false;
        c = *r->p;
        if (is_digit(c))
                return take_number(r, 'o', at);
        r->p++;
        if (c == 'x' || c == 'u' || c == 'U')
                return take_number(r, c, at);
        found = c != '\0' ? strchr(letters, c) : NULL;
        if (found == NULL && c != quote)
                return false;
        *(*at)++ = (char)(found != NULL ? meanings[found - letters] : c);
        return true;
}

static int
take_string(struct reader *r, struct view *out, struct err *e)
{
        char quote = look(r);
        char *text = r->p + 1;
        char *at = text;

        if (quote != '"' && quote != '\'' && quote != '`')
                return expected(r, "a string", e);
        for (r->p++; r->p < r->end && *r->p != quote;) {
                char c = *r->p++;

                if (c == '\n' && quote != '`')
                        return expected(r, "the end of the string before the end of the line", e);
                if (c != '\\' || quote == '`')
                        *at++ = c;
                else if (!take_escape(r, quote, &at))
                        return expected(r, "an escape sequence of a string", e);
        }
        if (r->p == r->end)
                return expected(r, "the end of the string", e);
        r->p++;
        *out = (struct view){text, (size_t)(at - text)};
        return 0;
}

/* ---- matchers ---- */

static struct matcher *
add_matcher(struct reader *r)
{
        struct matcher *m = arena_calloc(&r->s->arena, 1, sizeof(*m));

        if (m != NULL) {
                m->next = r->s->first;
                r->s->first = m;
        }
        return m;
}

static int
add_metric(struct reader *r, struct view name, struct err *e)
{
        struct matcher *m = add_matcher(r);

        if (m == NULL)
                return err_nomem(e, "a selector");
        m->name = VIEW_LIT("__name__");
        m->value = name;
        return 0;
}

static bool
take_op(struct reader *r, enum matcher_op *out)
{
        if (take(r, '=')) {
                *out = r->p < r->end && *r->p == '~' ? OP_REGEX : OP_EQUAL;
        } else if (take(r, '!') && r->p < r->end && (*r->p == '=' || *r->p == '~')) {
                *out = *r->p == '~' ? OP_NOT_REGEX : OP_NOT_EQUAL;
        } else {
                return false;
        }
        r->p += *out != OP_EQUAL;
        return true;
}

/* name="value", or a metric's name in quotes. */
static int
take_matcher(struct reader *r, struct err *e)
{
        struct view name;
        struct matcher *m;
        bool quoted;
        int rc;

        name = take_name(r, false);
        quoted = name.n == 0;
        if (quoted) {
                rc = take_string(r, &name, e);
                if (rc < 0)
                        return rc;
                if (look(r) == ',' || look(r) == '}')
                        return add_metric(r, name, e);
        }
        m = add_matcher(r);
        if (m == NULL)
                return err_nomem(e, "a selector");
        m->name = name;
        if (!take_op(r, &m->op))
                return expected(r, "one of =, !=, =~, !~ behind the label's name", e);
        rc = take_string(r, &m->value, e);
        if (rc == 0 && (m->op == OP_REGEX || m->op == OP_NOT_REGEX))
                rc = regex_new_anchored(m->value, &m->regex, e);
        return rc;
}

static int
take_selector(struct reader *r, struct err *e)
{
        struct view name = take_name(r, true);
        int rc = name.n > 0 ? add_metric(r, name, e) : 0;

        if (rc == 0 && take(r, '{')) {
                while (rc == 0 && !take(r, '}')) {
                        rc = take_matcher(r, e);
                        if (rc == 0 && !take(r, ',') && look(r) != '}')
                                rc = expected(r, "a comma or } behind the matcher", e);
                }
        } else if (rc == 0 && name.n == 0) {
                return expected(r, "a metric's name or {", e);
        }
        if (rc == 0 && look(r) != '\0')
                rc = expected(r, "the end of the selector", e);
        return rc == 0 && r->p < r->end ? expected(r, "the end of the selector", e) : rc;
}

int
selector_new(struct view text, struct selector **out, struct err *e)
{
        struct selector *s;
        char *copy;
        int rc;

        if (text.n > SELECTOR_MAX_BYTES)
                return err_set(
                    e, ERR_LIMIT, "the selector is longer than %d bytes", SELECTOR_MAX_BYTES);
        s = calloc(1, sizeof(*s));
        if (s == NULL)
                return err_nomem(e, "a selector");
        s->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
        copy = arena_strndup(&s->arena, text.p, text.n);
        if (copy != NULL)
                rc = take_selector(&(struct reader){s, copy, copy, copy + text.n}, e);
        else
                rc = err_nomem(e, "a selector");
        if (rc < 0)
                selector_free(s);
        else
                *out = s;
        return rc;
}

void
selector_free(struct selector *s)
{
        if (s == NULL)
                return;
        for (struct matcher *m = s->first; m != NULL; m = m->next)
                regex_free(m->regex);
        arena_release(&s->arena);
        free(s);
}

/* ---- matching ---- */

static struct view
value_of(const struct label *labels, size_t n, struct view name)
{
        for (size_t i = 0; i < n; i++) {
                if (view_eq(labels[i].name, name))
                        return labels[i].value;
        }
        return VIEW_LIT("");
}

int
selector_matches(const struct selector *s, const struct label *labels, size_t n, bool *out_matched,
    struct err *e)
{
        *out_matched = true;
        for (const struct matcher *m = s->first; *out_matched && m != NULL; m = m->next) {
                struct view value = value_of(labels, n, m->name);
                bool equal = view_eq(value, m->value);

                if (m->regex != NULL) {
                        int rc = regex_match(m->regex, value, false, &equal, e);

                        if (rc < 0)
                                return rc;
                }
                *out_matched = equal == (m->op == OP_EQUAL || m->op == OP_REGEX);
        }
        return 0;
}
