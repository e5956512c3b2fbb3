#include "tests/testing/testing.h"

#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
parse(struct yaml_tree *t, const char *text)
{
        struct err e = ERR_INIT;

        testing_ok(yaml_tree_parse(t, view_of(text), &e), &e);
}

static void
every_node_knows_its_place(void **state)
{
        struct yaml_tree t;
        struct yaml_node *jobs;
        struct yaml_node *job;

        (void)state;
        parse(&t, "global:\n  a: 1\njobs:\n  - name: x\n    list: [p, q]\n  - ~\n");
        assert_int_equal(t.root->kind, YAML_MAP);
        assert_int_equal(t.root->n_entries, 2);
        assert_int_equal(t.root->entries[1].key->line, 3);
        assert_int_equal(t.root->entries[1].key->column, 1);
        jobs = yaml_node_get(t.root, "jobs");
        assert_int_equal(jobs->kind, YAML_LIST);
        assert_int_equal(jobs->n_items, 2);
        job = jobs->items[0];
        assert_int_equal(job->line, 4);
        assert_int_equal(job->column, 5);
        assert_int_equal(yaml_node_get(job, "name")->line, 4);
        assert_int_equal(yaml_node_get(job, "name")->column, 11);
        assert_int_equal(yaml_node_get(job, "list")->items[1]->column, 15);
        assert_int_equal(jobs->items[1]->kind, YAML_NULL);
        assert_int_equal(jobs->items[1]->line, 6);
        assert_null(yaml_node_get(job, "nam"));
        assert_null(yaml_node_get(NULL, "name"));
        yaml_tree_release(&t);
}

static void
columns_count_characters(void **state)
{
        struct yaml_tree t;

        (void)state;
        parse(&t, "\xc3\xa9\xc3\xa9: x\n");
        assert_int_equal(t.root->entries[0].value->column, 5);
        yaml_tree_release(&t);
}

static void
empty_documents_have_no_root_or_a_null(void **state)
{
        static const char *const texts[] = {"", "# only a comment\n", "\n\n"};
        struct yaml_tree t;

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                parse(&t, texts[i]);
                assert_null(t.root);
                yaml_tree_release(&t);
        }
        parse(&t, "---\n");
        assert_int_equal(t.root->kind, YAML_NULL);
        yaml_tree_release(&t);
        testing_ok(yaml_tree_parse(&t, (struct view){NULL, 0}, NULL), NULL);
        yaml_tree_release(&t);
}

static void
only_the_first_document_is_read(void **state)
{
        struct yaml_tree t;

        (void)state;
        parse(&t, "a: 1\n---\nb: {\n");
        assert_true(t.more_documents);
        assert_non_null(yaml_node_get(t.root, "a"));
        yaml_tree_release(&t);
        parse(&t, "a: 1\n...\n");
        assert_false(t.more_documents);
        yaml_tree_release(&t);
}

static void
keys_written_twice_are_marked(void **state)
{
        struct yaml_tree t;

        (void)state;
        parse(&t, "a: 1\nb: 2\na: 3\nb: 4\na: 5\n");
        assert_int_equal(t.root->n_entries, 5);
        assert_false(t.root->entries[0].duplicate);
        assert_false(t.root->entries[1].duplicate);
        assert_true(t.root->entries[2].duplicate);
        assert_true(t.root->entries[3].duplicate);
        assert_true(t.root->entries[4].duplicate);
        assert_true(t.root->entries[2].replaced);
        assert_false(t.root->entries[4].replaced);
        assert_true(view_is(yaml_node_get(t.root, "a")->text, "1"));
        yaml_tree_release(&t);
}

static void
aliases_are_the_node_again(void **state)
{
        struct yaml_tree t;

        (void)state;
        parse(&t, "a: &x [1, 2]\nb: *x\nc: &x 5\nd: *x\n");
        assert_ptr_equal(yaml_node_get(t.root, "a"), yaml_node_get(t.root, "b"));
        assert_true(view_is(yaml_node_get(t.root, "d")->text, "5"));
        yaml_tree_release(&t);
}

static void
merge_keys_are_expanded_in_place(void **state)
{
        struct yaml_tree t;
        struct yaml_node *map;

        (void)state;
        parse(&t,
            "- &a {x: 1, y: 1}\n"
            "- &b {x: 2, z: 2}\n"
            "- {<<: *a, y: 9}\n"
            "- {<<: [*a, *b]}\n"
            "- {x: 7, <<: *a}\n"
            "- {\"<<\": plain}\n");
        map = t.root->items[2];
        assert_true(view_is(yaml_node_get(map, "x")->text, "1"));
        assert_true(view_is(yaml_node_get(map, "y")->text, "9"));
        assert_true(map->entries[0].merged);
        assert_false(map->entries[2].duplicate);
        assert_true(map->entries[2].repeated);
        /* of two that are merged in, the earlier wins */
        map = t.root->items[3];
        assert_true(view_is(yaml_node_get(map, "x")->text, "1"));
        assert_true(view_is(yaml_node_get(map, "z")->text, "2"));
        /* in order, as yaml.v2 does it: a merge key behind replaces */
        assert_true(view_is(yaml_node_get(t.root->items[4], "x")->text, "1"));
        assert_true(view_is(yaml_node_get(t.root->items[5], "<<")->text, "plain"));
        yaml_tree_release(&t);
}

struct bad_case {
        const char *name;
        const char *text;
        const char *error;
        unsigned line;
        unsigned column;
};

