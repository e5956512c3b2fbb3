#include "base/utf8.h"

#include "tests/testing/testing.h"

#include <string.h>

struct decode_case {
        const char *name;
        const char *bytes;
        size_t n;
        size_t want_len;
        uint32_t want;
};

static void
decode_takes_valid_sequences_only(void **state)
{
        static const struct decode_case cases[] = {
            {"ascii", "a", 1, 1, 'a'},
            {"nul", "\0", 1, 1, 0},
            {"two bytes", "\xc3\xa9x", 3, 2, 0xe9},
            {"three bytes", "\xe2\x82\xac", 3, 3, 0x20ac},
            {"four bytes", "\xf0\x9f\x98\x80", 4, 4, 0x1f600},
            {"highest", "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
            {"above the highest", "\xf4\x90\x80\x80", 4, 0, 0},
            {"cut short", "\xe2\x82", 2, 0, 0},
            {"bad continuation", "\xe2\x41\xac", 3, 0, 0},
            {"lone continuation", "\x80", 1, 0, 0},
            {"overlong slash", "\xc0\xaf", 2, 0, 0},
            {"overlong in three", "\xe0\x9f\xbf", 3, 0, 0},
            {"overlong in four", "\xf0\x8f\xbf\xbf", 4, 0, 0},
            {"surrogate", "\xed\xa0\x80", 3, 0, 0},
            {"before the surrogates", "\xed\x9f\xbf", 3, 3, 0xd7ff},
            {"0xff", "\xff", 1, 0, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint32_t c = 0;
                size_t n = utf8_decode(cases[i].bytes, cases[i].n, &c);

                if (n != cases[i].want_len || (n > 0 && c != cases[i].want))
                        fail_msg("%s: %zu bytes, U+%04X", cases[i].name, n, (unsigned)c);
        }
}

static void
encode_is_the_inverse_of_decode(void **state)
{
        (void)state;
        for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 97) {
                char bytes[UTF8_MAX];
                uint32_t back = 0;
                size_t n;

                if (c >= 0xd800 && c <= 0xdfff)
                        continue;
                n = utf8_encode(c, bytes);
                assert_int_equal(utf8_decode(bytes, n, &back), n);
                assert_int_equal(back, c);
        }
}

static void
a_cut_splits_no_character(void **state)
{
        static const struct {
                const char *text;
                size_t max;
                size_t want;
        } rows[] = {{"abc", 5, 3}, {"abc", 3, 3}, {"abc", 2, 2}, {"", 0, 0}, {"abc", 0, 0},
            {"a\xc3\xa9", 2, 1}, {"a\xc3\xa9", 3, 3}, {"\xc3\xa9", 1, 0}, {"\xc3\xa9z", 2, 2},
            {"\xe2\x82\xac\xe2\x82\xac", 5, 3}, {"\xe2\x82\xac\xe2\x82\xac", 4, 3},
            {"\xe2\x82\xac\xe2\x82\xac", 3, 3}, {"x\xf0\x9f\x98\x80", 4, 1},
            {"\xf0\x9f\x98\x80y", 4, 4}, {"\x80\x80\x80\x80\x80\x80", 5, 5}, {"\xff\xff", 1, 1}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (utf8_cut(rows[i].text, strlen(rows[i].text), rows[i].max) != rows[i].want)
                        fail_msg("row %zu", i);
}

static void
hidden_is_what_steers(void **state)
{
        static const struct {
                uint32_t c;
                bool want;
        } rows[] = {{0, true}, {'\n', true}, {0x1f, true}, {' ', false}, {'~', false}, {0x7f, true},
            {0x9f, true}, {0xa0, false}, {0x200d, false}, {0x200e, true}, {0x2027, false},
            {0x2028, true}, {0x202e, true}, {0x202f, false}, {0x2066, true}, {0x206a, false}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(utf8_hidden(rows[i].c), rows[i].want);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(decode_takes_valid_sequences_only),
            cmocka_unit_test(encode_is_the_inverse_of_decode),
            cmocka_unit_test(a_cut_splits_no_character),
            cmocka_unit_test(hidden_is_what_steers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
