/*
 * Two ways to a double. Short numbers (nearly all of a page): the digits make an integer below
 * 2^53, the power of ten is at most 10^22; both are exact doubles, so that one multiplication or
 * division rounds once and the result is the nearest double. All others are checked against the
 * syntax, brought into the form <digits>e<exponent>, which means the same in every locale, and
 * given to strtod, which rounds correctly however many digits there are.
 *
 * The syntax is that of Go's strconv.ParseFloat, less what Prometheus refuses in values
 * (model/textparse/promparse.go).
 */
#include "scrape/textfloat.h"

#include "scrape/textparse.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* A double's exact value has at most 767 digits: what follows can only break a tie. */
        MAX_DIGITS = 800,
        SHORT_DIGITS = 19, /* fit 64 bits */
        SHORT_POWER = 22, /* 10^22 is the last exact power of ten */
        EXPONENT_CAP = 10000, /* larger ones are no longer told apart */
};

static const double powers[SHORT_POWER + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool
is_digit(char c)
{
        return (unsigned char)(c - '0') < 10;
}

static const char *
read_digits(const char *p, uint64_t *m)
{
        uint64_t n = *m;

        for (; is_digit(*p); p++)
                n = n * 10 + (unsigned char)(*p - '0'); /* wraps; the caller counts the digits */
        *m = n;
        return p;
}

/* The exponent behind an 'e', added to *scale; NULL when there is none or it is a large one. */
static const char *
read_exponent(const char *p, int *scale)
{
        bool negative = *p == '-';
        int n = 0;

        if (*p == '-' || *p == '+')
                p++;
        if (!is_digit(*p))
                return NULL;
        for (; is_digit(*p); p++) {
                n = n * 10 + (*p - '0');
                if (n > 999)
                        return NULL;
        }
        *scale += negative ? -n : n;
        return p;
}

const char *
textfloat_short(const char *p, double *out)
{
        bool negative = *p == '-';
        const char *start = p + negative;
        uint64_t m = 0;
        int scale = 0;
        ptrdiff_t digits;
        double d;

        p = read_digits(start, &m);
        digits = p - start;
        if (*p == '.') {
                const char *point = p++;

                p = read_digits(p, &m);
                scale = (int)-(p - point - 1);
                digits = p - start - 1;
        }
        if (digits == 0 || digits > SHORT_DIGITS || FLT_EVAL_METHOD != 0)
                return NULL;
        if ((*p == 'e' || *p == 'E') && (p = read_exponent(p + 1, &scale)) == NULL)
                return NULL;
        if (m > UINT64_C(1) << 53 || scale < -SHORT_POWER || scale > SHORT_POWER)
                return NULL;
        d = (double)m;
        if (scale < 0) {
                d /= powers[-scale];
        } else {
                d *= powers[scale];
        }
        *out = negative ? -d : d;
        return p;
}

/* A number as digits and exponent: 0.digits × base^point × 10^exponent (2^exponent if base 16). */
struct number {
        char digits[MAX_DIGITS + 2];
        size_t n;
        long point;
        long exponent;
        bool hex;
        bool negative;
        bool any; /* there was a digit */
};

static int
digit_value(char c, bool hex)
{
        if (is_digit(c))
                return c - '0';
        if (hex && c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (hex && c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static void
add_digit(struct number *x, char c, bool after_point)
{
        x->any = true;
        if (x->n == 0 && c == '0') { /* a leading zero */
                x->point -= after_point;
                return;
        }
        x->point += !after_point;
        if (x->n < MAX_DIGITS) {
                x->digits[x->n++] = c;
        } else if (c != '0') { /* only that there is more matters */
                x->digits[MAX_DIGITS] = '1';
                x->n = MAX_DIGITS + 1;
        }
}

/* Underscores are passed over here: underscores_fine looks at them. */
static const char *
take_mantissa(const char *p, const char *end, struct number *x)
{
        bool after_point = false;

        for (; p < end; p++) {
                if (*p == '_')
                        continue;
                if (*p == '.' && !after_point) {
                        after_point = true;
                } else if (digit_value(*p, x->hex) >= 0) {
                        add_digit(x, *p, after_point);
                } else {
                        break;
                }
        }
        return p;
}

/* An exponent up to the end; false when there is something else. */
static bool
take_exponent(const char *p, const char *end, struct number *x)
{
        bool negative = false;
        long n = 0;

        if (p < end && (*p == '+' || *p == '-'))
                negative = *p++ == '-';
        if (p == end || !is_digit(*p))
                return false;
        for (; p < end && (is_digit(*p) || *p == '_'); p++) {
                if (*p != '_' && n < EXPONENT_CAP)
                        n = n * 10 + (*p - '0');
        }
        x->exponent = negative ? -n : n;
        return p == end;
}

/* Underscores stand between digits only; a hexadecimal prefix counts as a digit before one. */
static bool
underscores_fine(const char *p, const char *end, bool hex)
{
        bool digit_before = hex;

        for (; p < end; p++) {
                bool digit = digit_value(*p, hex) >= 0;

                if (*p == '_' && (!digit_before || p + 1 == end || digit_value(p[1], hex) < 0))
                        return false;
                digit_before = digit;
        }
        return true;
}

static bool
to_double(struct number *x, double *out)
{
        char text[MAX_DIGITS + 64];
        long exponent = x->exponent + (x->point - (long)x->n) * (x->hex ? 4 : 1);
        double d;

        if (x->n == 0)
                x->digits[x->n++] = '0';
        (void)snprintf(text, sizeof(text), "%s%s%.*s%c%ld", x->negative ? "-" : "",
            x->hex ? "0x" : "", (int)x->n, x->digits, x->hex ? 'p' : 'e', exponent);
        d = strtod(text, NULL);
        if (isinf(d))
                return false;
        *out = d;
        return true;
}

/* "inf", "infinity", "nan" in any case, the first two with a sign. */
static bool
parse_word(struct view v, double *out)
{
        bool negative = v.n > 0 && v.p[0] == '-';
        size_t sign = v.n > 0 && (v.p[0] == '-' || v.p[0] == '+');
        const char *word = v.p + sign;
        size_t n = v.n - sign;

        if ((n == 3 && strncasecmp(word, "inf", 3) == 0) ||
            (n == 8 && strncasecmp(word, "infinity", 8) == 0)) {
                *out = negative ? -(double)INFINITY : (double)INFINITY;
                return true;
        }
        if (sign == 0 && n == 3 && strncasecmp(word, "nan", 3) == 0) {
                *out = (double)NAN;
                return true;
        }
        return false;
}

bool
textfloat_parse(struct view v, enum textfloat_syntax syntax, double *out)
{
        const char *p = v.p;
        const char *end = v.p + v.n;
        struct number x;

        if (v.n == 0)
                return false;
        if (parse_word(v, out))
                return true;
        if (syntax == TEXTFLOAT_PAGE && memchr(p, '_', v.n) != NULL)
                return false;
        x.n = 0;
        x.point = x.exponent = 0;
        x.any = false;
        x.negative = *p == '-';
        p += *p == '-' || *p == '+';
        x.hex =
            syntax == TEXTFLOAT_GO && end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
        p += x.hex ? 2 : 0;
        if (!underscores_fine(p, end, x.hex))
                return false;
        p = take_mantissa(p, end, &x);
        if (!x.any)
                return false;
        if (p < end) {
                char mark = x.hex ? 'p' : 'e';

                if ((*p | 0x20) != mark || !take_exponent(p + 1, end, &x))
                        return false;
        } else if (x.hex) {
                return false; /* hexadecimal needs its exponent */
        }
        return to_double(&x, out);
}

bool
textparse_float(struct view v, double *out)
{
        return textfloat_parse(v, TEXTFLOAT_PAGE, out);
}

/* ---- back to text ---- */

/* Adds one to the last digit of "d.ddd" (n characters). False when all are nines. */
static bool
next_digits(char *s, size_t n)
{
        while (n-- > 0) {
                if (s[n] == '.')
                        continue;
                if (s[n] != '9') {
                        s[n]++;
                        return true;
                }
                s[n] = '0';
        }
        return false;
}

/*
 * The fewest digits that read back as d, as "d.ddde[+-]xx". printf rounds to the nearest decimal of
 * its length. Below a power of two doubles lie closer together than above it, so there the next
 * decimal away from zero may read back when the nearest does not.
 */
static void
shortest(double d, char *out, size_t cap)
{
        int exponent;
        bool power = fabs(frexp(d, &exponent)) == 0.5;

        for (int precision = 0; precision < DBL_DECIMAL_DIG; precision++) {
                (void)snprintf(out, cap, "%.*e", precision, d);
                if (strtod(out, NULL) == d)
                        return;
                if (power && next_digits(out, strcspn(out, "e")) && strtod(out, NULL) == d)
                        return;
        }
}

/* Writes "d.ddde[+-]xx" without its exponent. */
static size_t
write_plain(const char *digits, size_t n, int exponent, char *out)
{
        char *o = out;

        if (exponent < 0) {
                *o++ = '0';
                *o++ = '.';
                for (int i = -1; i > exponent; i--)
                        *o++ = '0';
        }
        for (size_t i = 0; i < n || (int)i <= exponent; i++) {
                *o++ = (char)(i < n ? digits[i] : '0');
                if (exponent >= 0 && (int)i == exponent)
                        *o++ = '.';
        }
        if (o[-1] == '.')
                *o++ = '0';
        return (size_t)(o - out);
}

static size_t
format_finite(double d, char *out)
{
        char text[TEXTFLOAT_MAX];
        char digits[TEXTFLOAT_MAX];
        size_t n = 0;
        char *mark;
        int exponent;

        shortest(fabs(d), text, sizeof(text));
        mark = strchr(text, 'e');
        exponent = (int)strtol(mark + 1, NULL, 10);
        if (d < 0)
                *out = '-';
        out += d < 0;
        if (exponent < -4 || exponent >= 6) {
                n = strlen(text);
                memcpy(out, text, n);
                return n + (d < 0);
        }
        for (const char *p = text; p < mark; p++) {
                if (*p != '.')
                        digits[n++] = *p;
        }
        return write_plain(digits, n, exponent, out) + (d < 0);
}

size_t
textparse_format_float(double d, char *out, size_t cap)
{
        char text[TEXTFLOAT_MAX];
        size_t n;

        if (isnan(d)) {
                n = 3;
                memcpy(text, "NaN", n);
        } else if (isinf(d)) {
                n = 4;
                memcpy(text, d > 0 ? "+Inf" : "-Inf", n);
        } else if (d == 0) {
                n = 3;
                memcpy(text, "0.0", n);
        } else {
                n = format_finite(d, text);
        }
        n = n < cap ? n : cap;
        memcpy(out, text, n);
        return n;
}
