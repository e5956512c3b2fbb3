#include "bench/motion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        HOLD_MAX = 16, /* ticks a series stays at most */
        SMOOTH_TICKS = 8, /* a gauge's slow part has a knee every so many */
        DIGITS_SURE = 15, /* more are noise of binary fractions, but in times */
        DIGITS_MAX = 20,
        DECIMALS_MAX = 12,
        GO_EXPONENT = 6, /* from here on Go prints an exponent */
};

static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

uint64_t
motion_mix(uint64_t a, uint64_t b)
{
        uint64_t x = (a ^ (b * 0x9e3779b97f4a7c15U)) + 0x9e3779b97f4a7c15U;

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31);
}

/* In [0, 1). */
static double
fraction(uint64_t a, uint64_t b)
{
        return (double)(motion_mix(a, b) >> 11) * 0x1p-53;
}

/* ---- learning ---- */

/* Digits after the point and significant digits of a text; false when it is no plain number. */
static bool
measure(struct view v, int *decimals, int *digits)
{
        int exponent = 0;
        bool point = false;
        size_t i = 0;

        *decimals = 0;
        *digits = 0;
        if (v.n > 0 && v.p[0] == '-')
                i = 1;
        for (; i < v.n && v.p[i] != 'e'; i++) {
                if (v.p[i] == '.') {
                        point = true;
                        continue;
                }
                if (v.p[i] < '0' || v.p[i] > '9')
                        return false;
                *digits += *digits > 0 || v.p[i] != '0';
                *decimals += point;
        }
        if (i < v.n)
                exponent = (int)strtol(v.p + i + 1, NULL, 10);
        *decimals -= exponent;
        if (*decimals < 0)
                *decimals = 0;
        return v.n > 0;
}

static double
number(struct view v)
{
        char text[MOTION_TEXT_MAX * 2] = {0};

        memcpy(text, v.p, v.n < sizeof(text) - 1 ? v.n : sizeof(text) - 1);
        return strtod(text, NULL);
}

/* Sets decimals and dusty; false when these values cannot be counted in units. */
static bool
learn_scale(const struct view *values, size_t n, struct motion *m)
{
        for (size_t i = 0; i < n; i++) {
                int decimals;
                int digits;

                if (!measure(values[i], &decimals, &digits) || number(values[i]) < 0)
                        return false;
                if (digits > DIGITS_SURE && number(values[i]) < 1e9) {
                        m->dusty = true;
                        continue;
                }
                if (decimals > DECIMALS_MAX)
                        return false;
                if ((unsigned)decimals > m->decimals)
                        m->decimals = (unsigned)decimals;
        }
        for (size_t i = 0; i < n; i++) {
                if (number(values[i]) * POWERS[m->decimals] > 4e18)
                        return false;
        }
        return true;
}

static int64_t
greatest_common(int64_t a, int64_t b)
{
        while (b != 0) {
                int64_t rest = a % b;

                a = b;
                b = rest;
        }
        return a < 0 ? -a : a;
}

void
motion_learn(const struct view *values, size_t n, struct motion *out)
{
        struct motion m = {.kind = MOTION_CONSTANT, .grain = 0};
        int64_t low = INT64_MAX;
        int64_t high = INT64_MIN;
        int64_t before = 0;
        size_t changes = 0;
        bool falls = false;

        m.text_len = values[0].n < sizeof(m.text) ? values[0].n : sizeof(m.text);
        memcpy(m.text, values[0].p, m.text_len);
        *out = m;
        if (n < 2 || !learn_scale(values, n, &m))
                return;
        for (size_t i = 0; i < n; i++) {
                int64_t units = llround(number(values[i]) * POWERS[m.decimals]);

                if (i > 0) {
                        changes += units != before;
                        falls = falls || units < before;
                        m.grain = greatest_common(m.grain, units - before);
                }
                low = units < low ? units : low;
                high = units > high ? units : high;
                before = units;
        }
        if (changes == 0)
                return;
        m.kind = falls ? MOTION_WANDER : MOTION_COUNTER;
        m.change = (double)changes / (double)(n - 1);
        m.first = low;
        m.rate = (double)(high - low);
        if (!falls)
                m.rate /= (double)(n - 1);
        *out = m;
}

void
motion_assume(struct view value, double change, int64_t step, struct motion *out)
{
        motion_learn(&value, 1, out);
        out->kind = MOTION_COUNTER;
        out->change = 1;
        out->first = llround(number(value));
        out->rate = change * (double)step;
        out->grain = step;
}

/* ---- values ---- */

/* The tick since when the value stands. Never falls as the tick grows. */
static int64_t
held_since(const struct motion *m, uint64_t seed, int64_t tick)
{
        int64_t t = tick;

        while (t > tick - HOLD_MAX && fraction(seed, (uint64_t)t) >= m->change)
                t--;
        return t;
}

