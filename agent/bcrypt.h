/*
 * bcrypt, as basic_auth_users keeps passwords: the wrapper of libcrypt, which is loaded when the
 * first hash is to be compared, because an agent without users does not need it.
 *
 * The letter behind "$2" is not looked at and what is behind 72 bytes of a password does not
 * count, as Prometheus has it (golang.org/x/crypto/bcrypt).
 */
#ifndef AGENT_BCRYPT_H
#define AGENT_BCRYPT_H

#include "base/view.h"

#include <stdbool.h>

struct err;

enum {
        BCRYPT_BYTES = 60, /* of a hash: "$2y$10$" + 22 of salt + 31 */
        BCRYPT_MIN_COST = 4,
        BCRYPT_MAX_COST = 18, /* a try takes twice as long for each one more: 20 s at 18 */
        BCRYPT_SLOW_COST = 14, /* above it a try takes over a second */
};

/* Is it a hash? ERR_CONFIG: what is wrong with it (no part of it is in the message). */
int bcrypt_check(struct view hash, int *out_cost, struct err *e);

/* Loads the library; once before the first bcrypt_matches. ERR_SYS: it is not there. Any thread. */
int bcrypt_load(struct err *e);

/*
 * Does the password (no 0 byte within) belong to the hash, one that bcrypt_check took? Takes a
 * tenth of a second and more; what it looked at is wiped. Any thread.
 */
bool bcrypt_matches(const char *hash, const char *password);

#endif
