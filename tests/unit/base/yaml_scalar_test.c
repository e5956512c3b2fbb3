#include "tests/testing/testing.h"

#include "base/yaml.h"

#include <math.h>
#include <string.h>

struct tag_case {
        const char *text;
        const char *tag;
};

/* What yaml.v2 takes each of these for. */
static const struct tag_case tag_cases[] = {
    {"", "!!null"},
    {"~", "!!null"},
    {"null", "!!null"},
    {"Null", "!!null"},
    {"NULL", "!!null"},
    {"nULL", "!!str"},
    {"'null'", "!!str"},
    {"y", "!!bool"},
    {"Y", "!!bool"},
    {"yes", "!!bool"},
    {"Yes", "!!bool"},
    {"on", "!!bool"},
    {"OFF", "!!bool"},
    {"n", "!!bool"},
    {"true", "!!bool"},
    {"FALSE", "!!bool"},
    {"tRUE", "!!str"},
    {"\"true\"", "!!str"},
    {"15", "!!int"},
    {"-3", "!!int"},
    {"+3", "!!int"},
    {"0x1F", "!!int"},
    {"0o17", "!!int"},
    {"017", "!!int"},
    {"0b101", "!!int"},
    {"1_000", "!!int"},
    {"18446744073709551615", "!!int"},
    {"18446744073709551616", "!!float"},
    {"0x", "!!str"},
    {"1 2", "!!str"},
    {"1.5", "!!float"},
    {".5", "!!float"},
    {"5.", "!!float"},
    {"1e3", "!!float"},
    {"08", "!!float"},
    {"1e", "!!str"},
    {".inf", "!!float"},
    {"-.Inf", "!!float"},
    {".nan", "!!float"},
    {"nan", "!!str"},
    {"15s", "!!str"},
    {"--", "!!str"},
    {".", "!!str"},
    {"1.2.3.4", "!!str"},
    {"190:20:30", "!!str"},
    {"!!str 15", "!!str"},
    {"!!str", "!!str"},
    {"!!int '15'", "!!int"},
    {"!!float 15", "!!float"},
    {"!!bool yes", "!!bool"},
    {"!!null ~", "!!null"},
    {"!own 15", "!!str"},
    {"!!binary Zm9v", "!!binary"},
};

static struct yaml_node *
parse_one(struct yaml_tree *t, const char *text)
{
        struct err e = ERR_INIT;

        testing_ok(yaml_tree_parse(t, view_of(text), &e), &e);
        assert_non_null(t->root);
        return t->root;
}

static void
scalars_are_what_yaml_v2_takes_them_for(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(tag_cases) / sizeof(tag_cases[0]); i++) {
                struct buf text = BUF_INIT(256);
                struct yaml_tree t;
                const char *tag;

                testing_ok(buf_printf(&text, NULL, "--- %s\n", tag_cases[i].text), NULL);
                testing_ok(buf_putc(&text, '\0', NULL), NULL);
                tag = yaml_node_tag(parse_one(&t, text.ptr));
                if (strcmp(tag, tag_cases[i].tag) != 0)
                        fail_msg("%s: %s, wanted %s", tag_cases[i].text, tag, tag_cases[i].tag);
                yaml_tree_release(&t);
                buf_release(&text);
        }
}

static void
booleans_are_read(void **state)
{
        struct yaml_tree t;
        bool value = false;

        (void)state;
        assert_true(yaml_node_bool(parse_one(&t, "On"), &value));
        assert_true(value);
        yaml_tree_release(&t);
        assert_true(yaml_node_bool(parse_one(&t, "no"), &value));
        assert_false(value);
        yaml_tree_release(&t);
        assert_false(yaml_node_bool(parse_one(&t, "1"), &value));
        yaml_tree_release(&t);
        assert_false(yaml_node_bool(parse_one(&t, "[yes]"), &value));
        yaml_tree_release(&t);
}

