/*
 * Errors: a code that tells the caller what to do, and one finished sentence for a person.
 *
 * The callee writes the sentence ("cannot open \"/x\": permission denied"), callers may prefix
 * context, and only the top of a thread logs it, once. All functions take e == NULL and then
 * only return the code. Any thread; a struct err belongs to its caller.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

enum err_code {
        ERR_NONE = 0,
        ERR_AGAIN = -1, /* try later */
        ERR_REFUSED = -2, /* drop and count */
        ERR_CORRUPT = -3, /* repair or set aside */
        ERR_LIMIT = -4, /* a bound was reached */
        ERR_SYS = -5, /* the operating system said no */
        ERR_NOMEM = -6, /* out of memory */
        ERR_CONFIG = -7, /* the operator has to change something */
        ERR_NOTFOUND = -8, /* what was asked for is not there */
        ERR_PARSE = -9, /* bytes from outside that do not follow their format */
};

enum { ERR_MSG_MAX = 512 };

struct err {
        enum err_code code;
        char msg[ERR_MSG_MAX];
};

#define ERR_INIT \
        { \
                ERR_NONE, \
                { \
                        0 \
                } \
        }

/* Sets code and sentence; returns the code, so that `return err_set(e, …)` reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror(errnum)>" appended; the code is ERR_SYS. */
int err_sys(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<context>: " in front of the sentence and returns the code that e holds. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "out of memory for <what>"; returns ERR_NOMEM. */
int err_nomem(struct err *e, const char *what);

#endif
