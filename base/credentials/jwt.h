/*
 * JSON Web Tokens that say who we are (RFC 7515, 7519), signed with an RSA key by OpenSSL.
 */
#ifndef BASE_CREDENTIALS_JWT_H
#define BASE_CREDENTIALS_JWT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

struct jwt_claims { /* NULL: not in it */
        const char *algorithm; /* RS256, RS384, RS512; NULL: RS256 */
        const char *key_id; /* kid */
        const char *issuer;
        const char *subject;
        const char *audience;
        const char *scope;
        int64_t now_s; /* since 1970: iat */
        int64_t seconds; /* until exp */
        bool with_id; /* jti, a random one */
        const char *more; /* claims as a JSON object; they win over those above */
};

/* Appends the token with a 0 behind it. key: PEM. ERR_CONFIG: it is no RSA key, or needs a
 * password. */
int jwt_sign(const struct jwt_claims *c, const char *key, struct buf *out, struct err *e);

/* The key's PEM text, or what the file holds, with a 0 behind it; what is its name in errors. */
int jwt_read_key(
    const char *what, const char *text, const char *path, struct buf *out, struct err *e);

#endif
