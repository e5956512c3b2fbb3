#include "tests/unit/agent/config_cases.h"

static const struct config_case cases[] = {
    {"twice", "  static_configs: [{targets: [a:1, a:1]}]\n",
        "agent.yml:3:36: warning: target a:1 of job x is there twice (line 3): it is scraped once",
        true},
    {"another path, same labels",
        "  static_configs:\n  - targets: [a:1]\n  - targets: [a:1]\n    labels: {__metrics_path__: "
        "/b}\n",
        "has the same labels as target a:1", true},
    {"another job with that label",
        "  static_configs: [{targets: [a:1]}]\n- job_name: y\n  static_configs: [{targets: [a:1], "
        "labels: {job: x}}]\n",
        "target a:1 of job y has the same labels as target a:1 of job x (line 3)", true},
    {"instance", "  static_configs: [{targets: [a:1, b:1], labels: {instance: i}}]\n",
        "target b:1 of job x has the same labels as target a:1", true},
};

static void
targets_with_equal_labels_are_told(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

static void
others_are_not(void **state)
{
        static const char *const texts[] = {
            "  static_configs: [{targets: [a:1, a:2]}]\n",
            "  static_configs: [{targets: ['', '']}]\n",
            "  static_configs: [{targets: [a:1]}, {targets: [a:1], labels: {b: c}}]\n",
            ("  static_configs: [{targets: [a:1]}]\n- job_name: y\n"
             "  static_configs: [{targets: [a:1]}]\n"),
            "  static_configs: [{targets: [a:1, a:1]}]\n  relabel_configs: [{target_label: b}]\n",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct buf text = BUF_INIT(4096);
                struct config_report report = {0};
                struct config *c = NULL;
                struct err e = ERR_INIT;
                char *said;

                testing_ok(
                    buf_printf(&text, NULL, "scrape_configs:\n- job_name: x\n%s", texts[i]), NULL);
                testing_ok(
                    config_load_text("a.yml", buf_view(&text), &cases_env, &c, &report, &e), &e);
                said = cases_print(&report);
                if (strstr(said, "same labels") != NULL || strstr(said, "twice") != NULL)
                        fail_msg("%s%s", texts[i], said);
                free(said);
                config_free(c);
                config_report_release(&report);
                buf_release(&text);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(targets_with_equal_labels_are_told),
            cmocka_unit_test(others_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
