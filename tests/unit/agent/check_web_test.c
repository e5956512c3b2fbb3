#include "agent/check_web.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

static void
test_what_is_said(void **state)
{
        static const struct {
                const char *text;
                int rc;
                const char *out;
                const char *messages;
        } cases[] = {
            {"", 0, "is a good web configuration\nno TLS\nno passwords\n", ""},
            {"basic_auth_users: {\"a\\nb\": "
             "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}\n"
             "rate_limit: {interval: 1500ms, burst: 2}\n"
             "http_server_config: {headers: {X-Frame-Options: deny}}",
                0, "users: a\\nb\nheader X-Frame-Options: deny\none request in 1.5 s, 2 at once\n",
                ""},
            {"tls_server_config:\n  cert: a\n  key: b\n", ERR_CONFIG, "",
                ":2:9: error: the certificate and its key cannot be used"},
            {"a: b\nb: c\n", ERR_CONFIG, "", ":2:1: error: field b not found"},
        };
        char *dir = testing_directory();
        char path[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf out = BUF_INIT(1 << 16);
                struct buf messages = BUF_INIT(1 << 16);
                struct err e = ERR_INIT;
                json_t *line;

                testing_write(path, cases[i].text, strlen(cases[i].text));
                assert_int_equal(check_web(path, false, &out, &messages, &e), cases[i].rc);
                testing_ok(buf_putc(&out, '\0', NULL), NULL);
                testing_ok(buf_putc(&messages, '\0', NULL), NULL);
                if (strstr(out.ptr, cases[i].out) == NULL ||
                    strstr(messages.ptr, cases[i].messages) == NULL)
                        fail_msg("%s\n: %s\n: %s", cases[i].text, out.ptr, messages.ptr);
                buf_reset(&out);
                assert_int_equal(check_web(path, true, &out, &messages, &e), cases[i].rc);
                line = json_loadb(out.ptr, out.len, 0, NULL);
                assert_non_null(line);
                assert_int_equal(json_is_true(json_object_get(line, "valid")), cases[i].rc == 0);
                assert_true(json_is_array(json_object_get(line, "messages")));
                json_decref(line);
                buf_release(&out);
                buf_release(&messages);
        }
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_said)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
