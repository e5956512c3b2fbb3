#include "scrape/failure_log.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct failed_scrape refused = {
    1764000000007, "a \"job\"", "http://127.0.0.1:9/metrics?x=y", "line\nbreak \x80 and \\"};

static void
test_lines_are_appended(void **state)
{
        struct buf text = BUF_INIT(4096);
        struct err e = ERR_INIT;
        char path[600];
        char renamed[620];
        char *dir = testing_directory();
        const char *want = "{\"time\":\"2025-11-24T16:00:00.007Z\",\"level\":\"ERROR\","
                           "\"source\":\"scrape\",\"msg\":\"line\\nbreak \xef\xbf\xbd and \\\\\","
                           "\"job_name\":\"a \\\"job\\\"\","
                           "\"target\":\"http://127.0.0.1:9/metrics?x=y\"}\n";

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/failures", dir);
        (void)snprintf(renamed, sizeof(renamed), "%s.1", path);
        testing_ok(failure_log_append(path, &refused, &e), &e);
        testing_ok(failure_log_append(path, &refused, &e), &e);
        testing_ok(file_read(path, &text, &e), &e);
        assert_int_equal(text.len, 2 * strlen(want));
        assert_memory_equal(text.ptr, want, strlen(want));
        assert_memory_equal(text.ptr + strlen(want), want, strlen(want));
        assert_int_equal(rename(path, renamed), 0);
        testing_ok(failure_log_append(path, &refused, &e), &e);
        text.len = 0;
        testing_ok(file_read(path, &text, &e), &e);
        assert_int_equal(text.len, strlen(want));
        buf_release(&text);
        testing_remove(dir);
}

static void
test_what_cannot_be_written_says_so(void **state)
{
        struct err e = ERR_INIT;
        char *dir = testing_directory();
        char path[600];

        (void)state;
        assert_int_equal(failure_log_append("/nowhere/f", &refused, &e), ERR_SYS);
        assert_non_null(strstr(e.msg, "cannot open \"/nowhere/f\""));
        (void)snprintf(path, sizeof(path), "%s/pipe", dir);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(failure_log_append(path, &refused, &e), ERR_SYS); /* nobody reads it */
        if (access("/dev/full", W_OK) == 0)
                assert_int_equal(failure_log_append("/dev/full", &refused, &e), ERR_SYS);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines_are_appended),
            cmocka_unit_test(test_what_cannot_be_written_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
