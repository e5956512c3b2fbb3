/*
 * How a value is stored is chosen by what most values are: counters and sizes are whole numbers,
 * times and ratios are decimals with few places, printed from a quotient or a product. Decimals
 * are found by multiplying: only where that comes out next to a whole number is the way back
 * tried. What is left (sums of floating point) is close to its base as a bit pattern.
 */
#include "wal/value.h"

#include "base/varint.h"
#include "wal/column.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { SCALES = 4 };

static const double scale_up[SCALES] = {1e2, 1e3, 1e6, 1e9};
static const double scale_down[SCALES] = {1e-2, 1e-3, 1e-6, 1e-9};

/* Adding and taking away 1.5 * 2^52 rounds to a whole number what is below 2^51. */
static const double rounder = 6755399441055744.0;
static const double scaled_max = 2251799813685248.0; /* 2^51 */
static const double int_max = 4611686018427387904.0; /* 2^62 */
static const double near_whole = 0x1p-50; /* relative: a few units in the last place */

static double
to_double(uint64_t bits)
{
        double d;

        memcpy(&d, &bits, sizeof(d));
        return d;
}

static uint64_t
to_bits(double d)
{
        uint64_t bits;

        memcpy(&bits, &d, sizeof(bits));
        return bits;
}

/* The whole number that a base stands for, 0 when it is none we can hold (NaN, infinite, huge). */
static int64_t
base_int(double base)
{
        return fabs(base) < int_max ? (int64_t)base : 0;
}

static int64_t
base_scaled(double base, double scale)
{
        double scaled = base * scale;

        return fabs(scaled) < scaled_max ? (int64_t)((scaled + rounder) - rounder) : 0;
}

static int64_t
minus(int64_t a, int64_t b)
{
        return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
plus(int64_t a, int64_t b)
{
        return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Is there a scale at which value is a whole number, bit for bit? Then its tag, else VALUE_BITS. */
static enum value_tag
find_scale(double value, uint64_t bits, double base, int64_t *delta)
{
        for (unsigned i = 0; i < SCALES; i++) {
                double scaled = value * scale_up[i];
                double whole;

                if (!(fabs(scaled) < scaled_max))
                        break;
                whole = (scaled + rounder) - rounder;
                if (fabs(scaled - whole) > fabs(scaled) * near_whole)
                        continue;
                *delta = minus((int64_t)whole, base_scaled(base, scale_up[i]));
                if (to_bits(whole / scale_up[i]) == bits)
                        return VALUE_DIV + i;
                if (to_bits(whole * scale_down[i]) == bits)
                        return VALUE_MUL + i;
        }
        return VALUE_BITS;
}

enum value_tag
value_put(uint64_t bits, uint64_t base, uint8_t *p, size_t *n)
{
        double value = to_double(bits);
        double b = to_double(base);
        enum value_tag tag;
        int64_t delta;

        *n = 0;
        if (bits == base)
                return VALUE_SAME;
        if (fabs(value) < int_max && to_bits((double)(int64_t)value) == bits) {
                delta = minus((int64_t)value, base_int(b));
                tag = VALUE_INT;
                if ((delta & 4095) == 0 && delta != 0) {
                        delta /= 4096;
                        tag = VALUE_INT_4096;
                }
                *n = varint_put(p, zigzag(delta));
                return tag;
        }
        if (bits == COLUMN_ABSENT)
                return VALUE_ABSENT;
        if (bits == COLUMN_STALE)
                return VALUE_STALE;
        tag = find_scale(value, bits, b, &delta);
        if (tag == VALUE_BITS)
                delta = minus((int64_t)bits, (int64_t)base);
        *n = varint_put(p, zigzag(delta));
        return tag;
}

/* Whole numbers and bit patterns; the arithmetic wraps, so that any bytes are defined. */
static uint64_t
apply(uint8_t tag, int64_t delta, uint64_t base)
{
        double b = to_double(base);
        unsigned i;

        if (tag == VALUE_INT)
                return to_bits((double)plus(base_int(b), delta));
        if (tag == VALUE_BITS)
                return (uint64_t)plus((int64_t)base, delta);
        if (tag == VALUE_INT_4096)
                return to_bits((double)plus(base_int(b), (int64_t)((uint64_t)delta * 4096)));
        if (tag < VALUE_MUL) {
                i = tag - (unsigned)VALUE_DIV;
                return to_bits((double)plus(base_scaled(b, scale_up[i]), delta) / scale_up[i]);
        }
        i = tag - (unsigned)VALUE_MUL;
        return to_bits((double)plus(base_scaled(b, scale_up[i]), delta) * scale_down[i]);
}

int
value_get(uint8_t tag, const uint8_t *p, const uint8_t *end, uint64_t base, uint64_t *out)
{
        uint64_t coded;
        size_t n;

        switch (tag) {
        case VALUE_SAME:
                *out = base;
                return 0;
        case VALUE_ABSENT:
                *out = COLUMN_ABSENT;
                return 0;
        case VALUE_STALE:
                *out = COLUMN_STALE;
                return 0;
        default:
                break;
        }
        if (tag >= VALUE_TAGS)
                return -1;
        n = varint_get(p, end, &coded);
        if (n == 0)
                return -1;
        *out = apply(tag, unzigzag(coded), base);
        return (int)n;
}
