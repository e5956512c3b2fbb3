#include "base/relabel_template.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/regex.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_MAX = 100000000 };

/* Unicode letters and digits belong to a name; PCRE2 knows them. */
static int
is_name_rune(uint32_t c, bool *out, struct err *e)
{
        struct regex *r = NULL;
        char bytes[UTF8_MAX];
        struct view v = {bytes, 0};
        int rc;

        *out = c == '_' || (c < 0x80 && isalnum((int)c));
        if (c < 0x80)
                return 0;
        v.n = utf8_encode(c, bytes);
        rc = regex_new(VIEW_LIT("^[\\pL\\p{Nd}]$"), &r, e);
        if (rc == 0)
                rc = regex_match(r, v, false, out, e);
        regex_free(r);
        return rc;
}

/* Bytes of the name at the start of text. */
static int
name_length(struct view text, size_t *out, struct err *e)
{
        size_t i = 0;

        while (i < text.n) {
                bool belongs = false;
                uint32_t c = 0;
                size_t n = utf8_decode(text.p + i, text.n - i, &c);
                int rc;

                if (n == 0)
                        break;
                rc = is_name_rune(c, &belongs, e);
                if (rc < 0)
                        return rc;
                if (!belongs)
                        break;
                i += n;
        }
        *out = i;
        return 0;
}

/* A number without leading zeros is a group; anything else a name. A group that does not exist
 * is the number that no expression has. */
static struct template_part
reference_to(struct view name, const struct regex *r)
{
        struct template_part part = {.is_group = true};
        size_t n = 0;
        size_t i = 0;

        for (; i < name.n && isdigit((unsigned char)name.p[i]) && n < GROUP_MAX; i++)
                n = n * 10 + (size_t)(name.p[i] - '0');
        if (i < name.n || (name.n > 1 && name.p[0] == '0')) {
                part.text = name;
                n = regex_group_named(r, name, 0);
                n = n > 0 ? n : regex_groups(r) + 1;
        }
        part.group = n;
        return part;
}

static void
add_text(struct template *t, struct view text)
{
        if (text.n > 0)
                t->parts[t->n++] = (struct template_part){.text = text};
}

/* What follows a dollar: *taken bytes of rest, 0 when the dollar is only text. */
static int
add_reference(
    struct template *t, struct view rest, const struct regex *r, size_t *taken, struct err *e)
{
        size_t brace = rest.n > 0 && rest.p[0] == '{' ? 1 : 0;
        struct view name = {rest.p + brace, rest.n - brace};
        int rc = name_length(name, &name.n, e);

        *taken = 0;
        if (rc < 0 || name.n == 0)
                return rc;
        if (brace == 1 && (brace + name.n == rest.n || rest.p[brace + name.n] != '}'))
                return 0;
        *taken = name.n + 2 * brace;
        t->parts[t->n++] = reference_to(name, r);
        t->uses_groups = true;
        return 0;
}

int
template_new(struct view text, const struct regex *r, struct template *out, struct err *e)
{
        struct template t = {0};
        size_t from = 0;
        size_t dollars = 0;
        int rc = 0;

        for (size_t i = 0; i < text.n; i++)
                dollars += text.p[i] == '$' ? 1 : 0;
        t.parts = calloc(2 * dollars + 1, sizeof(*t.parts));
        if (t.parts == NULL)
                return err_nomem(e, "a relabel rule");
        for (size_t i = 0; i < text.n && rc == 0;) {
                size_t taken = 0;

                if (text.p[i] != '$') {
                        i++;
                        continue;
                }
                if (i + 1 < text.n && text.p[i + 1] == '$') {
                        add_text(&t, (struct view){text.p + from, i + 1 - from});
                        i += 2;
                        from = i;
                        continue;
                }
                add_text(&t, (struct view){text.p + from, i - from});
                from = i++;
                rc = add_reference(&t, (struct view){text.p + i, text.n - i}, r, &taken, e);
                i += taken;
                from = taken > 0 ? i : from;
        }
        add_text(&t, (struct view){text.p + from, text.n - from});
        if (rc < 0) {
                template_release(&t);
                return rc;
        }
        *out = t;
        return 0;
}

void
template_release(struct template *t)
{
        free(t->parts);
        *t = (struct template){0};
}

static struct view
part_text(const struct template_part *part, const struct regex *r)
{
        size_t group = part->group;

        if (!part->is_group)
                return part->text;
        /* Of several groups of one name the first that took part counts. */
        while (
            part->text.n > 0 && group > 0 && group <= regex_groups(r) && !regex_group_set(r, group))
                group = regex_group_named(r, part->text, group);
        return regex_group(r, group > 0 ? group : part->group);
}

int
template_expand(const struct template *t, const struct regex *r, struct arena *arena,
    struct view *out, struct err *e)
{
        size_t n = 0;
        char *p;

        if (t->n == 1 && t->parts[0].is_group) {
                *out = part_text(&t->parts[0], r);
                return 0;
        }
        for (size_t i = 0; i < t->n; i++)
                n += part_text(&t->parts[i], r).n;
        p = arena_alloc(arena, n + 1);
        if (p == NULL)
                return err_nomem(e, "a relabeled value");
        *out = (struct view){p, n};
        for (size_t i = 0; i < t->n; i++) {
                struct view text = part_text(&t->parts[i], r);

                if (text.n > 0)
                        memcpy(p, text.p, text.n);
                p += text.n;
        }
        return 0;
}

static bool
is_word(char c)
{
        return c == '_' || isalnum((unsigned char)c);
}

/* Bytes of a reference ($word or ${word}) at the start of text, 0 when there is none. */
static size_t
reference_length(const char *p, size_t n)
{
        size_t brace = n > 1 && p[1] == '{' ? 1 : 0;
        size_t i = 1 + brace;

        while (i < n && is_word(p[i]))
                i++;
        if (i == 1 + brace)
                return 0;
        if (brace == 0)
                return i;
        return i < n && p[i] == '}' ? i + 1 : 0;
}

/* ^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$: words and references, no digit at the start. */
bool
template_legacy_valid(struct view text)
{
        size_t i = 0;

        while (i < text.n) {
                char c = text.p[i];
                size_t n = 1;

                if (c == '$') {
                        n = reference_length(text.p + i, text.n - i);
                        if (n == 0)
                                return false;
                } else if (!is_word(c) || (i == 0 && isdigit((unsigned char)c))) {
                        return false;
                }
                i += n;
        }
        return text.n > 0;
}
