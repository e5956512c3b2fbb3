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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
