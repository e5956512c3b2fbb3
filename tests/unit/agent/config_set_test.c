#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"bool: true", "scrape_configs: [{job_name: x, honor_labels: yes}]\n", NULL, false},
    {"bool: false", "scrape_configs: [{job_name: x, honor_labels: off}]\n", NULL, false},
    {"bool: null", "scrape_configs: [{job_name: x, honor_labels: }]\n", NULL, false},
    {"bool: quoted", "scrape_configs: [{job_name: x, honor_labels: \"true\"}]\n",
        "cannot unmarshal !!str `true` into bool; honor_labels expects true or false", false},
    {"bool: number", "scrape_configs: [{job_name: x, honor_labels: 1}]\n",
        "cannot unmarshal !!int `1` into bool", false},
    {"bool: list", "scrape_configs: [{job_name: x, honor_labels: [true]}]\n",
        "cannot unmarshal !!seq into bool", false},
    {"uint: one", "scrape_configs: [{job_name: x, sample_limit: 1}]\n", NULL, false},
    {"uint: hex", "scrape_configs: [{job_name: x, sample_limit: 0x10}]\n", NULL, false},
    {"uint: float", "scrape_configs: [{job_name: x, sample_limit: 1e3}]\n", NULL, false},
    {"uint: null", "scrape_configs: [{job_name: x, sample_limit: ~}]\n", NULL, false},
    {"uint: negative", "scrape_configs: [{job_name: x, sample_limit: -1}]\n",
        "cannot unmarshal !!int `-1` into uint; sample_limit expects a whole number, not negative",
        false},
    {"uint: text", "scrape_configs: [{job_name: x, sample_limit: abc}]\n",
        "cannot unmarshal !!str `abc` into uint", false},
    {"uint: long text", "scrape_configs: [{job_name: x, sample_limit: abcdefghijkl}]\n",
        "cannot unmarshal !!str `abcdefg...` into uint", false},
    {"uint: quoted", "scrape_configs: [{job_name: x, sample_limit: \"5\"}]\n",
        "cannot unmarshal !!str `5` into uint", false},
    {"uint: boolean", "scrape_configs: [{job_name: x, sample_limit: yes}]\n",
        "cannot unmarshal !!bool `yes` into uint", false},
    {"float: half", "scrape_configs: [{job_name: x, native_histogram_min_bucket_factor: 0.5}]\n",
        "note: native_histogram_min_bucket_factor has no effect", true},
    {"float: text", "scrape_configs: [{job_name: x, native_histogram_min_bucket_factor: x}]\n",
        "cannot unmarshal !!str `x` into float64", false},
    {"duration: good", "scrape_configs: [{job_name: x, scrape_interval: 1m30s}]\n", NULL, false},
    {"duration: zero", "scrape_configs: [{job_name: x, scrape_interval: 0}]\n", NULL, false},
    {"duration: quoted", "scrape_configs: [{job_name: x, scrape_interval: \"15s\"}]\n", NULL,
        false},
    {"duration: null", "scrape_configs: [{job_name: x, scrape_interval: }]\n", NULL, false},
    {"duration: no unit", "scrape_configs: [{job_name: x, scrape_interval: 15}]\n",
        "not a valid duration string: \"15\"; scrape_interval expects a duration such as 15s, 5m "
        "or 1h30m",
        false},
    {"duration: unit", "scrape_configs: [{job_name: x, scrape_interval: 1x}]\n",
        "unknown unit \"x\" in duration \"1x\"", false},
    {"duration: empty", "scrape_configs: [{job_name: x, scrape_interval: \"\"}]\n",
        "empty duration string", false},
    {"duration: range", "scrape_configs: [{job_name: x, scrape_interval: 300y}]\n",
        "duration out of range", false},
    {"duration: list", "scrape_configs: [{job_name: x, scrape_interval: [1s]}]\n",
        "cannot unmarshal !!seq into string; scrape_interval expects a duration", false},
    {"size: good", "scrape_configs: [{job_name: x, body_size_limit: 10MiB}]\n", NULL, false},
    {"size: zero", "scrape_configs: [{job_name: x, body_size_limit: 0}]\n", NULL, false},
    {"size: map", "scrape_configs: [{job_name: x, body_size_limit: {a: b}}]\n",
        "cannot unmarshal !!map into units.Base2Bytes; body_size_limit expects a size", false},
    {"string: number", "scrape_configs: [{job_name: x, metrics_path: 5}]\n", NULL, false},
    {"string: boolean", "scrape_configs: [{job_name: x, metrics_path: yes}]\n", NULL, false},
    {"string: binary", "scrape_configs: [{job_name: x, metrics_path: !!binary Zm9v}]\n", NULL,
        false},
    {"string: zero byte", "scrape_configs: [{job_name: x, metrics_path: \"a\\0b\"}]\n",
        "a byte of zero is no text; metrics_path expects a text", false},
    {"string: list", "scrape_configs: [{job_name: x, metrics_path: [a]}]\n",
        "cannot unmarshal !!seq into string; metrics_path expects a text", false},
    {"url: bad", "remote_write: [{url: \"http://h:x\"}]\n",
        "parse \"http://h:x\": invalid port \":x\" after host; url expects a URL", false},
    {"url: map", "remote_write: [{url: {a: b}}]\n",
        "cannot unmarshal !!map into string; url expects a URL", false},
    {"strings: good", "scrape_config_files: [a]\n", NULL, false},
    {"strings: scalar", "scrape_config_files: a\n",
        "cannot unmarshal !!str `a` into []string; scrape_config_files expects a list of texts",
        false},
    {"strings: list in it", "scrape_config_files: [[a]]\n", "cannot unmarshal !!seq into string",
        false},
    {"strings: null in it", "scrape_config_files: [~]\n", NULL, false},
};

