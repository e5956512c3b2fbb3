/*
 * Backslashes and brackets: characters by name or number, classes of them, quoted text.
 */
#include "base/re2_parser.h"

#include "base/arena.h"
#include "base/err.h"

#include <ctype.h>
#include <string.h>

static bool
is_octal(char c)
{
        return c >= '0' && c <= '7';
}

static int
hex_value(uint32_t c)
{
        if (c >= '0' && c <= '9')
                return (int)c - '0';
        if (c >= 'a' && c <= 'f')
                return (int)c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return (int)c - 'A' + 10;
        return -1;
}

/* Behind \x: two digits, or any number in braces. False when that is not there. */
static bool
read_hex(struct re2_parser *p, uint32_t *out)
{
        uint32_t n = 0;
        size_t digits = 0;
        bool braces = re2_peek(p, 0) == '{';

        if (braces)
                p->at++;
        while (!re2_at_end(p)) {
                uint32_t c = re2_next(p);
                int v = hex_value(c);

                if (braces && c == '}' && digits > 0) {
                        *out = n;
                        return true;
                }
                if (v < 0 && (braces || digits > 0))
                        return false;
                if (v < 0) {
                        /* Go takes a second character before it complains. */
                        if (!re2_at_end(p))
                                (void)re2_next(p);
                        return false;
                }
                n = n * 16 + (uint32_t)v;
                digits++;
                if (n > RE2_CODE_POINT_MAX)
                        return false;
                if (!braces && digits == 2) {
                        *out = n;
                        return true;
                }
        }
        return false;
}

static bool
read_escaped(struct re2_parser *p, uint32_t c, uint32_t *out)
{
        static const char letters[] = "afnrtv";
        static const char values[] = "\a\f\n\r\t\v";
        const char *letter = c < 0x80 && c > 0 ? strchr(letters, (int)c) : NULL;

        if (letter != NULL) {
                *out = (uint32_t)values[letter - letters];
                return true;
        }
        if (c == 'x')
                return read_hex(p, out);
        /* \1 to \7 alone would be a backreference */
        if (c == '0' || (c >= '1' && c <= '7' && is_octal(re2_peek(p, 0)))) {
                uint32_t n = c - '0';

                for (int i = 0; i < 2 && is_octal(re2_peek(p, 0)); i++)
                        n = n * 8 + (uint32_t)(p->text.p[p->at++] - '0');
                *out = n;
                return true;
        }
        *out = c;
        return c < 0x80 && !isalnum((int)c);
}

/* A backslash and what belongs to it, where it means one character. */
static int
parse_escape(struct re2_parser *p, uint32_t *out)
{
        size_t from = p->at++;

        if (re2_at_end(p))
                return re2_refuse(p, "trailing backslash at end of expression", p->at, p->at);
        if (!read_escaped(p, re2_next(p), out))
                return re2_refuse(p, "invalid escape sequence", from, p->at);
        return 0;
}

/* \pL, \p{Name}, \p{^Name}, \P… */
static int
parse_unicode(struct re2_parser *p)
{
        size_t from = p->at;
        bool negated = re2_peek(p, 1) == 'P';
        struct view name;
        int rc;

        p->at += 2;
        if (re2_at_end(p))
                return re2_refuse(p, "invalid character class range", from, p->at);
        name.p = p->text.p + p->at;
        if (re2_peek(p, 0) == '{') {
                size_t end = re2_find(p, p->at, "}");

                if (end == p->text.n)
                        return re2_refuse(p, "invalid character class range", from, end);
                name.p++;
                name.n = end - p->at - 1;
                p->at = end + 1;
        } else {
                (void)re2_next(p);
                name.n = (size_t)(p->text.p + p->at - name.p);
        }
        if (name.n > 0 && name.p[0] == '^') {
                negated = !negated;
                name = (struct view){name.p + 1, name.n - 1};
        }
        rc = re2_class_unicode(&p->class, name, negated, (p->flags & RE2_FOLD) != 0, p->e);
        return rc == ERR_NOTFOUND ? re2_refuse(p, "invalid character class range", from, p->at)
                                  : rc;
}

/* [:name:] inside brackets; *taken is false when it is none. */
static int
parse_posix(struct re2_parser *p, bool *taken)
{
        size_t end = re2_find(p, p->at + 2, ":]");
        struct view name = {p->text.p + p->at, end + 2 - p->at};
        int rc;

        *taken = end < p->text.n;
        if (!*taken)
                return 0;
        rc = re2_class_posix(&p->class, name, (p->flags & RE2_FOLD) != 0, p->e);
        if (rc == ERR_NOTFOUND)
                return re2_refuse(p, "invalid character class range", p->at, end + 2);
        p->at = end + 2;
        return rc;
}

