#include "tests/unit/agent/config_cases.h"

#include "agent/config_values.h"

struct size_case {
        const char *text;
        const char *error; /* NULL: good */
        int64_t want;
};

static const struct size_case size_cases[] = {
    {"0", NULL, 0},
    {"0B", NULL, 0},
    {"1B", NULL, 1},
    {"1KB", NULL, 1024},
    {"1KiB", NULL, 1024},
    {"1.5MB", NULL, 1572864},
    {".5KB", NULL, 512},
    {"1.KB", NULL, 1024},
    {"1GiB512MiB", NULL, INT64_C(1610612736)},
    {"+2TB", NULL, INT64_C(2) << 40},
    {"1PiB", NULL, INT64_C(1) << 50},
    {"7EB", NULL, INT64_C(7) << 60},
    {"", "units: invalid ", 0},
    {"-", "units: invalid -", 0},
    {"KB", "units: invalid KB", 0},
    {".KB", "units: invalid .KB", 0},
    {"100", "units: unknown unit  in 100", 0},
    {"1kB", "units: unknown unit kB in 1kB", 0},
    {"1b", "units: unknown unit b in 1b", 0},
    {"1 KB", "units: unknown unit  KB in 1 KB", 0},
    {"1XiB", "units: unknown unit XiB in 1XiB", 0},
    {"1KxB", "units: unknown unit KxB in 1KxB", 0},
    {"8EB", "units: overflow parsing unit", 0},
    {"-1B", NULL, -1},
    {"-0", NULL, 0},
};

static void
sizes_are_read(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(size_cases) / sizeof(size_cases[0]); i++) {
                const struct size_case *x = &size_cases[i];
                struct err e = ERR_INIT;
                int64_t size = 0;
                int rc = config_size_parse(view_of(x->text), &size, &e);

                if ((rc == 0) != (x->error == NULL) || size != x->want)
                        fail_msg("%s: %d %lld %s", x->text, rc, (long long)size, e.msg);
                if (rc < 0 && strcmp(e.msg, x->error) != 0)
                        fail_msg("%s: %s", x->text, e.msg);
        }
}

static void
texts_are_quoted_as_go_does_it(void **state)
{
        static const char *const cases[][2] = {
            {"abc", "\"abc\""},
            {"a\"b\\c", "\"a\\\"b\\\\c\""},
            {"a\n\t\r\x01\x7f", "\"a\\n\\t\\r\\x01\\x7f\""},
            {"\xc3\xa9", "\"\xc3\xa9\""},
            {"\xff", "\"\\xff\""},
            {"\xc2\x85", "\"\\u0085\""},
            {"", "\"\""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = BUF_INIT(256);

                testing_ok(config_quote(&out, view_of(cases[i][0]), NULL), NULL);
                if (!view_is(buf_view(&out), cases[i][1]))
                        fail_msg("%zu: %.*s", i, (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static const char *
variable(const void *arg, struct view name)
{
        (void)arg;
        if (view_is(name, "A"))
                return "apple";
        if (view_is(name, "A1_b"))
                return "long";
        return view_is(name, "EMPTY") ? "" : NULL;
}

static void
count_unset(void *arg, struct view name)
{
        (void)name;
        ++*(int *)arg;
}

struct expand_case {
        const char *text;
        const char *want;
        int unset;
};

/* What Go's os.Expand makes of these. */
static const struct expand_case expand_cases[] = {
    {"plain", "plain", 0},
    {"$A", "apple", 0},
    {"${A}", "apple", 0},
    {"x$A-y", "xapple-y", 0},
    {"$A1_b!", "long!", 0},
    {"$$", "$", 0},
    {"foo$${TEST}", "foo${TEST}", 0},
    {"$NOT", "", 1},
    {"${NOT}x", "x", 1},
    {"$EMPTY", "", 1},
    {"$ x", "$ x", 0},
    {"a$", "a$", 0},
    {"$.", "$.", 0},
    {"${A", "A", 0},
    {"${}x", "x", 0},
    {"$1x", "x", 1},
    {"${*}", "", 1},
    {"${a b}c", "c", 1},
};

static void
variables_are_replaced_as_go_does_it(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(expand_cases) / sizeof(expand_cases[0]); i++) {
                const struct expand_case *c = &expand_cases[i];
                int unset = 0;
                const struct config_expansion x = {variable, NULL, count_unset, &unset};
                struct buf out = BUF_INIT(256);

                testing_ok(config_expand(view_of(c->text), &x, &out, NULL), NULL);
                if (!view_is(buf_view(&out), c->want) || unset != c->unset)
                        fail_msg("%s: %.*s (%d)", c->text, (int)out.len, out.ptr, unset);
                buf_release(&out);
        }
}

static void
header_names_and_values(void **state)
{
        struct buf out = BUF_INIT(256);

        (void)state;
        assert_true(config_header_name_valid(view_of("X-Scope_ID.1")));
        assert_false(config_header_name_valid(view_of("")));
        assert_false(config_header_name_valid(view_of("a b")));
        assert_false(config_header_name_valid(view_of("a:")));
        assert_false(config_header_name_valid(view_of("\xc3\xa9")));
        assert_false(config_header_name_valid((struct view){"a\0", 2}));
        assert_true(config_header_value_valid(view_of("a b\tc")));
        assert_true(config_header_value_valid(view_of("\xc3\xa9")));
        assert_false(config_header_value_valid(view_of("a\nb")));
        assert_false(config_header_value_valid((struct view){"a\0", 2}));
        testing_ok(config_header_canonical(view_of("x-FOO-bar"), &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "X-Foo-Bar"));
        buf_release(&out);
        assert_true(config_same_name(view_of("Ab"), view_of("aB")));
        assert_false(config_same_name(view_of("Ab"), view_of("Abc")));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(sizes_are_read),
            cmocka_unit_test(texts_are_quoted_as_go_does_it),
            cmocka_unit_test(variables_are_replaced_as_go_does_it),
            cmocka_unit_test(header_names_and_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
