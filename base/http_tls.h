/*
 * The TLS side of an HTTP client: versions, certificates and whom to trust. Only base/http.c uses
 * it. Options are borrowed as in base/http.h; one thread.
 */
#ifndef BASE_HTTP_TLS_H
#define BASE_HTTP_TLS_H

#include "base/http.h"

#include <stdint.h>

struct err;
struct http_tls;

int http_tls_new(
    const struct http_options *o, enum tls_version floor, struct http_tls **out, struct err *e);
void http_tls_free(struct http_tls *t);

/*
 * Puts everything on the handle. Files that changed since the last call are read again: a new
 * certificate and key are used once they belong together (until then the pair before), and no
 * connection made with the old ones is used again. ERR_CONFIG: a file is missing or is not PEM.
 */
int http_tls_apply(struct http_tls *t, CURL *easy, struct err *e);

/* See http_client_cert_expiry_ms. */
int64_t http_tls_expiry_ms(const struct http_tls *t);

#endif
