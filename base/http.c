#include "base/http.h"

#include "base/credentials/aws.h"
#include "base/credentials/azure.h"
#include "base/credentials/google.h"
#include "base/credentials/grant.h"
#include "base/credentials/oauth2.h"
#include "base/err.h"
#include "base/http_auth.h"
#include "base/http_memory.h"
#include "base/http_proxy.h"
#include "base/http_sigv4.h"
#include "base/http_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_client {
        const struct http_options *o; /* borrowed */
        struct http_tls *tls; /* owned */
        struct http_guards *guards; /* owned */
        struct http_proxy *proxy; /* owned */
        struct grant *grant; /* owned; NULL: nothing has to be asked for */
};

void
http_options_init(struct http_options *o)
{
        *o = (struct http_options){.follow_redirects = true};
}

int
http_setup(struct err *e)
{
        CURLcode code = http_memory_init();

        if (code != CURLE_OK)
                return err_set(e, ERR_SYS, "cannot set up libcurl: %s", curl_easy_strerror(code));
        return 0;
}

void
http_teardown(void)
{
        curl_global_cleanup();
}

static int
new_grant(struct http_client *c, enum tls_version floor, struct err *e)
{
        if (c->o->oauth2 != NULL)
                return oauth2_grant(c->o->oauth2, floor, &c->grant, e);
        if (c->o->sigv4 != NULL)
                return aws_grant(c->o->sigv4, &c->grant, e);
        if (c->o->azure != NULL)
                return azure_grant(c->o->azure, &c->grant, e);
        if (c->o->google != NULL)
                return google_grant(c->o->google, &c->grant, e);
        return 0;
}

int
http_client_new(
    const struct http_options *o, enum tls_version floor, struct http_client **out, struct err *e)
{
        struct http_client *c = calloc(1, sizeof(*c));
        int rc;

        if (c == NULL)
                return err_nomem(e, "an HTTP client");
        c->o = o;
        rc = http_tls_new(o, floor, &c->tls, e);
        if (rc == 0)
                rc = http_guards_new(&c->guards, e);
        if (rc == 0)
                rc = http_proxy_new(&o->proxy, &c->proxy, e);
        if (rc == 0)
                rc = new_grant(c, floor, e);
        if (rc < 0) {
                http_client_free(c);
                return rc;
        }
        *out = c;
        return 0;
}

void
http_client_free(struct http_client *c)
{
        if (c == NULL)
                return;
        http_tls_free(c->tls);
        http_guards_free(c->guards);
        http_proxy_free(c->proxy);
        grant_free(c->grant);
        free(c);
}

int
http_client_apply(struct http_client *c, const struct http_request *r, struct err *e)
{
        CURL *easy = r->easy;
        int rc = http_tls_apply(c->tls, easy, e);

        if (rc == 0 && c->grant != NULL)
                rc = grant_apply(c->grant, r->headers, e);
        if (rc == 0)
                rc = http_auth_apply(c->o, easy, r->headers, e);
        if (rc == 0)
                rc = http_guards_apply(c->guards, c->o, r, e);
        if (rc == 0 && curl_easy_setopt(easy, CURLOPT_URL, r->url) != CURLE_OK)
                rc = err_nomem(e, "a URL");
        (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        http_proxy_apply(c->proxy, easy, r->url);
        (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
            c->o->enable_http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
        (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, http_user_agent());
        return rc;
}

int
http_client_sign(
    struct http_client *c, const struct http_request *r, struct view body, struct err *e)
{
        const struct sigv4_keys *keys = aws_grant_keys(c->grant);

        if (keys == NULL)
                return err_set(e, ERR_AGAIN, "sigv4: there are no keys yet");
        return http_sigv4_sign(keys, r, body, e);
}

int
http_client_token(struct http_client *c, enum http_token *out, struct err *e)
{
        if (c->grant != NULL)
                return grant_state(c->grant, out, e);
        *out = HTTP_TOKEN_READY;
        return 0;
}

int
http_client_ask_token(struct http_client *c, const struct http_request *r, struct err *e)
{
        return grant_ask(c->grant, r->easy, r->headers, e);
}

int
http_client_take_token(struct http_client *c, CURL *easy, CURLcode code, struct err *e)
{
        return grant_take(c->grant, easy, code, e);
}

void
http_client_cancel_token(struct http_client *c, const CURL *easy)
{
        if (c->grant != NULL)
                grant_cancel(c->grant, easy);
}

uint64_t
http_client_token_number(const struct http_client *c)
{
        return c->grant != NULL ? grant_number(c->grant) : 0;
}

void
http_client_answered(struct http_client *c, uint64_t number, long status)
{
        /* AWS answers 403 to keys that are no good any more */
        bool refused = status == 401 || (status == 403 && c->o->sigv4 != NULL);

        if (refused && c->grant != NULL && number == grant_number(c->grant))
                grant_forget(c->grant);
}

bool
http_client_needs_libcurl(const struct http_client *c)
{
        const struct http_options *o = c->o;

        return o->username != NULL || o->username_file != NULL || o->password != NULL ||
            o->password_file != NULL || o->credentials != NULL || o->credentials_file != NULL ||
            o->n_headers > 0 || c->grant != NULL || http_proxy_wanted(c->proxy);
}

bool
http_heads_fit(size_t *sum, size_t bytes)
{
        *sum += bytes + HTTP_HEAD_LINE_COST;
        return *sum <= HTTP_HEADS_MAX;
}

static size_t
count_head(char *p, size_t size, size_t count, void *sum)
{
        (void)p;
        return http_heads_fit(sum, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

void
http_bound_heads(CURL *easy, size_t *sum)
{
        *sum = 0;
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_head);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, sum);
}

int64_t
http_client_cert_expiry_ms(struct http_client *c)
{
        return http_tls_expiry_ms(c->tls);
}

void
http_url_masked(const char *url, char *out, size_t cap)
{
        CURLU *u = curl_url();
        char *password = NULL;
        char *masked = NULL;

        if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
                if (curl_url_get(u, CURLUPART_PASSWORD, &password, 0) != CURLUE_OK)
                        (void)snprintf(out, cap, "%s", url);
                else if (curl_url_set(u, CURLUPART_PASSWORD, "xxxxx", 0) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_URL, &masked, 0) == CURLUE_OK)
                        (void)snprintf(out, cap, "%s", masked);
                else
                        (void)snprintf(out, cap, "(a URL)");
        } else {
                (void)snprintf(out, cap, "(not a URL)");
        }
        curl_free(password);
        curl_free(masked);
        curl_url_cleanup(u);
}

