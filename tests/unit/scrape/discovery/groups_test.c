#include "scrape/discovery/groups.h"

#include "base/memory.h"
#include "tests/testing/testing.h"

struct parse_case {
        const char *name;
        enum groups_format format;
        const char *text;
        const char *want; /* [target,…|name=value,…] per group; NULL: refused */
        const char *error; /* part of the message */
};

static const struct parse_case cases[] = {
    {"a group", GROUPS_JSON,
        "[{\"targets\": [\"a:1\", \"b:2\"], \"labels\": {\"dc\": \"x\", \"env\": \"\"}}]",
        "[a:1,b:2|dc=x,env=,__meta_filepath=f]", NULL},
    {"two groups", GROUPS_JSON, "[{\"targets\": [\"a\"]}, {\"targets\": [\"b\"]}]",
        "[a|__meta_filepath=f][b|__meta_filepath=f]", NULL},
    {"nothing in it", GROUPS_JSON, "[]", "", NULL},
    {"null is an empty list", GROUPS_JSON, "null", "", NULL},
    {"keys of null", GROUPS_JSON, "[{\"targets\": null, \"labels\": null}]", "[|__meta_filepath=f]",
        NULL},
    {"an empty group", GROUPS_JSON, "[{}]", "[|__meta_filepath=f]", NULL},
    {"the meta label cannot be forged", GROUPS_JSON,
        "[{\"targets\": [\"a\"], \"labels\": {\"__meta_filepath\": \"other\"}}]",
        "[a|__meta_filepath=f]", NULL},
    {"UTF-8 label name", GROUPS_JSON, "[{\"labels\": {\"a.\xc3\xa4\": \"\xc3\xb6\"}}]",
        "[|a.\xc3\xa4=\xc3\xb6,__meta_filepath=f]", NULL},
    {"brackets in strings are no nests", GROUPS_JSON, "[{\"targets\": [\"[{,\\\"[\"]}]",
        "[[{,\"[|__meta_filepath=f]", NULL},
    {"null group", GROUPS_JSON, "[null]", NULL, "\"f\": nil target group item found"},
    {"unknown key", GROUPS_JSON, "[{\"target\": [\"a\"]}]", NULL,
        "\"f\": unknown key \"target\" in a target group"},
    {"group of another type", GROUPS_JSON, "[\"a\"]", NULL, "a target group must be an object"},
    {"file of another type", GROUPS_JSON, "{\"targets\": []}", NULL,
        "the file must be a list of target groups"},
    {"targets of another type", GROUPS_JSON, "[{\"targets\": \"a\"}]", NULL,
        "targets must be a list of strings"},
    {"a target of another type", GROUPS_JSON, "[{\"targets\": [1]}]", NULL,
        "a target must be a string"},
    {"labels of another type", GROUPS_JSON, "[{\"labels\": []}]", NULL,
        "labels must be an object of strings"},
    {"a label of another type", GROUPS_JSON, "[{\"labels\": {\"a\": 1}}]", NULL,
        "a label's value must be a string"},
    {"empty label name", GROUPS_JSON, "[{\"labels\": {\"\": \"x\"}}]", NULL,
        "\"\" is not a valid label name"},
    {"cut short", GROUPS_JSON, "[{\"targets\": [\"a\"", NULL, "\"f\" is not JSON: line 1"},
    {"empty file", GROUPS_JSON, "", NULL, "\"f\" is not JSON"},
    {"text behind it", GROUPS_JSON, "[] []", NULL, "\"f\" is not JSON"},
    {"not UTF-8", GROUPS_JSON, "[{\"targets\": [\"\xff\"]}]", NULL, "\"f\" is not JSON"},
    {"YAML", GROUPS_YAML,
        "- targets: [a:1, \"b:2\"]\n  labels: {dc: x, env: \"\"}\n- targets:\n  - c\n",
        "[a:1,b:2|dc=x,env=,__meta_filepath=f][c|__meta_filepath=f]", NULL},
    {"YAML: text stays as it is written", GROUPS_YAML,
        "- targets: [1.50]\n  labels: {n: 017, on: yes, z: ~}\n",
        "[1.50|n=017,on=yes,z=,__meta_filepath=f]", NULL},
    {"YAML: nothing in it", GROUPS_YAML, "", "", NULL},
    {"YAML: a comment in it", GROUPS_YAML, "# none\n", "", NULL},
    {"YAML: null", GROUPS_YAML, "~", "", NULL},
    {"YAML: keys of null", GROUPS_YAML, "- targets:\n  labels:\n", "[|__meta_filepath=f]", NULL},
    {"YAML: aliases and merge keys", GROUPS_YAML,
        "- &a\n  targets: [x]\n  labels: &l {a: 1, b: 2}\n- <<: *a\n  labels: {<<: *l, b: 3}\n",
        "[x|a=1,b=2,__meta_filepath=f][x|a=1,b=3,__meta_filepath=f]", NULL},
    {"YAML: null group", GROUPS_YAML, "- ~\n", NULL,
        "\"f\": line 1, column 3: nil target group item found"},
    {"YAML: unknown key", GROUPS_YAML, "- target: [a]\n", NULL,
        "\"f\": unknown key \"target\" in a target group"},
    {"YAML: key twice", GROUPS_YAML, "- targets: [a]\n  targets: [b]\n", NULL,
        "line 2, column 3: the key is there twice"},
    {"YAML: label twice", GROUPS_YAML, "- labels: {a: 1, a: 2}\n", NULL,
        "the label is there twice"},
    {"YAML: group of another type", GROUPS_YAML, "- a\n", NULL, "a target group must be a map"},
    {"YAML: file of another type", GROUPS_YAML, "targets: [a]\n", NULL,
        "the file must be a list of target groups"},
    {"YAML: targets of another type", GROUPS_YAML, "- targets: a\n", NULL,
        "targets must be a list of strings"},
    {"YAML: a target of another type", GROUPS_YAML, "- targets: [[a]]\n", NULL,
        "a target must be a string"},
    {"YAML: labels of another type", GROUPS_YAML, "- labels: [a]\n", NULL,
        "labels must be a map of strings"},
    {"YAML: a label of another type", GROUPS_YAML, "- labels: {a: [b]}\n", NULL,
        "a label's value must be a string"},
    {"YAML: broken", GROUPS_YAML, "- targets: [a\n", NULL, "\"f\": yaml: "},
};

