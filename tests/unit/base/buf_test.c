#include "base/buf.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
test_grows_up_to_its_bound(void **state)
{
        static const size_t bounds[] = {1, 20, 64, 65, 100, 1000};

        (void)state;
        for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
                struct buf b = BUF_INIT(bounds[i]);
                struct err e = ERR_INIT;

                for (size_t n = 0; n < bounds[i]; n++)
                        testing_ok(buf_putc(&b, 'x', &e), &e);
                assert_int_equal(buf_putc(&b, 'y', &e), ERR_LIMIT);
                assert_int_equal(buf_reserve(&b, SIZE_MAX, &e), ERR_LIMIT);
                assert_int_equal(b.len, bounds[i]);
                assert_true(b.cap <= bounds[i]);
                buf_release(&b);
        }
}

static void
test_contents(void **state)
{
        struct buf b = BUF_INIT(100);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(buf_puts(&b, "one ", &e), &e);
        testing_ok(buf_append(&b, "two", 3, &e), &e);
        testing_ok(buf_append(&b, NULL, 0, &e), &e);
        testing_ok(buf_printf(&b, &e, " %d%%", 3), &e);
        assert_true(view_is(buf_view(&b), "one two 3%"));
        buf_consume(&b, 4);
        assert_true(view_is(buf_view(&b), "two 3%"));
        buf_consume(&b, 6);
        assert_int_equal(b.len, 0);
        testing_ok(buf_puts(&b, "again", &e), &e);
        buf_reset(&b);
        assert_int_equal(b.len, 0);
        assert_true(b.cap > 0);
        buf_release(&b);
        assert_null(b.ptr);
        testing_ok(buf_puts(&b, "usable", &e), &e);
        buf_release(&b);
        buf_release(NULL);
}

static void
test_printf_that_does_not_fit(void **state)
{
        struct buf b = BUF_INIT(10);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(buf_puts(&b, "123", &e), &e);
        assert_int_equal(buf_printf(&b, &e, "%s", "1234567890"), ERR_LIMIT);
        assert_true(view_is(buf_view(&b), "123"));
        buf_release(&b);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_grows_up_to_its_bound),
            cmocka_unit_test(test_contents),
            cmocka_unit_test(test_printf_that_does_not_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
