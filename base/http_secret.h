/*
 * Secrets on their way into a request, and the request's list of headers. Only base/http*.c uses
 * it.
 */
#ifndef BASE_HTTP_SECRET_H
#define BASE_HTTP_SECRET_H

#include <curl/curl.h>

struct buf;
struct err;

enum { HTTP_SECRET_MAX = 64 << 10 };

/*
 * The text, or the trimmed contents of the file, with a 0 behind it; "" when neither is given.
 * ERR_CONFIG: the file is missing, too long, or holds a line feed; what is its key's name.
 */
int http_secret_read(
    const char *what, const char *text, const char *path, struct buf *out, struct err *e);

/* Wipes it and gives the memory back. */
void http_secret_release(struct buf *b);

/* Appends a copy of "Name: value". */
int http_secret_append(struct curl_slist **headers, const char *line, struct err *e);
/* Wipes the lines of a list that holds secrets, and frees it. NULL-safe. */
void http_secret_free_list(struct curl_slist *headers);

#endif
