#include "agent/config_values.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 1024 to the power of the unit; 0 for an unknown one. */
static double
unit_size(struct view unit)
{
        static const char letters[] = "KMGTPE";
        const char *letter;

        if (view_is(unit, "B"))
                return 1;
        if (unit.n != 2 && unit.n != 3)
                return 0;
        letter = strchr(letters, unit.p[0]);
        if (letter == NULL || unit.p[0] == '\0')
                return 0;
        if (unit.p[unit.n - 1] != 'B' || (unit.n == 3 && unit.p[1] != 'i'))
                return 0;
        return ldexp(1, 10 * (int)(letter - letters + 1));
}

/* digits [ . digits ]; false when there is no digit. */
static bool
take_number(struct view text, size_t *pos, double *out)
{
        double scale = 1;
        double fraction = 0;
        double n = 0;
        size_t digits = 0;

        while (*pos < text.n && is_digit(text.p[*pos])) {
                n = n * 10 + (text.p[(*pos)++] - '0');
                digits++;
        }
        if (*pos < text.n && text.p[*pos] == '.') {
                (*pos)++;
                while (*pos < text.n && is_digit(text.p[*pos])) {
                        scale *= 10;
                        fraction = fraction * 10 + (text.p[(*pos)++] - '0');
                        digits++;
                }
        }
        *out = n + fraction / scale;
        return digits > 0;
}

int
config_size_parse(struct view text, int64_t *out, struct err *e)
{
        static const double bound = 9223372036854775807.0; /* INT64_MAX */
        struct view rest = text;
        double sum = 0;
        bool negative = false;

        if (rest.n > 0 && (rest.p[0] == '-' || rest.p[0] == '+')) {
                negative = rest.p[0] == '-';
                rest = (struct view){rest.p + 1, rest.n - 1};
        }
        if (view_is(rest, "0")) {
                *out = 0;
                return 0;
        }
        if (rest.n == 0)
                return err_set(e, ERR_CONFIG, "units: invalid %.*s", (int)text.n, text.p);
        for (size_t pos = 0; pos < rest.n;) {
                double n = 0;
                double size;
                struct view unit;
                size_t start;

                if (!take_number(rest, &pos, &n))
                        return err_set(e, ERR_CONFIG, "units: invalid %.*s", (int)text.n, text.p);
                start = pos;
                while (pos < rest.n && !is_digit(rest.p[pos]) && rest.p[pos] != '.')
                        pos++;
                unit = (struct view){rest.p + start, pos - start};
                size = unit_size(unit);
                if (size == 0)
                        return err_set(e, ERR_CONFIG, "units: unknown unit %.*s in %.*s",
                            (int)unit.n, unit.p, (int)text.n, text.p);
                sum += n * size;
        }
        if (sum >= bound)
                return err_set(e, ERR_CONFIG, "units: overflow parsing unit");
        *out = (int64_t)(negative ? -sum : sum);
        return 0;
}

static int
quote_ascii(struct buf *out, char c, struct err *e)
{
        static const char named[] = "\a\b\f\n\r\t\v\\\"";
        static const char letters[] = "abfnrtv\\\"";
        const char *found = c != '\0' ? strchr(named, c) : NULL;

        if (found != NULL)
                return buf_printf(out, e, "\\%c", letters[found - named]);
        if (c < 0x20 || c == 0x7f)
                return buf_printf(out, e, "\\x%02x", (unsigned)(unsigned char)c);
        return buf_putc(out, c, e);
}

int
config_quote(struct buf *out, struct view text, struct err *e)
{
        int rc = buf_putc(out, '"', e);

        for (size_t i = 0; rc == 0 && i < text.n;) {
                uint32_t c = 0;
                size_t n = utf8_decode(text.p + i, text.n - i, &c);

                if (n == 1) {
                        rc = quote_ascii(out, text.p[i], e);
                } else if (n == 0) {
                        rc = buf_printf(out, e, "\\x%02x", (unsigned)(unsigned char)text.p[i]);
                        n = 1;
                } else if (c < 0xa0) {
                        rc = buf_printf(out, e, "\\u%04x", (unsigned)c);
                } else {
                        rc = buf_append(out, text.p + i, n, e);
                }
                i += n;
        }
        return rc == 0 ? buf_putc(out, '"', e) : rc;
}

/* One of the shell's variables with a one-character name: $1, $*, $$ and so on. */
static bool
is_special(char c)
{
        return is_digit(c) || (c != '\0' && strchr("*#$@!?-", c) != NULL);
}

/*
 * The name behind a $: *out_used bytes belong to it. An empty name with bytes used is broken
 * syntax, with none used the $ stands for itself.
 */
static struct view
take_name(struct view rest, size_t *out_used)
{
        const struct view none = {rest.p, 0};
        size_t n = 0;

        if (rest.p[0] == '{') {
                if (rest.n > 2 && is_special(rest.p[1]) && rest.p[2] == '}') {
                        *out_used = 3;
                        return (struct view){rest.p + 1, 1};
                }
                for (size_t i = 1; i < rest.n; i++) {
                        if (rest.p[i] != '}')
                                continue;
                        *out_used = i + 1;
                        return (struct view){rest.p + 1, i - 1};
                }
                *out_used = 1;
                return none;
        }
        if (is_special(rest.p[0])) {
                *out_used = 1;
                return (struct view){rest.p, 1};
        }
        while (n < rest.n && (is_letter(rest.p[n]) || is_digit(rest.p[n]) || rest.p[n] == '_'))
                n++;
        *out_used = n;
        return (struct view){rest.p, n};
}

static int
put_variable(struct view name, const struct config_expansion *x, struct buf *out, struct err *e)
{
        const char *value;

        if (view_is(name, "$"))
                return buf_putc(out, '$', e);
        value = x->get(x->get_arg, name);
        if (value != NULL && value[0] != '\0')
                return buf_puts(out, value, e);
        if (x->unset != NULL)
                x->unset(x->unset_arg, name);
        return 0;
}

int
config_expand(struct view text, const struct config_expansion *x, struct buf *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < text.n; i++) {
                struct view name;
                size_t used = 0;

                if (text.p[i] != '$' || i + 1 == text.n) {
                        rc = buf_putc(out, text.p[i], e);
                        continue;
                }
                name = take_name((struct view){text.p + i + 1, text.n - i - 1}, &used);
                if (name.n > 0)
                        rc = put_variable(name, x, out, e);
                else if (used == 0)
                        rc = buf_putc(out, '$', e);
                i += used;
        }
        return rc;
}

bool
config_header_name_valid(struct view name)
{
        for (size_t i = 0; i < name.n; i++) {
                char c = name.p[i];

                if (!is_letter(c) && !is_digit(c) &&
                    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
                        return false;
        }
        return name.n > 0;
}

bool
config_header_value_valid(struct view value)
{
        for (size_t i = 0; i < value.n; i++) {
                unsigned char c = (unsigned char)value.p[i];

                if ((c < 0x20 && c != '\t') || c == 0x7f)
                        return false;
        }
        return true;
}

int
config_header_canonical(struct view name, struct buf *out, struct err *e)
{
        bool upper = true;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < name.n; i++) {
                char c = name.p[i];

                if (upper && c >= 'a' && c <= 'z')
                        c = (char)(c - 'a' + 'A');
                else if (!upper && c >= 'A' && c <= 'Z')
                        c = (char)(c - 'A' + 'a');
                rc = buf_putc(out, c, e);
                upper = c == '-';
        }
        return rc;
}

bool
config_same_name(struct view a, struct view b)
{
        return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}