/* A slow swing with quick noise on it, in [0, 1). */
static double
swing(uint64_t seed, int64_t tick)
{
        int64_t knee = tick / SMOOTH_TICKS;
        double way = (double)(tick % SMOOTH_TICKS) / SMOOTH_TICKS;
        double slow =
            fraction(~seed, (uint64_t)knee) * (1 - way) + fraction(~seed, (uint64_t)knee + 1) * way;

        return 0.6 * slow + 0.4 * fraction(seed + 1, (uint64_t)tick);
}

/* Times (in seconds) neither start nor run differently on another target. */
static bool
is_time(const struct motion *m)
{
        double value = (double)m->first / POWERS[m->decimals];

        return value > 1.5e9 && value < 2.2e9;
}

static int64_t
units_at(const struct motion *m, uint64_t seed, int64_t tick)
{
        int64_t since = held_since(m, seed, tick);
        double moved;
        int64_t first = m->first;

        if (m->kind == MOTION_WANDER) {
                moved = m->rate * swing(seed, since);
        } else {
                /* Each target has a rate and a beginning of its own. */
                double pace = is_time(m) ? 1 : exp2(2 * fraction(seed, 0) - 1);

                if (!is_time(m))
                        first +=
                            (int64_t)(fraction(seed, 1) * (double)m->first) / m->grain * m->grain;
                moved = m->rate * pace *
                        ((double)(since - MOTION_TICK_FIRST + HOLD_MAX) +
                            fraction(seed + 1, (uint64_t)since)) +
                    fraction(seed, 2) * (double)m->grain;
        }
        return first + (int64_t)moved / m->grain * m->grain;
}

/* Digits of v without zeros at the end, *zeros tells how many were left out. */
static size_t
significant(int64_t v, char *digits, unsigned *zeros)
{
        char reversed[DIGITS_MAX];
        size_t n = 0;

        *zeros = 0;
        while (v % 10 == 0) {
                v /= 10;
                (*zeros)++;
        }
        do {
                reversed[n++] = (char)('0' + v % 10);
                v /= 10;
        } while (v > 0 && n < DIGITS_MAX);
        for (size_t i = 0; i < n; i++)
                digits[i] = reversed[n - 1 - i];
        return n;
}

/* The number v * 10^-decimals as Go prints it: shortest, an exponent below -4 and from 6 on. */
static size_t
print_units(int64_t v, unsigned decimals, char *p)
{
        char digits[DIGITS_MAX] = {0};
        unsigned zeros;
        size_t n;
        size_t len = 0;
        int exponent; /* of the first digit */

        if (v <= 0) {
                p[0] = '0';
                return 1;
        }
        n = significant(v, digits, &zeros);
        exponent = (int)n - 1 + (int)zeros - (int)decimals;
        if (exponent < -4 || exponent >= GO_EXPONENT) {
                p[len++] = digits[0];
                if (n > 1) {
                        p[len++] = '.';
                        memcpy(p + len, digits + 1, n - 1);
                        len += n - 1;
                }
                p[len++] = 'e';
                p[len++] = (char)(exponent < 0 ? '-' : '+');
                exponent = abs(exponent);
                p[len++] = (char)('0' + exponent / 10);
                p[len++] = (char)('0' + exponent % 10);
                return len;
        }
        if (exponent < 0) {
                for (; len < (size_t)(1 - exponent); len++)
                        p[len] = len == 1 ? '.' : '0';
                memcpy(p + len, digits, n);
                return len + n;
        }
        for (int i = 0; i <= exponent || (size_t)i < n; i++) {
                if (i == exponent + 1)
                        p[len++] = '.';
                p[len++] = (char)((size_t)i < n ? digits[i] : '0');
        }
        return len;
}

static size_t
print_dusty(int64_t units, unsigned decimals, char *p)
{
        double v = (double)units * (1 / POWERS[decimals]);
        char text[MOTION_TEXT_MAX];
        int n = 0;

        for (int precision = DIGITS_SURE; precision <= DIGITS_SURE + 2; precision++) {
                n = snprintf(text, sizeof(text), "%.*g", precision, v);
                if (strtod(text, NULL) == v)
                        break;
        }
        memcpy(p, text, (size_t)n);
        return (size_t)n;
}

size_t
motion_print(const struct motion *m, uint64_t seed, int64_t tick, char *p)
{
        int64_t units;

        if (m->kind == MOTION_CONSTANT) {
                memcpy(p, m->text, m->text_len);
                return m->text_len;
        }
        units = units_at(m, seed, tick);
        return m->dusty ? print_dusty(units, m->decimals, p) : print_units(units, m->decimals, p);
}
