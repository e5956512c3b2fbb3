#include "tests/testing/testing.h"

#include "base/yaml.h"

#include <string.h>

struct emit_case {
        const char *name;
        const char *text;
        const char *mask; /* key of the top map whose value is masked */
        const char *want;
};

static const struct emit_case emit_cases[] = {
    {"as it was", "a: 1\nb:\n  - x\n  - y: z\n", NULL, "a: 1\nb:\n- x\n- y: z\n"},
    {"comments go", "# token: hidden\na: 1 # and here\n", NULL, "a: 1\n"},
    {"what was quoted stays a string", "a: 'yes'\nb: '1'\n", NULL, "a: \"yes\"\nb: \"1\"\n"},
    {"so does what a tag made one", "a: !!str yes\n!own <<: 1\n", NULL, "a: \"yes\"\n\"<<\": 1\n"},
    {"and what an alias made one", "- &a <<: {*a : 1}\n", NULL, "- \"<<\": 1\n"},
    {"null", "a:\nb: ~\n", NULL, "a: null\nb: null\n"},
    {"a secret", "a: 1\npassword: hunter2\n", "password", "a: 1\npassword: <secret>\n"},
    {"a masked list", "a: [x, y]\n", "a", "a: <secret>\n"},
    {"aliases are written out", "a: &x [1]\nb: *x\n", NULL, "a:\n- 1\nb:\n- 1\n"},
    {"merged", "a: &x {p: 1, q: 2}\nb: {<<: *x, p: 3}\n", NULL,
        "a:\n  p: 1\n  q: 2\nb:\n  q: 2\n  p: 3\n"},
    {"binary that is no text", "a: !!binary /w==\n", NULL, "a: <binary>\n"},
    {"text of other lands", "a: \xc3\xa9\n", NULL, "a: \xc3\xa9\n"},
    {"empty ones", "a: {}\nb: []\n", NULL, "a: {}\nb: []\n"},
};

static void
a_tree_is_written_back(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(emit_cases) / sizeof(emit_cases[0]); i++) {
                const struct emit_case *c = &emit_cases[i];
                struct buf out = BUF_INIT(4096);
                struct yaml_tree t;
                struct err e = ERR_INIT;

                testing_ok(yaml_tree_parse(&t, view_of(c->text), &e), &e);
                if (c->mask != NULL)
                        yaml_node_get(t.root, c->mask)->mask = "<secret>";
                testing_ok(yaml_node_emit(t.root, &out, &e), &e);
                if (!view_is(buf_view(&out), c->want))
                        fail_msg("%s: %.*s", c->name, (int)out.len, out.ptr);
                yaml_tree_release(&t);
                buf_release(&out);
        }
}

static void
the_bound_of_the_buffer_is_kept(void **state)
{
        struct buf out = BUF_INIT(8);
        struct yaml_tree t;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(yaml_tree_parse(&t, view_of("a: 123456789"), &e), &e);
        assert_int_equal(yaml_node_emit(t.root, &out, &e), ERR_LIMIT);
        yaml_tree_release(&t);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_tree_is_written_back),
            cmocka_unit_test(the_bound_of_the_buffer_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
