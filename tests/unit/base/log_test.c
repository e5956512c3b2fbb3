#include "base/log.h"

#include "tests/testing/testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What fn writes to stderr, as text. */
static void
capture(void (*fn)(void), char *out, size_t cap)
{
        FILE *file = tmpfile();
        int saved = dup(STDERR_FILENO);
        size_t n;

        assert_non_null(file);
        assert_true(saved >= 0);
        assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
        fn();
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        assert_int_equal(close(saved), 0);
        rewind(file);
        n = fread(out, 1, cap - 1, file);
        out[n] = '\0';
        assert_int_equal(fclose(file), 0);
}

static void
write_one_of_each(void)
{
        log_warn("cannot scrape, retrying", LOG_STR("target", "http://a b/"),
            LOG_STR("bare", "x/y"), LOG_STR("none", ""), LOG_INT("i", -5),
            LOG_UINT("u", UINT64_MAX), LOG_DOUBLE("d", 0.5), LOG_DOUBLE("nan", (double)NAN),
            LOG_VIEW("v", ((struct view){"a=b\0c", 5})));
}

static void
a_line_is_logfmt(void **state)
{
        char text[1000];
        const char *rest;

        (void)state;
        log_setup(LOG_INFO, LOG_FORMAT_LOGFMT, NULL);
        capture(write_one_of_each, text, sizeof(text));
        assert_memory_equal(text, "ts=20", 5);
        rest = strchr(text, ' ');
        assert_non_null(rest);
        assert_string_equal(rest,
            " level=warn msg=\"cannot scrape, retrying\" target=\"http://a b/\" bare=x/y none=\"\""
            " i=-5 u=18446744073709551615 d=0.5 nan=null v=\"a=b\\u0000c\"\n");
}

static void
a_line_is_json(void **state)
{
        char text[1000];
        json_t *line;

        (void)state;
        log_setup(LOG_INFO, LOG_FORMAT_JSON, "tenant-a");
        capture(write_one_of_each, text, sizeof(text));
        line = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(line);
        assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
        assert_string_equal(json_string_value(json_object_get(line, "tenant")), "tenant-a");
        assert_string_equal(json_string_value(json_object_get(line, "target")), "http://a b/");
        assert_true(json_number_value(json_object_get(line, "i")) == -5);
        assert_true(json_is_null(json_object_get(line, "nan")));
        json_decref(line);
}

static void
write_a_forged_line(void)
{
        log_error("bad", LOG_STR("err", "x\"\nlevel=info msg=\"all is well\xff\x1b[2J\xc2\x9b"));
}

static void
nothing_from_outside_forges_a_line(void **state)
{
        char text[1000];

        (void)state;
        log_setup(LOG_INFO, LOG_FORMAT_LOGFMT, NULL);
        capture(write_a_forged_line, text, sizeof(text));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        assert_null(strchr(text, '\x1b'));
        assert_non_null(strstr(
            text, "err=\"x\\\"\\nlevel=info msg=\\\"all is well\xef\xbf\xbd\\u001b[2J\\u009b\"\n"));
}

static char long_value[10000];

static void
write_too_much(void)
{
        log_info("long", LOG_STR("first", long_value), LOG_STR("second", long_value),
            LOG_INT("third", 3));
}

/* Cut, but still a whole line: quotes and braces are closed, later fields left out. */
static void
a_long_line_is_cut_and_closed(void **state)
{
        static const char fills[] = {'x', '\n', '\x01', ' '};
        char text[20000];

        (void)state;
        for (size_t i = 0; i < 2 * sizeof(fills); i++) {
                bool json = i % 2 == 0;

                memset(long_value, fills[i / 2], sizeof(long_value) - 1);
                log_setup(LOG_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, "tenant-a");
                capture(write_too_much, text, sizeof(text));
                assert_in_range(strlen(text), 4000, 4096);
                assert_int_equal(text[strlen(text) - 1], '\n');
                assert_null(strstr(text, "third"));
                if (json) {
                        json_t *line =
                            json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);

                        assert_non_null(line);
                        json_decref(line);
                } else {
                        assert_int_equal(text[strlen(text) - 2], '"');
                }
        }
}

static void
write_debug(void)
{
        log_debug("quiet", LOG_INT("i", 1));
}

static void
levels_below_the_least_are_not_written(void **state)
{
        char text[1000];

        (void)state;
        log_setup(LOG_INFO, LOG_FORMAT_LOGFMT, NULL);
        capture(write_debug, text, sizeof(text));
        assert_string_equal(text, "");
        log_setup(LOG_DEBUG, LOG_FORMAT_LOGFMT, NULL);
        capture(write_debug, text, sizeof(text));
        assert_non_null(strstr(text, "level=debug msg=quiet i=1\n"));
}

static void
names_are_known(void **state)
{
        (void)state;
        assert_int_equal(log_level_of("debug"), LOG_DEBUG);
        assert_int_equal(log_level_of("error"), LOG_ERROR);
        assert_int_equal(log_level_of("Error"), -1);
        assert_int_equal(log_format_of("logfmt"), LOG_FORMAT_LOGFMT);
        assert_int_equal(log_format_of("json"), LOG_FORMAT_JSON);
        assert_int_equal(log_format_of(""), -1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_line_is_logfmt),
            cmocka_unit_test(a_line_is_json),
            cmocka_unit_test(nothing_from_outside_forges_a_line),
            cmocka_unit_test(a_long_line_is_cut_and_closed),
            cmocka_unit_test(levels_below_the_least_are_not_written),
            cmocka_unit_test(names_are_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
