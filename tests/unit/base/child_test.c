#include "base/child.h"

#include "base/clock.h"
#include "tests/testing/testing.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t
now(void)
{
        return clock_mono(clock_system());
}

static struct child *
run(const char *script, int64_t timeout_ms)
{
        static const char *const env[] = {"GIVEN=to it", "HOME=/replaced"};
        const char *const argv[] = {"sh", "-c", script, NULL};
        const struct child_options o = {argv, env, 2, now(), timeout_ms};
        struct child *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(child_start(&o, &c, &e), &e);
        while (!child_turn(c, now())) {
                int fds[CHILD_FDS];
                struct pollfd p[CHILD_FDS];
                nfds_t n = child_fds(c, fds);
                int64_t left = child_due(c) - now();

                for (nfds_t i = 0; i < n; i++)
                        p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
                (void)poll(p, n, left > 0 ? (int)left : 0);
        }
        return c;
}

static void
check(const char *script, const char *output, const char *reason, const char *words)
{
        struct child *c = run(script, 20000);
        struct err e = ERR_INIT;
        char last[64];
        int rc = child_result(c, &e);

        if (reason == NULL)
                testing_ok(rc, &e);
        else if (rc != ERR_AGAIN || strstr(e.msg, reason) == NULL)
                fail_msg("%s: %d %s", script, rc, e.msg);
        if (output != NULL && !view_is(child_output(c), output))
                fail_msg("%s: %.*s", script, (int)child_output(c).n, child_output(c).p);
        child_last_words(c, last, sizeof(last));
        assert_string_equal(last, words);
        child_free(c);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie, no child at all */
}

static void
what_it_prints_and_how_it_ends(void **state)
{
        (void)state;
        check("echo \"$GIVEN $HOME\"", "to it /replaced\n", NULL, "");
        check("echo out; printf 'one\\ntwo\\033 three\\n\\n' >&2; exit 3", "out\n", "status 3",
            "two? three");
        check("kill -TERM $$", "", "signal 15", "");
        check("head -c 2000000 /dev/zero", NULL, "more than 1048576 bytes", "");
        check("head -c 900000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2", "", NULL, "end");
        check("exec >&- 2>&-; sleep 0.05; exit 4", "", "status 4", "");
        check("cat", "", NULL, ""); /* there is nothing to read */
}

/* It must not see our log, sockets and signals. */
static void
it_inherits_nothing(void **state)
{
        int fd = open("/dev/null", O_RDONLY); /* not close-on-exec */
        char script[128];
        sigset_t set;

        (void)state;
        assert_true(fd > 2);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(script, sizeof(script),
            "for i in %d 3 4 5; do test -e /proc/$$/fd/$i && echo $i; done; true", fd);
        check(script, "", NULL, "");
        /* of the first 28; two of glibc's own are ignored where posix_spawn sets them */
        check("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2 | cut -c10- | tr '\\n' ' '",
            "0000000 0000000 ", NULL, "");
        (void)signal(SIGPIPE, SIG_DFL);
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        (void)close(fd);
}

/* What it has started goes with it, also when it holds the pipe open. */
static void
its_time_is_bounded(void **state)
{
        struct child *c = run("sleep 100 & echo $!; wait", 300);
        struct err e = ERR_INIT;
        int pid;

        (void)state;
        assert_int_equal(child_result(c, &e), ERR_AGAIN);
        assert_non_null(strstr(e.msg, "did not end within"));
        pid = (int)strtol(child_output(c).p, NULL, 10);
        assert_true(pid > 0);
        child_free(c);
        for (int i = 0; i < 200 && kill(pid, 0) == 0; i++) {
                char path[64];
                char text[256] = "";
                FILE *f;

                (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
                f = fopen(path, "r");
                if (f != NULL) {
                        (void)!fread(text, 1, sizeof(text) - 1, f);
                        (void)fclose(f);
                }
                if (strstr(text, ") Z") != NULL)
                        return; /* it waits for whoever adopts orphans here */
                (void)usleep(10000);
        }
        assert_int_equal(kill(pid, 0), -1);
}

static void
a_program_that_is_not_there(void **state)
{
        static const char *const argv[] = {"/no/such/program", NULL};
        const struct child_options o = {argv, NULL, 0, now(), 1000};
        struct child *c = NULL;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(child_start(&o, &c, &e), ERR_NOTFOUND);
        assert_non_null(strstr(e.msg, "cannot run \"/no/such/program\": No such file"));
        assert_null(c);
        child_free(NULL);
}

static void
one_that_still_runs_is_ended(void **state)
{
        static const char *const argv[] = {"sleep", "100", NULL};
        const struct child_options o = {argv, NULL, 0, now(), 100000};
        struct child *c = NULL;

        (void)state;
        testing_ok(child_start(&o, &c, NULL), NULL);
        assert_false(child_turn(c, now()));
        child_free(c);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_it_prints_and_how_it_ends),
            cmocka_unit_test(it_inherits_nothing),
            cmocka_unit_test(its_time_is_bounded),
            cmocka_unit_test(a_program_that_is_not_there),
            cmocka_unit_test(one_that_still_runs_is_ended),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
