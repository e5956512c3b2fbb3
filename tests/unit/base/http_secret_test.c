#include "base/http_secret.h"

#include "base/buf.h"
#include "base/err.h"
#include "tests/testing/testing.h"

#include <stdio.h>

static void
secrets_come_from_text_or_trimmed_from_a_file(void **state)
{
        static const struct {
                const char *name;
                const char *text;
                const char *content; /* of the file; NULL: none is named */
                const char *want; /* NULL: refused */
        } cases[] = {
            {"neither", NULL, NULL, ""},
            {"text as it is", " a ", NULL, " a "},
            {"a file", NULL, "\n\t secret \r\n", "secret"},
            {"an empty file", NULL, " \n", ""},
            {"a blank inside", NULL, "a b\n", "a b"},
            {"a line feed inside", NULL, "a\nb", NULL},
            {"a line feed in the text", "a\nb", NULL, NULL},
        };
        char *dir = testing_directory();
        char path[600];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/secret", dir);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf got = BUF_INIT(HTTP_SECRET_MAX);
                struct err e = ERR_INIT;
                const char *file = cases[i].content != NULL ? path : NULL;
                int rc;

                if (file != NULL)
                        testing_write(path, cases[i].content, strlen(cases[i].content));
                rc = http_secret_read("key", cases[i].text, file, &got, &e);
                if (cases[i].want == NULL) {
                        assert_int_equal(rc, ERR_CONFIG);
                        assert_non_null(strstr(e.msg, "key"));
                        assert_null(strstr(e.msg, "a\nb"));
                } else {
                        testing_ok(rc, &e);
                        if (strcmp(got.ptr, cases[i].want) != 0)
                                fail_msg("%s: \"%s\"", cases[i].name, got.ptr);
                }
                http_secret_release(&got);
                assert_null(got.ptr);
        }
        testing_remove(dir);
}

static void
a_missing_file_is_named(void **state)
{
        struct buf got = BUF_INIT(HTTP_SECRET_MAX);
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(
            http_secret_read("some.key", NULL, "/nowhere/at/all", &got, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "some.key"));
        assert_non_null(strstr(e.msg, "/nowhere/at/all"));
        http_secret_release(&got);
}

static void
headers_are_appended_in_order(void **state)
{
        struct curl_slist *list = NULL;

        (void)state;
        testing_ok(http_secret_append(&list, "a: 1", NULL), NULL);
        testing_ok(http_secret_append(&list, "b: 2", NULL), NULL);
        assert_string_equal(list->data, "a: 1");
        assert_string_equal(list->next->data, "b: 2");
        http_secret_free_list(list);
        http_secret_free_list(NULL);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(secrets_come_from_text_or_trimmed_from_a_file),
            cmocka_unit_test(a_missing_file_is_named),
            cmocka_unit_test(headers_are_appended_in_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
