/*
 * The token of an OAuth 2.0 client (client credentials, RFC 6749 section 4.4): when one is wanted,
 * the request for it, and its answer. Only base/http.c uses it, and tells its contract
 * (http_client_token and those after it). Options are borrowed; one thread.
 */
#ifndef BASE_HTTP_OAUTH2_H
#define BASE_HTTP_OAUTH2_H

#include "base/http.h"

struct err;
struct http_oauth2;

int http_oauth2_new(const struct http_oauth2_options *o, enum tls_version floor,
    struct http_oauth2 **out, struct err *e);
void http_oauth2_free(struct http_oauth2 *x);

int http_oauth2_state(struct http_oauth2 *x, enum http_token *out, struct err *e);
int http_oauth2_ask(struct http_oauth2 *x, CURL *easy, struct curl_slist **headers, struct err *e);
int http_oauth2_take(struct http_oauth2 *x, CURL *easy, CURLcode code, struct err *e);
void http_oauth2_cancel(struct http_oauth2 *x, const CURL *easy);
void http_oauth2_forget(struct http_oauth2 *x);
/* Appends the Authorization header. ERR_AGAIN: there is no token. */
int http_oauth2_apply(const struct http_oauth2 *x, struct curl_slist **headers, struct err *e);

#endif
