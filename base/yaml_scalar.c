#include "base/yaml_scalar.h"

#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 128 }; /* longer texts are strings */

static const char *const true_words[] = {
    "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
static const char *const false_words[] = {
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
static const char *const null_words[] = {"", "~", "null", "Null", "NULL"};
static const char *const float_words[] = {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf",
    "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_word(struct view text, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (view_is(text, words[i]))
                        return true;
        }
        return false;
}

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Copies text without its underscores; false when it is no number for its length or first byte. */
static bool
copy_number(struct view text, char out[NUMBER_MAX])
{
        size_t n = 0;

        if (text.n == 0 || text.n >= NUMBER_MAX ||
            (!is_digit(text.p[0]) && text.p[0] != '+' && text.p[0] != '-' && text.p[0] != '.'))
                return false;
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] == '\0')
                        return false;
                if (text.p[i] != '_' || text.p[0] == '.')
                        out[n++] = text.p[i];
        }
        out[n] = '\0';
        return n > 0;
}

/* A whole number: 0x, 0o, 0b and 0 as prefixes, a sign before them. */
static bool
read_integer(struct view text, bool *out_negative, uint64_t *out)
{
        char number[NUMBER_MAX];
        const char *digits = number;
        unsigned long long value;
        char *end = NULL;
        int base = 10;

        if (!copy_number(text, number) || number[0] == '.')
                return false;
        *out_negative = number[0] == '-';
        if (number[0] == '-' || number[0] == '+')
                digits++;
        if (digits[0] == '0' && (digits[1] | 0x20) == 'x') {
                base = 16;
                digits += 2;
        } else if (digits[0] == '0' && (digits[1] | 0x20) == 'b') {
                base = 2;
                digits += 2;
        } else if (digits[0] == '0' && (digits[1] | 0x20) == 'o') {
                base = 8;
                digits += 2;
        } else if (digits[0] == '0' && digits[1] != '\0') {
                base = 8;
                digits++;
        }
        if (*digits == '\0' || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
                return false;
        errno = 0;
        value = strtoull(digits, &end, base);
        if (errno != 0 || *end != '\0')
                return false;
        if (*out_negative && value > (uint64_t)INT64_MAX + 1)
                return false;
        *out = value;
        return true;
}

/* [-+]? ( .digits | digits [ . digits? ] ) ( e [-+]? digits )? */
static bool
looks_like_float(const char *p)
{
        size_t before;
        size_t after = 0;

        if (*p == '-' || *p == '+')
                p++;
        before = strspn(p, "0123456789");
        p += before;
        if (*p == '.') {
                p++;
                after = strspn(p, "0123456789");
                p += after;
        }
        if (before + after == 0)
                return false;
        if (*p == 'e' || *p == 'E') {
                p++;
                if (*p == '-' || *p == '+')
                        p++;
                if (!is_digit(*p))
                        return false;
                p += strspn(p, "0123456789");
        }
        return *p == '\0';
}

static bool
read_float(struct view text, double *out)
{
        char number[NUMBER_MAX];
        double value;

        if (is_word(text, float_words, COUNT(float_words))) {
                bool not_a_number = (text.p[text.n - 1] | 0x20) == 'n';

                *out = not_a_number ? (double)NAN : (double)INFINITY;
                if (text.p[0] == '-')
                        *out = -*out;
                return true;
        }
        if (!copy_number(text, number) || !looks_like_float(number))
                return false;
        value = strtod(number, NULL);
        if (isinf(value))
                return false;
        *out = value;
        return true;
}

static int
base64_digit(char c)
{
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (is_digit(c))
                return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Standard base64 with padding; line ends are skipped. */
static bool
base64_decode(struct view text, char *out, size_t *out_len)
{
        uint32_t bits = 0;
        size_t digits = 0;
        size_t pads = 0;
        size_t n = 0;

        for (size_t i = 0; i < text.n; i++) {
                int digit = base64_digit(text.p[i]);

                if (text.p[i] == '\n' || text.p[i] == '\r')
                        continue;
                if (text.p[i] == '=') {
                        pads++;
                        continue;
                }
                if (digit < 0 || pads > 0)
                        return false;
                bits = bits << 6 | (uint32_t)digit;
                digits++;
                if (digits % 4 == 0) {
                        out[n++] = (char)(bits >> 16 & 0xff);
                        out[n++] = (char)(bits >> 8 & 0xff);
                        out[n++] = (char)(bits & 0xff);
                }
        }
        if (digits % 4 == 1 || (digits % 4 == 0 ? pads != 0 : pads != 4 - digits % 4))
                return false;
        if (digits % 4 >= 2)
                out[n++] = (char)(bits >> (digits % 4 == 2 ? 4 : 10) & 0xff);
        if (digits % 4 == 3)
                out[n++] = (char)(bits >> 2 & 0xff);
        *out_len = n;
        return true;
}

static int
decode_binary(struct yaml_node *node, struct arena *arena, struct err *e)
{
        char *bytes = arena_alloc(arena, node->text.n + 1);
        size_t n = 0;

        if (bytes == NULL)
                return err_nomem(e, "a binary value");
        if (!base64_decode(node->text, bytes, &n))
                return err_set(e, ERR_PARSE, "!!binary value contains invalid base64 data");
        bytes[n] = '\0';
        node->text = (struct view){bytes, n};
        node->binary = true;
        return 0;
}

/* Kind of a plain scalar by its looks. */
static void
guess(struct yaml_node *node)
{
        bool negative = false;
        uint64_t u = 0;
        double d = 0;

        if (is_word(node->text, null_words, COUNT(null_words))) {
                node->kind = YAML_NULL;
                node->text = VIEW_LIT("");
        } else if (is_word(node->text, true_words, COUNT(true_words)) ||
            is_word(node->text, false_words, COUNT(false_words)))
                node->scalar = YAML_BOOL;
        else if (read_integer(node->text, &negative, &u))
                node->scalar = YAML_INT;
        else if (read_float(node->text, &d))
                node->scalar = YAML_FLOAT;
}

/* An explicit tag of YAML's own must fit what stands there. */
static int
check_tag(struct yaml_node *node, const char *tag, struct err *e)
{
        static const struct {
                const char *tag;
                enum yaml_kind kind;
                enum yaml_scalar scalar;
        } rows[] = {
            {"null", YAML_NULL, YAML_STRING},
            {"bool", YAML_SCALAR, YAML_BOOL},
            {"int", YAML_SCALAR, YAML_INT},
            {"float", YAML_SCALAR, YAML_FLOAT},
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                if (strcmp(tag, rows[i].tag) != 0)
                        continue;
                guess(node);
                if (rows[i].scalar == YAML_FLOAT && node->scalar == YAML_INT)
                        node->scalar = YAML_FLOAT;
                if (node->kind != rows[i].kind || node->scalar != rows[i].scalar)
                        return err_set(e, ERR_PARSE, "cannot decode %s `%.64s` as a !!%s",
                            yaml_node_tag(node), node->text.p, tag);
                return 0;
        }
        node->quoted = true; /* !!str, and tags that nobody knows: a string */
        return 0;
}

int
yaml_scalar_resolve(struct yaml_node *node, const char *tag, struct arena *arena, struct err *e)
{
        static const char prefix[] = "tag:yaml.org,2002:";

        node->kind = YAML_SCALAR;
        node->scalar = YAML_STRING;
        if (tag == NULL) {
                if (!node->quoted)
                        guess(node);
                return 0;
        }
        if (strncmp(tag, prefix, sizeof(prefix) - 1) != 0) {
                node->quoted = true;
                return 0;
        }
        tag += sizeof(prefix) - 1;
        if (strcmp(tag, "binary") == 0)
                return decode_binary(node, arena, e);
        return check_tag(node, tag, e);
}

bool
yaml_node_bool(const struct yaml_node *node, bool *out)
{
        if (node->kind != YAML_SCALAR || node->scalar != YAML_BOOL)
                return false;
        *out = is_word(node->text, true_words, COUNT(true_words));
        return true;
}

bool
yaml_node_float(const struct yaml_node *node, double *out)
{
        bool negative = false;
        uint64_t u = 0;

        if (node->kind != YAML_SCALAR)
                return false;
        if (node->scalar != YAML_INT && node->scalar != YAML_FLOAT)
                return false;
        if (!read_integer(node->text, &negative, &u))
                return read_float(node->text, out);
        *out = negative ? -(double)u : (double)u;
        return true;
}

bool
yaml_node_uint(const struct yaml_node *node, uint64_t *out)
{
        bool negative = false;
        uint64_t u = 0;
        double d = 0;

        if (!yaml_node_float(node, &d))
                return false;
        if (read_integer(node->text, &negative, &u)) {
                if (negative && u != 0)
                        return false;
        } else {
                if (!(d >= 0 && d < 18446744073709551616.0))
                        return false;
                u = (uint64_t)d;
        }
        *out = u;
        return true;
}

bool
yaml_node_int(const struct yaml_node *node, int64_t *out)
{
        bool negative = false;
        uint64_t u = 0;
        double d = 0;

        if (!yaml_node_float(node, &d))
                return false;
        if (!read_integer(node->text, &negative, &u)) {
                if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
                        return false;
                *out = (int64_t)d;
                return true;
        }
        if (negative) {
                *out = u > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)u;
                return true;
        }
        if (u > (uint64_t)INT64_MAX)
                return false;
        *out = (int64_t)u;
        return true;
}
