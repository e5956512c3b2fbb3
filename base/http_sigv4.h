/*
 * Signature Version 4 of AWS on a request, made by libcurl. Only base/http.c and base/credentials/
 * use it.
 */
#ifndef BASE_HTTP_SIGV4_H
#define BASE_HTTP_SIGV4_H

#include "base/http.h"
#include "base/view.h"

struct err;

struct sigv4_keys {
        const char *service; /* "aps", "sts" */
        const char *region;
        const char *id;
        const char *secret;
        const char *session; /* NULL: none */
};

/*
 * After http_client_apply, and once *r->headers has all headers that are sent. The body's hash goes
 * along, because libcurl knows no body that it has to ask for. Redirects are not followed: the
 * signature is for one host.
 */
int http_sigv4_sign(
    const struct sigv4_keys *k, const struct http_request *r, struct view body, struct err *e);

#endif
