#include "base/thread.h"

#include "base/err.h"

#include <signal.h>
#include <stdio.h>

static void
set_name(pthread_t thread, const char *name)
{
        char cut[THREAD_NAME_MAX + 1];

        (void)snprintf(cut, sizeof(cut), "%.*s", THREAD_NAME_MAX, name);
        (void)pthread_setname_np(thread, cut); /* a thread without its name works as well */
}

int
thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg, struct err *e)
{
        sigset_t all;
        sigset_t before;
        int rc;

        (void)sigfillset(&all);
        (void)sigdelset(&all, SIGBUS); /* of the thread itself: its handler has the last word */
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        rc = pthread_create(out, NULL, run, arg);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (rc != 0)
                return err_sys(e, rc, "cannot start the %s thread", name);
        set_name(*out, name);
        return 0;
}

void
thread_name_self(const char *name)
{
        set_name(pthread_self(), name);
}
