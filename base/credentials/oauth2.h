/*
 * The token of an OAuth 2.0 client: client credentials (RFC 6749 section 4.4), or a signed
 * assertion (JWT bearer, RFC 7523 section 2.1). Options are borrowed.
 */
#ifndef BASE_CREDENTIALS_OAUTH2_H
#define BASE_CREDENTIALS_OAUTH2_H

#include "base/http.h"

struct err;
struct grant;

int oauth2_grant(
    const struct http_oauth2_options *o, enum tls_version floor, struct grant **out, struct err *e);

#endif
