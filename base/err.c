#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
        va_list ap;

        if (e == NULL)
                return code;
        e->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        return code;
}

int
err_sys(struct err *e, int errnum, const char *fmt, ...)
{
        va_list ap;
        char reason[128];
        size_t used;

        if (e == NULL)
                return ERR_SYS;
        e->code = ERR_SYS;
        va_start(ap, fmt);
        (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        used = strlen(e->msg);
        (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s",
            strerror_r(errnum, reason, sizeof(reason)));
        return ERR_SYS;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
        va_list ap;
        char rest[ERR_MSG_MAX];
        size_t used;

        if (e == NULL)
                return ERR_NONE;
        memcpy(rest, e->msg, sizeof(rest));
        va_start(ap, fmt);
        (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        used = strlen(e->msg);
        (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", rest);
        return e->code;
}

int
err_nomem(struct err *e, const char *what)
{
        return err_set(e, ERR_NOMEM, "out of memory for %s", what);
}