static void
values_are_read_by_their_types(void **state)
{
        (void)state;
        cases_run(CASES(cases), "");
}

static void
paths_are_relative_to_the_file(void **state)
{
        struct config *c = cases_load("scrape_configs:\n- job_name: x\n  bearer_token_file: a/b\n"
                                      "- job_name: y\n  bearer_token_file: /a/b\n"
                                      "- job_name: z\n  bearer_token_file: ''\n");

        (void)state;
        assert_string_equal(c->scrape->jobs[0].http.credentials_file, "/etc/t/a/b");
        assert_string_equal(c->scrape->jobs[1].http.credentials_file, "/a/b");
        assert_null(c->scrape->jobs[2].http.credentials_file);
        config_free(c);
}

static void
secrets_and_passwords_are_masked(void **state)
{
        struct config *c = cases_load(
            "scrape_configs:\n- job_name: x\n  basic_auth: {username: u, password: hunter2}\n"
            "- job_name: y\n  bearer_token: hunter2\n"
            "- job_name: z\n  authorization: {credentials: hunter2} # hunter2\n"
            "remote_write:\n- url: https://u:hunter2@h/p?q\n"
            "  tls_config: {cert_file: c, key: hunter2}\n");

        (void)state;
        assert_null(strstr(c->masked, "hunter2"));
        assert_non_null(strstr(c->masked, "password: <secret>"));
        assert_non_null(strstr(c->masked, "bearer_token: <secret>"));
        assert_non_null(strstr(c->masked, "url: https://u:xxxxx@h/p?q"));
        assert_non_null(strstr(c->masked, "username: u"));
        assert_string_equal(c->scrape->jobs[0].http.password, "hunter2");
        assert_string_equal(c->remote->endpoints[0].url, "https://u:hunter2@h/p?q");
        config_free(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(values_are_read_by_their_types),
            cmocka_unit_test(paths_are_relative_to_the_file),
            cmocka_unit_test(secrets_and_passwords_are_masked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
