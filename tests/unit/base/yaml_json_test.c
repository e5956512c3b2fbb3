#include "base/yaml_json.h"

#include "base/yaml.h"
#include "tests/testing/testing.h"

static int
convert(const char *text, struct buf *out, struct err *e)
{
        struct yaml_tree t;
        int rc;

        testing_ok(yaml_tree_parse(&t, view_of(text), NULL), NULL);
        rc = yaml_node_json(t.root, out, e);
        yaml_tree_release(&t);
        return rc;
}

static void
values_keep_their_kind(void **state)
{
        static const char *const rows[][2] = {
            {"{a: 1, b: -7, c: 18446744073709551615, d: 1.5}",
                "{\"a\":1,\"b\":-7,\"c\":18446744073709551615,\"d\":1.5}"},
            {"{a: true, b: no, c: ~, d: \"1\", e: 'x\"y'}",
                "{\"a\":true,\"b\":false,\"c\":null,\"d\":\"1\",\"e\":\"x\\\"y\"}"},
            {"[1, [], {}, [a, {b: c}]]", "[1,[],{},[\"a\",{\"b\":\"c\"}]]"},
            {"{1: a, <<: {2: b}}", "{\"1\":\"a\",\"2\":\"b\"}"},
            {"x: 2001-01-01", "{\"x\":\"2001-01-01\"}"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf out = BUF_INIT(4096);
                struct err e = ERR_INIT;

                testing_ok(convert(rows[i][0], &out, &e), &e);
                if (!view_is(buf_view(&out), rows[i][1]))
                        fail_msg("%s: %.*s", rows[i][0], (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static void
what_json_cannot_say(void **state)
{
        struct buf out = BUF_INIT(8);

        (void)state;
        assert_int_equal(convert("a: .inf", &out, NULL), ERR_REFUSED);
        buf_reset(&out);
        assert_int_equal(convert("a: a long text", &out, NULL), ERR_LIMIT);
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(values_keep_their_kind),
            cmocka_unit_test(what_json_cannot_say),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
