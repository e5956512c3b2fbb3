/*
 * Passwords of the HTTP endpoints: the Authorization header against basic_auth_users.
 *
 * A hash takes a tenth of a second and more, so it is computed on a thread of its own, one after
 * the other, which starts with the first of them; what came out is remembered, the bad apart from
 * the good, so that wrong guesses push nobody out. Who is not known costs as much as who is.
 *
 * web_auth_ask and web_auth_settle: one thread. `done` is called on the other.
 */
#ifndef AGENT_WEB_AUTH_H
#define AGENT_WEB_AUTH_H

#include "agent/bcrypt.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct web_auth;
struct web_user;

enum {
        WEB_AUTH_DIGEST = 32,
        WEB_AUTH_PASSWORD_MAX = 1024, /* with the 0 behind it; 72 bytes count */
};

enum web_verdict { WEB_NO, WEB_YES, WEB_LATER };

/* One password that is being compared; in the asker's memory until done was called. */
struct web_question {
        struct web_question *next; /* of the queue */
        char hash[BCRYPT_BYTES + 1];
        char password[WEB_AUTH_PASSWORD_MAX];
        unsigned char digest[WEB_AUTH_DIGEST];
        bool known; /* there is such a user */
        bool matches; /* the answer, from done on */
        void *arg; /* of done */
};

int web_auth_new(void (*done)(struct web_question *q), struct web_auth **out, struct err *e);
/* Calls done for all that wait, without an answer, and ends the thread. NULL-safe. */
void web_auth_free(struct web_auth *a);

/* header is that of the request, NULL: none. WEB_LATER: web_auth_send has to go on with it. */
enum web_verdict web_auth_ask(struct web_auth *a, const struct web_user *users, size_t n_users,
    const char *header, struct web_question *q);
/* q is the other thread's until done is called, which may be at once; then web_auth_settle. */
void web_auth_send(struct web_auth *a, struct web_question *q);
/* What came out; wipes the question. */
enum web_verdict web_auth_settle(struct web_auth *a, struct web_question *q);

#endif
