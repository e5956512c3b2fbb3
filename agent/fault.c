#include "agent/fault.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char words[] =
    "level=error msg=\"the log's file cannot be read: its disk failed or it was cut off; the "
    "process ends, and looks at the file when it is started again\" signal=SIGBUS\n";

/* Nothing here may wait or allocate. The handler is gone when it returns: the read fails again. */
static void
on_bus_error(int number)
{
        ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);

        (void)n;
        (void)number;
}

void
fault_explain(void)
{
        struct sigaction action;

        memset(&action, 0, sizeof(action));
        action.sa_handler = on_bus_error;
        action.sa_flags = (int)SA_RESETHAND;
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(SIGBUS, &action, NULL);
}
