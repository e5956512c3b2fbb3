#include "remotewrite/symbols.h"

#include "base/buf.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 20000 };

static uint32_t
ref(struct symbols *s, struct view text)
{
        uint32_t out = UINT32_MAX;

        testing_ok(symbols_ref(s, text, &out, NULL), NULL);
        return out;
}

static void
each_text_has_one_number(void **state)
{
        static const char fields[] = "\x22\x00\x22\x01\x61\x22\x03\x62\x00\x63\x22\x02\x61\x61";
        struct symbols *s = NULL;
        struct view got;

        (void)state;
        testing_ok(symbols_new(&s, NULL), NULL);
        for (int round = 0; round < 3; round++) {
                testing_ok(symbols_begin(s, NULL), NULL);
                assert_int_equal(ref(s, VIEW_LIT("")), 0);
                assert_int_equal(ref(s, VIEW_LIT("a")), 1);
                assert_int_equal(ref(s, VIEW_LIT("b\0c")), 2);
                assert_int_equal(ref(s, VIEW_LIT("a")), 1);
                assert_int_equal(ref(s, VIEW_LIT("aa")), 3);
                assert_int_equal(ref(s, VIEW_LIT("")), 0);
                assert_true(view_eq(symbols_text(s, 2), VIEW_LIT("b\0c")));
                assert_int_equal(symbols_text(s, 0).n, 0);
                got = symbols_fields(s);
                assert_int_equal(got.n, sizeof(fields) - 1);
                assert_memory_equal(got.p, fields, got.n);
                if (round == 1)
                        symbols_reset(s);
        }
        symbols_free(s);
        symbols_free(NULL);
}

static void
many_texts_keep_their_numbers(void **state)
{
        struct symbols *s = NULL;
        size_t largest;
        char text[32];

        (void)state;
        testing_ok(symbols_new(&s, NULL), NULL);
        for (unsigned round = 0; round < 2; round++) {
                testing_ok(symbols_begin(s, NULL), NULL);
                for (unsigned i = 0; i < 2 * MANY; i++) {
                        size_t n = (size_t)snprintf(text, sizeof(text), "%u-%u", round, i % MANY);

                        assert_int_equal(ref(s, (struct view){text, n}), i % MANY + 1);
                }
                assert_true(
                    view_eq(symbols_text(s, 1), round == 0 ? VIEW_LIT("0-0") : VIEW_LIT("1-0")));
        }
        largest = symbols_bytes(s);
        symbols_reset(s);
        assert_true(symbols_bytes(s) < 200 && largest > MANY * 10);
        symbols_free(s);
}

static void
a_table_has_an_end(void **state)
{
        static char text[9 << 20];
        struct symbols *s = NULL;
        struct err e = ERR_INIT;
        uint32_t out;
        int rc = 0;

        (void)state;
        testing_ok(symbols_new(&s, NULL), NULL);
        testing_ok(symbols_begin(s, NULL), NULL);
        for (int i = 0; i < 3; i++) {
                memset(text, 'a' + i, sizeof(text));
                testing_ok(symbols_ref(s, (struct view){text, sizeof(text)}, &out, &e), &e);
        }
        memset(text, 'x', sizeof(text));
        rc = symbols_ref(s, (struct view){text, sizeof(text)}, &out, &e);
        assert_int_equal(rc, ERR_LIMIT);
        assert_int_equal(ref(s, VIEW_LIT("small")), 4);
        symbols_free(s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_text_has_one_number),
            cmocka_unit_test(many_texts_keep_their_numbers),
            cmocka_unit_test(a_table_has_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
