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

#include "base/view.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum tls_version { TLS_DEFAULT, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

struct http_header {
        const char *name;
        const char *value; /* NULL: it is in the file */
        const char *file; /* read at every request, and trimmed */
};

struct http_proxy_options {
        const char *url; /* NULL: none */
        const char *no_proxy; /* NULL: none */
        bool from_environment; /* HTTPS_PROXY, HTTP_PROXY and NO_PROXY, else they are ignored */
        const struct http_header *connect_headers; /* of CONNECT requests; never from files */
        size_t n_connect_headers;
};

struct http_options;

struct http_jwt_options { /* the grant of a JWT bearer; NULL: not given */
        const char *key; /* RSA, PEM */
        const char *key_file;
        const char *key_id;
        const char *algorithm; /* NULL: RS256 */
        const char *issuer; /* NULL: client_id */
        const char *audience; /* NULL: token_url */
        const char *claims; /* more of them: a JSON object */
};

struct http_oauth2_options { /* client credentials, or a JWT bearer */
        const char *client_id;
        const char *client_secret; /* NULL: none, or in the file */
        const char *client_secret_file;
        const char *token_url;
        const char *scope; /* scopes with blanks between; NULL: none */
        const struct http_header *params; /* endpoint_params; never from files */
        size_t n_params;
        const struct http_options *http; /* TLS and proxies of the token's requests */
        const struct http_jwt_options *jwt; /* NULL: client credentials */
};

struct http_sigv4_options; /* base/credentials/aws.h */
struct http_azure_options; /* base/credentials/azure.h */
struct http_google_options; /* base/credentials/google.h */

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
        struct http_proxy_options proxy;
        /* one of them at most; NULL: none */
        const struct http_oauth2_options *oauth2;
        const struct http_sigv4_options *sigv4;
        const struct http_azure_options *azure;
        const struct http_google_options *google;
};

void http_options_init(struct http_options *o);

/* libcurl's and OpenSSL's process-wide set-up; once, before threads. */
int http_setup(struct err *e);
void http_teardown(void);

enum {
        HTTP_HEADS_MAX =
            1 << 20, /* bytes of all heads and trailers of a transfer, with those below */
        HTTP_HEAD_LINE_COST = 256, /* what libcurl keeps beside a line */
};

struct http_client;

/* floor: the lowest TLS version when the file says nothing. */
int http_client_new(
    const struct http_options *o, enum tls_version floor, struct http_client **out, struct err *e);
void http_client_free(struct http_client *c);

/* A request that is about to be made. */
struct http_request {
        CURL *easy; /* after curl_easy_reset */
        const char *url; /* copied */
        struct curl_slist **headers; /* grows; the caller frees the list after the transfer */
};

/*
 * Puts URL, TLS, authentication, redirects, proxy and protocol bounds on an easy handle, and
 * appends custom headers. Sets also: no signals, no environment proxies unless they are asked for,
 * http and https only. ERR_CONFIG: a secret's file is missing. ERR_AGAIN: oauth2 has no token yet.
 */
int http_client_apply(struct http_client *c, const struct http_request *r, struct err *e);

/*
 * sigv4: signs a request for AWS, after http_client_apply and once *headers has all that are sent:
 * each of them is signed, so none may be there that only keeps libcurl from sending its own
 * ("Expect:"). ERR_AGAIN: there are no keys; ERR_CONFIG: there is no region.
 */
int http_client_sign(
    struct http_client *c, const struct http_request *r, struct view body, struct err *e);

/* Of credentials that have to be asked for: oauth2, sigv4, azure, google. */
enum http_token { HTTP_TOKEN_READY, HTTP_TOKEN_WANTED, HTTP_TOKEN_ASKED };

/*
 * Is there a token for the next request? READY: yes, or none is needed. WANTED: ask for
 * one (http_client_ask_token), on the handle of the request that wants it. ASKED: another handle
 * does; its request is over when http_client_take_token is called. ERR_CONFIG: the secret's file.
 */
int http_client_token(struct http_client *c, enum http_token *out, struct err *e);
/*
 * Makes of the handle, after curl_easy_reset, a request for a token, headers and error buffer
 * included; timeout and CURLOPT_PRIVATE are the caller's. r->url is not looked at.
 */
int http_client_ask_token(struct http_client *c, const struct http_request *r, struct err *e);
/*
 * That request is over. 0: look at http_client_token again, on a handle after curl_easy_reset (it
 * may be WANTED once more: the server wants to be asked in another way). ERR_AGAIN: no token; the
 * requests that wait for it fail with the reason.
 */
int http_client_take_token(struct http_client *c, CURL *easy, CURLcode code, struct err *e);
/* The handle is given up: if it was asking, a token is WANTED again. */
void http_client_cancel_token(struct http_client *c, const CURL *easy);
/* The number of the token that http_client_apply puts on a request now. */
uint64_t http_client_token_number(const struct http_client *c);
/* A server has answered so to a request with the token of this number: when it has refused it, and
 * no other has come since, it is not used any more. */
void http_client_answered(struct http_client *c, uint64_t number, long status);

/* Its requests differ from one to the next, or hold secrets, or do not go straight to the host. */
bool http_client_needs_libcurl(const struct http_client *c);

/* Earliest notAfter (ms since 1970) of the certificate files in use, 0 when there are none. */
int64_t http_client_cert_expiry_ms(struct http_client *c);

/*
 * Bounds what the other side may say beside its body: libcurl keeps every trailer of a chunked body
 * and has no bound for them (7.88, lib/http_chunks.c and lib/headers.c). sum: of this transfer,
 * until its end; set to 0. After http_client_apply, by who has no CURLOPT_HEADERFUNCTION of its
 * own; who has calls http_heads_fit, with a sum of its own, and ends the transfer when it says no.
 */
void http_bound_heads(CURL *easy, size_t *sum);
bool http_heads_fit(size_t *sum, size_t bytes);

/* One sentence about why a transfer failed, from libcurl's code and error buffer. */
void http_describe(CURLcode code, const char *error_buffer, char *out, size_t cap);

/* A URL for people: a password in it is shown as xxxxx. */
void http_url_masked(const char *url, char *out, size_t cap);

/* "gleaner/<version>" */
const char *http_user_agent(void);

#endif
