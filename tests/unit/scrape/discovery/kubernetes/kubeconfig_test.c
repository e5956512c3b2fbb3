#include "scrape/discovery/kubernetes/kubeconfig.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#define HEAD \
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n" \
        "clusters: [{name: k, cluster: "

static void
whole_file(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct http_options o;
        const char *server = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(
            kubeconfig_parse(
                view_of(HEAD "{server: \"https://a:6443\", certificate-authority-data: "
                             "cm9vdA==, insecure-skip-tls-verify: true, tls-server-name: n}}]\n"
                             "users: [{name: u, user: {tokenFile: t, client-certificate: "
                             "/abs, client-key-data: a2V5}}]\n"),
                "/etc/k/config", &arena, &server, &o, &e),
            &e);
        assert_string_equal(server, "https://a:6443");
        assert_string_equal(o.ca, "root");
        assert_string_equal(o.key, "key");
        assert_string_equal(o.cert_file, "/abs");
        assert_string_equal(o.credentials_file, "/etc/k/t");
        assert_string_equal(o.server_name, "n");
        assert_true(o.insecure_skip_verify);
        arena_release(&arena);
}

static void
mistakes_are_told(void **state)
{
        static const char *const cases[][2] = {
            {"[", "config"},
            {"a: b", "current-context"},
            {HEAD "{}}]\nusers: [{name: u, user: {}}]", "no server found for cluster"},
            {HEAD "{server: a}}]", "no user"},
            {HEAD "{server: a, certificate-authority-data: \"*\"}}]\nusers: [{name: u, user: {}}]",
                "is not base64"},
            {HEAD "{server: a}}]\nusers: [{name: u, user: {exec: {command: x}}}]", "exec"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct http_options o;
                const char *server = NULL;
                struct err e = ERR_INIT;

                assert_true(
                    kubeconfig_parse(view_of(cases[i][0]), "config", &arena, &server, &o, &e) < 0);
                if (strstr(e.msg, cases[i][1]) == NULL)
                        fail_msg("%s is not in %s", cases[i][1], e.msg);
                arena_release(&arena);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(whole_file), cmocka_unit_test(mistakes_are_told)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
