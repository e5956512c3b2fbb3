#include "base/err.h"

#include "tests/testing/testing.h"

#include <errno.h>
#include <string.h>

static void
each_call_returns_the_code_it_sets(void **state)
{
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(err_set(&e, ERR_REFUSED, "no %s today", "fish"), ERR_REFUSED);
        assert_int_equal(e.code, ERR_REFUSED);
        assert_string_equal(e.msg, "no fish today");
        assert_int_equal(err_prefix(&e, "shop \"%d\"", 7), ERR_REFUSED);
        assert_string_equal(e.msg, "shop \"7\": no fish today");
        assert_int_equal(err_sys(&e, ENOENT, "cannot open \"%s\"", "/x"), ERR_SYS);
        assert_string_equal(e.msg, "cannot open \"/x\": No such file or directory");
        assert_int_equal(err_nomem(&e, "a page"), ERR_NOMEM);
        assert_string_equal(e.msg, "out of memory for a page");
}

static void
nobody_needs_to_listen(void **state)
{
        (void)state;
        assert_int_equal(err_set(NULL, ERR_LIMIT, "%d", 1), ERR_LIMIT);
        assert_int_equal(err_sys(NULL, ENOENT, "x"), ERR_SYS);
        assert_int_equal(err_nomem(NULL, "x"), ERR_NOMEM);
        assert_int_equal(err_prefix(NULL, "x"), ERR_NONE);
}

static void
long_sentences_are_cut(void **state)
{
        static char text[2 * ERR_MSG_MAX];
        struct err e = ERR_INIT;

        (void)state;
        memset(text, 'x', sizeof(text) - 1);
        (void)err_set(&e, ERR_PARSE, "%s", text);
        assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
        (void)err_prefix(&e, "page");
        assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
        assert_memory_equal(e.msg, "page: xxx", 9);
        (void)err_prefix(&e, "%s", text);
        assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
        (void)err_sys(&e, ENOENT, "%s", text);
        assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_call_returns_the_code_it_sets),
            cmocka_unit_test(nobody_needs_to_listen),
            cmocka_unit_test(long_sentences_are_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
