#include "agent/options.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGS = 8 };

struct values {
        const char *file;
        const char *level;
        bool help;
};

static struct values got;

static const struct option_row rows[] = {
    {"config.file", &got.file, NULL, "FILE", "the configuration"},
    {"log.level", &got.level, NULL, "LEVEL", "what is logged"},
    {"help", NULL, &got.help, NULL, "this text"},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

struct good {
        const char *name;
        const char *argv[MAX_ARGS];
        struct values want;
        const char *rest[MAX_ARGS];
};

static const struct good goods[] = {
    {"nothing", {"gleaner"}, {NULL, NULL, false}, {NULL}},
    {"with =", {"gleaner", "--config.file=a.yml"}, {"a.yml", NULL, false}, {NULL}},
    {"with blank", {"gleaner", "--config.file", "a.yml"}, {"a.yml", NULL, false}, {NULL}},
    {"one dash", {"gleaner", "-config.file", "a", "-log.level=b"}, {"a", "b", false}, {NULL}},
    {"empty value", {"gleaner", "--config.file="}, {"", NULL, false}, {NULL}},
    {"= in value", {"gleaner", "--config.file=a=b"}, {"a=b", NULL, false}, {NULL}},
    {"last one wins", {"gleaner", "--log.level=a", "--log.level=b"}, {NULL, "b", false}, {NULL}},
    {"flag", {"gleaner", "--help"}, {NULL, NULL, true}, {NULL}},
    {"flag taken back", {"gleaner", "--help", "--no-help"}, {NULL, NULL, false}, {NULL}},
    {"one dash, taken back", {"gleaner", "-help", "-no-help"}, {NULL, NULL, false}, {NULL}},
    {"arguments between", {"gleaner", "x", "--log.level", "b", "y", "--help", "z"},
        {NULL, "b", true}, {"x", "y", "z"}},
    {"dash alone is an argument", {"gleaner", "-", "--help"}, {NULL, NULL, true}, {"-"}},
    {"end of options", {"gleaner", "--help", "--", "--log.level", "--"}, {NULL, NULL, true},
        {"--log.level", "--"}},
    {"value with a dash", {"gleaner", "--log.level", "-1"}, {NULL, "-1", false}, {NULL}},
    {"dash as a value", {"gleaner", "--config.file", "-"}, {"-", NULL, false}, {NULL}},
};

static const struct {
        const char *name;
        const char *argv[MAX_ARGS];
        const char *want;
} bads[] = {
    {"unknown", {"gleaner", "--colour"}, "unknown option --colour, see --help"},
    {"one dash", {"gleaner", "-x"}, "unknown option -x, see --help"},
    {"unknown with value", {"gleaner", "--colour=red"}, "unknown option --colour, see --help"},
    {"misspelt", {"gleaner", "--config.fiel", "a"},
        "unknown option --config.fiel, did you mean --config.file?"},
    {"value missing", {"gleaner", "--log.level"}, "option --log.level needs a value: LEVEL"},
    {"option instead of value", {"gleaner", "--log.level", "--help"},
        "option --log.level needs a value: LEVEL"},
    {"value for a flag", {"gleaner", "--help=yes"}, "option --help takes no value"},
    {"no- of what is no flag", {"gleaner", "--no-log.level"},
        "unknown option --no-log.level, did you "
        "mean --log.level?"},
    {"no- takes no value", {"gleaner", "--no-help=x"}, "option --help takes no value"},
    {"no- of nothing", {"gleaner", "--no-"}, "unknown option --no-, see --help"},
    {"a prefix is not enough", {"gleaner", "--hel"}, "unknown option --hel, did you mean --help?"},
};

static int
count(const char *const *argv)
{
        int n = 0;

        while (n < MAX_ARGS && argv[n] != NULL)
                n++;
        return n;
}

static void
same(const char *a, const char *b)
{
        if (a == NULL || b == NULL) {
                assert_ptr_equal(a, b);
        } else {
                assert_string_equal(a, b);
        }
}

static void
test_good(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                const struct good *g = &goods[i];
                char *argv[MAX_ARGS];
                struct err e = ERR_INIT;
                int n;

                print_message("%s\n", g->name);
                memcpy(argv, g->argv, sizeof(argv));
                got = (struct values){0};
                n = options_parse(count(g->argv), argv, rows, N_ROWS, &e);
                testing_ok(n, &e);
                assert_int_equal(n, count(g->rest));
                for (int k = 0; k < n; k++)
                        same(argv[1 + k], g->rest[k]);
                same(got.file, g->want.file);
                same(got.level, g->want.level);
                assert_int_equal(got.help, g->want.help);
        }
}

static void
test_bad(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                char *argv[MAX_ARGS];
                struct err e = ERR_INIT;

                print_message("%s\n", bads[i].name);
                memcpy(argv, bads[i].argv, sizeof(argv));
                assert_int_equal(
                    options_parse(count(bads[i].argv), argv, rows, N_ROWS, &e), ERR_CONFIG);
                assert_string_equal(e.msg, bads[i].want);
        }
}

static char seen_text[256];

static int
on_seen(void *arg, const struct option_row *row, const char *value, struct err *e)
{
        (void)arg;
        if (strcmp(value, "bad") == 0)
                return err_set(e, ERR_CONFIG, "not that");
        (void)snprintf(seen_text + strlen(seen_text), sizeof(seen_text) - strlen(seen_text),
            "%s=%s ", row->name, value);
        return 0;
}

static void
test_each_occurrence_is_told(void **state)
{
        const struct option_table t = {rows, N_ROWS, on_seen, NULL};
        char *argv[] = {"gleaner", "--log.level=a", "--log.level", "b", "--help", "--no-help"};
        char *bad[] = {"gleaner", "--log.level=bad", "--help"};
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(options_parse_table(6, argv, &t, &e), &e);
        assert_string_equal(seen_text, "log.level=a log.level=b help=true help=false ");
        assert_int_equal(options_parse_table(3, bad, &t, &e), ERR_CONFIG);
        assert_string_equal(e.msg, "not that");
}

static void
test_print(void **state)
{
        static const char want[] = "  --config.file=FILE               the configuration\n"
                                   "  --log.level=LEVEL                what is logged\n"
                                   "  --help                           this text\n";
        char text[512] = {0};
        FILE *f = tmpfile();
        int saved = dup(STDOUT_FILENO);

        (void)state;
        assert_non_null(f);
        (void)fflush(stdout);
        assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
        options_print(rows, N_ROWS);
        (void)fflush(stdout);
        assert_true(dup2(saved, STDOUT_FILENO) >= 0);
        (void)close(saved);
        rewind(f);
        assert_int_equal(fread(text, 1, sizeof(text) - 1, f), strlen(want));
        assert_string_equal(text, want);
        (void)fclose(f);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_bad),
            cmocka_unit_test(test_each_occurrence_is_told),
            cmocka_unit_test(test_print),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
