#include "agent/go_duration.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name;
        double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
    {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

static const char digits[] = "0123456789.";

/* One number with its unit; *text goes on behind it. False: it is none. */
static bool
take_part(struct view *text, double *sum)
{
        char number[32];
        size_t n = 0;
        size_t unit;
        char *end;

        while (n < text->n && strchr(digits, text->p[n]) != NULL && text->p[n] != '\0')
                n++;
        for (unit = n; unit < text->n && strchr(digits, text->p[unit]) == NULL;)
                unit++;
        if (n == 0 || n >= sizeof(number))
                return false;
        memcpy(number, text->p, n);
        number[n] = '\0';
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                if (!view_is((struct view){text->p + n, unit - n}, units[i].name))
                        continue;
                *sum += strtod(number, &end) * units[i].ns;
                *text = (struct view){text->p + unit, text->n - unit};
                return *end == '\0' && strcmp(number, ".") != 0;
        }
        return false;
}

static bool
is_number(struct view text)
{
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] < '0' || text.p[i] > '9')
                        return false;
        }
        return text.n > 0 && text.n < 20;
}

int
go_duration_parse(struct view text, int64_t *out_ns, struct err *e)
{
        struct view rest = text;
        bool negative = rest.n > 0 && rest.p[0] == '-';
        double sum = 0;
        bool good;

        if (rest.n > 0 && (negative || rest.p[0] == '+'))
                rest = (struct view){rest.p + 1, rest.n - 1};
        good = rest.n > 0;
        if (is_number(rest)) { /* nanoseconds */
                char number[20] = "";

                memcpy(number, rest.p, rest.n);
                sum = strtod(number, NULL);
                rest.n = 0;
        }
        while (good && rest.n > 0)
                good = take_part(&rest, &sum);
        if (!good)
                return err_set(e, ERR_CONFIG, "\"%.*s\" is no duration",
                    (int)(text.n < 64 ? text.n : 64), text.p);
        if (!(sum < 9.2e18))
                return err_set(e, ERR_CONFIG, "the duration is too long");
        *out_ns = (int64_t)(negative ? -sum : sum);
        return 0;
}
