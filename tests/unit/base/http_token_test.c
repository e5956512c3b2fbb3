#include "base/http_token.h"

#include "base/buf.h"
#include "base/err.h"
#include "tests/testing/testing.h"

#include <string.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static const struct token_case {
        const char *type;
        const char *body;
        const char *want; /* NULL: refused */
        int64_t seconds;
        const char *why; /* a part of the reason */
} token_cases[] = {
    {JSON, "{\"access_token\":\"t\",\"token_type\":\"bearer\",\"expires_in\":3600}",
        "Authorization: Bearer t", 3600, NULL},
    {"application/json; charset=utf-8", "{\"access_token\":\"t\"}", "Authorization: Bearer t", 0,
        NULL},
    {"", "{\"access_token\":\"t\",\"expires_in\":\"60\"}", "Authorization: Bearer t", 60, NULL},
    {JSON, "{\"access_token\":\"t\",\"expires_in\":59.9}", "Authorization: Bearer t", 59, NULL},
    {JSON, "{\"access_token\":\"t\",\"expires_in\":-1}", "Authorization: Bearer t", 0, NULL},
    {JSON, "{\"access_token\":\"t\",\"expires_in\":1e30}", "Authorization: Bearer t", 315360000,
        NULL},
    {JSON, "{\"access_token\":\"t\",\"expires_in\":[1]}", "Authorization: Bearer t", 0, NULL},
    {JSON, "{\"access_token\":\"t\",\"token_type\":\"mac\"}", "Authorization: MAC t", 0, NULL},
    {JSON, "{\"access_token\":\"t\",\"token_type\":\"DPoP\"}", "Authorization: DPoP t", 0, NULL},
    {JSON, "{\"access_token\":\"\"}", NULL, 0, "no access_token"},
    {JSON, "{\"token\":\"t\"}", NULL, 0, "no access_token"},
    {JSON, "[\"access_token\"]", NULL, 0, "no access_token"},
    {JSON, "{\"access_token\":\"secret", NULL, 0, "not JSON"},
    {JSON, "", NULL, 0, "not JSON"},
    {JSON, "{\"access_token\":\"a\\r\\nX: secret\"}", NULL, 0, "control character"},
    {JSON, "{\"access_token\":\"a\",\"token_type\":\"b\\nX: secret\"}", NULL, 0,
        "control character"},
    {FORM, "expires_in=5&access_token=a%2Fb+c&token_type=bearer", "Authorization: Bearer a/b c", 5,
        NULL},
    {"text/plain", "access_token=t", "Authorization: Bearer t", 0, NULL},
    {"text/plain; x", "my_access_token=t&x=access_token=u", NULL, 0, "no access_token"},
    {FORM, "access_token=%0a", NULL, 0, "control character"},
    {FORM, "access_token=%4", "Authorization: Bearer %4", 0, NULL},
    {FORM, "", NULL, 0, "no access_token"},
};

static void
answers_are_read(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(token_cases) / sizeof(token_cases[0]); i++) {
                const struct token_case *c = &token_cases[i];
                struct buf out = BUF_INIT(4096);
                struct err e = ERR_INIT;
                int64_t seconds = -1;
                int rc = http_token_parse(view_of(c->type), view_of(c->body), &out, &seconds, &e);

                print_message("  %s\n", c->body);
                if (c->want != NULL) {
                        testing_ok(rc, &e);
                        assert_string_equal(out.ptr, c->want);
                        assert_int_equal(seconds, c->seconds);
                } else {
                        assert_int_equal(rc, ERR_AGAIN);
                        assert_non_null(strstr(e.msg, c->why));
                        assert_null(strstr(e.msg, "secret"));
                }
                buf_release(&out);
        }
}

static void
a_token_beyond_the_bound_is_refused(void **state)
{
        struct buf out = BUF_INIT(20);
        struct err e = ERR_INIT;
        int64_t seconds;

        (void)state;
        assert_int_equal(http_token_parse(view_of(JSON),
                             VIEW_LIT("{\"access_token\":\"0123456789\"}"), &out, &seconds, &e),
            ERR_AGAIN);
        buf_release(&out);
}

static void
refusals_are_told(void **state)
{
        static const struct {
                const char *body;
                const char *want;
        } cases[] = {
            {"{\"error\":\"invalid_client\",\"error_description\":\"no such\\nclient\"}",
                "invalid_client: no such client"},
            {"{\"error\":\"invalid_scope\"}", "invalid_scope"},
            {"<html>\x01", "<html> "},
            {"", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char got[512];

                http_token_refusal(view_of(cases[i].body), got, sizeof(got));
                assert_string_equal(got, cases[i].want);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(answers_are_read),
            cmocka_unit_test(a_token_beyond_the_bound_is_refused),
            cmocka_unit_test(refusals_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
