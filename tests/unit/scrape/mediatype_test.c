#include "scrape/mediatype.h"

#include "tests/testing/testing.h"

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

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(recognises)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
