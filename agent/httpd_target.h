/*
 * What stands behind a request's method: a path with a query, or a whole URL, read as Go reads it
 * (net/url, net/http), because that is what clients of Prometheus are used to. Pure.
 */
#ifndef AGENT_HTTPD_TARGET_H
#define AGENT_HTTPD_TARGET_H

#include <stddef.h>

struct buf;
struct err;

struct httpd_target {
        const char *path; /* decoded; "" when a URL has none. %00 stays as it is written */
        const char *query; /* as written, without its "?"; NULL: there is none */
        const char *arguments; /* decoded pairs of a name and a value, each ended by a 0 */
        size_t n_arguments;
        char *text; /* owned: what the others point into */
};

/* ERR_PARSE, a 400: a blank, a control character, a bad escape in the path; no path, no URL. */
int httpd_target_parse(const char *text, struct httpd_target *out, struct err *e);
void httpd_target_release(struct httpd_target *t);
/* The first argument of that name; NULL: there is none. Those with a bad escape or a semicolon do
 * not count. */
const char *httpd_target_argument(const struct httpd_target *t, const char *name);

/* Appends the path without "." and "..", doubled slashes, and with one at its beginning; a 0 stands
 * behind it. */
int httpd_target_clean(const char *path, struct buf *out, struct err *e);
/* Appends a path as it may stand in a URL and a header. */
int httpd_target_escape(const char *path, struct buf *out, struct err *e);

#endif