static void
describe(const struct group_list *g, struct buf *out)
{
        for (size_t i = 0; i < g->n; i++) {
                testing_ok(buf_putc(out, '[', NULL), NULL);
                for (size_t k = 0; k < g->v[i].n_targets; k++)
                        testing_ok(
                            buf_printf(out, NULL, "%s%s", k > 0 ? "," : "", g->v[i].targets[k]),
                            NULL);
                testing_ok(buf_putc(out, '|', NULL), NULL);
                for (size_t k = 0; k < g->v[i].n_labels; k++) {
                        const struct label *l = &g->v[i].labels[k];

                        testing_ok(buf_printf(out, NULL, "%s%.*s=%.*s", k > 0 ? "," : "",
                                       (int)l->name.n, l->name.p, (int)l->value.n, l->value.p),
                            NULL);
                }
                testing_ok(buf_putc(out, ']', NULL), NULL);
        }
        testing_ok(buf_putc(out, '\0', NULL), NULL);
}

static struct groups_input
input(enum groups_format format, struct view text)
{
        return (struct groups_input){.format = format,
            .text = text,
            .name = "f",
            .meta = {VIEW_LIT("__meta_filepath"), VIEW_LIT("f")}};
}

static void
parses(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct parse_case *c = &cases[i];
                struct groups_input in = input(c->format, view_of(c->text));
                struct group_list *g = NULL;
                struct buf got = BUF_INIT(1 << 16);
                struct err e = ERR_INIT;
                int rc = groups_parse(&in, &g, &e);

                print_message("  %s\n", c->name);
                if (c->want == NULL) {
                        assert_int_equal(rc, ERR_PARSE);
                        assert_null(g);
                        if (strstr(e.msg, c->error) == NULL)
                                fail_msg("message is \"%s\"", e.msg);
                        continue;
                }
                testing_ok(rc, &e);
                describe(g, &got);
                assert_string_equal(got.ptr, c->want);
                buf_release(&got);
                groups_free(g);
        }
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

static void
bounded_labels(void **state)
{
        struct buf text = BUF_INIT(1 << 20);
        struct groups_input in;
        struct group_list *g = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(buf_puts(&text, "[{\"labels\": {", NULL), NULL);
        for (int i = 0; i <= GROUPS_MAX_LABELS; i++)
                testing_ok(buf_printf(&text, NULL, "%s\"l%d\": \"\"", i > 0 ? "," : "", i), NULL);
        testing_ok(buf_puts(&text, "}}]", NULL), NULL);
        in = input(GROUPS_JSON, buf_view(&text));
        assert_int_equal(groups_parse(&in, &g, &e), ERR_LIMIT);
        in.format = GROUPS_YAML;
        assert_int_equal(groups_parse(&in, &g, &e), ERR_LIMIT);
        buf_release(&text);
}

/* "[" + n × one + "]" must be refused as too much. */
static void
refuse_many(const char *one, size_t n)
{
        struct buf text = BUF_INIT(GROUPS_MAX_TEXT + 100);
        struct groups_input in;
        struct group_list *g = NULL;
        struct err e = ERR_INIT;

        testing_ok(buf_putc(&text, '[', NULL), NULL);
        for (size_t i = 0; i < n; i++)
                testing_ok(buf_printf(&text, NULL, "%s%s", i > 0 ? "," : "", one), NULL);
        testing_ok(buf_putc(&text, ']', NULL), NULL);
        in = input(GROUPS_JSON, buf_view(&text));
        assert_int_equal(groups_parse(&in, &g, &e), ERR_LIMIT);
        assert_null(g);
        buf_release(&text);
}

static void
bounded(void **state)
{
        struct groups_input in = input(GROUPS_JSON, (struct view){NULL, GROUPS_MAX_TEXT + 1});
        struct group_list *g = NULL;

        (void)state;
        assert_int_equal(groups_parse(&in, &g, NULL), ERR_LIMIT);
        refuse_many("{}", GROUPS_MAX_GROUPS + 1);
        refuse_many("[[[]]]", GROUPS_MAX_GROUPS + 1);
        refuse_many("0", 2 * GROUPS_MAX_TARGETS + 2);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(parses),
            cmocka_unit_test(bounded),
            cmocka_unit_test(bounded_labels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
