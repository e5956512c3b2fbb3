/*
 * Signature Version 4 of AWS on a request, made by libcurl: for remote write to a managed
 * Prometheus of AWS. Options are borrowed.
 */
#ifndef BASE_HTTP_SIGV4_H
#define BASE_HTTP_SIGV4_H

#include "base/view.h"

#include <curl/curl.h>

struct err;

struct http_sigv4_options {
        const char *region; /* NULL: AWS_REGION, or AWS_DEFAULT_REGION */
        const char *access_key; /* NULL: AWS_ACCESS_KEY_ID with its secret and session token */
        const char *secret_key;
};

/*
 * After http_client_apply, and once *headers has all headers that are sent: each of them is
 * signed, so none may be there that only keeps libcurl from sending its own ("Expect:"). The
 * body's hash goes along, because libcurl knows no body that it has to ask for. Redirects are not
 * followed: the signature is for one host. ERR_CONFIG: there is no region or no key.
 */
int http_sigv4_apply(const struct http_sigv4_options *o, CURL *easy, struct view body,
    struct curl_slist **headers, struct err *e);

#endif
