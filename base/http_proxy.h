/*
 * Which proxy a request goes through: proxy_url, no_proxy, proxy_from_environment and
 * proxy_connect_header. Only base/http.c uses it. Options are borrowed; one thread.
 *
 * What needs no proxy is told as Go does (golang.org/x/net/http/httpproxy), not as libcurl does.
 */
#ifndef BASE_HTTP_PROXY_H
#define BASE_HTTP_PROXY_H

#include "base/http.h"

#include <stdbool.h>

struct err;
struct http_proxy;

int http_proxy_new(const struct http_proxy_options *o, struct http_proxy **out, struct err *e);
void http_proxy_free(struct http_proxy *p);

/* May any request go through a proxy? */
bool http_proxy_wanted(const struct http_proxy *p);

/* Puts the proxy for this URL on the handle, or none; the environment decides only when asked. */
void http_proxy_apply(const struct http_proxy *p, CURL *easy, const char *url);

/*
 * Is the host one that a list names: "example.com" (and all below), ".example.com" (below only),
 * addresses, networks ("10.0.0.0/8"), each but networks with or without ":port", or "*"? localhost
 * and loopback addresses always are.
 */
bool http_proxy_bypassed(const char *list, const char *host, const char *port);

#endif