struct number_case {
        const char *text;
        bool is_uint;
        uint64_t u;
        bool is_int;
        int64_t i;
        bool is_float;
        double d;
};

static const struct number_case number_cases[] = {
    {"0", true, 0, true, 0, true, 0},
    {"-0", true, 0, true, 0, true, 0},
    {"42", true, 42, true, 42, true, 42},
    {"0x1f", true, 31, true, 31, true, 31},
    {"-0x1f", false, 0, true, -31, true, -31},
    {"017", true, 15, true, 15, true, 15},
    {"1_000", true, 1000, true, 1000, true, 1000},
    {"1e3", true, 1000, true, 1000, true, 1000},
    {"1.9", true, 1, true, 1, true, 1.9},
    {"-1.5", false, 0, true, -1, true, -1.5},
    {"9223372036854775807", true, INT64_MAX, true, INT64_MAX, true, 9223372036854775807.0},
    {"9223372036854775808", true, (uint64_t)INT64_MAX + 1, false, 0, true, 9223372036854775808.0},
    {"-9223372036854775808", false, 0, true, INT64_MIN, true, -9223372036854775808.0},
    {"18446744073709551615", true, UINT64_MAX, false, 0, true, 18446744073709551616.0},
    {"1e30", false, 0, false, 0, true, 1e30},
    {".inf", false, 0, false, 0, true, (double)INFINITY},
    {"1e999", false, 0, false, 0, false, 0},
    {"x", false, 0, false, 0, false, 0},
    {"'5'", false, 0, false, 0, false, 0},
    {"yes", false, 0, false, 0, false, 0},
    {"[1]", false, 0, false, 0, false, 0},
};

static void
numbers_are_read(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(number_cases) / sizeof(number_cases[0]); i++) {
                const struct number_case *c = &number_cases[i];
                struct yaml_tree t;
                struct yaml_node *node = parse_one(&t, c->text);
                uint64_t u = 0;
                int64_t n = 0;
                double d = 0;

                if (yaml_node_uint(node, &u) != c->is_uint || u != c->u)
                        fail_msg("%s as uint: %llu", c->text, (unsigned long long)u);
                if (yaml_node_int(node, &n) != c->is_int || n != c->i)
                        fail_msg("%s as int: %lld", c->text, (long long)n);
                if (yaml_node_float(node, &d) != c->is_float || d != c->d)
                        fail_msg("%s as float: %g", c->text, d);
                yaml_tree_release(&t);
        }
}

static void
binary_is_decoded(void **state)
{
        static const struct {
                const char *text;
                const char *want; /* NULL: refused */
                size_t n;
        } cases[] = {
            {"!!binary \"\"", "", 0},
            {"!!binary Zg==", "f", 1},
            {"!!binary Zm8=", "fo", 2},
            {"!!binary Zm9v", "foo", 3},
            {"!!binary /w==", "\xff", 1},
            {"!!binary |\n  Zm9v\n  YmFy\n", "foobar", 6},
            {"!!binary Zm9", NULL, 0},
            {"!!binary Zm9v=", NULL, 0},
            {"!!binary Z===", NULL, 0},
            {"!!binary Zg==Zg==", NULL, 0},
            {"!!binary \"Z m\"", NULL, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct yaml_tree t;
                struct err e = ERR_INIT;
                int rc = yaml_tree_parse(&t, view_of(cases[i].text), &e);

                if ((rc == 0) != (cases[i].want != NULL))
                        fail_msg("%s: %d %s", cases[i].text, rc, e.msg);
                if (rc == 0) {
                        assert_true(t.root->binary);
                        assert_int_equal(t.root->text.n, cases[i].n);
                        assert_memory_equal(t.root->text.p, cases[i].want, cases[i].n + 1);
                }
                yaml_tree_release(&t);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(scalars_are_what_yaml_v2_takes_them_for),
            cmocka_unit_test(booleans_are_read),
            cmocka_unit_test(numbers_are_read),
            cmocka_unit_test(binary_is_decoded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
