#include "scrape/discovery/kubernetes/kubeconfig.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#define HEAD \
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n" \
        "clusters: [{name: k, cluster: "

#define EXEC(exec) HEAD "{server: a}}]\nusers: [{name: u, user: {exec: " exec "}}]"

static void
whole_file(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct kubeconfig k = {0};
        const struct http_options *o = &k.http;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(
            kubeconfig_parse(
                view_of(HEAD "{server: \"https://a:6443\", certificate-authority-data: "
                             "cm9vdA==, insecure-skip-tls-verify: true, tls-server-name: n}}]\n"
                             "users: [{name: u, user: {tokenFile: t, client-certificate: "
                             "/abs, client-key-data: a2V5}}]\n"),
                "/etc/k/config", &arena, &k, &e),
            &e);
        assert_string_equal(k.server, "https://a:6443");
        assert_string_equal(o->ca, "root");
        assert_string_equal(o->key, "key");
        assert_string_equal(o->cert_file, "/abs");
        assert_string_equal(o->credentials_file, "/etc/k/t");
        assert_string_equal(o->server_name, "n");
        assert_true(o->insecure_skip_verify);
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
            {EXEC("{command: x}"), "exec has no apiVersion"},
            {EXEC("{command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"),
                "expects client.authentication.k8s.io/v1 or v1beta1"},
            {EXEC("{command: x, apiVersion: client.authentication.k8s.io/v1}"),
                "exec has no interactiveMode"},
            {EXEC("{command: x, apiVersion: client.authentication.k8s.io/v1beta1, "
                  "interactiveMode: Always}"),
                "exec wants a terminal"},
            {EXEC("{command: x, apiVersion: client.authentication.k8s.io/v1beta1, "
                  "interactiveMode: Perhaps}"),
                "unknown interactiveMode: Perhaps"},
            {EXEC("{apiVersion: client.authentication.k8s.io/v1beta1}"), "exec has no command"},
            {EXEC("{command: x, apiVersion: client.authentication.k8s.io/v1beta1, env: [{}]}"),
                "a variable of exec has no name"},
            {HEAD "{server: a}}]\nusers: [{name: u, user: {auth-provider: {name: gcp}}}]",
                "use exec or a token; it names: gcp"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct kubeconfig k = {0};
                struct err e = ERR_INIT;

                assert_true(kubeconfig_parse(view_of(cases[i][0]), "config", &arena, &k, &e) < 0);
                if (strstr(e.msg, cases[i][1]) == NULL)
                        fail_msg("%s is not in %s", cases[i][1], e.msg);
                arena_release(&arena);
        }
}

/* The command is looked for in PATH, or beside the file; the rest is as it stands there. */
static void
programs(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct kubeconfig k = {0};
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(
            kubeconfig_parse(
                view_of(HEAD
                    "{server: \"https://a\", certificate-authority-data: cm9vdA==, extensions: "
                    "[{name: client.authentication.k8s.io/exec, extension: {x: [1]}}]}}]\n"
                    "users: [{name: u, user: {exec: {command: ./bin/get, args: [a, \"b c\"], "
                    "apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, "
                    "env: [{name: N, value: v}], provideClusterInfo: true, installHint: hint}}}]"),
                "/etc/k/config", &arena, &k, &e),
            &e);
        assert_string_equal(k.exec->argv[0], "/etc/k/./bin/get");
        assert_string_equal(k.exec->argv[2], "b c");
        assert_null(k.exec->argv[3]);
        assert_int_equal(k.exec->n_env, 2);
        assert_string_equal(k.exec->env[0], "N=v");
        assert_string_equal(k.exec->env[1],
            "KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\",\"apiVersion\":"
            "\"client.authentication.k8s.io/v1\",\"spec\":{\"interactive\":false,\"cluster\":{"
            "\"server\":\"https://a\",\"certificate-authority-data\":\"cm9vdA==\","
            "\"config\":{\"x\":[1]}}}}");
        assert_string_equal(k.exec->api_version, "client.authentication.k8s.io/v1");
        assert_string_equal(k.exec->install_hint, "hint");
        arena_reset(&arena);
        testing_ok(
            kubeconfig_parse(view_of(HEAD "{server: a}}]\nusers: [{name: u, user: {token: t, "
                                          "exec: {command: get}}}]"),
                "config", &arena, &k, &e),
            &e);
        assert_null(k.exec); /* it has a token */
        arena_release(&arena);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(whole_file),
            cmocka_unit_test(mistakes_are_told), cmocka_unit_test(programs)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
