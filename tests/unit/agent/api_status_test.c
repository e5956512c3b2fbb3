#include "agent/api_status.h"

#include "base/buf.h"
#include "tests/testing/testing.h"

#include <jansson.h>
#include <string.h>

/* The answer's data; the whole must be valid JSON of a success. */
static json_t *
parse(const struct buf *text)
{
        json_t *all = json_loadb(text->ptr, text->len, JSON_REJECT_DUPLICATES, NULL);
        json_t *data;

        assert_non_null(all);
        assert_string_equal(json_string_value(json_object_get(all, "status")), "success");
        data = json_incref(json_object_get(all, "data"));
        json_decref(all);
        return data;
}

static const char *
text_of(const json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));

        assert_non_null(s);
        return s;
}

static void
test_config_and_build(void **state)
{
        struct buf out = BUF_INIT(1 << 20);
        json_t *data;

        (void)state;
        testing_ok(api_config(VIEW_LIT("a: \"b\"\n\tc: <secret>\n"), &out, NULL), NULL);
        data = parse(&out);
        assert_string_equal(text_of(data, "yaml"), "a: \"b\"\n\tc: <secret>\n");
        json_decref(data);
        buf_reset(&out);
        testing_ok(api_build_info(&out, NULL), NULL);
        data = parse(&out);
        assert_string_equal(text_of(data, "version"), GLEANER_VERSION);
        assert_string_equal(text_of(data, "goVersion"), "");
        json_decref(data);
        buf_release(&out);
}

static void
test_error(void **state)
{
        struct buf out = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(api_error("internal", "a \"b\"", &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        assert_string_equal(
            out.ptr, "{\"status\":\"error\",\"errorType\":\"internal\",\"error\":\"a \\\"b\\\"\"}");
        buf_release(&out);
}

static void
test_runtime_and_flags(void **state)
{
        const struct api_runtime r = {.start_ms = 1700000000123,
            .now_ms = 1700000001000,
            .config_ms = 1700000000500,
            .config_ok = true};
        struct buf out = BUF_INIT(1 << 20);
        json_t *data;

        (void)state;
        testing_ok(api_runtime_info(&r, &out, NULL), NULL);
        data = parse(&out);
        assert_string_equal(text_of(data, "startTime"), "2023-11-14T22:13:20.123Z");
        assert_string_equal(text_of(data, "serverTime"), "2023-11-14T22:13:21.000Z");
        assert_string_equal(text_of(data, "lastConfigTime"), "2023-11-14T22:13:20.500Z");
        assert_true(json_is_true(json_object_get(data, "reloadConfigSuccess")));
        assert_int_equal(json_integer_value(json_object_get(data, "goroutineCount")), 1);
        assert_true(strlen(text_of(data, "CWD")) > 0);
        json_decref(data);
        buf_reset(&out);
        testing_ok(api_flags("{\"agent\":\"true\"}", &out, NULL), NULL);
        data = parse(&out);
        assert_string_equal(text_of(data, "agent"), "true");
        json_decref(data);
        buf_release(&out);
}

static void
test_times(void **state)
{
        static const struct {
                int64_t ms;
                const char *want;
        } rows[] = {
            {0, "0001-01-01T00:00:00Z"},
            {-5, "0001-01-01T00:00:00Z"},
            {1, "1970-01-01T00:00:00.001Z"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char text[API_TIME_BYTES];

                api_format_time(rows[i].ms, text);
                assert_string_equal(text, rows[i].want);
        }
}

static void
test_unavailable(void **state)
{
        static const struct {
                const char *path;
                bool want;
        } rows[] = {
            {"/api/v1/query", true},
            {"/api/v1/query_range", true},
            {"/api/v1/label/job/values", true},
            {"/api/v1/label/a/b/values", false},
            {"/api/v1/label/job/valuesx", false},
            {"/api/v1/label//values", false},
            {"/api/v1/label/values", false},
            {"/api/v1/labels", true},
            {"/api/v1/admin/tsdb/snapshot", true},
            {"/api/v1/targets", false},
            {"/api/v1/queryx", false},
            {"/query", false},
            {"/api/v1/", false},
            {"", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                print_message("%s\n", rows[i].path);
                assert_int_equal(api_is_unavailable(rows[i].path), rows[i].want);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_config_and_build),
            cmocka_unit_test(test_error),
            cmocka_unit_test(test_runtime_and_flags),
            cmocka_unit_test(test_times),
            cmocka_unit_test(test_unavailable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
