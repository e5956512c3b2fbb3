/*
 * A recursive-descent parser. Its order of checks follows Go's, so that of several faults in an
 * expression the same one is reported.
 */
#include "base/re2_parser.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

enum { MAX_GROUPS = 65535 /* PCRE2's */, MAX_CLASS_BYTES = 1 << 20 };

static int parse_alternatives(struct re2_parser *p, struct re2_node **out);

int
re2_refuse(struct re2_parser *p, const char *reason, size_t from, size_t to)
{
        return err_set(p->e, ERR_CONFIG, "error parsing regexp: %s: `%.*s`", reason,
            (int)(to - from), p->text.p + from);
}

int
re2_refuse_whole(struct re2_parser *p, const char *reason)
{
        return re2_refuse(p, reason, 0, p->text.n);
}

bool
re2_at_end(const struct re2_parser *p)
{
        return p->at == p->text.n;
}

/* The byte `ahead` from here, 0 behind the end. */
char
re2_peek(const struct re2_parser *p, size_t ahead)
{
        if (ahead >= p->text.n - p->at)
                return '\0';
        return p->text.p[p->at + ahead];
}

static bool
looking_at(const struct re2_parser *p, const char *s)
{
        size_t n = strlen(s);

        return p->text.n - p->at >= n && memcmp(p->text.p + p->at, s, n) == 0;
}

/* Where `s` begins from here on, text.n when nowhere. */
size_t
re2_find(const struct re2_parser *p, size_t from, const char *s)
{
        size_t n = strlen(s);

        for (; from + n <= p->text.n; from++) {
                if (memcmp(p->text.p + from, s, n) == 0)
                        return from;
        }
        return p->text.n;
}

/* The text was found valid and is not at its end. */
uint32_t
re2_next(struct re2_parser *p)
{
        uint32_t c = 0;

        p->at += utf8_decode(p->text.p + p->at, p->text.n - p->at, &c);
        return c;
}

/* ---- groups ---- */

static int
new_group(struct re2_parser *p, struct view name, uint32_t *out)
{
        struct re2 *re = p->out;

        if (re->n_groups == MAX_GROUPS)
                return re2_refuse_whole(p, "expression too large");
        if (re->n_groups == re->cap_groups) {
                size_t cap = re->cap_groups > 0 ? re->cap_groups * 2 : 8;
                struct view *names = arena_alloc(p->arena, cap * sizeof(*names));

                if (names == NULL)
                        return err_nomem(p->e, "a regular expression");
                if (re->n_groups > 0)
                        memcpy(names, re->names, re->n_groups * sizeof(*names));
                re->names = names;
                re->cap_groups = cap;
        }
        re->names[re->n_groups++] = name;
        *out = (uint32_t)re->n_groups;
        return 0;
}

static bool
is_group_name(struct view name)
{
        for (size_t i = 0; i < name.n; i++) {
                if (name.p[i] != '_' && !isalnum((unsigned char)name.p[i]))
                        return false;
        }
        return name.n > 0;
}

/* (?P<name> or (?<name>, with `skip` bytes before the name */
static int
parse_group_name(struct re2_parser *p, size_t skip, uint32_t *out)
{
        size_t from = p->at;
        size_t end = re2_find(p, from, ">");
        struct view name = {p->text.p + from + skip, 0};

        if (end == p->text.n)
                return re2_refuse(p, "invalid named capture", from, p->text.n);
        name.n = end - from - skip;
        if (!is_group_name(name))
                return re2_refuse(p, "invalid named capture", from, end + 1);
        p->at = end + 1;
        return new_group(p, name, out);
}

static unsigned
flag_of(uint32_t c)
{
        switch (c) {
        case 'i':
                return RE2_FOLD;
        case 'm':
                return RE2_LINES;
        case 's':
                return RE2_DOT_ALL;
        case 'U':
                return RE2_LAZY;
        default:
                return 0;
        }
}

/* (?flags) or (?flags: — *opens says which. */
static int
parse_flags(struct re2_parser *p, bool *opens)
{
        size_t from = p->at;
        unsigned flags = p->flags;
        bool minus = false;
        bool seen = false;

        p->at += 2;
        while (!re2_at_end(p)) {
                uint32_t c = re2_next(p);
                unsigned flag = flag_of(c);

                if (flag != 0) {
                        flags = minus ? flags & ~flag : flags | flag;
                        seen = true;
                } else if (c == '-' && !minus) {
                        minus = true;
                        seen = false;
                } else if ((c == ':' || c == ')') && (!minus || seen)) {
                        p->flags = flags;
                        *opens = c == ':';
                        return 0;
                } else {
                        break;
                }
        }
        return re2_refuse(p, "invalid or unsupported Perl syntax", from, p->at);
}

/* What stands between the parentheses, and the closing one. The flags end with it. */
static int
parse_group_body(struct re2_parser *p, unsigned outer_flags, struct re2_node **out)
{
        int rc;

        if (p->depth == RE2_MAX_HEIGHT)
                return re2_refuse_whole(p, "expression nests too deeply");
        p->depth++;
        rc = parse_alternatives(p, out);
        p->depth--;
        if (rc < 0)
                return rc;
        if (re2_at_end(p))
                return re2_refuse_whole(p, "missing closing )");
        p->at++;
        p->flags = outer_flags;
        return 0;
}

