/*
 * A thread with a name, so that `top -H`, perf and a debugger tell them apart. Signals are the main
 * thread's: all others block them.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

struct err;

enum { THREAD_NAME_MAX = 15 }; /* the kernel's, without the closing zero */

/*
 * Starts run(arg) with all signals blocked. The name is copied; what is beyond THREAD_NAME_MAX is
 * cut. ERR_SYS: "cannot start the <name> thread: …". Any thread.
 */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg, struct err *e);
/* Names the calling thread, for one that a library has started. */
void thread_name_self(const char *name);

#endif
