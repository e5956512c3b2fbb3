/*
 * What scraping and sending share about HTTP: a job's or endpoint's client settings (auth, TLS,
 * redirects, proxies, headers) put on a libcurl easy handle.
 *
 * Options are plain data, filled by the configuration and borrowed: they must outlive the client.
 * Secrets in files are read when a request is set up and trimmed; a missing file fails that request
 * (ERR_CONFIG), not the load. A client is used by one thread.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum tls_version { TLS_DEFAULT, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

struct http_header {
        const char *name;
        const char *value;
};

struct http_options {
        /* basic_auth; NULL: not given */
        const char *username;
        const char *username_file;
        const char *password;
        const char *password_file;
        /* authorization (and bearer_token); auth_type NULL: "Bearer" */
        const char *auth_type;
        const char *credentials;
        const char *credentials_file;
        /* tls_config; inline PEM text or a file */
        const char *ca;
        const char *ca_file;
        const char *cert;
        const char *cert_file;
        const char *key;
        const char *key_file;
        const char *server_name;
        bool insecure_skip_verify;
        enum tls_version min_version; /* TLS_DEFAULT: the caller's floor (scrape 1.2, send 1.3) */
        enum tls_version max_version;
        bool follow_redirects; /* default true; http/https only, at most 10 */
        bool enable_http2;
        const struct http_header *headers; /* custom ones; never sent to another host */
        size_t n_headers;
};

void http_options_init(struct http_options *o);

/* libcurl's and OpenSSL's process-wide set-up; once, before threads. */
int http_setup(struct err *e);
void http_teardown(void);

struct http_client;

/* floor: the lowest TLS version when the file says nothing. */
int http_client_new(
    const struct http_options *o, enum tls_version floor, struct http_client **out, struct err *e);
void http_client_free(struct http_client *c);

/*
 * Puts TLS, authentication, redirects and protocol bounds on an easy handle that is about to be
 * used (after curl_easy_reset), and appends custom headers to *headers (the caller frees the list
 * after the transfer). Sets also: no signals, no environment proxies, http and https only.
 */
int http_client_apply(
    struct http_client *c, CURL *easy, struct curl_slist **headers, struct err *e);

/* Credentials, or headers of its own (which may be some), go out with its requests. */
bool http_client_has_secrets(const struct http_client *c);

/* Earliest notAfter (ms since 1970) of the certificate files in use, 0 when there are none. */
int64_t http_client_cert_expiry_ms(struct http_client *c);

/* One sentence about why a transfer failed, from libcurl's code and error buffer. */
void http_describe(CURLcode code, const char *error_buffer, char *out, size_t cap);

/* A URL for people: a password in it is shown as xxxxx. */
void http_url_masked(const char *url, char *out, size_t cap);

/* "gleaner/<version>" */
const char *http_user_agent(void);

#endif
