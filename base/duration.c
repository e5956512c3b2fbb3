#include "base/duration.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

struct unit {
        const char *name;
        int64_t ms;
        bool whole_only; /* printed only when it divides what is left */
};

/* from large to small: the order in which they may be written */
static const struct unit units[] = {
    {"y", INT64_C(365) * 24 * 3600 * 1000, true},
    {"w", INT64_C(7) * 24 * 3600 * 1000, true},
    {"d", INT64_C(24) * 3600 * 1000, false},
    {"h", INT64_C(3600) * 1000, false},
    {"m", INT64_C(60) * 1000, false},
    {"s", INT64_C(1000), false},
    {"ms", INT64_C(1), false},
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

static const int64_t max_ms = INT64_MAX / 1000000;
static const int64_t max_number = INT64_MAX / 10 - 1;

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* The digits at *pos; false when there are none or the number is over the bound. */
static bool
take_number(struct view text, size_t *pos, int64_t *out)
{
        size_t start = *pos;
        int64_t n = 0;

        while (*pos < text.n && is_digit(text.p[*pos])) {
                if (n > max_number)
                        return false;
                n = n * 10 + (text.p[*pos] - '0');
                (*pos)++;
        }
        *out = n;
        return *pos > start;
}

/* The unit at *pos, its text in *name; UNITS when there is none of that name. */
static size_t
take_unit(struct view text, size_t *pos, struct view *name)
{
        size_t start = *pos;
        size_t i = 0;

        while (*pos < text.n && !is_digit(text.p[*pos]))
                (*pos)++;
        *name = (struct view){text.p + start, *pos - start};
        while (i < UNITS && !view_is(*name, units[i].name))
                i++;
        return i;
}

static int
refuse(struct view text, struct err *e)
{
        return err_set(e, ERR_CONFIG, "not a valid duration string: \"%.*s\"", (int)text.n, text.p);
}

int
duration_parse(struct view text, int64_t *out_ms, struct err *e)
{
        size_t pos = 0;
        size_t next = 0; /* the largest unit that may follow */
        int64_t sum = 0;

        if (text.n == 0)
                return err_set(e, ERR_CONFIG, "empty duration string");
        if (view_is(text, "0")) {
                *out_ms = 0;
                return 0;
        }
        while (pos < text.n) {
                struct view name;
                int64_t n = 0;
                size_t unit;

                if (!is_digit(text.p[pos]) || !take_number(text, &pos, &n))
                        return refuse(text, e);
                unit = take_unit(text, &pos, &name);
                if (unit == UNITS && name.n > 0)
                        return err_set(e, ERR_CONFIG, "unknown unit \"%.*s\" in duration \"%.*s\"",
                            (int)name.n, name.p, (int)text.n, text.p);
                if (unit == UNITS || unit < next)
                        return refuse(text, e);
                if (n > (max_ms - sum) / units[unit].ms)
                        return err_set(e, ERR_CONFIG, "duration out of range");
                sum += n * units[unit].ms;
                next = unit + 1;
        }
        *out_ms = sum;
        return 0;
}

size_t
duration_format(int64_t ms, char *out, size_t cap)
{
        size_t used = 0;

        if (ms == 0)
                return (size_t)snprintf(out, cap, "0s");
        for (size_t i = 0; i < UNITS && ms > 0; i++) {
                int64_t n = ms / units[i].ms;

                if (n == 0 || (units[i].whole_only && ms % units[i].ms != 0))
                        continue;
                used += (size_t)snprintf(used < cap ? out + used : NULL,
                    used < cap ? cap - used : 0, "%lld%s", (long long)n, units[i].name);
                ms -= n * units[i].ms;
        }
        return used;
}