/* A class that a backslash names (\d, \pL …); *taken is false when it is none. */
static int
parse_named_class(struct re2_parser *p, bool *taken)
{
        int rc;

        *taken = true;
        if (re2_peek(p, 1) == 'p' || re2_peek(p, 1) == 'P')
                return parse_unicode(p);
        rc = re2_class_perl(&p->class, re2_peek(p, 1), (p->flags & RE2_FOLD) != 0, p->e);
        if (rc == ERR_NOTFOUND) {
                *taken = false;
                return 0;
        }
        p->at += 2;
        return rc;
}

static int
parse_class_rune(struct re2_parser *p, size_t class_at, uint32_t *out)
{
        if (re2_at_end(p))
                return re2_refuse(p, "missing closing ]", class_at, p->text.n);
        if (re2_peek(p, 0) == '\\')
                return parse_escape(p, out);
        *out = re2_next(p);
        return 0;
}

/* One character or a range of them. */
static int
parse_class_range(struct re2_parser *p, size_t class_at)
{
        size_t from = p->at;
        uint32_t lo = 0;
        uint32_t hi;
        int rc = parse_class_rune(p, class_at, &lo);

        if (rc < 0)
                return rc;
        hi = lo;
        /* [a-] is a and the hyphen */
        if (p->text.n - p->at >= 2 && re2_peek(p, 0) == '-' && re2_peek(p, 1) != ']') {
                p->at++;
                rc = parse_class_rune(p, class_at, &hi);
                if (rc < 0)
                        return rc;
                if (hi < lo)
                        return re2_refuse(p, "invalid character class range", from, p->at);
        }
        return re2_class_range(&p->class, lo, hi, p->e);
}

static int
finish_class(struct re2_parser *p, struct re2_chain *chain, bool negated)
{
        int rc = re2_append_new(p, chain, RE2_CLASS);
        struct re2_node *node;

        if (rc < 0)
                return rc;
        node = *chain->last;
        node->negated = negated;
        node->items = arena_view(p->arena, buf_view(&p->class));
        return node->items.p != NULL ? 0 : err_nomem(p->e, "a regular expression");
}

int
re2_parse_class(struct re2_parser *p, struct re2_chain *chain)
{
        size_t from = p->at++;
        bool negated = re2_peek(p, 0) == '^';
        bool first = true;

        if (negated)
                p->at++;
        buf_reset(&p->class);
        for (; first || re2_peek(p, 0) != ']'; first = false) {
                bool taken = false;
                int rc = 0;

                if (re2_peek(p, 0) == '[' && re2_peek(p, 1) == ':' && p->text.n - p->at > 2)
                        rc = parse_posix(p, &taken);
                else if (re2_peek(p, 0) == '\\')
                        rc = parse_named_class(p, &taken);
                if (rc == 0 && !taken)
                        rc = parse_class_range(p, from);
                if (rc < 0)
                        return rc;
        }
        p->at++;
        return finish_class(p, chain, negated);
}

/* \Q…\E: all between is text; without \E up to the end. */
static int
parse_quoted(struct re2_parser *p, struct re2_chain *chain)
{
        size_t end = re2_find(p, p->at + 2, "\\E");
        int rc = 0;

        p->at += 2;
        while (rc == 0 && p->at < end)
                rc = re2_append_literal(p, chain, re2_next(p));
        if (end < p->text.n)
                p->at = end + 2;
        return rc;
}

static int
append_assertion(struct re2_parser *p, struct re2_chain *chain, enum re2_op op)
{
        p->at += 2;
        return re2_append_new(p, chain, op);
}

int
re2_parse_backslash(struct re2_parser *p, struct re2_chain *chain)
{
        bool taken = false;
        uint32_t c = 0;
        int rc;

        switch (re2_peek(p, 1)) {
        case 'A':
                return append_assertion(p, chain, RE2_BEGIN_TEXT);
        case 'z':
                return append_assertion(p, chain, RE2_END_TEXT);
        case 'b':
                return append_assertion(p, chain, RE2_WORD_BOUNDARY);
        case 'B':
                return append_assertion(p, chain, RE2_NO_WORD_BOUNDARY);
        case 'Q':
                return parse_quoted(p, chain);
        default:
                break;
        }
        buf_reset(&p->class);
        rc = parse_named_class(p, &taken);
        if (rc < 0)
                return rc;
        if (taken)
                return finish_class(p, chain, false);
        rc = parse_escape(p, &c);
        return rc < 0 ? rc : re2_append_literal(p, chain, c);
}
