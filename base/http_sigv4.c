#include "base/http_sigv4.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/http_secret.h"

#include <openssl/evp.h>
#include <stdio.h>

enum { SERVICE_MAX = 256 };

static int
put_hash(struct view body, struct curl_slist **headers, struct err *e)
{
        unsigned char hash[EVP_MAX_MD_SIZE];
        char line[128] = "x-amz-content-sha256: ";
        size_t at = strlen(line);
        unsigned n = 0;

        if (EVP_Digest(body.p, body.n, hash, &n, EVP_sha256(), NULL) != 1)
                return err_nomem(e, "a hash");
        for (unsigned i = 0; i < n; i++, at += 2)
                (void)snprintf(line + at, sizeof(line) - at, "%02x", hash[i]);
        return http_secret_append(headers, line, e);
}

static int
put_session(const char *token, struct curl_slist **headers, struct err *e)
{
        struct buf line = BUF_INIT(HTTP_SECRET_MAX);
        int rc;

        if (token == NULL)
                return 0;
        rc = buf_printf(&line, e, "x-amz-security-token: %s", token);
        if (rc == 0)
                rc = http_secret_append(headers, line.ptr, e);
        http_secret_release(&line);
        return rc;
}

int
http_sigv4_sign(
    const struct sigv4_keys *k, const struct http_request *r, struct view body, struct err *e)
{
        char provider[SERVICE_MAX];
        int rc = put_hash(body, r->headers, e);

        if (rc == 0)
                rc = put_session(k->session, r->headers, e);
        if (rc < 0)
                return rc;
        (void)snprintf(provider, sizeof(provider), "aws:amz:%s:%s", k->region, k->service);
        if (curl_easy_setopt(r->easy, CURLOPT_AWS_SIGV4, provider) != CURLE_OK ||
            curl_easy_setopt(r->easy, CURLOPT_USERNAME, k->id) != CURLE_OK ||
            curl_easy_setopt(r->easy, CURLOPT_PASSWORD, k->secret) != CURLE_OK)
                return err_nomem(e, "a signature");
        (void)curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
        return 0;
}