static const struct bad_case bad_cases[] = {
    {"key without a colon", "a: 1\nb\nc: 2\n", "yaml: line 3: could not find expected ':'", 3, 1},
    {"open bracket", "a: [1, 2\n", "did not find expected ',' or ']'", 2, 1},
    {"tab as indent", "a:\n\tb: 1\n", "found character that cannot start any token", 2, 1},
    {"bad indent", "a:\n    b: 1\n   c: 2\n", "did not find expected key", 3, 4},
    {"unknown anchor", "a: *x\n", "yaml: unknown anchor 'x' referenced", 1, 4},
    {"an anchor in itself", "a: &x [*x]\n", "anchor 'x' value contains itself", 1, 8},
    {"merge of a scalar", "a: {<<: 5}\n", "map merge requires map or sequence of maps", 1, 5},
    {"merge of a list of scalars", "a: {<<: [5]}\n", "map merge requires map", 1, 5},
    {"bad base64", "a: !!binary \"%\"\n", "!!binary value contains invalid base64 data", 1, 4},
    {"tag that does not fit", "a: !!int x\n", "cannot decode !!str `x` as a !!int", 1, 4},
    {"control character", "a: 1\nb: \x01\n", "yaml: control characters are not allowed", 2, 4},
    {"bytes that are no text", "a: \xff\n", "yaml: invalid leading UTF-8 octet", 1, 4},
};

static void
what_is_not_yaml_is_refused_with_its_place(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++) {
                const struct bad_case *c = &bad_cases[i];
                struct yaml_tree t;
                struct err e = ERR_INIT;

                assert_int_equal(yaml_tree_parse(&t, view_of(c->text), &e), ERR_PARSE);
                if (strstr(e.msg, c->error) == NULL)
                        fail_msg("%s: \"%s\", wanted \"%s\"", c->name, e.msg, c->error);
                if (t.error_line != c->line || t.error_column != c->column)
                        fail_msg("%s: %u:%u, wanted %u:%u", c->name, t.error_line, t.error_column,
                            c->line, c->column);
                assert_null(t.root);
                yaml_tree_release(&t);
        }
}

/* Nine levels of ten aliases each stand for a thousand million nodes. */
static void
an_alias_bomb_is_refused(void **state)
{
        char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
        struct yaml_tree t;
        struct err e = ERR_INIT;

        (void)state;
        for (int i = 1; i < 10; i++) {
                char line[128];
                int n = snprintf(line, sizeof(line), "a%d: &a%d [", i, i);

                for (int k = 0; k < 10; k++)
                        n += snprintf(
                            line + n, sizeof(line) - (size_t)n, "%s*a%d", k > 0 ? "," : "", i - 1);
                (void)snprintf(line + n, sizeof(line) - (size_t)n, "]\n");
                strcat(text, line);
        }
        assert_int_equal(yaml_tree_parse(&t, view_of(text), &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "excessive aliasing"));
        yaml_tree_release(&t);
}

static void
depth_is_bounded_with_and_without_aliases(void **state)
{
        char text[4096] = "";
        struct yaml_tree t;
        struct err e = ERR_INIT;

        (void)state;
        for (int i = 0; i < YAML_MAX_DEPTH; i++)
                strcat(text, "[");
        for (int i = 0; i < YAML_MAX_DEPTH; i++)
                strcat(text, "]");
        parse(&t, text);
        yaml_tree_release(&t);
        memmove(text + 1, text, strlen(text) + 1);
        assert_int_equal(yaml_tree_parse(&t, view_of(text), &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "nested too deeply"));
        yaml_tree_release(&t);
        text[0] = '\0';
        for (int i = 0; i < 40; i++) {
                char line[64];

                (void)snprintf(
                    line, sizeof(line), i == 0 ? "- &a%d [x]\n" : "- &a%d [[*a%d]]\n", i, i - 1);
                strcat(text, line);
        }
        assert_int_equal(yaml_tree_parse(&t, view_of(text), &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "nested too deeply"));
        yaml_tree_release(&t);
}

static void
size_and_anchors_are_bounded(void **state)
{
        struct buf text = BUF_INIT((size_t)64 << 20);
        struct yaml_tree t;
        struct err e = ERR_INIT;

        (void)state;
        for (int i = 0; i <= YAML_MAX_ANCHORS; i++)
                testing_ok(buf_printf(&text, NULL, "- &x%d 1\n", i), NULL);
        assert_int_equal(yaml_tree_parse(&t, buf_view(&text), &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "too many anchors"));
        yaml_tree_release(&t);
        buf_reset(&text);
        for (int i = 0; i < YAML_MAX_NODES; i++)
                testing_ok(buf_puts(&text, "- 1\n", NULL), NULL);
        assert_int_equal(yaml_tree_parse(&t, buf_view(&text), &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "too large"));
        yaml_tree_release(&t);
        testing_ok(buf_reserve(&text, YAML_MAX_BYTES + 1, NULL), NULL);
        memset(text.ptr, ' ', YAML_MAX_BYTES + 1);
        assert_int_equal(
            yaml_tree_parse(&t, (struct view){text.ptr, YAML_MAX_BYTES + 1}, &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "limit of 16 MiB"));
        yaml_tree_release(&t);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_node_knows_its_place),
            cmocka_unit_test(columns_count_characters),
            cmocka_unit_test(empty_documents_have_no_root_or_a_null),
            cmocka_unit_test(only_the_first_document_is_read),
            cmocka_unit_test(keys_written_twice_are_marked),
            cmocka_unit_test(aliases_are_the_node_again),
            cmocka_unit_test(merge_keys_are_expanded_in_place),
            cmocka_unit_test(what_is_not_yaml_is_refused_with_its_place),
            cmocka_unit_test(an_alias_bomb_is_refused),
            cmocka_unit_test(depth_is_bounded_with_and_without_aliases),
            cmocka_unit_test(size_and_anchors_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
