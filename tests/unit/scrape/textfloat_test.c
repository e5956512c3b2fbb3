#include "scrape/textfloat.h"

#include "scrape/textparse.h"
#include "tests/testing/testing.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROPERTY_ROUNDS = 200000, NUMBER_MAX = 128 };

static uint64_t
bits_of(double d)
{
        uint64_t bits;

        memcpy(&bits, &d, sizeof(bits));
        return bits;
}

static void
test_values(void **state)
{
        static const struct {
                const char *text;
                double want;
        } rows[] = {
            {"0", 0.0},
            {"-0", -0.0},
            {"+0", 0.0},
            {"007", 7},
            {".5", 0.5},
            {"5.", 5},
            {"-.5e1", -5},
            {"1E3", 1000},
            {"1e+3", 1000},
            {"1e-3", 0.001},
            {"1e0000003", 1000},
            {"9007199254740992", 9007199254740992.0},
            {"9007199254740993", 9007199254740992.0}, /* a tie goes to even */
            {"9007199254740993.00000000000000000000000000001", 9007199254740994.0},
            {"18446744073709551615", 18446744073709551616.0},
            {"99999999999999999999", 1e20},
            {"1e22", 1e22},
            {"1e23", 1e23},
            {"8.5e22", 8.5e22},
            {"123456789012345678901234567890", 123456789012345678901234567890.0},
            {"1.7976931348623157e308", 1.7976931348623157e308},
            {"4.9e-324", 4.9e-324},
            {"2.4703282292062327208e-324", 0}, /* below half of the least double */
            {"2.4703282292062328e-324", 4.9e-324},
            {"1e-400", 0.0},
            {"-1e-400", -0.0},
            {"1e-99999999999999999999", 0.0},
            {"0e99999999999999999999", 0.0},
            {"2.2250738585072011e-308", 2.2250738585072011e-308},
            {"inf", (double)INFINITY},
            {"+Inf", (double)INFINITY},
            {"-iNfInItY", -(double)INFINITY},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                double got = 1;

                print_message("%s\n", rows[i].text);
                assert_true(textfloat_parse(view_of(rows[i].text), TEXTFLOAT_PAGE, &got));
                assert_int_equal(bits_of(got), bits_of(rows[i].want));
                assert_true(textfloat_parse(view_of(rows[i].text), TEXTFLOAT_GO, &got));
                assert_int_equal(bits_of(got), bits_of(rows[i].want));
        }
}

static void
test_nan(void **state)
{
        double got = 1;

        (void)state;
        assert_true(textparse_float(VIEW_LIT("NaN"), &got));
        assert_true(isnan(got));
        assert_true(textparse_float(VIEW_LIT("nan"), &got));
        assert_false(textparse_float(VIEW_LIT("+nan"), &got));
        assert_false(textparse_float(VIEW_LIT("-NaN"), &got));
}

static void
test_refused(void **state)
{
        static const char *const rows[] = {"", "+", "-", ".", "e5", ".e5", "1e", "1e+", "1ee5",
            "1.2.3", "--1", "1-", "true", "in", "infi", "infinityx", "nanx", "1e400", "-1e309",
            "1.7976931348623159e308", "0x1p3", "0x10", "1_000", "1e1_0", "_1", "1 ", " 1", "1\r",
            "0b1", "1f", "١"};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                double got = 42;

                print_message("%s\n", rows[i]);
                assert_false(textparse_float(view_of(rows[i]), &got));
                assert_true(got == 42);
        }
        assert_false(textparse_float((struct view){"1\0", 2}, &(double){0}));
}

