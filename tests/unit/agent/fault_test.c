#include "agent/fault.h"

#include "tests/testing/testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reads behind the end of a mapped file. */
static void
read_what_is_gone(int fd)
{
        volatile const char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

        if (p == MAP_FAILED)
                _exit(1);
        _exit(p[0]);
}

static void
test_the_process_says_why_it_ends(void **state)
{
        FILE *empty = tmpfile();
        char text[512] = {0};
        int ends[2];
        int status;
        pid_t child;

        (void)state;
        assert_non_null(empty);
        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                (void)dup2(ends[1], STDERR_FILENO);
                fault_explain();
                read_what_is_gone(fileno(empty));
        }
        (void)close(ends[1]);
        assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
        assert_non_null(strstr(text, "the log's file cannot be read"));
        assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
        (void)close(ends[0]);
        (void)fclose(empty);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_process_says_why_it_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
