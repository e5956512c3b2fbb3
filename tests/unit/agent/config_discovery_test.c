#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"http", "  http_sd_configs: [{url: \"http://a\"}]\n", NULL, false},
    {"http without an interval", "  http_sd_configs: [{url: \"http://a\", refresh_interval: 0s}]\n",
        "refresh_interval of 0s: 60s is used", true},
    {"http without url", "  http_sd_configs: [{}]\n", "URL is missing", false},
    {"http without scheme", "  http_sd_configs: [{url: invalid}]\n",
        "URL scheme must be 'http' or 'https'", false},
    {"http with another scheme", "  http_sd_configs: [{url: \"ftp://a\"}]\n",
        "URL scheme must be 'http' or 'https'", false},
    {"http without host", "  http_sd_configs: [{url: \"http://\"}]\n", "host is missing in URL",
        false},
    {"http with two tokens",
        "  http_sd_configs: [{url: \"http://a\", bearer_token: a, bearer_token_file: b}]\n",
        "at most one of bearer_token & bearer_token_file must be configured", false},
    {"http null", "  http_sd_configs: [~]\n", "empty or null section in http_sd_configs", false},
    {"empty lists", "  http_sd_configs: []\n  dns_sd_configs:\n  kubernetes_sd_configs: []\n", NULL,
        false},
    {"dns", "  dns_sd_configs: [{names: [a]}]\n", NULL, false},
    {"dns addresses", "  dns_sd_configs: [{names: [a], type: aaaa, port: 1}]\n", NULL, false},
    {"dns without names", "  dns_sd_configs: [{}]\n",
        "DNS-SD config must contain at least one SRV record name", false},
    {"dns without port", "  dns_sd_configs: [{names: [a], type: aaaa}]\n",
        "a port is required in DNS-SD configs for all record types except SRV", false},
    {"dns with another type", "  dns_sd_configs: [{names: [a], type: TXT}]\n",
        "invalid DNS-SD records type TXT", false},
    {"another discovery", "  gce_sd_configs: [{project: a, zone: b}]\n",
        "field gce_sd_configs not found in type config.ScrapeConfig; this discovery is not "
        "supported: let a program that has it write a file for file_sd_configs",
        false},
    {"another discovery, empty", "  gce_sd_configs: []\n  consul_sd_configs:\n", NULL, false},
    {"none at all", "  dsn_sd_configs: []\n",
        "field dsn_sd_configs not found in type config.ScrapeConfig; did you mean "
        "\"dns_sd_configs\"?",
        false},
};

static void
discoveries_are_refused_by_name_and_their_mistakes_told(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(discoveries_are_refused_by_name_and_their_mistakes_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