/* What strconv.ParseFloat takes beyond that. */
static void
test_go(void **state)
{
        static const struct {
                const char *text;
                bool good;
                double want;
        } rows[] = {
            {"1_000", true, 1000},
            {"1_23.50_0_0e+1_2", true, 1.235e14},
            {"_1", false, 0},
            {"1_", false, 0},
            {"1__0", false, 0},
            {"1_.5", false, 0},
            {"1._5", false, 0},
            {"1e_5", false, 0},
            {"0x1p4", true, 16},
            {"-0X1.8P+1", true, -3},
            {"0x_1p-2", true, 0.25},
            {"0x.8p1", true, 1},
            {"0xfp0", true, 15},
            {"0x1", false, 0}, /* needs its exponent */
            {"0x", false, 0},
            {"0xp1", false, 0},
            {"0x1e4", false, 0},
            {"0x1.fffffffffffff8p1023", false, 0},
            {"0x1.fffffffffffffp1023", true, 1.7976931348623157e308},
            {"0x1.00000000000008p0", true, 1}, /* a tie goes to even */
            {"0x1.000000000000080000000000000000001p0", true, 1.0000000000000002},
            {"0x1p-1075", true, 0},
            {"0x1p-1074", true, 4.9e-324},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                double got = 0;

                print_message("%s\n", rows[i].text);
                assert_int_equal(
                    textfloat_parse(view_of(rows[i].text), TEXTFLOAT_GO, &got), rows[i].good);
                assert_int_equal(bits_of(got), bits_of(rows[i].want));
        }
}

/* 800 digits are kept; the rest may break a tie and must not be forgotten. */
static void
test_many_digits(void **state)
{
        static char text[20000];
        size_t n = strlen("9007199254740993.");
        double got;

        (void)state;
        memset(text, '0', sizeof(text));
        memcpy(text, "9007199254740993.", n);
        assert_true(textparse_float((struct view){text, sizeof(text)}, &got));
        assert_true(got == 9007199254740992.0);
        text[sizeof(text) - 1] = '1';
        assert_true(textparse_float((struct view){text, sizeof(text)}, &got));
        assert_true(got == 9007199254740994.0);
        memset(text, '0', sizeof(text)); /* leading zeros are none of them */
        memcpy(text + sizeof(text) - 3, "1.5", 3);
        assert_true(textparse_float((struct view){text, sizeof(text)}, &got));
        assert_true(got == 1.5);
}

static void
random_number(struct testing_random *r, char *out)
{
        uint64_t bits = testing_random(r);
        double d;

        switch (testing_random_below(r, 6)) {
        case 0: /* any bits */
                memcpy(&d, &bits, sizeof(d));
                (void)snprintf(out, NUMBER_MAX, "%.*g", (int)testing_random_below(r, 22), d);
                break;
        case 1: /* digits and exponent */
                (void)snprintf(out, NUMBER_MAX, "%" PRIu64 "e%d",
                    bits >> testing_random_below(r, 64), (int)testing_random_below(r, 700) - 350);
                break;
        case 2: /* around the bounds of the short way */
                (void)snprintf(out, NUMBER_MAX, "%" PRIu64 "e%d",
                    (UINT64_C(1) << 53) - 3 + testing_random_below(r, 6),
                    (int)testing_random_below(r, 50) - 25);
                break;
        case 3: /* as pages have them */
                (void)snprintf(out, NUMBER_MAX, "%" PRIu64 ".%" PRIu64,
                    bits >> testing_random_below(r, 64), testing_random_below(r, 1000000));
                break;
        case 4: /* next to the middle of two doubles */
                (void)snprintf(out, NUMBER_MAX, "%" PRIu64 "%s", (bits >> 10) | 1,
                    testing_random_below(r, 2) == 0 ? ".00000000000000000001" : ".0");
                break;
        default:
                (void)snprintf(out, NUMBER_MAX, "%s%" PRIu64 ".%06" PRIu64 "e%+d",
                    testing_random_below(r, 2) == 0 ? "-" : "", bits % 10,
                    testing_random_below(r, 1000000), (int)testing_random_below(r, 60) - 30);
        }
}

/* Both ways give the double that strtod gives, bit for bit. */
static void
test_same_as_strtod(void **state)
{
        struct testing_random r = {(uint64_t)time(NULL)};
        unsigned shorts = 0;

        (void)state;
        print_message("seed %" PRIu64 "\n", r.state);
        for (int i = 0; i < PROPERTY_ROUNDS; i++) {
                char text[NUMBER_MAX];
                double want;
                double got;
                const char *end;

                random_number(&r, text);
                want = strtod(text, NULL);
                if (isnan(want))
                        continue;
                if (isinf(want) && strchr(text, 'i') == NULL) {
                        assert_false(textparse_float(view_of(text), &got));
                        continue;
                }
                assert_true(textparse_float(view_of(text), &got));
                if (bits_of(got) != bits_of(want))
                        fail_msg("%s: %.17g, want %.17g", text, got, want);
                end = textfloat_short(text, &got);
                if (end == NULL)
                        continue;
                shorts++;
                assert_int_equal(*end, '\0');
                if (bits_of(got) != bits_of(want))
                        fail_msg("%s: short way %.17g, want %.17g", text, got, want);
        }
        assert_true(shorts > PROPERTY_ROUNDS / 10);
}

