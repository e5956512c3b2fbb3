#include "scrape/discovery/kubernetes/split.h"

#include "tests/testing/testing.h"

static int
take(void *arg, struct view key, struct view json, struct err *e)
{
        return buf_printf(arg, e, "%.*s|%.*s;", (int)key.n, key.p, (int)json.n, json.p);
}

struct split_case {
        bool list;
        const char *in;
        const char *want;
        int rc;
        bool complete;
};

static const struct split_case cases[] = {
    {false, "{\"a\":1}\n{\"b\":\"}\\\"{\"}\n", "|{\"a\":1};|{\"b\":\"}\\\"{\"};", 0, true},
    {false, "{\"a\":[{}]}{\"b\":", "|{\"a\":[{}]};", 0, false},
    {false, "[1]", "", ERR_PARSE, false},
    {false, "", "", 0, true},
    {true, "{\"kind\":\"L\",\"metadata\":{\"r\":\"1\"},\"items\":[{\"a\":1}, {\"b\":[]}],\"n\":12}",
        "kind|\"L\";metadata|{\"r\":\"1\"};items|{\"a\":1};items|{\"b\":[]};n|12;", 0, true},
    {true, " {\"items\":[],\"metadata\":{}} \n", "metadata|{};", 0, true},
    {true, "{\"items\":null,\"metadata\":{}}", "items|null;metadata|{};", 0, true},
    {true, "{\"items\":[{\"a\":1},", "items|{\"a\":1};", 0, false},
    {true, "{\"items\":[null]}x", "items|null;", ERR_PARSE, false},
    {true, "x", "", ERR_PARSE, false},
    {true, "{]", "", ERR_PARSE, false},
};

static void
run(const struct split_case *c, size_t step)
{
        struct buf got = BUF_INIT(1000);
        struct kube_split s;
        size_t n = strlen(c->in);
        int rc = 0;

        kube_split_init(&s, c->list, take, &got);
        for (size_t i = 0; i < n && rc == 0; i += step)
                rc = kube_split_feed(
                    &s, (struct view){c->in + i, n - i < step ? n - i : step}, NULL);
        testing_ok(buf_putc(&got, '\0', NULL), NULL);
        assert_int_equal(rc, c->rc);
        if (rc == 0)
                assert_int_equal(kube_split_complete(&s), c->complete);
        assert_string_equal(got.ptr, c->want);
        kube_split_release(&s);
        buf_release(&got);
}

static void
pieces_are_cut_whatever_the_chunks(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                for (size_t step = 1; step < 8; step++)
                        run(&cases[i], step);
                run(&cases[i], 1000);
        }
}

static void
large_pieces_are_refused(void **state)
{
        static char text[1 << 16];
        struct buf got = BUF_INIT(1000);
        struct kube_split s;
        int rc = 0;
        size_t fed = 0;

        (void)state;
        memset(text, 'a', sizeof(text));
        kube_split_init(&s, false, take, &got);
        testing_ok(kube_split_feed(&s, VIEW_LIT("{\""), NULL), NULL);
        while (rc == 0) {
                rc = kube_split_feed(&s, (struct view){text, sizeof(text)}, NULL);
                fed += sizeof(text);
                assert_true(fed <= KUBE_MAX_PIECE + sizeof(text));
        }
        assert_int_equal(rc, ERR_LIMIT);
        kube_split_release(&s);
        buf_release(&got);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_are_cut_whatever_the_chunks),
            cmocka_unit_test(large_pieces_are_refused)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
