/*
 * Who we say we are, and to whom: credentials, custom headers, and the guard that keeps both from
 * another host after a redirect. Only base/http.c uses it. One thread.
 */
#ifndef BASE_HTTP_AUTH_H
#define BASE_HTTP_AUTH_H

#include "base/http.h"

struct err;
struct http_guards; /* one guard for each easy handle that a client was applied to */

/*
 * Puts basic authentication on the handle, or appends an Authorization header. Secrets in files
 * are read now and trimmed. ERR_CONFIG: a file is missing, too long, or holds a line feed.
 */
int http_auth_apply(
    const struct http_options *o, CURL *easy, struct curl_slist **headers, struct err *e);

int http_guards_new(struct http_guards **out, struct err *e);
void http_guards_free(struct http_guards *g);
/*
 * Appends the custom headers, those from files included, and sets the handle's redirects. The guard
 * looks at every request right before it is written: after a redirect to another host or from https
 * to http the custom headers are taken out; a redirect that would turn a POST into a GET, or that
 * leads to a link-local address of another host, ends the transfer (CURLE_ABORTED_BY_CALLBACK).
 */
int http_guards_apply(struct http_guards *g, const struct http_options *o,
    const struct http_request *r, struct err *e);

/* Is this an address that a redirect must not lead to: 169.254.0.0/16, fe80::/10, fd00:ec2::254? */
bool http_link_local(const char *ip);

#endif
