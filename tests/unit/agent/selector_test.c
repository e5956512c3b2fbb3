#include "agent/selector.h"

#include "tests/testing/testing.h"

#include <string.h>

#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }

static const struct label labels[] = {{TEXT("instance"), TEXT("10.0.0.1:9100")},
    {TEXT("job"), TEXT("a\"b\n")}, {TEXT("odd name"), TEXT("x")},
    {TEXT("u"), TEXT("\xc3\xa9\xf0\x9f\x98\x80")}};

static void
test_matches(void **state)
{
        static const struct {
                const char *text;
                bool matches;
        } rows[] = {
            {"{}", true},
            {" { } ", true},
            {"up", false},
            {"up{}", false},
            {"{\"up\"}", false},
            {"{__name__!=\"up\"}", true},
            {"{instance=\"10.0.0.1:9100\"}", true},
            {"{instance = '10.0.0.1:9100',}", true},
            {"{instance=`10.0.0.1:9100`,job=~\".+\"}", true},
            {"{instance=\"10.0.0.1\"}", false},
            {"{instance=~\"10.0.0.1\"}", false},
            {"{instance=~\"10[.]0.*\"}", true},
            {"{instance!~\"10[.]0.*\"}", false},
            {"{instance!=\"x\",job!~\"x\"}", true},
            {"{instance=~\"x|10.*\",job=\"x\"}", false},
            {"{job=\"a\\\"b\\n\"}", true},
            {"{job='a\"b\\n'}", true},
            {"{job=`a\"b\n`}", true},
            {"{job=~`a\"b\\n`}", true},
            {"{job=\"\\x61\\042\\u0062\\U0000000a\"}", true},
            {"{job=~\"a.b.\"}", true},
            {"{\"odd name\"=\"x\"}", true},
            {"{'odd name'!=\"x\"}", false},
            {"{missing=\"\"}", true},
            {"{missing!=\"\"}", false},
            {"{missing=~\".*\"}", true},
            {"{missing=~\".+\"}", false},
            {"{u=\"\\u00e9\\U0001F600\"}", true},
            {"{u=\"\\xc3\\xa9\xf0\x9f\x98\x80\"}", true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct selector *s = NULL;
                struct err e = ERR_INIT;
                bool matched = !rows[i].matches;

                print_message("%s\n", rows[i].text);
                testing_ok(selector_new(view_of(rows[i].text), &s, &e), &e);
                testing_ok(
                    selector_matches(s, labels, sizeof(labels) / sizeof(labels[0]), &matched, &e),
                    &e);
                assert_int_equal(matched, rows[i].matches);
                selector_free(s);
        }
}

static void
test_errors(void **state)
{
        static const struct {
                const char *text;
                int rc;
                const char *part;
        } rows[] = {
            {"", ERR_PARSE, "1:1: parse error: expected a metric's name or {"},
            {"1up", ERR_PARSE, "1:1: "},
            {"up{", ERR_PARSE, "1:4: parse error: expected a string"},
            {"{a", ERR_PARSE, "1:3: parse error: expected one of ="},
            {"{a}", ERR_PARSE, "1:3: "},
            {"{a!\"\"}", ERR_PARSE, "1:4: "},
            {"{a=b}", ERR_PARSE, "1:4: parse error: expected a string"},
            {"{a=\"b}", ERR_PARSE, "1:7: parse error: expected the end of the string"},
            {"{a=\"b\n\"}", ERR_PARSE, "before the end of the line"},
            {"{a=\"\\q\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\'\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\ud800\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\U00110000\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\400\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\08\"}", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\x4", ERR_PARSE, "an escape sequence"},
            {"{a=\"\\", ERR_PARSE, "an escape sequence"},
            {"{a=\"b\" c=\"d\"}", ERR_PARSE, "1:8: parse error: expected a comma or }"},
            {"{,}", ERR_PARSE, "1:2: "},
            {"{} x", ERR_PARSE, "1:4: parse error: expected the end"},
            {"{a=~\"(\"}", ERR_CONFIG, "error parsing regexp"},
        };
        static char large[SELECTOR_MAX_BYTES + 1];
        struct selector *s = NULL;
        struct err e = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                print_message("%s\n", rows[i].text);
                assert_int_equal(selector_new(view_of(rows[i].text), &s, &e), rows[i].rc);
                if (strstr(e.msg, rows[i].part) == NULL)
                        fail_msg("%s", e.msg);
        }
        assert_int_equal(selector_new((struct view){"{\0}", 3}, &s, &e), ERR_PARSE);
        assert_int_equal(selector_new((struct view){"{}\0", 3}, &s, &e), ERR_PARSE);
        memset(large, ' ', sizeof(large));
        assert_int_equal(selector_new((struct view){large, sizeof(large)}, &s, &e), ERR_LIMIT);
        selector_free(NULL);
}

/* As many matchers as fit. */
static void
test_many(void **state)
{
        struct buf text = BUF_INIT(SELECTOR_MAX_BYTES);
        struct selector *s = NULL;
        struct err e = ERR_INIT;
        bool matched = false;

        (void)state;
        testing_ok(buf_putc(&text, '{', &e), &e);
        while (text.len + 8 < SELECTOR_MAX_BYTES)
                testing_ok(buf_puts(&text, "a=\"\",", &e), &e);
        testing_ok(buf_putc(&text, '}', &e), &e);
        testing_ok(selector_new(buf_view(&text), &s, &e), &e);
        testing_ok(selector_matches(s, labels, 1, &matched, &e), &e);
        assert_true(matched);
        selector_free(s);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_matches),
            cmocka_unit_test(test_errors),
            cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
