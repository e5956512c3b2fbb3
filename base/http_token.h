/*
 * What an OAuth 2.0 server answers to a request for a token (RFC 6749, sections 5.1 and 5.2). Pure.
 */
#ifndef BASE_HTTP_TOKEN_H
#define BASE_HTTP_TOKEN_H

#include "base/view.h"

#include <stdint.h>

struct buf;
struct err;

/*
 * Reads an answer of status 200 to 299: JSON, or a form when content_type says so (text/plain
 * counts as one, as for Go's client). Appends "Authorization: TYPE TOKEN" with a 0 behind it to
 * out; *out_seconds is how long the token is good, 0 when the server does not say. ERR_AGAIN with
 * the reason, which quotes no part of a token.
 */
int http_token_parse(struct view content_type, struct view body, struct buf *out,
    int64_t *out_seconds, struct err *e);

/*
 * The reason in an answer of another status: error and error_description of its JSON, else the
 * beginning of the body, what does not print replaced. "" when there is none.
 */
void http_token_refusal(struct view body, char *out, size_t cap);

#endif
