#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"kubernetes", "  kubernetes_sd_configs: [{role: pod}]\n", NULL, false},
    {"kubernetes without role", "  kubernetes_sd_configs: [{}]\n",
        "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)", false},
    {"kubernetes with another role", "  kubernetes_sd_configs: [{role: vacation}]\n",
        "unknown Kubernetes SD role \"vacation\"", false},
    {"client without server", "  kubernetes_sd_configs: [{role: pod, bearer_token: a}]\n",
        "to use custom HTTP client configuration please provide the 'api_server' URL explicitly",
        false},
    {"client as it is without keys",
        "  kubernetes_sd_configs: [{role: pod, follow_redirects: true, enable_http2: true, "
        "proxy_from_environment: false, bearer_token_file: \"\", tls_config: {ca_file: \"\", "
        "insecure_skip_verify: false}}]\n",
        NULL, false},
    {"client that follows no redirects",
        "  kubernetes_sd_configs: [{role: pod, follow_redirects: false}]\n",
        "to use custom HTTP client configuration please provide", false},
    {"client that trusts anybody",
        "  kubernetes_sd_configs: [{role: pod, tls_config: {insecure_skip_verify: true}}]\n",
        "to use custom HTTP client configuration please provide", false},
    {"namespaces as a text", "  kubernetes_sd_configs: [{role: pod, namespaces: a}]\n",
        "cannot unmarshal !!str `a` into kubernetes.plain", false},
    {"selectors as a map", "  kubernetes_sd_configs: [{role: pod, selectors: {role: pod}}]\n",
        "cannot unmarshal !!map into []kubernetes.SelectorConfig", false},
    {"client with kubeconfig",
        "  kubernetes_sd_configs: [{role: pod, kubeconfig_file: a, bearer_token: a}]\n",
        "cannot use a custom HTTP client configuration together with 'kubeconfig_file'", false},
    {"both servers", "  kubernetes_sd_configs: [{role: pod, kubeconfig_file: a, api_server: b}]\n",
        "cannot use 'kubeconfig_file' and 'api_server' simultaneously", false},
    {"own namespace",
        "  kubernetes_sd_configs: [{role: pod, api_server: b, namespaces: {own_namespace: "
        "true}}]\n",
        "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously", false},
    {"namespace key", "  kubernetes_sd_configs: [{role: pod, namespaces: {foo: true}}]\n",
        "field foo not found in type kubernetes.plain", false},
    {"selector twice",
        "  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod}, {role: pod}]}]\n",
        "duplicated selector role: pod", false},
    {"selector of another role",
        "  kubernetes_sd_configs: [{role: pod, selectors: [{role: service}]}]\n",
        "pod role supports only pod, node selectors", false},
    {"selector that is none",
        "  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, field: "
        "\"a=b,metadata.status-Running\"}]}]\n",
        "invalid selector: 'a=b,metadata.status-Running'; can't understand "
        "'metadata.status-Running'",
        false},
    {"oauth2",
        "  kubernetes_sd_configs: [{role: pod, api_server: \"https://a\", oauth2: {client_id: a, "
        "token_url: \"https://b\"}}]\n",
        NULL, false},
    {"oauth2 without a server",
        "  kubernetes_sd_configs: [{role: pod, oauth2: {client_id: a, token_url: "
        "\"https://b\"}}]\n",
        "please provide the 'api_server' URL explicitly", false},
    {"all that there is",
        "  kubernetes_sd_configs: [{role: pod, api_server: \"https://a\", bearer_token: t, "
        "namespaces: "
        "{names: [a, b]}, selectors: [{role: node, label: a}], attach_metadata: {node: true, "
        "namespace: true, deployment: true, job: true, cronjob: true}}]\n",
        NULL, false},
    {"attach key", "  kubernetes_sd_configs: [{role: pod, attach_metadata: {nod: true}}]\n",
        "field nod not found in type kubernetes.AttachMetadataConfig", false},
    {"attach value", "  kubernetes_sd_configs: [{role: pod, attach_metadata: {node: 3.5}}]\n",
        "cannot unmarshal !!float `3.5` into bool; node expects true or false", false},
    {"names", "  kubernetes_sd_configs: [{role: pod, namespaces: {names: a}}]\n",
        "cannot unmarshal !!str `a` into []string; names expects a list of texts", false},
};

static void
sections_are_checked_as_prometheus_checks_them(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

static void
what_is_read(void **state)
{
        struct config *c = cases_load(
            "scrape_configs:\n- job_name: x\n  kubernetes_sd_configs:\n"
            "  - {role: node, api_server: \"http://a\"}\n"
            "  - {role: pod, api_server: \"http://a\", selectors: [{role: pod, label: l, field: "
            "f=g}], attach_metadata: {node: true}}\n"
            "  - {role: pod, kubeconfig_file: k, namespaces: {names: [n]}}\n"
            "  - {role: pod, api_server: \"http://a\", bearer_token: t}\n");
        const struct kubernetes_sd *sd = c->scrape->jobs[0].kubernetes_sds;

        (void)state;
        assert_int_equal(c->scrape->jobs[0].n_kubernetes_sds, 4);
        assert_int_equal(sd[0].role, KUBERNETES_NODE);
        assert_string_equal(sd[1].selectors[KUBERNETES_POD].label, "l");
        assert_string_equal(sd[1].selectors[KUBERNETES_POD].field, "f=g");
        assert_true(sd[1].attach_node && !sd[1].attach_job);
        assert_string_equal(sd[2].kubeconfig_file, "/etc/t/k");
        assert_string_equal(sd[2].namespaces[0], "n");
        assert_true(sd[0].server == sd[1].server && sd[0].key.identity != sd[1].key.identity);
        assert_true(sd[0].server != sd[3].server && sd[0].server != sd[2].server);
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(sections_are_checked_as_prometheus_checks_them),
            cmocka_unit_test(what_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
