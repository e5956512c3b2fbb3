#include "base/http_sigv4.h"

#include "base/err.h"
#include "base/http_secret.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERVICE_MAX = 256, TOKEN_MAX = 8192 };

/* The service that Prometheus signs for: "Amazon Prometheus Service". */
static const char service[] = "aps";

static const char *
variable(const char *name)
{
        const char *value = getenv(name);

        return value != NULL && value[0] != '\0' ? value : NULL;
}

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
put_session(struct curl_slist **headers, struct err *e)
{
        const char *token = variable("AWS_SESSION_TOKEN");
        char line[TOKEN_MAX];

        if (token == NULL)
                return 0;
        if (snprintf(line, sizeof(line), "x-amz-security-token: %s", token) >= (int)sizeof(line))
                return err_set(e, ERR_CONFIG, "sigv4: AWS_SESSION_TOKEN is too long");
        return http_secret_append(headers, line, e);
}

int
http_sigv4_apply(const struct http_sigv4_options *o, CURL *easy, struct view body,
    struct curl_slist **headers, struct err *e)
{
        const char *region = o->region != NULL ? o->region : variable("AWS_REGION");
        const char *key = o->access_key;
        const char *secret = o->secret_key;
        char provider[SERVICE_MAX];
        int rc = put_hash(body, headers, e);

        if (region == NULL)
                region = variable("AWS_DEFAULT_REGION");
        if (rc == 0 && key == NULL) {
                key = variable("AWS_ACCESS_KEY_ID");
                secret = variable("AWS_SECRET_ACCESS_KEY");
                rc = put_session(headers, e);
        }
        if (rc < 0)
                return rc;
        if (region == NULL || key == NULL || secret == NULL)
                return err_set(e, ERR_CONFIG,
                    "sigv4: there is no %s, nor is one in the environment (%s)",
                    region == NULL ? "region" : "access_key with its secret_key",
                    region == NULL ? "AWS_REGION" : "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY");
        (void)snprintf(provider, sizeof(provider), "aws:amz:%s:%s", region, service);
        if (curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, provider) != CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_USERNAME, key) != CURLE_OK ||
            curl_easy_setopt(easy, CURLOPT_PASSWORD, secret) != CURLE_OK)
                return err_nomem(e, "a signature");
        (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        return 0;
}
