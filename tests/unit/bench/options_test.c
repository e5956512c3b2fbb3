#include "bench/options.h"

#include "tests/testing/testing.h"

static void
options_are_read_up_to_the_first_other_argument(void **state)
{
        static const struct {
                const char *name;
                const char *argv[4];
                int rc;
                double number;
                const char *text;
                int rest;
        } cases[] = {
            {"none", {"p"}, 0, 5, "x", 1},
            {"both", {"p", "--number=7.5", "--text=a=b", "rest"}, 0, 7.5, "a=b", 3},
            {"the last one counts", {"p", "--number=1", "--number=2"}, 0, 2, "x", 3},
            {"empty text", {"p", "--text="}, 0, 5, "", 2},
            {"unknown", {"p", "--other=1"}, ERR_CONFIG, 0, NULL, 0},
            {"a name that only begins alike", {"p", "--num=1"}, ERR_CONFIG, 0, NULL, 0},
            {"without a value", {"p", "--number"}, ERR_CONFIG, 0, NULL, 0},
            {"no number", {"p", "--number=x"}, ERR_CONFIG, 0, NULL, 0},
            {"more than a number", {"p", "--number=1x"}, ERR_CONFIG, 0, NULL, 0},
            {"negative", {"p", "--number=-1"}, ERR_CONFIG, 0, NULL, 0},
            {"not a number at all", {"p", "--number=nan"}, ERR_CONFIG, 0, NULL, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                double number = 5;
                const char *text = "x";
                const struct option_row rows[] = {
                    {"number", &number, NULL, "a number"},
                    {"text", NULL, &text, "a text"},
                };
                int argc = 0;
                int rest = 0;
                int rc;
                struct err e = ERR_INIT;

                while (argc < 4 && cases[i].argv[argc] != NULL)
                        argc++;
                rc = options_read(argc, (char **)(uintptr_t)cases[i].argv, rows, 2, &rest, &e);
                if (rc != cases[i].rc)
                        fail_msg("%s: %d, %s", cases[i].name, rc, e.msg);
                if (rc < 0)
                        continue;
                assert_true(number == cases[i].number);
                assert_string_equal(text, cases[i].text);
                assert_int_equal(rest, cases[i].rest);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(options_are_read_up_to_the_first_other_argument),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
