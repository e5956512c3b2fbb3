#include "agent/httpd_target.h"

#include "tests/testing/testing.h"

#include <string.h>

static void
test_parse(void **state)
{
        static const struct {
                const char *text;
                const char *path; /* NULL: refused */
                const char *query;
        } rows[] = {
            {"/", "/", NULL},
            {"/-/healthy", "/-/healthy", NULL},
            {"/a?", "/a", ""},
            {"/a?b=c?d", "/a", "b=c?d"},
            {"/%2d/%68ealthy", "/-/healthy", NULL},
            {"/-%2fhealthy", "/-/healthy", NULL},
            {"/a+b%2B%20", "/a+b+ ", NULL},
            {"/a%00x", "/a%00x", NULL},
            {"/%e2%82%ac\xff", "/\xe2\x82\xac\xff", NULL},
            {"//a", "//a", NULL},
            {"/a#b", "/a#b", NULL},
            {"http://h/-/healthy", "/-/healthy", NULL},
            {"ftp://u@h:1/a?b", "/a", "b"},
            {"http:///a", "/a", NULL},
            {"http:/a", "/a", NULL},
            {"h2+x-y.z://h/a", "/a", NULL},
            {"http://h", "", NULL},
            {"http://h?x", "", "x"},
            {"/a?b=%zz", "/a", "b=%zz"},
            {"", NULL, NULL},
            {"*", NULL, NULL},
            {"x", NULL, NULL},
            {"-/healthy", NULL, NULL},
            {"1http://h/a", NULL, NULL},
            {"mailto:x", NULL, NULL},
            {"?/", NULL, NULL},
            {"/%", NULL, NULL},
            {"/%4", NULL, NULL},
            {"/%zz", NULL, NULL},
            {"/a\tb", NULL, NULL},
            {"/a b", NULL, NULL},
            {"/a\x7f", NULL, NULL},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct httpd_target t = {0};
                int rc = httpd_target_parse(rows[i].text, &t, NULL);

                print_message("%s\n", rows[i].text);
                assert_int_equal(rc, rows[i].path != NULL ? 0 : ERR_PARSE);
                if (rc == 0) {
                        assert_string_equal(t.path, rows[i].path);
                        assert_int_equal(t.query != NULL, rows[i].query != NULL);
                        if (t.query != NULL)
                                assert_string_equal(t.query, rows[i].query);
                }
                httpd_target_release(&t);
        }
}

static void
test_arguments(void **state)
{
        static const struct {
                const char *query;
                const char *want; /* of "a"; NULL: it is not there */
        } rows[] = {
            {"", NULL},
            {"a", ""},
            {"a=", ""},
            {"a=b", "b"},
            {"b=c&a=d&a=e", "d"},
            {"%61=b", "b"},
            {"a=b+c%2B", "b c+"},
            {"a=%zz&a=b", "b"},
            {"a=%zz", NULL},
            {"a=b;c=d", NULL},
            {"a=b;c&a=e", "e"},
            {"&&a=b=c", "b=c"},
            {"%=x&a=1", "1"},
            {"a=%00", "%00"},
            {"=a", NULL},
            {"A=b", NULL},
            {"a=%e2%82%ac", "\xe2\x82\xac"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct httpd_target t = {0};
                char text[64] = "/?";
                const char *value;

                (void)strncat(text, rows[i].query, sizeof(text) - 3);
                testing_ok(httpd_target_parse(text, &t, NULL), NULL);
                value = httpd_target_argument(&t, "a");
                assert_int_equal(value != NULL, rows[i].want != NULL);
                if (value != NULL)
                        assert_string_equal(value, rows[i].want);
                httpd_target_release(&t);
        }
}

static void
test_clean(void **state)
{
        static const struct {
                const char *path;
                const char *clean;
                const char *escaped;
        } rows[] = {
            {"/", "/", "/"},
            {"", "/", "/"},
            {"//", "/", "/"},
            {"/a/b", "/a/b", "/a/b"},
            {"/a/b/", "/a/b/", "/a/b/"},
            {"//a///b//", "/a/b/", "/a/b/"},
            {"/./a/.", "/a", "/a"},
            {"/a/./", "/a/", "/a/"},
            {"/a/../b", "/b", "/b"},
            {"/..", "/", "/"},
            {"/../../a", "/a", "/a"},
            {"/a/..", "/", "/"},
            {"/a/../", "/", "/"},
            {"/a/b/..", "/a", "/a"},
            {"/...", "/...", "/..."},
            {"/a b\xff\"", "/a b\xff\"", "/a%20b%FF%22"},
            {"/%00", "/%00", "/%2500"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf clean = BUF_INIT(1000);
                struct buf escaped = BUF_INIT(1000);

                testing_ok(httpd_target_clean(rows[i].path, &clean, NULL), NULL);
                assert_string_equal(clean.ptr, rows[i].clean);
                testing_ok(httpd_target_escape(clean.ptr, &escaped, NULL), NULL);
                testing_ok(buf_putc(&escaped, '\0', NULL), NULL);
                assert_string_equal(escaped.ptr, rows[i].escaped);
                buf_release(&clean);
                buf_release(&escaped);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_parse),
            cmocka_unit_test(test_arguments),
            cmocka_unit_test(test_clean),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
