/*
 * The bodies of answers: a buffer that is there whole, or pieces that are asked for one by one as
 * the client reads. Used by httpd.c on its thread.
 */
#ifndef AGENT_HTTPD_BODY_H
#define AGENT_HTTPD_BODY_H

#include <stdbool.h>

struct MHD_Response;
struct httpd_reply;

/* Takes the reply's body and stream over, in any case. pack: as gzip, with the header that says so.
 * NULL: no memory. */
struct MHD_Response *httpd_body_response(struct httpd_reply *reply, bool pack);

/* Does an Accept-Encoding (NULL: none) name gzip, and not with q=0? */
bool httpd_body_takes_gzip(const char *accepted);

#endif
