/*
 * Selectors of Kubernetes objects, checked as its API server reads them, so that a mistake is told
 * when the file is loaded (apimachinery: pkg/labels and pkg/fields, their grammar).
 */
#include "agent/config_parts.h"
#include "base/yaml.h"

#include <ctype.h>
#include <string.h>

/* ---- fields: name=value, name==value or name!=value, joined by commas ---- */

void
config_field_selector(struct config_reader *r, const struct yaml_node *at)
{
        struct view text = at->text;

        while (text.n > 0) {
                const char *comma = memchr(text.p, ',', text.n);
                struct view one = {text.p, comma != NULL ? (size_t)(comma - text.p) : text.n};

                if (one.n > 0 && memchr(one.p, '=', one.n) == NULL) {
                        config_fail(r, CONFIG_STAGE_VALUE, at,
                            "invalid selector: '%s'; can't understand '%.*s'", at->text.p,
                            (int)one.n, one.p);
                        return;
                }
                if (comma == NULL)
                        return;
                text = (struct view){comma + 1, text.n - one.n - 1};
        }
}

/* ---- labels: key, !key, key=v, key==v, key!=v, key in (v, …), key notin (…), key>n, key<n ---- */

struct parser {
        const char *p; /* a 0 byte ends it */
};

static void
skip_blanks(struct parser *s)
{
        while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
                s->p++;
}

/* The next word: what stands before a blank or an operator. */
static struct view
word(struct parser *s)
{
        struct view v;

        skip_blanks(s);
        v = (struct view){s->p, strcspn(s->p, " \t\r\n=!(),<>")};
        s->p += v.n;
        return v;
}

static bool
take(struct parser *s, char c)
{
        skip_blanks(s);
        if (*s->p != c)
                return false;
        s->p++;
        return true;
}

/* Letters, digits, - _ . with a letter or digit at both ends; at most 63. */
static bool
is_name(struct view v)
{
        if (v.n == 0 || v.n > 63 || !isalnum((unsigned char)v.p[0]) ||
            !isalnum((unsigned char)v.p[v.n - 1]))
                return false;
        for (size_t i = 0; i < v.n; i++) {
                if (!isalnum((unsigned char)v.p[i]) && strchr("-_.", v.p[i]) == NULL)
                        return false;
        }
        return true;
}

/* A name, perhaps behind "example.com/". */
static bool
is_key(struct view v)
{
        const char *slash = v.n > 0 ? memchr(v.p, '/', v.n) : NULL;
        size_t n = slash != NULL ? (size_t)(slash - v.p) : 0;

        if (slash == NULL)
                return is_name(v);
        for (size_t i = 0; i < n; i++) {
                if (!islower((unsigned char)v.p[i]) && !isdigit((unsigned char)v.p[i]) &&
                    strchr("-.", v.p[i]) == NULL)
                        return false;
        }
        return n > 0 && n <= 253 && is_name((struct view){slash + 1, v.n - n - 1});
}

static const char *
check_value(struct view v)
{
        return v.n == 0 || is_name(v) ? NULL : "a value is not valid";
}

static const char *
check_set(struct parser *s)
{
        const char *wrong = take(s, '(') ? NULL : "expected: '('";

        while (wrong == NULL) {
                wrong = check_value(word(s));
                if (wrong == NULL && take(s, ')'))
                        return NULL;
                if (wrong == NULL && !take(s, ','))
                        wrong = "expected: ',', or ')'";
        }
        return wrong;
}

static const char *
check_number(struct view v)
{
        for (size_t i = 0; i < v.n; i++) {
                if (!isdigit((unsigned char)v.p[i]))
                        return "for < and > the value must be an integer";
        }
        return v.n > 0 ? NULL : "for < and > the value must be an integer";
}

/* What follows a key. */
static const char *
check_operator(struct parser *s)
{
        struct view operation;

        skip_blanks(s);
        if (*s->p == '\0' || *s->p == ',')
                return NULL;
        if (take(s, '=')) {
                (void)take(s, '=');
                return check_value(word(s));
        }
        if (take(s, '!'))
                return *s->p == '=' && take(s, '=') ? check_value(word(s)) : "expected: '!='";
        if (take(s, '<') || take(s, '>'))
                return check_number(word(s));
        operation = word(s);
        if (view_is(operation, "in") || view_is(operation, "notin"))
                return check_set(s);
        return "expected: in, notin, =, ==, !=, > or <";
}

/* NULL, or what is wrong with it. */
static const char *
check_labels(const char *text)
{
        struct parser s = {text};
        const char *wrong = NULL;

        skip_blanks(&s);
        while (*s.p != '\0') {
                bool not_there = take(&s, '!');

                if (!is_key(word(&s)))
                        return "expected: a label's name";
                if (!not_there)
                        wrong = check_operator(&s);
                if (wrong != NULL)
                        return wrong;
                skip_blanks(&s);
                if (*s.p == '\0')
                        return NULL;
                if (!take(&s, ','))
                        return "expected: ',' or the end";
                skip_blanks(&s);
                if (*s.p == '\0')
                        return "expected: a label's name behind ','";
        }
        return NULL;
}

void
config_label_selector(struct config_reader *r, const struct yaml_node *at)
{
        const char *wrong = check_labels(at->text.p);

        if (wrong != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, at,
                    "unable to parse requirement: invalid label selector '%s': %s", at->text.p,
                    wrong);
}
