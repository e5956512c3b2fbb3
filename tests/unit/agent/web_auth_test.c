#include "agent/web_auth.h"

#include "agent/web_config.h"
#include "tests/testing/testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Of "U*U", as crypt_blowfish's own tests have it. */
#define HASH "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static const struct web_user users[] = {{"alice", HASH}, {"bob", HASH}};

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned n_done;

static void
done(struct web_question *q)
{
        (void)q;
        (void)pthread_mutex_lock(&mtx);
        n_done++;
        (void)pthread_cond_signal(&changed);
        (void)pthread_mutex_unlock(&mtx);
}

static void
wait_for(unsigned n)
{
        (void)pthread_mutex_lock(&mtx);
        while (n_done < n)
                (void)pthread_cond_wait(&changed, &mtx);
        n_done = 0;
        (void)pthread_mutex_unlock(&mtx);
}

static void
test_headers(void **state)
{
        static const struct {
                const char *header;
                enum web_verdict first; /* WEB_LATER: its password is compared */
                enum web_verdict then;
        } cases[] = {
            {NULL, WEB_NO, WEB_NO}, {"", WEB_NO, WEB_NO}, {"Basic", WEB_NO, WEB_NO},
            {"Basic ", WEB_NO, WEB_NO}, {"Bearer YWxpY2U6VSpV", WEB_NO, WEB_NO},
            {"Basic !!!!", WEB_NO, WEB_NO}, {"Basic YWxpY2U=", WEB_NO, WEB_NO}, /* no colon */
            {"Basic YWxpY2U6VSpVAA==", WEB_NO, WEB_NO}, /* a 0 behind the password */
            {"Basic YWxpY2U6VSpV", WEB_LATER, WEB_YES}, /* alice:U*U */
            {"Basic YWxpY2U6VSpV", WEB_YES, WEB_YES}, /* remembered */
            {"bASIC YWxpY2U6VSpV", WEB_YES, WEB_YES},
            {"Basic Ym9iOlUqVQ==", WEB_LATER, WEB_YES}, /* bob:U*U */
            {"Basic YWxpY2U6eA==", WEB_LATER, WEB_NO}, /* alice:x */
            {"Basic YWxpY2U6eA==", WEB_NO, WEB_NO}, /* remembered */
            {"Basic ZXZlOlUqVQ==", WEB_LATER, WEB_NO}, /* eve:U*U: costs as much, but no */
            {"Basic OlUqVQ==", WEB_LATER, WEB_NO}, /* nobody */
        };
        struct web_auth *a = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(web_auth_new(done, &a, &e), &e);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct web_question q = {0};
                enum web_verdict v = web_auth_ask(a, users, 2, cases[i].header, &q);

                if (v != cases[i].first)
                        fail_msg("%zu: %d", i, (int)v);
                if (v == WEB_LATER) {
                        web_auth_send(a, &q);
                        wait_for(1);
                        v = web_auth_settle(a, &q);
                        assert_int_equal(q.password[0], '\0');
                }
                if (v != cases[i].then)
                        fail_msg("%zu: then %d", i, (int)v);
        }
        web_auth_free(a);
        web_auth_free(NULL);
}

static void
test_a_changed_password_is_asked_for_again(void **state)
{
        static const struct web_user changed_users[] = {
            {"alice", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"}};
        struct web_question q = {0};
        struct web_auth *a = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(web_auth_new(done, &a, &e), &e);
        assert_int_equal(web_auth_ask(a, users, 2, "Basic YWxpY2U6VSpV", &q), WEB_LATER);
        web_auth_send(a, &q);
        wait_for(1);
        assert_int_equal(web_auth_settle(a, &q), WEB_YES);
        assert_int_equal(web_auth_ask(a, changed_users, 1, "Basic YWxpY2U6VSpV", &q), WEB_LATER);
        web_auth_send(a, &q);
        wait_for(1);
        assert_int_equal(web_auth_settle(a, &q), WEB_NO);
        web_auth_free(a);
}

static void
test_all_that_wait_are_told_at_the_end(void **state)
{
        enum { QUESTIONS = 50 };
        struct web_question *v = calloc(QUESTIONS, sizeof(*v));
        struct web_auth *a = NULL;
        struct err e = ERR_INIT;

        (void)state;
        assert_non_null(v);
        testing_ok(web_auth_new(done, &a, &e), &e);
        for (int i = 0; i < QUESTIONS; i++) {
                assert_int_equal(web_auth_ask(a, users, 2, "Basic YWxpY2U6VSpV", &v[i]), WEB_LATER);
                web_auth_send(a, &v[i]);
        }
        web_auth_free(a);
        wait_for(QUESTIONS);
        free(v);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_headers),
            cmocka_unit_test(test_a_changed_password_is_asked_for_again),
            cmocka_unit_test(test_all_that_wait_are_told_at_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