static int
parse_group(struct re2_parser *p, struct re2_chain *chain)
{
        unsigned flags = p->flags;
        struct re2_node *node = NULL;
        uint32_t group = 0;
        bool opens = true;
        int rc;

        if (looking_at(p, "(?P<") && p->text.n - p->at > 4) {
                rc = parse_group_name(p, 4, &group);
        } else if (looking_at(p, "(?<") && p->text.n - p->at > 3) {
                rc = parse_group_name(p, 3, &group);
        } else if (looking_at(p, "(?")) {
                rc = parse_flags(p, &opens);
        } else {
                p->at++;
                rc = new_group(p, (struct view){"", 0}, &group);
        }
        if (rc < 0 || !opens)
                return rc;
        rc = parse_group_body(p, flags, &node);
        if (rc < 0)
                return rc;
        if (group == 0) {
                re2_append(chain, node);
                return 0;
        }
        rc = re2_append_new(p, chain, RE2_CAPTURE);
        if (rc < 0)
                return rc;
        (*chain->last)->c = group;
        (*chain->last)->sub = node;
        (*chain->last)->height = node->height + 1;
        (*chain->last)->size = node->size + 2;
        return re2_check_bounds(p, *chain->last);
}

static int
parse_item(struct re2_parser *p, struct re2_chain *chain)
{
        static const int star[2] = {0, -1};
        static const int plus[2] = {1, -1};
        static const int maybe[2] = {0, 1};
        size_t from = p->at;

        switch (re2_peek(p, 0)) {
        case '(':
                return parse_group(p, chain);
        case '[':
                return re2_parse_class(p, chain);
        case '\\':
                return re2_parse_backslash(p, chain);
        case '{':
                return re2_parse_counts(p, chain);
        case '*':
                p->at++;
                return re2_apply_repeat(p, chain, star, from);
        case '+':
                p->at++;
                return re2_apply_repeat(p, chain, plus, from);
        case '?':
                p->at++;
                return re2_apply_repeat(p, chain, maybe, from);
        case '^':
                p->at++;
                return re2_append_new(
                    p, chain, p->flags & RE2_LINES ? RE2_BEGIN_LINE : RE2_BEGIN_TEXT);
        case '$':
                p->at++;
                return re2_append_new(p, chain, p->flags & RE2_LINES ? RE2_END_LINE : RE2_END_TEXT);
        case '.':
                p->at++;
                return re2_append_new(p, chain, p->flags & RE2_DOT_ALL ? RE2_ANY : RE2_ANY_NOT_NL);
        default:
                return re2_append_literal(p, chain, re2_next(p));
        }
}

static int
parse_sequence(struct re2_parser *p, struct re2_node **out)
{
        struct re2_chain chain = {0};

        while (!re2_at_end(p) && re2_peek(p, 0) != '|' && re2_peek(p, 0) != ')') {
                size_t before = p->repeat_at;
                int rc = parse_item(p, &chain);

                if (rc < 0)
                        return rc;
                /* Only a repetition directly behind another is stacked. */
                if (p->repeat_at == before)
                        p->repeat_at = p->text.n;
        }
        return re2_join(p, &chain, RE2_CONCAT, out);
}

static int
parse_alternatives(struct re2_parser *p, struct re2_node **out)
{
        struct re2_chain chain = {0};

        for (;;) {
                struct re2_node *node = NULL;
                int rc;

                p->repeat_at = p->text.n;
                rc = parse_sequence(p, &node);
                if (rc < 0)
                        return rc;
                re2_append(&chain, node);
                if (re2_peek(p, 0) != '|')
                        break;
                p->at++;
        }
        p->repeat_at = p->text.n;
        return re2_join(p, &chain, RE2_ALTERNATE, out);
}

static int
check_utf8(struct re2_parser *p)
{
        size_t i = 0;

        while (i < p->text.n) {
                uint32_t c;
                size_t n = utf8_decode(p->text.p + i, p->text.n - i, &c);

                if (n == 0)
                        return re2_refuse(p, "invalid UTF-8", i, p->text.n);
                i += n;
        }
        return 0;
}

int
re2_parse(struct view text, struct arena *arena, struct re2 *out, struct err *e)
{
        struct re2 re = {0};
        struct re2_parser p = {.text = text,
            .repeat_at = text.n,
            .class = BUF_INIT(MAX_CLASS_BYTES),
            .arena = arena,
            .out = &re,
            .e = e};
        struct re2_node *root = NULL;
        int rc;

        if (text.n > RE2_MAX_TEXT)
                return err_set(e, ERR_CONFIG,
                    "error parsing regexp: expression too large: %zu bytes, at most %d", text.n,
                    RE2_MAX_TEXT);
        rc = check_utf8(&p);
        if (rc == 0)
                rc = parse_alternatives(&p, &root);
        if (rc == 0 && !re2_at_end(&p))
                rc = re2_refuse_whole(&p, "unexpected )");
        buf_release(&p.class);
        if (rc < 0)
                return rc;
        re.root = root;
        *out = re;
        return 0;
}
