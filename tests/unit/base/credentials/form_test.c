#include "base/credentials/form.h"

#include "tests/testing/testing.h"

static void
fields_are_escaped(void **state)
{
        struct buf out = BUF_INIT(64);

        (void)state;
        testing_ok(form_put(&out, "a b", "c&d=\xc3\xa9", NULL), NULL);
        testing_ok(form_put(&out, "left out", NULL, NULL), NULL);
        testing_ok(form_put(&out, "x", "-_.~/+", NULL), NULL);
        assert_true(view_is(buf_view(&out), "a+b=c%26d%3D%C3%A9&x=-_.~%2F%2B"));
        assert_int_equal(
            form_put(&out, "long", "0123456789012345678901234567890", NULL), ERR_LIMIT);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_escaped)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
