#include "agent/web.h"

#include "base/clock.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

static char *dir;
static char path[512];
static struct clock_manual now;

static void
done(struct web_question *q)
{
        (void)q;
}

static void
put(const char *text)
{
        testing_write(path, text, strlen(text));
}

static struct web *
open_web(const char *text)
{
        struct web *w = NULL;
        struct err e = ERR_INIT;

        put(text);
        testing_ok(web_open(path, &now.clock, &w, &e), &e);
        testing_ok(web_start(w, done, &e), &e);
        return w;
}

static struct web_stats
stats_of(const struct web *w)
{
        struct web_stats s;

        web_stats(w, &s);
        return s;
}

static void
test_a_bad_file_is_refused_at_the_start(void **state)
{
        struct web *w = NULL;
        struct err e = ERR_INIT;

        (void)state;
        put("http_server_config: {headers: {X-Color: blue}}");
        assert_int_equal(web_open(path, &now.clock, &w, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "X-Color"));
        (void)remove(path);
        assert_int_not_equal(web_open(path, &now.clock, &w, &e), 0);
        assert_null(w);
        web_close(NULL);
        web_stop(NULL);
}

static void
test_the_file_is_looked_at_with_every_request(void **state)
{
        struct web *w = open_web("");
        struct web_question q = {0};

        (void)state;
        assert_false(web_has_tls(w));
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_null(web_header_at(w, 0));
        put("http_server_config: {headers: {X-Frame-Options: deny}}");
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_string_equal(web_header_at(w, 0)->value, "deny");
        assert_null(web_header_at(w, 1));
        put("basic_auth_users: "
            "{a: $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}");
        assert_int_equal(web_ask(w, NULL, &q), WEB_UNAUTHORIZED);
        assert_int_equal(stats_of(w).refused, 1);
        put("basic_auth_users: {a: b}"); /* the old one stays */
        assert_int_equal(web_ask(w, NULL, &q), WEB_UNAUTHORIZED);
        assert_int_equal(web_ask(w, NULL, &q), WEB_UNAUTHORIZED);
        assert_false(stats_of(w).reload_ok);
        assert_int_equal(stats_of(w).reload_failures, 1);
        clock_manual_advance(&now, 1000);
        put("tls_server_config: {cert: a, key: b}"); /* nor can TLS be switched on */
        assert_int_equal(web_ask(w, NULL, &q), WEB_UNAUTHORIZED);
        assert_int_equal(stats_of(w).reload_failures, 1);
        clock_manual_advance(&now, 1000);
        put("");
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_true(stats_of(w).reload_ok);
        web_close(w);
}

static void
test_a_file_that_comes_back_is_good_again(void **state)
{
        static const char text[] = "http_server_config: {headers: {X-Frame-Options: deny}}";
        struct web *w = open_web(text);
        struct web_question q = {0};

        (void)state;
        (void)remove(path);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_false(stats_of(w).reload_ok);
        assert_string_equal(web_header_at(w, 0)->value, "deny");
        clock_manual_advance(&now, 1000);
        put(text);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_true(stats_of(w).reload_ok);
        web_close(w);
}

static void
test_rate(void **state)
{
        struct web *w = open_web("rate_limit: {interval: 500ms, burst: 2}");
        struct web_question q = {0};

        (void)state;
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_int_equal(web_ask(w, NULL, &q), WEB_LIMITED);
        clock_manual_advance(&now, 500);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_int_equal(web_ask(w, NULL, &q), WEB_LIMITED);
        clock_manual_advance(&now, 3600000);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_int_equal(web_ask(w, NULL, &q), WEB_PASS);
        assert_int_equal(web_ask(w, NULL, &q), WEB_LIMITED);
        assert_int_equal(stats_of(w).limited, 3);
        web_close(w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_bad_file_is_refused_at_the_start),
            cmocka_unit_test(test_the_file_is_looked_at_with_every_request),
            cmocka_unit_test(test_a_file_that_comes_back_is_good_again),
            cmocka_unit_test(test_rate),
        };
        int failed;

        dir = testing_directory();
        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        clock_manual_init(&now, 1700000000000);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        testing_remove(dir);
        return failed;
}
