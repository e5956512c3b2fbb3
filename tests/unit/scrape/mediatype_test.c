#include "scrape/mediatype.h"

#include "tests/testing/testing.h"

#include <string.h>

static const struct {
        const char *input;
        enum media_type want;
} cases[] = {
    {"", MEDIA_MISSING},
    {"text/plain", MEDIA_TEXT},
    {"text/plain; version=0.0.4; charset=utf-8", MEDIA_TEXT},
    {"text/plain;version=0.0.4;charset=utf-8;escaping=values", MEDIA_TEXT},
    {" Text/Plain ", MEDIA_TEXT},
    {"text/plain;", MEDIA_TEXT},
    {"text/plain; ", MEDIA_TEXT},
    {"text/plain; a=\"b;c\\\"d\"", MEDIA_TEXT},
    {"text/plain ; a = b", MEDIA_TEXT},
    {"application/openmetrics-text; version=1.0.0; charset=utf-8", MEDIA_OPENMETRICS},
    {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
     "encoding=delimited",
        MEDIA_PROTOBUF},
    {"text/html", MEDIA_OTHER},
    {"text/plainer", MEDIA_OTHER},
    {"text", MEDIA_OTHER},
    {"application/json; charset=utf-8", MEDIA_OTHER},
    {"text/plain; version=0.0.4; version=0.0.5", MEDIA_BROKEN},
    {"text/plain; version=0.0.4; VERSION=0.0.4", MEDIA_BROKEN},
    {"text/plain; version", MEDIA_BROKEN},
    {"text/plain; =x", MEDIA_BROKEN},
    {"text/plain; a=\"b", MEDIA_BROKEN},
    {"text/plain; a=", MEDIA_BROKEN},
    {"text/plain version=0.0.4", MEDIA_BROKEN},
    {"text/plain, text/html", MEDIA_BROKEN},
    {"text/", MEDIA_BROKEN},
    {"/plain", MEDIA_BROKEN},
    {" ", MEDIA_BROKEN},
    {";", MEDIA_BROKEN},
    {"a/b;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1;n=1;o=1;p=1;q=1", MEDIA_BROKEN},
};

static void
recognises(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                print_message("  \"%s\"\n", cases[i].input);
                assert_int_equal(media_type_of(view_of(cases[i].input)), cases[i].want);
        }
}

static const struct {
        const char *header;
        enum media_type fallback;
        enum text_format format;
        const char *want; /* part of the error; NULL: accepted */
} accepted[] = {
    {"text/plain", MEDIA_MISSING, TEXT_PROMETHEUS, NULL},
    {"text/plain", MEDIA_OPENMETRICS, TEXT_PROMETHEUS, NULL},
    {"application/openmetrics-text", MEDIA_MISSING, TEXT_OPENMETRICS, NULL},
    {"application/openmetrics-text; version=0.0.1; charset=utf-8", MEDIA_TEXT, TEXT_OPENMETRICS,
        NULL},
    {"text/html", MEDIA_TEXT, TEXT_PROMETHEUS, NULL},
    {"text/html", MEDIA_OPENMETRICS, TEXT_OPENMETRICS, NULL},
    {"", MEDIA_TEXT, TEXT_PROMETHEUS, NULL},
    {"", MEDIA_OPENMETRICS, TEXT_OPENMETRICS, NULL},
    {"text/", MEDIA_TEXT, TEXT_PROMETHEUS, NULL},
    {"text/html", MEDIA_MISSING, 0, "Content-Type \"text/html\", which is not one of metrics"},
    {"", MEDIA_MISSING, 0, "no Content-Type"},
    {"text/", MEDIA_MISSING, 0, "cannot parse Content-Type \"text/\""},
    {"application/vnd.google.protobuf", MEDIA_MISSING, 0, "only the text formats are read"},
    {"application/vnd.google.protobuf", MEDIA_TEXT, 0, "only the text formats are read"},
};

static void
accepts_text_and_what_the_job_takes_for_it(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
                struct err e = ERR_INIT;
                enum text_format format = (enum text_format)99;
                int rc = media_type_accept(
                    view_of(accepted[i].header), accepted[i].fallback, &format, &e);

                assert_int_equal(rc, accepted[i].want == NULL ? 0 : ERR_REFUSED);
                if (rc < 0)
                        assert_non_null(strstr(e.msg, accepted[i].want));
                else
                        assert_int_equal(format, accepted[i].format);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(recognises),
            cmocka_unit_test(accepts_text_and_what_the_job_takes_for_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