static void
test_short_stops(void **state)
{
        static const struct {
                const char *text;
                long stop; /* -1: not of this kind */
        } rows[] = {
            {"1 ", 1},
            {"-12.50\n", 6},
            {"1e5 2", 3},
            {"5.x", 2},
            {".5\t", 2},
            {"+1 ", -1},
            {". ", -1},
            {"- ", -1},
            {"NaN ", -1},
            {"1e ", -1},
            {"1e+ ", -1},
            {"1e23 ", -1},
            {"12345678901234567890 ", -1},
            {"9007199254740993 ", -1},
            {"x", -1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                double d;
                const char *end = textfloat_short(rows[i].text, &d);

                print_message("%s\n", rows[i].text);
                assert_int_equal(end != NULL ? end - rows[i].text : -1, rows[i].stop);
        }
}

static void
test_format(void **state)
{
        static const struct {
                double d;
                const char *want;
        } rows[] = {
            {0.0, "0.0"},
            {-0.0, "0.0"},
            {1, "1.0"},
            {-1, "-1.0"},
            {10, "10.0"},
            {0.5, "0.5"},
            {2.5, "2.5"},
            {0.1, "0.1"},
            {100000, "100000.0"},
            {999999, "999999.0"},
            {999999.5, "999999.5"},
            {1000000, "1e+06"},
            {1234567, "1.234567e+06"},
            {-1000000, "-1e+06"},
            {0.0001, "0.0001"},
            {0.00012, "0.00012"},
            {0.00001, "1e-05"},
            {-0.00001234, "-1.234e-05"},
            {1e22, "1e+22"},
            {1e100, "1e+100"},
            {0.30000000000000004, "0.30000000000000004"},
            {4.9e-324, "5e-324"},
            {1.7976931348623157e308, "1.7976931348623157e+308"},
            {618970019642690137449562112.0, "6.189700196426902e+26"}, /* 2^89 */
            {9007199254740993.0, "9.007199254740992e+15"},
            {(double)INFINITY, "+Inf"},
            {-(double)INFINITY, "-Inf"},
            {(double)NAN, "NaN"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char text[TEXTFLOAT_MAX + 1] = {0};
                size_t n = textparse_format_float(rows[i].d, text, TEXTFLOAT_MAX);

                assert_string_equal(text, rows[i].want);
                assert_int_equal(n, strlen(rows[i].want));
        }
        assert_int_equal(textparse_format_float(12.5, (char[2]){0}, 2), 2);
}

static void
test_format_reads_back(void **state)
{
        struct testing_random r = {(uint64_t)time(NULL)};

        (void)state;
        print_message("seed %" PRIu64 "\n", r.state);
        for (int i = 0; i < PROPERTY_ROUNDS / 10; i++) {
                uint64_t bits = testing_random(&r);
                char text[TEXTFLOAT_MAX];
                double d;
                double back;
                size_t n;

                if (i % 4 == 0) /* powers of two: the neighbours below are nearer */
                        bits &= UINT64_C(0xfff) << 52;
                memcpy(&d, &bits, sizeof(d));
                if (!isfinite(d) || d == 0)
                        continue;
                n = textparse_format_float(d, text, sizeof(text));
                assert_true(n < sizeof(text));
                assert_true(textparse_float((struct view){text, n}, &back));
                assert_int_equal(bits_of(back), bits_of(d));
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_nan),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_go),
            cmocka_unit_test(test_many_digits),
            cmocka_unit_test(test_same_as_strtod),
            cmocka_unit_test(test_short_stops),
            cmocka_unit_test(test_format),
            cmocka_unit_test(test_format_reads_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
