#include "tests/unit/agent/config_cases.h"

#define SELECTOR(s) "  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, " s "}]}]\n"

static const struct config_case cases[] = {
    {"label", SELECTOR("label: \"app=web\""), NULL, false},
    {"all of labels",
        SELECTOR("label: \"a.example/b, !c, d==e, f != g,h in (i, j),k notin (l),m>1,n<2,o=\""),
        NULL, false},
    {"set without brackets", SELECTOR("label: \"a in b\""), "invalid label selector 'a in b'",
        false},
    {"set that does not end", SELECTOR("label: \"a in (b\""), "expected: ',', or ')'", false},
    {"no key", SELECTOR("label: \"=b\""), "expected: a label's name", false},
    {"bad key", SELECTOR("label: \"a_=b\""), "expected: a label's name", false},
    {"bad value", SELECTOR("label: \"a=-b\""), "a value is not valid", false},
    {"no number", SELECTOR("label: \"a>b\""), "the value must be an integer", false},
    {"two words", SELECTOR("label: \"a b\""), "expected: in, notin, =, ==, !=, > or <", false},
    {"comma at the end", SELECTOR("label: \"a=b,\""), "expected: a label's name behind ','", false},
    {"fields", SELECTOR("field: \"spec.nodeName=a,status.phase!=Failed\""), NULL, false},
    {"no field", SELECTOR("field: \"a=b,metadata.status-Running\""),
        "invalid selector: 'a=b,metadata.status-Running'; can't understand "
        "'metadata.status-Running'",
        false},
};

static void
selectors(void **state)
{
        (void)state;
        cases_run(CASES(cases), "scrape_configs:\n- job_name: x\n");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(selectors)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
