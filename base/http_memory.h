/*
 * Counts what libcurl and OpenSSL take from the heap under MEMORY_CURL and MEMORY_TLS.
 */
#ifndef BASE_HTTP_MEMORY_H
#define BASE_HTTP_MEMORY_H

#include <curl/curl.h>

/* curl_global_init with counting. Before OpenSSL is used at all, or its bytes are not counted. */
CURLcode http_memory_init(void);

#endif
