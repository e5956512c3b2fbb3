#include "base/thread.h"

#include "base/err.h"
#include "tests/testing/testing.h"

#include <signal.h>
#include <string.h>

struct seen {
        pthread_mutex_t mtx; /* held until the thread has its name */
        char name[THREAD_NAME_MAX + 1];
        bool blocked;
};

static void *
look(void *arg)
{
        struct seen *x = arg;
        sigset_t now;

        (void)pthread_mutex_lock(&x->mtx);
        (void)pthread_mutex_unlock(&x->mtx);
        (void)pthread_getname_np(pthread_self(), x->name, sizeof(x->name));
        (void)pthread_sigmask(SIG_SETMASK, NULL, &now);
        x->blocked = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGHUP) == 1;
        return NULL;
}

static void
test_name_and_signals(void **state)
{
        static const struct {
                const char *name;
                const char *want;
        } rows[] = {{"wal", "wal"}, {"123456789012345", "123456789012345"},
            {"discovery-thread", "discovery-threa"}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct seen x = {.mtx = PTHREAD_MUTEX_INITIALIZER};
                struct err e = ERR_INIT;
                pthread_t thread;
                sigset_t mine;

                (void)pthread_mutex_lock(&x.mtx);
                assert_int_equal(thread_start(&thread, rows[i].name, look, &x, &e), 0);
                (void)pthread_mutex_unlock(&x.mtx);
                assert_int_equal(pthread_join(thread, NULL), 0);
                assert_string_equal(x.name, rows[i].want);
                assert_true(x.blocked);
                /* the one that started it takes its signals as before */
                (void)pthread_sigmask(SIG_SETMASK, NULL, &mine);
                assert_int_equal(sigismember(&mine, SIGTERM), 0);
        }
}

static void *
name_itself(void *arg)
{
        thread_name_self("own");
        (void)pthread_getname_np(pthread_self(), arg, THREAD_NAME_MAX + 1);
        return NULL;
}

static void
test_own_name(void **state)
{
        char name[THREAD_NAME_MAX + 1] = "";
        pthread_t thread;

        (void)state;
        assert_int_equal(pthread_create(&thread, NULL, name_itself, name), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_string_equal(name, "own");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_name_and_signals),
            cmocka_unit_test(test_own_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
