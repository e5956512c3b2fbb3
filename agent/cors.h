/*
 * Which pages of other origins may read the API: --web.cors.origin, and the headers that tell
 * browsers. Source: Prometheus, util/httputil/cors.go. One thread at a time.
 */
#ifndef AGENT_CORS_H
#define AGENT_CORS_H

struct cors;
struct err;
struct httpd_reply;

/* Origins: a regular expression for the whole of one. ERR_CONFIG: it is none. */
int cors_new(const char *origins, struct cors **out, struct err *e);
/* NULL-safe. */
void cors_free(struct cors *c);
/* Adds the headers of an answer to a request with that Origin (NULL: none was sent). */
void cors_set(struct cors *c, const char *origin, struct httpd_reply *reply);

#endif
