#include "base/credentials/aws_answer.h"

#include "tests/testing/testing.h"

#define XML \
        "<AssumeRoleResponse " \
        "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>" \
        "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a/b+c&amp;d</" \
        "SecretAccessKey>" \
        "<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>" \
        "</AssumeRoleResult></AssumeRoleResponse>"

static void
keys_in_json(void **state)
{
        static const struct {
                const char *text;
                const char *reason; /* NULL: it is good */
        } rows[] = {
            {"{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"s\"}", NULL},
            {"{\"Code\":\"Success\",\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"s\",\"Token\":"
             "\"t\","
             "\"Expiration\":\"2026-11-23T21:00:00Z\"}",
                NULL},
            {"", "not a JSON object"},
            {"[]", "not a JSON object"},
            {"{}", "no keys"},
            {"{\"AccessKeyId\":\"i\"}", "no keys"},
            {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"no\"}",
                "AssumeRoleUnauthorizedAccess: no"},
            {"{\"AccessKeyId\":\"i\\r\\n\",\"SecretAccessKey\":\"s\"}", "does not print"},
            {"{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"s\",\"Expiration\":\"later\"}",
                "not a time"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct aws_keys k;
                struct err e = ERR_INIT;
                int rc;

                aws_keys_init(&k);
                rc = aws_answer_json(view_of(rows[i].text), &k, &e);
                if (rows[i].reason == NULL)
                        testing_ok(rc, &e);
                else if (rc != ERR_AGAIN || strstr(e.msg, rows[i].reason) == NULL)
                        fail_msg("%s: %d %s", rows[i].text, rc, e.msg);
                else
                        assert_int_equal(k.id.len, 0);
                aws_keys_release(&k);
        }
}

static void
keys_in_xml(void **state)
{
        struct buf text = BUF_INIT(1 << 17);
        struct aws_keys k;
        struct err e = ERR_INIT;

        (void)state;
        aws_keys_init(&k);
        testing_ok(buf_printf(&text, NULL, XML, "t=", "1970-01-01T00:01:00Z"), NULL);
        testing_ok(aws_answer_xml(buf_view(&text), &k, &e), &e);
        assert_string_equal(k.id.ptr, "ASIA");
        assert_string_equal(k.secret.ptr, "a/b+c&d");
        assert_string_equal(k.session.ptr, "t=");
        assert_int_equal(k.expires_ms, 60000);
        for (size_t n = 0; n < text.len; n++) { /* cut anywhere it is no answer, or it is whole */
                struct view cut = {text.ptr, n};

                if (memmem(cut.p, cut.n, "</SessionToken>", 15) == NULL)
                        assert_int_equal(aws_answer_xml(cut, &k, NULL), ERR_AGAIN);
        }
        buf_reset(&text);
        testing_ok(buf_printf(&text, NULL, XML, "a b", "1970-01-01T00:01:00Z"), NULL);
        assert_int_equal(aws_answer_xml(buf_view(&text), &k, &e), ERR_AGAIN);
        aws_keys_release(&k);
        buf_release(&text);
}

static void
refusals_and_roles(void **state)
{
        char why[256];
        struct buf role = BUF_INIT(64);

        (void)state;
        aws_answer_refusal(view_of("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied"
                                   "</Code><Message>User &quot;x&quot;\n no</Message></Error>"),
            why, sizeof(why));
        assert_string_equal(why, "AccessDenied: User \"x\"  no");
        aws_answer_refusal(view_of("<html>"), why, sizeof(why));
        assert_string_equal(why, "");
        testing_ok(aws_answer_role(view_of("my-role_1\r\nother\n"), &role, NULL), NULL);
        assert_true(view_is(buf_view(&role), "my-role_1"));
        assert_int_equal(aws_answer_role(view_of(""), &role, NULL), ERR_AGAIN);
        assert_int_equal(aws_answer_role(view_of("\nx"), &role, NULL), ERR_AGAIN);
        assert_int_equal(aws_answer_role(view_of("../../user-data"), &role, NULL), ERR_AGAIN);
        assert_int_equal(aws_answer_role(view_of("a?b"), &role, NULL), ERR_AGAIN);
        buf_release(&role);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(keys_in_json),
            cmocka_unit_test(keys_in_xml),
            cmocka_unit_test(refusals_and_roles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
