#include "tests/unit/agent/config_cases.h"

#include "agent/config_url.h"

struct url_case {
        const char *text;
        const char *error; /* NULL: good */
        const char *redacted;
        const char *identity;
};

/* What Go's net/url says of these. */
static const struct url_case url_cases[] = {
    {"http://h/p", NULL, "http://h/p", "http://h/p"},
    {"https://u:p@h:1/p?q=1#f", NULL, "https://u:xxxxx@h:1/p?q=1#f", "https://h:1/p"},
    {"https://u@h", NULL, "https://u@h", "https://h"},
    {"https://u:@h", NULL, "https://u:xxxxx@h", "https://h"},
    {"http://a:b@c@d/", NULL, "http://a:xxxxx@d/", "http://d/"},
    {"localhost:9090", NULL, "localhost:9090", "localhost:9090"},
    {"localhost", NULL, "localhost", "localhost"},
    {"/p?x", NULL, "/p?x", "/p"},
    {"//h/p", NULL, "//h/p", "//h/p"},
    {"", NULL, "", ""},
    {"?a=b", NULL, "?a=b", ""},
    {"mailto:x@y", NULL, "mailto:x@y", "mailto:x@y"},
    {"http://[::1]:80/", NULL, "http://[::1]:80/", "http://[::1]:80/"},
    {"http://[::1]", NULL, "http://[::1]", "http://[::1]"},
    {"http://h:/", NULL, "http://h:/", "http://h:/"},
    {"http://", NULL, "http://", "http://"},
    {"http:x", NULL, "http:x", "http:x"},
    {"a/b:c", NULL, "a/b:c", "a/b:c"},
    {"http://h/a b", NULL, "http://h/a b", "http://h/a b"},
    {"http://h/%41", NULL, "http://h/%41", "http://h/%41"},
    {"http://%c3%a9/", NULL, "http://%c3%a9/", "http://%c3%a9/"},
    {"://x", "parse \"://x\": missing protocol scheme", NULL, NULL},
    {"1h:90", "parse \"1h:90\": first path segment in URL cannot contain colon", NULL, NULL},
    {"http://h:x", "invalid port \":x\" after host", NULL, NULL},
    {"http://a:b:c/", "invalid port \":b:c\" after host", NULL, NULL},
    {"http://[::1/", "missing ']' in host", NULL, NULL},
    {"http://[::1]x/", "invalid port \"x\" after host", NULL, NULL},
    {"http://h/%zz", "invalid URL escape \"%zz\"", NULL, NULL},
    {"http://h/%4", "invalid URL escape \"%4\"", NULL, NULL},
    {"http://[fe80::1%25eth0]:1/", NULL, "http://[fe80::1%25eth0]:1/",
        "http://[fe80::1%25eth0]:1/"},
    {"http://[fe80::1%25a%20b]/", NULL, "http://[fe80::1%25a%20b]/", "http://[fe80::1%25a%20b]/"},
    {"http://<h>/", NULL, "http://<h>/", "http://<h>/"},
    {"http://a%25b/", NULL, "http://a%25b/", "http://a%25b/"},
    {"http://[::1%eth0]/", "no IPv6 address is \"[::1%eth0]\"", NULL, NULL},
    {"http://[fe80::1%25%zz]/", "invalid URL escape \"%zz\"", NULL, NULL},
    {"http://[]/", "no IPv6 address is \"[]\"", NULL, NULL},
    {"http://[1.2.3.4]/", "no IPv6 address is \"[1.2.3.4]\"", NULL, NULL},
    {"http://a[b]/", "invalid IP-literal", NULL, NULL},
    {"http://h#%zz", "invalid URL escape \"%zz\"", NULL, NULL},
    {"mailto:x#%4", "invalid URL escape \"%4\"", NULL, NULL},
    {"http://h/?%zz", NULL, "http://h/?%zz", "http://h/"},
    {"http://%41/", "invalid URL escape \"%41\"", NULL, NULL},
    {"http://h h/", "invalid character \" \" in host name", NULL, NULL},
    {"http://h\n", "net/url: invalid control character in URL", NULL, NULL},
    {"http://us er@h/", "net/url: invalid userinfo", NULL, NULL},
};

static void
urls_are_taken_apart_as_go_does_it(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(url_cases) / sizeof(url_cases[0]); i++) {
                const struct url_case *x = &url_cases[i];
                struct buf out = BUF_INIT(4096);
                struct config_url u;
                struct err e = ERR_INIT;
                int rc = config_url_parse(view_of(x->text), &u, &e);

                if ((rc == 0) != (x->error == NULL))
                        fail_msg("%s: %d %s", x->text, rc, e.msg);
                if (rc < 0) {
                        assert_int_equal(rc, ERR_CONFIG);
                        if (strstr(e.msg, x->error) == NULL)
                                fail_msg("%s: %s", x->text, e.msg);
                        continue;
                }
                testing_ok(config_url_put_redacted(&u, &out, &e), &e);
                if (!view_is(buf_view(&out), x->redacted))
                        fail_msg("%s: %.*s", x->text, (int)out.len, out.ptr);
                buf_reset(&out);
                testing_ok(config_url_put_identity(&u, &out, &e), &e);
                if (!view_is(buf_view(&out), x->identity))
                        fail_msg("%s: %.*s", x->text, (int)out.len, out.ptr);
                buf_release(&out);
        }
}

static void
an_error_does_not_show_a_password(void **state)
{
        struct config_url u;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(config_url_parse(view_of("http://u:hunter2@h:x/"), &u, &e), ERR_CONFIG);
        assert_null(strstr(e.msg, "hunter2"));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(urls_are_taken_apart_as_go_does_it),
            cmocka_unit_test(an_error_does_not_show_a_password),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