const char *
http_user_agent(void)
{
        return "gleaner/" GLEANER_VERSION;
}

/* What to look at, by libcurl's code and, where that says too little, by words of its text. */
struct advice {
        CURLcode code;
        const char *word; /* in the error buffer; NULL: any text */
        const char *check;
};

static const struct advice advices[] = {
    {CURLE_COULDNT_RESOLVE_HOST, NULL, "check the host name and the DNS"},
    {CURLE_COULDNT_CONNECT, NULL,
        "check address and port, that the other side is up, and firewalls"},
    {CURLE_OPERATION_TIMEDOUT, NULL, "check that the other side answers, and the timeout"},
    {CURLE_SSL_CONNECT_ERROR, "protocol version",
        "the other side speaks an older TLS: check tls_config.min_version"},
    {CURLE_SSL_CONNECT_ERROR, "unsupported protocol",
        "the other side speaks an older TLS: check tls_config.min_version"},
    {CURLE_SSL_CONNECT_ERROR, "wrong version number",
        "the other side does not speak TLS: check the port, or use http"},
    {CURLE_SSL_CONNECT_ERROR, "certificate required",
        "the other side wants a client certificate: check tls_config.cert_file"},
    {CURLE_SSL_CONNECT_ERROR, NULL, "check tls_config and the other side's certificate"},
    {CURLE_RECV_ERROR, "certificate required",
        "the other side wants a client certificate: check tls_config.cert_file"},
    {CURLE_RECV_ERROR, "alert",
        "the other side refused our certificate: check tls_config.cert_file"},
    {CURLE_PEER_FAILED_VERIFICATION, "self",
        "the certificate's issuer is not trusted: check tls_config.ca_file"},
    {CURLE_PEER_FAILED_VERIFICATION, "issuer",
        "the certificate's issuer is not trusted: check tls_config.ca_file"},
    {CURLE_PEER_FAILED_VERIFICATION, "expired",
        "check the other side's certificate and the clocks of both sides"},
    {CURLE_PEER_FAILED_VERIFICATION, "not yet valid",
        "check the other side's certificate and the clocks of both sides"},
    {CURLE_PEER_FAILED_VERIFICATION, NULL,
        "the certificate is for another name: check the URL and tls_config.server_name"},
    {CURLE_SSL_CERTPROBLEM, NULL, "check tls_config.cert_file and key_file"},
    {CURLE_SSL_CACERT_BADFILE, NULL, "check tls_config.ca_file"},
    {CURLE_TOO_MANY_REDIRECTS, NULL, "use the URL that the redirects lead to"},
    {CURLE_ABORTED_BY_CALLBACK, NULL, "a redirect was not followed: use the URL that it leads to"},
    {CURLE_UNSUPPORTED_PROTOCOL, "HTTP version",
        "the other side does not speak HTTP: check the port"},
    {CURLE_UNSUPPORTED_PROTOCOL, NULL, "only http and https are spoken: check the URL"},
    {CURLE_URL_MALFORMAT, NULL, "check the URL"},
    {CURLE_WRITE_ERROR, "header",
        "there are too many headers and trailers in the answer: check what it is that answers"},
    {CURLE_OUT_OF_MEMORY, NULL,
        "there is none, or a line of the answer's head is longer than libcurl takes (100 KiB)"},
    {CURLE_GOT_NOTHING, NULL, "the other side closed the connection without an answer"},
    {CURLE_PARTIAL_FILE, NULL, "the other side closed the connection in the middle of its answer"},
};

/* libcurl has no word of its own for a socket that could not be made. */
static bool
descriptors_left(void)
{
        int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

        if (fd >= 0)
                (void)close(fd);
        return fd >= 0 || (errno != EMFILE && errno != ENFILE);
}

void
http_describe(CURLcode code, const char *error_buffer, char *out, size_t cap)
{
        bool told = error_buffer != NULL && error_buffer[0] != '\0';
        const char *what = told ? error_buffer : curl_easy_strerror(code);
        const char *check = NULL;

        for (size_t i = 0; check == NULL && i < sizeof(advices) / sizeof(advices[0]); i++) {
                if (advices[i].code == code &&
                    (advices[i].word == NULL || strcasestr(what, advices[i].word) != NULL))
                        check = advices[i].check;
        }
        if (code == CURLE_COULDNT_CONNECT && !descriptors_left())
                check = "there is no file descriptor left: raise the process's limit (LimitNOFILE)";
        (void)snprintf(
            out, cap, "%s%s%s", what, check != NULL ? "; " : "", check != NULL ? check : "");
}
