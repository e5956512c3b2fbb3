#include "wal/value.h"

#include "tests/testing/testing.h"
#include "wal/column.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t
bits_of(double d)
{
        uint64_t bits;

        memcpy(&bits, &d, sizeof(bits));
        return bits;
}

/* Puts and gets; fails unless the bits come back. Returns the tag, the bytes in *n. */
static enum value_tag
round_trip(uint64_t bits, uint64_t base, size_t *n)
{
        uint8_t p[VALUE_MAX];
        uint64_t back = 0;
        enum value_tag tag = value_put(bits, base, p, n);
        int taken;

        assert_true(*n <= VALUE_MAX);
        assert_true(tag < VALUE_TAGS);
        taken = value_get((uint8_t)tag, p, p + *n, base, &back);
        if (taken != (int)*n || back != bits)
                fail_msg("%016llx against %016llx: tag %d, %zu bytes, taken %d, back %016llx",
                    (unsigned long long)bits, (unsigned long long)base, (int)tag, *n, taken,
                    (unsigned long long)back);
        if (*n > 0)
                assert_int_equal(value_get((uint8_t)tag, p, p + *n - 1, base, &back), -1);
        return tag;
}

static void
test_how_values_are_stored(void **state)
{
        static const struct {
                const char *name;
                double value;
                double base;
                enum value_tag want;
                size_t max_bytes;
        } cases[] = {
            {"same", 1.5, 1.5, VALUE_SAME, 0},
            {"counter", 1000001, 1000000, VALUE_INT, 1},
            {"counter going back", 10, 1000000, VALUE_INT, 3},
            {"memory in pages", 1634304 + 8192, 1634304, VALUE_INT_4096, 1},
            {"whole after a fraction", 1, 0.58, VALUE_INT, 1},
            {"above 2^53", 9007199254740996.0, 9007199254740992.0, VALUE_INT, 1},
            {"near 2^62", 4611686018427387392.0, 0, VALUE_INT, 9},
            {"two places", 69.25, 56.83, VALUE_DIV, 2},
            {"one place", 0.6, 0.58, VALUE_DIV, 1},
            {"three places", 14.869, 14.868, VALUE_DIV + 1, 1},
            {"microseconds", 0.000193, 0.000192, VALUE_DIV + 2, 1},
            {"nanoseconds", 0.000190193, 0.000261603, VALUE_DIV + 3, 3},
            {"a product of milliseconds", 15.899000000000001, 14.868, VALUE_MUL + 1, 2},
            {"time of day", 1763911234.1234567, 1763911219.1234567, VALUE_BITS, 4},
            {"zero from something", 0, 12, VALUE_INT, 1},
            {"minus zero", -0.0, 0, VALUE_BITS, 10},
            {"subnormal", 5e-324, 0, VALUE_BITS, 1},
            {"infinity", INFINITY, 1, VALUE_BITS, 10},
            {"huge", 1e300, 1e300 * 1.0000001, VALUE_BITS, 8},
            {"number after infinity", 7, -INFINITY, VALUE_INT, 1},
            {"decimal after infinity", 7.25, INFINITY, VALUE_DIV, 2},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t n;
                enum value_tag tag =
                    round_trip(bits_of(cases[i].value), bits_of(cases[i].base), &n);

                if (tag != cases[i].want || n > cases[i].max_bytes)
                        fail_msg("%s: tag %d, %zu bytes", cases[i].name, (int)tag, n);
        }
}

static void
test_markers(void **state)
{
        static const uint64_t bases[] = {
            0, UINT64_C(0x3ff0000000000000), COLUMN_ABSENT, COLUMN_NAN};
        size_t n;

        (void)state;
        for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
                assert_int_equal(round_trip(COLUMN_STALE, bases[i], &n), VALUE_STALE);
                assert_int_equal(round_trip(COLUMN_ABSENT, bases[i], &n),
                    bases[i] == COLUMN_ABSENT ? VALUE_SAME : VALUE_ABSENT);
                (void)round_trip(COLUMN_NAN, bases[i], &n);
        }
}

/* A value of the kinds that pages have, and of those that they should not have. */
static uint64_t
any_value(struct testing_random *r)
{
        static const double scales[] = {1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
        static const uint64_t odd[] = {0, UINT64_C(1) << 63, 1, UINT64_C(0x000fffffffffffff),
            UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), COLUMN_NAN, COLUMN_STALE,
            COLUMN_ABSENT, UINT64_C(0x7ff8000000000002), UINT64_C(0xfff8676c6e616274),
            UINT64_C(0x7fefffffffffffff), UINT64_C(0x43e0000000000000),
            UINT64_C(0xc3e0000000000000), UINT64_C(0x43d0000000000000),
            UINT64_C(0x4340000000000000)};
        uint64_t random = testing_random(r);
        double whole = (double)(int64_t)(testing_random(r) >> (1 + testing_random_below(r, 63)));
        double scale = scales[testing_random_below(r, 10)];

        whole = (random & 1) != 0 ? -whole : whole;
        switch (testing_random_below(r, 8)) {
        case 0:
                return testing_random(r);
        case 1:
                return odd[testing_random_below(r, sizeof(odd) / sizeof(odd[0]))];
        case 2:
                return bits_of(whole);
        case 3:
                return bits_of(whole / scale);
        case 4:
                return bits_of(whole * (1 / scale));
        case 5:
                return bits_of(trunc(whole / 1e9) + fmod(whole, 1e9) / 1e9);
        case 6:
                return bits_of(whole / scale) + testing_random_below(r, 5) - 2;
        default:
                return bits_of(ldexp(whole, (int)testing_random_below(r, 200) - 100));
        }
}

static void
test_any_bits_come_back(void **state)
{
        const uint64_t seed = UINT64_C(20240611);
        struct testing_random r = {seed};

        (void)state;
        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned i = 0; i < 1000000; i++) {
                uint64_t base = any_value(&r);
                uint64_t bits = any_value(&r);
                size_t n;

                (void)round_trip(bits, base, &n);
                (void)round_trip(base + testing_random_below(&r, 9) - 4, base, &n);
        }
}

static void
test_bytes_from_outside(void **state)
{
        static const uint8_t full[VALUE_MAX] = {
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
        struct testing_random r = {5};
        uint64_t out;

        (void)state;
        for (unsigned tag = VALUE_TAGS; tag < 256; tag++)
                assert_int_equal(value_get((uint8_t)tag, full, full + 10, 0, &out), -1);
        for (unsigned tag = VALUE_BITS; tag < VALUE_TAGS; tag++) {
                assert_int_equal(value_get((uint8_t)tag, full, full, 0, &out), -1);
                for (unsigned i = 0; i < 10000; i++)
                        assert_int_equal(
                            value_get((uint8_t)tag, full, full + 10, any_value(&r), &out), 10);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_how_values_are_stored),
            cmocka_unit_test(test_markers),
            cmocka_unit_test(test_any_bits_come_back),
            cmocka_unit_test(test_bytes_from_outside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
