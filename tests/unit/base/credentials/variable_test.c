#include "base/credentials/variable.h"

#include "tests/testing/testing.h"

#include <stdlib.h>

static void
an_empty_variable_is_none(void **state)
{
        (void)state;
        (void)unsetenv("GLEANER_TEST");
        assert_null(variable("GLEANER_TEST"));
        (void)setenv("GLEANER_TEST", "", 1);
        assert_null(variable("GLEANER_TEST"));
        (void)setenv("GLEANER_TEST", "x", 1);
        assert_string_equal(variable("GLEANER_TEST"), "x");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(an_empty_variable_is_none)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
